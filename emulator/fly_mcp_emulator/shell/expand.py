"""Turns the words of a command into its arguments (POSIX shell, 2.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from .arithmetic import evaluate
from .budget import Budget
from .errors import ExpansionError, LimitError
from .files import Files
from .names import Run, expand_names, matches, pattern_of
from .session import Session
from .syntax import Arithmetic, Literal, Node, Parameter, Part, Substitution, Word

_MAX_FIELDS = 10_000
_TOO_MANY = f"a command of more than {_MAX_FIELDS} words"


class Expander:
    """Expands words for one session. `substitute` runs a script and returns its output."""

    def __init__(
        self,
        session: Session,
        files: Files,
        budget: Budget,
        substitute: Callable[[Node], Awaitable[str]],
    ) -> None:
        self._session = session
        self._files = files
        self._budget = budget
        self._substitute = substitute

    @property
    def cwd(self) -> str:
        """The directory that relative names start from."""
        return self._session.cwd

    async def fields(self, words: Sequence[Word]) -> list[str]:
        """Return the arguments that `words` become: split at blanks, file names filled in."""
        found: list[str] = []
        for word in words:
            for runs in await self._split(word):
                found.extend(expand_names(runs, self._files, self._session.cwd, self._budget))
                self._budget.charge(3)
            if len(found) > _MAX_FIELDS:
                raise LimitError(_TOO_MANY)
        return found

    async def text(self, word: Word) -> str:
        """Return one text, without splitting: what an assignment or a redirection takes."""
        return "".join(text for text, _ in await self._runs(word))

    async def _pattern(self, word: Word) -> str:
        return pattern_of(await self._runs(word))

    async def _runs(self, word: Word) -> list[Run]:
        runs: list[Run] = []
        for index, part in enumerate(word.parts):
            if isinstance(part, Literal):
                runs.append(self._literal(part, first=index == 0, last=len(word.parts) == 1))
            else:
                runs.append((await self._value(part), part.quoted))
        self._budget.check_text(sum(len(text) for text, _ in runs))
        return runs

    def _literal(self, part: Literal, *, first: bool, last: bool) -> Run:
        text = part.text
        if first and not part.quoted and text.startswith("~"):
            user, slash, rest = text[1:].partition("/")
            if not user and (slash or last):
                return f"{self._session.variables.get('HOME', '/root')}{slash}{rest}", True
        return text, part.quoted

    async def _split(self, word: Word) -> list[list[Run]]:
        fields = _Fields()
        for index, part in enumerate(word.parts):
            if isinstance(part, Literal):
                fields.add(self._literal(part, first=index == 0, last=len(word.parts) == 1))
            elif isinstance(part, Parameter) and part.name == "@" and part.quoted and not part.op:
                fields.add_arguments(self._session.arguments)
            else:
                value = await self._value(part)
                self._budget.check_text(len(value))
                if part.quoted:
                    fields.add((value, True))
                else:
                    fields.add_split(value)
        return fields.finished()

    async def _value(self, part: Part) -> str:
        match part:
            case Literal():
                return part.text
            case Substitution():
                return (await self._substitute(part.script)).rstrip("\n")
            case Arithmetic():
                return str(evaluate(await self.text(part.expression), self._session.lookup))
            case Parameter():
                return await self._parameter(part)

    async def _parameter(self, part: Parameter) -> str:
        session = self._session
        value = " ".join(session.arguments) if part.name in ("@", "*") else session.lookup(part.name)
        word = part.word or Word()
        if part.op in ("", "length", "%", "%%", "#", "##") and value is None:
            if "nounset" in session.options:
                raise ExpansionError(f"{part.name}: parameter not set")
            value = ""
        if part.op == "length":
            return str(len(value or ""))
        if part.op in ("%", "%%", "#", "##"):
            return self._trimmed(value or "", part.op, await self._pattern(word))
        # With a colon, an empty value counts as none.
        missing = value is None or (part.op.startswith(":") and not value)
        if part.op.endswith("+"):
            return "" if missing else await self.text(word)
        if not part.op or not missing:
            return value or ""
        alternative = await self.text(word)
        if part.op.endswith("?"):
            raise ExpansionError(f"{part.name}: {alternative or 'parameter not set or null'}")
        if part.op.endswith("="):
            session.assign(part.name, alternative)
        return alternative

    def _trimmed(self, value: str, op: str, pattern: str) -> str:
        """Cut the shortest (`%`, `#`) or longest (`%%`, `##`) match off the end or the start."""
        suffix, longest = op[0] == "%", len(op) == 2
        cuts = range(len(value) + 1)
        # Cutting at `cut` leaves what is before it (suffix) or behind it (prefix).
        for cut in cuts if suffix == longest else reversed(cuts):
            piece = value[cut:] if suffix else value[:cut]
            if matches(piece, pattern, self._budget):
                return value[:cut] if suffix else value[cut:]
        return value


class _Fields:
    """Collects the fields of one word. No field is open at first: an unset `$X` alone makes none."""

    def __init__(self) -> None:
        self._closed: list[list[Run]] = []
        self._open: list[Run] | None = None

    def add(self, run: Run) -> None:
        if self._open is None:
            self._open = []
        self._open.append(run)

    def close(self) -> None:
        if self._open is not None:
            self._closed.append(self._open)
            self._open = None

    def add_split(self, value: str) -> None:
        """Add an unquoted value: every blank in it ends a field."""
        if value[:1].isspace():
            self.close()
        pieces = value.split(None, _MAX_FIELDS)
        if len(pieces) > _MAX_FIELDS:
            raise LimitError(_TOO_MANY)
        for number, piece in enumerate(pieces):
            if number:
                self.close()
            self.add((piece, False))
        if value[-1:].isspace():
            self.close()

    def add_arguments(self, arguments: Sequence[str]) -> None:
        """Add `"$@"`: a field for each argument, and none at all when there are none."""
        if not arguments and self._open == [("", True)]:
            self._open = None
        for number, argument in enumerate(arguments):
            if number:
                self.close()
            self.add((argument, True))

    def finished(self) -> list[list[Run]]:
        self.close()
        return self._closed
