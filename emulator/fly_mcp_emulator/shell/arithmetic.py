"""`$((...))`: integers of 64 bits, the operators people use."""

from __future__ import annotations

import re
from collections.abc import Callable

from .errors import ExpansionError, LimitError, NotModelledError

_TOKEN = re.compile(r"\s*([0-9]+|[A-Za-z_][A-Za-z_0-9]*|\+\+|--|&&|\|\||[<>=!]=|[-+*/%()<>!])")
_LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"||": lambda a, b: int(bool(a or b))},
    {"&&": lambda a, b: int(bool(a and b))},
    {"==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b)},
    {
        "<": lambda a, b: int(a < b),
        ">": lambda a, b: int(a > b),
        "<=": lambda a, b: int(a <= b),
        ">=": lambda a, b: int(a >= b),
    },
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: _divide(a, b), "%": lambda a, b: a - b * _divide(a, b)},
)
_MAX_TOKENS = 500
_MAX_NESTING = 12


def evaluate(expression: str, lookup: Callable[[str], str | None]) -> int:
    """Return an expression's value; a name is looked up, and one that is unset counts as 0.

    Raises: `ExpansionError` for a bad expression, `NotModelledError` for assignments and bit operators.
    """
    tokens: list[str] = []
    at, text = 0, expression.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found or found[1] in ("++", "--"):
            raise NotModelledError(f"arithmetic like '{text[:40].strip()}'")
        tokens.append(found[1])
        at = found.end()
        if len(tokens) > _MAX_TOKENS:
            raise LimitError("arithmetic of so many terms")
    return _Evaluation(tokens, lookup).value() if tokens else 0


def _divide(a: int, b: int) -> int:
    """Divide as C does: towards zero."""
    if b == 0:
        raise ExpansionError("arithmetic expression: division by zero")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _wrapped(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


class _Evaluation:
    def __init__(self, tokens: list[str], lookup: Callable[[str], str | None]) -> None:
        self._tokens = tokens
        self._lookup = lookup
        self._at = 0
        self._nesting = 0

    def value(self) -> int:
        value = self._binary(0)
        if self._at < len(self._tokens):
            raise self._bad()
        return value

    @property
    def _here(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _bad(self) -> ExpansionError:
        return ExpansionError(f'arithmetic expression: expecting primary: "{" ".join(self._tokens)[:80]}"')

    def _binary(self, level: int) -> int:
        if level == len(_LEVELS):
            return self._unary()
        value = self._binary(level + 1)
        while operation := _LEVELS[level].get(self._here):
            self._at += 1
            value = _wrapped(operation(value, self._binary(level + 1)))
        return value

    def _unary(self) -> int:
        signs: list[str] = []
        while self._here in ("-", "+", "!"):
            signs.append(self._here)
            self._at += 1
        value = self._primary()
        for sign in reversed(signs):
            value = int(not value) if sign == "!" else -value if sign == "-" else value
        return value

    def _primary(self) -> int:
        term = self._here
        self._at += 1
        if term.isdecimal():
            return _number(term)
        if term == "(":
            self._nesting += 1
            if self._nesting > _MAX_NESTING:
                raise LimitError("arithmetic nested so deep")
            value = self._binary(0)
            if self._here != ")":
                raise self._bad()
            self._at += 1
            self._nesting -= 1
            return value
        if term[:1].isalpha() or term[:1] == "_":
            return _number(self._lookup(term) or "0")
        raise self._bad()


def _number(text: str) -> int:
    text = text.strip()
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        raise ExpansionError(f"Illegal number: {text[:40]}")
    return _wrapped(int(text))
