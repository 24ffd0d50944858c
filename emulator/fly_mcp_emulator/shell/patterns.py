"""Regular expressions of grep's two kinds, matched in time that grows with text times pattern, never worse.

Not Python's `re`: that backtracks, so that ten typed characters could hold the emulator for hours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .budget import Budget
from .errors import CommandError, NotModelledError

Test = Callable[[str], bool]
_CLASSES: dict[str, Test] = {
    "alpha": str.isalpha,
    "digit": str.isdecimal,
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": " \t".__contains__,
    "punct": lambda char: char.isascii() and char.isprintable() and not char.isalnum() and char != " ",
    "xdigit": "0123456789abcdefABCDEF".__contains__,
}
_OPERATORS = frozenset("\\^$.[]*+?(){}|")
_BOUNDS = re.compile(r"\{[0-9]*,?[0-9]*\}")
_MAX_STEPS = 1_000
_MAX_DEPTH = 16
_MAX_REPEAT = 255


def is_word(char: str) -> bool:
    """Tell whether a character counts as part of a word."""
    return char.isalnum() or char == "_"


@dataclass(slots=True)
class _Step:
    """A state: `test` eats a character; `at` holds of a place; neither: a fork to all of `to`."""

    test: Test | None = None
    at: Callable[[str, int], bool] | None = None
    to: list[int] = field(default_factory=list[int])


class Pattern:
    """A compiled expression."""

    def __init__(self, source: str, budget: Budget, *, extended: bool = False, fold: bool = False) -> None:
        """Compile `source`. Raises: `CommandError` for a malformed one, `NotModelledError`."""
        self._budget = budget
        self._fold = fold
        # Most of what people look for is a plain text, and a log is long.
        self._plain = source.lower() if fold else source
        self._is_plain = source.isascii() and not _OPERATORS.intersection(source)
        compiler = _Compiler(source, budget, extended=extended, fold=fold)
        self._steps, self._start, self._end = compiler.compiled()

    def search(self, text: str, start: int = 0) -> tuple[int, int] | None:
        """Return where the leftmost longest match begins and ends, or `None`."""
        if self._is_plain and (not self._fold or text.isascii()):
            self._budget.charge_text(len(text))
            begin = (text.lower() if self._fold else text).find(self._plain, start)
            return None if begin < 0 else (begin, begin + len(self._plain))
        for begin in range(start, len(text) + 1):
            end = self._longest(text, begin)
            if end is not None:
                return begin, end
        return None

    def _longest(self, text: str, begin: int) -> int | None:
        best: int | None = None
        states = self._closure([self._start], text, begin)
        for at in range(begin, len(text) + 1):
            if self._end in states:
                best = at
            if at == len(text):
                break
            char = text[at]
            following = [
                step.to[0] for step in map(self._steps.__getitem__, states) if step.test and step.test(char)
            ]
            if not following:
                break
            states = self._closure(following, text, at + 1)
        return best

    def _closure(self, states: list[int], text: str, at: int) -> set[int]:
        seen: set[int] = set()
        waiting = states
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            step = self._steps[state]
            if step.test is None and (step.at is None or step.at(text, at)):
                waiting.extend(step.to)
        self._budget.charge(len(seen))
        return seen


class _Compiler:
    """Descends through the expression; a fragment is a first state and a last one, with no way out yet."""

    def __init__(self, source: str, budget: Budget, *, extended: bool, fold: bool) -> None:
        self._source = source
        self._budget = budget
        self._extended = extended
        self._fold = fold
        self._at = 0
        self._depth = 0
        self._steps: list[_Step] = []

    def compiled(self) -> tuple[list[_Step], int, int]:
        first, last = self._alternatives()
        if self._at < len(self._source):
            raise CommandError("Unmatched ) or \\)", 2)
        return self._steps, first, last

    def _add(self, step: _Step) -> int:
        self._budget.charge(1)
        if len(self._steps) >= _MAX_STEPS:
            raise NotModelledError("a regular expression of that size")
        self._steps.append(step)
        return len(self._steps) - 1

    def _special(self, char: str) -> bool:
        r"""Tell whether the operator `char` comes next: bare when extended, after a `\` when basic."""
        typed = char if self._extended else f"\\{char}"
        return self._source.startswith(typed, self._at)

    def _eat(self, char: str) -> bool:
        if not self._special(char):
            return False
        self._at += 1 if self._extended else 2
        return True

    def _alternatives(self) -> tuple[int, int]:
        branches = [self._branch()]
        while self._eat("|"):
            branches.append(self._branch())
        if len(branches) == 1:
            return branches[0]
        last = self._add(_Step())
        for branch in branches:
            self._steps[branch[1]].to.append(last)
        return self._add(_Step(to=[branch[0] for branch in branches])), last

    def _branch(self) -> tuple[int, int]:
        first = last = self._add(_Step())
        start = self._at
        while self._at < len(self._source) and not self._special("|"):
            if self._special(")") and self._depth:
                break
            piece = self._repeated(at_start=self._at == start)
            self._steps[last].to.append(piece[0])
            last = piece[1]
        return first, last

    def _repeated(self, *, at_start: bool) -> tuple[int, int]:
        begin = self._at
        atom = self._atom(at_start=at_start)
        end, repeated = self._at, False
        while True:
            if self._source.startswith("*", self._at):
                self._at += 1
                low, high = 0, None
            elif self._eat("+"):
                low, high = 1, None
            elif self._eat("?"):
                low, high = 0, 1
            elif self._special("{") and not (self._extended and not _BOUNDS.match(self._source, self._at)):
                low, high = self._bounds()
            else:
                return atom
            if repeated:
                raise NotModelledError("a repetition of a repetition")
            repeated = True
            atom = self._repetition(begin, end, low, high, at_start=at_start)

    def _bounds(self) -> tuple[int, int | None]:
        self._eat("{")
        closing = self._source.find("}" if self._extended else "\\}", self._at)
        low, comma, high = self._source[self._at : max(closing, self._at)].partition(",")
        if closing < 0 or not (low or comma) or any(not each.isdecimal() for each in (low, high) if each):
            raise CommandError("Invalid content of \\{\\}", 2)
        if any(len(each) > 3 or int(each) > _MAX_REPEAT for each in (low, high) if each):
            raise NotModelledError("so many repetitions")
        self._at = closing + (1 if self._extended else 2)
        least = int(low or 0)
        most = least if not comma else int(high) if high else None
        if most is not None and most < least:
            raise CommandError("Invalid content of \\{\\}", 2)
        return least, most

    def _repetition(
        self, begin: int, end: int, low: int, high: int | None, *, at_start: bool
    ) -> tuple[int, int]:
        """Build the atom between `begin` and `end` of the source as often as it has to be there."""
        after, self_source = self._at, self._source
        first = last = self._add(_Step())
        exits: list[int] = []
        for number in range(high if high is not None else low + 1):
            if number >= low:
                exits.append(last)
            self._at, self._source = begin, self_source[:end]
            piece = self._piece(at_start=at_start)
            self._steps[last].to.append(piece[0])
            last = piece[1]
        self._at, self._source = after, self_source
        final = self._add(_Step())
        if high is None:
            self._steps[last].to.append(exits[-1])
        else:
            exits.append(last)
        for each in exits:
            self._steps[each].to.append(final)
        return first, final

    def _piece(self, *, at_start: bool) -> tuple[int, int]:
        """Build an atom again with a way in of its own, so that a loop around it stays its own."""
        first = self._add(_Step())
        atom = self._atom(at_start=at_start)
        last = self._add(_Step())
        self._steps[first].to.append(atom[0])
        self._steps[atom[1]].to.append(last)
        return first, last

    def _atom(self, *, at_start: bool) -> tuple[int, int]:
        if self._eat("("):
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise NotModelledError("a regular expression nested that deep")
            inside = self._alternatives()
            if not self._eat(")"):
                raise CommandError("Unmatched ( or \\(", 2)
            self._depth -= 1
            return inside
        char = self._source[self._at]
        self._at += 1
        if char == "^" and (self._extended or at_start):
            return self._place(lambda _, at: at == 0)
        if char == "$" and (
            self._extended or self._at == len(self._source) or self._special(")") or self._special("|")
        ):
            return self._place(lambda text, at: at == len(text))
        if char == ".":
            return self._eater(lambda _: True)
        if char == "[":
            return self._eater(self._bracket())
        if char == "\\":
            return self._escaped()
        return self._eater(self._character(char))

    def _escaped(self) -> tuple[int, int]:
        char = self._source[self._at : self._at + 1]
        self._at += 1
        if not char:
            raise CommandError("Trailing backslash", 2)
        match char:
            case "w":
                return self._eater(is_word)
            case "W":
                return self._eater(lambda each: not is_word(each))
            case "s":
                return self._eater(str.isspace)
            case "S":
                return self._eater(lambda each: not each.isspace())
            case "b":
                return self._place(lambda text, at: _edge(text, at) != 0)
            case "<":
                return self._place(lambda text, at: _edge(text, at) > 0)
            case ">":
                return self._place(lambda text, at: _edge(text, at) < 0)
            case _ if char.isalnum():
                raise NotModelledError(f"\\{char} in a regular expression")
            case _:
                return self._eater(self._character(char))

    def _character(self, wanted: str) -> Test:
        if self._fold:
            wanted = wanted.lower()
            return lambda char: char.lower() == wanted
        return lambda char: char == wanted

    def _eater(self, test: Test) -> tuple[int, int]:
        last = self._add(_Step())
        return self._add(_Step(test=test, to=[last])), last

    def _place(self, at: Callable[[str, int], bool]) -> tuple[int, int]:
        last = self._add(_Step())
        return self._add(_Step(at=at, to=[last])), last

    def _bracket(self) -> Test:
        end = self._source.find("]", self._at + (2 if self._source.startswith("^", self._at) else 1))
        tests: list[Test] = []
        negated = self._source.startswith("^", self._at)
        self._at += negated
        while True:
            if end < 0 or self._at >= len(self._source):
                raise CommandError("Unmatched [, [^, [:, [., or [=", 2)
            if self._at >= end:
                break
            if self._source.startswith("[:", self._at):
                closing = self._source.find(":]", self._at)
                known = _CLASSES.get(self._source[self._at + 2 : closing]) if closing > 0 else None
                if known is None:
                    raise CommandError("Invalid character class name", 2)
                tests.append(known)
                self._at = closing + 2
                if self._at > end:
                    end = self._source.find("]", self._at)
                continue
            low = self._source[self._at]
            if self._source.startswith("-", self._at + 1) and self._at + 2 < end:
                tests.append(_span(low, self._source[self._at + 2]))
                self._at += 3
            else:
                tests.append(low.__eq__)
                self._at += 1
        self._at = end + 1
        self._budget.charge(len(tests))
        fold = self._fold

        def holds(char: str) -> bool:
            forms = (char, char.lower(), char.upper()) if fold else (char,)
            return any(test(form) for test in tests for form in forms) != negated

        return holds


def _span(low: str, high: str) -> Test:
    if low > high:
        raise CommandError("Invalid range end", 2)
    return lambda char: low <= char <= high


def _edge(text: str, at: int) -> int:
    """Return 1 where a word starts, -1 where one ends, 0 elsewhere."""
    before = at > 0 and is_word(text[at - 1])
    after = at < len(text) and is_word(text[at])
    return int(after) - int(before)
