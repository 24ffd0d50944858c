"""Reads one word: quotes, backslashes, `$` in all its shapes (POSIX shell, 2.2 and 2.6)."""

from __future__ import annotations

import re

from .budget import MAX_DEPTH
from .errors import LimitError, NotModelledError, SyntaxFaultError
from .scan import end_of
from .syntax import Arithmetic, Literal, Parameter, Part, Substitution, Word

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_BRACED_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|[0-9]+|[?$!#@*-]")
_OPERATOR = re.compile(r":[-=+?]|[-=+?]|%%?|##?")
_SPECIAL = "?$!#@*-0123456789"
_IN_BACKTICKS = re.compile(r"\\([`$\\])")


class WordReader:
    """A position in a text. `line` counts from 1."""

    def __init__(self, text: str, depth: int = 0) -> None:
        if depth > MAX_DEPTH:
            raise LimitError(f"nesting deeper than {MAX_DEPTH} levels")
        self._text = text
        self._depth = depth
        self._counted_to = 0
        self._line = 1
        self.at = 0

    @property
    def line(self) -> int:
        """The line the position is in."""
        self._line += self._text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        return self._line

    def inner(self, text: str) -> WordReader:
        """Return a reader of a text that was found inside this one."""
        return WordReader(text, self._depth + 1)

    def peek(self, ahead: int = 0) -> str:
        """Return the next character, or an empty string at the end."""
        return self._text[self.at + ahead : self.at + ahead + 1]

    def starts(self, text: str) -> bool:
        """Tell whether `text` comes next."""
        return self._text.startswith(text, self.at)

    def take(self, count: int) -> str:
        """Step over `count` characters and return them."""
        start, self.at = self.at, self.at + count
        return self._text[start : self.at]

    def source(self, start: int) -> str:
        """Return what was read since `start`."""
        return self._text[start : self.at]

    def skip_blanks(self) -> bool:
        """Step over blanks and continued lines; tell whether anything is left."""
        while True:
            if self.peek() in (" ", "\t", "\r"):
                self.at += 1
            elif self.starts("\\\n"):
                self.at += 2
            else:
                return self.at < len(self._text)

    def skip_line(self) -> None:
        """Step to the end of the line."""
        end = self._text.find("\n", self.at)
        self.at = len(self._text) if end < 0 else end

    def here_document(self, delimiter: str) -> str:
        """Read lines up to the one that is the delimiter; the end of the text does as well."""
        lines: list[str] = []
        while self.at < len(self._text):
            end = self._text.find("\n", self.at)
            line = self.take((len(self._text) if end < 0 else end + 1) - self.at)
            if line.rstrip("\n") == delimiter:
                break
            lines.append(line)
        return "".join(lines)

    def here_body(self) -> Word:
        """Read the whole text as a here-document's: expansions, and quotes that mean nothing."""
        return Word(tuple(self._quoted_parts("")))

    def word(self, stop: str) -> Word:
        """Read up to one of the characters in `stop`, or to the end."""
        parts: list[Part] = []
        plain: list[str] = []

        def flush() -> None:
            if plain:
                parts.append(Literal("".join(plain)))
                plain.clear()

        while self.at < len(self._text) and self.peek() not in stop:
            char = self.peek()
            if char not in "\\'\"$`":
                plain.append(self.take(1))
            elif self.starts("\\\n"):
                self.at += 2
            else:
                flush()
                parts.extend(self._special(char))
        flush()
        return Word(tuple(parts))

    def _special(self, char: str) -> list[Part]:
        if char == "\\":
            return [Literal(self.take(2)[1:] or "\\", quoted=True)]
        if char == "'":
            end = self._text.find("'", self.at + 1)
            if end < 0:
                raise self._unterminated("quoted string")
            return [Literal(self.take(end + 1 - self.at)[1:-1], quoted=True)]
        if char == '"':
            self.at += 1
            # The empty literal keeps "" and "$UNSET" a word, which nothing at all would not be.
            return [Literal("", quoted=True), *self._quoted_parts('"')]
        return [self._expansion(quoted=False)]

    def _quoted_parts(self, end: str) -> list[Part]:
        parts: list[Part] = []
        plain: list[str] = []

        def flush() -> None:
            if plain:
                parts.append(Literal("".join(plain), quoted=True))
                plain.clear()

        while not (end and self.peek() == end):
            char = self.peek()
            if not char:
                if end:
                    raise self._unterminated("quoted string")
                break
            if char == "\\":
                self._backslash_in_quotes(plain, end)
            elif char in "$`":
                flush()
                parts.append(self._expansion(quoted=True))
            else:
                plain.append(self.take(1))
        self.at += len(end)
        flush()
        return parts

    def _backslash_in_quotes(self, plain: list[str], end: str) -> None:
        pair = self.take(2)
        if pair == "\\\n":
            return
        follows = pair[1:]
        special = follows in ("$", "`", "\\") or (follows == '"' and end == '"')
        plain.append(follows if special else pair)

    def _expansion(self, *, quoted: bool) -> Part:
        if self.peek() == "`":
            return self._backticks(quoted=quoted)
        self.at += 1
        if self.starts("(("):
            return self._arithmetic(quoted=quoted)
        if self.starts("("):
            self.at += 1
            return self._parsed(self._until_parenthesis(), quoted=quoted)
        if self.starts("{"):
            self.at += 1
            return self._braced(quoted=quoted)
        if not quoted and self.peek() in ("'", '"'):
            raise NotModelledError(f"${self.peek()}...{self.peek()}")
        if name := _NAME.match(self._text, self.at):
            return Parameter(self.take(len(name[0])), quoted=quoted)
        if (char := self.peek()) and char in _SPECIAL:
            return Parameter(self.take(1), quoted=quoted)
        return Literal("$", quoted=True)

    def _braced(self, *, quoted: bool) -> Part:
        start = self.at
        length = self.peek() == "#" and self.peek(1) not in ("}", "")
        if length:
            self.at += 1
        name = _BRACED_NAME.match(self._text, self.at)
        if not name:
            raise self._bad_substitution(start)
        self.take(len(name[0]))
        if length or self.peek() == "}":
            if self.peek() != "}":
                raise self._bad_substitution(start)
            self.at += 1
            return Parameter(name[0], "length" if length else "", quoted=quoted)
        op = _OPERATOR.match(self._text, self.at)
        if not op:
            raise self._bad_substitution(start)
        self.take(len(op[0]))
        with_depth = WordReader(self._text, self._depth + 1)
        with_depth.at = self.at
        word = with_depth.word("}")
        self.at = with_depth.at
        if self.peek() != "}":
            raise self._unterminated("${")
        self.at += 1
        return Parameter(name[0], op[0], word, quoted=quoted)

    def _bad_substitution(self, start: int) -> NotModelledError | SyntaxFaultError:
        end = self._text.find("}", start)
        if end < 0:
            return self._unterminated("${")
        return NotModelledError("${" + self._text[start : end + 1][:40])

    def _unterminated(self, what: str) -> SyntaxFaultError:
        self.at = len(self._text)
        return SyntaxFaultError(f"Syntax error: Unterminated {what}", self.line)

    def _arithmetic(self, *, quoted: bool) -> Part:
        self.at += 2
        start, depth = self.at, 0
        while depth or not self.starts("))"):
            char = self.take(1)
            if not char:
                raise self._unterminated("$((")
            depth += (char == "(") - (char == ")")
        inside = self.source(start)
        self.at += 2
        return Arithmetic(self.inner(inside).here_body(), quoted=quoted)

    def _until_parenthesis(self) -> str:
        start = self.at
        end = end_of(self._text, start, ")")
        if end < 0:
            raise self._unterminated("$(")
        self.at = end
        return self._text[start : end - 1]

    def _backticks(self, *, quoted: bool) -> Part:
        start = self.at + 1
        end = end_of(self._text, start, "`")
        if end < 0:
            raise self._unterminated("backtick")
        self.at = end
        # A backslash keeps its meaning but before these three.
        return self._parsed(_IN_BACKTICKS.sub(r"\1", self._text[start : end - 1]), quoted=quoted)

    def _parsed(self, text: str, *, quoted: bool) -> Part:
        # Imported late: a script holds words, and a word holds scripts.
        from .parser import parse

        return Substitution(parse(text, self._depth + 1), quoted=quoted)
