"""The most that any answer may cost a model: what is beyond is left out, and the answer says so.

Long texts lose their middle first, then lists and free maps their ends. Keys that the result's schema names stay, and
what stays has the type that it had: the answer still fits the schema that was published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from fly_mcp_tools.action import Access, AnyAction
from fly_mcp_tools.composites.paging import USUAL, Paged
from fly_mcp_tools.schema import output_schema
from fly_mcp_tools.sizes import at_most, exceeds

#: o200k tokens of one answer at most.
MOST: Final = 6000
#: The key that says what is missing. No row has it.
MARK: Final = "left_out"
#: Room for it.
_MARK_TOKENS: Final = 200
#: Texts keep this length while lists can still be cut, and no text is cut below the second.
_READABLE, _SHORTEST = 300, 20
#: No text longer than this can fit: the cheapest characters are blanks.
_LONGEST: Final = 18_000

#: What `foreign.clean_block` puts in the place of a middle.
_EARLIER: Final = re.compile(r"\n\[\.\.\. ([0-9,]{1,15}) characters left out \.\.\.\]\n")

#: Arguments that make an answer shorter.
_NARROWING: Final = ("limit", "lines", "detail", "state", "region", "search", "machineId")

Json = dict[str, Any]
Schema = Mapping[str, Any]


def capped(answer: Json, action: AnyAction) -> Json:
    """The answer, or as much of it as may be said, with a mark and the way to the rest."""
    return cut(answer, output_schema(action), _way(action))


def fewer(answer: Json, action: AnyAction, arguments: Mapping[str, Any]) -> int | None:
    """How many rows of a page to ask for, where these are too many; None where they are not, or it is no page."""
    if not issubclass(action.params, Paged) or action.writes:
        return None
    limit = int(arguments.get("limit") or USUAL)
    said = text(answer)
    if limit == 1 or not exceeds(said, MOST):
        return None
    lists: list[list[object]] = [value for value in answer.values() if isinstance(value, list)]
    rows = max(map(len, lists), default=0)
    return max(1, min(limit - 1, rows * (MOST - _MARK_TOKENS) // at_most(said)))


def cut(answer: Json, schema: Schema, way: str, most: int = MOST) -> Json:
    """The answer within `most` tokens. `schema`: which keys must stay. `way`: how to get at the rest."""
    if not exceeds(text(answer), most):
        return answer
    room = most - _MARK_TOKENS

    def fits(length: int, items: int) -> bool:
        return not exceeds(text(_Cutter(length, items).cut(answer, schema)), room)

    length, items = _largest(_READABLE, _LONGEST, lambda length: fits(length, most)), most
    if length is None:
        length, items = _READABLE, _largest(1, most, lambda items: fits(_READABLE, items)) or 0
    if not items:
        length, items = _largest(_SHORTEST, _READABLE, lambda length: fits(length, 1)) or _SHORTEST, 1
    if not fits(length, items):
        items = 0
    cutter = _Cutter(length, items)
    kept = cutter.cut(answer, schema)
    return {MARK: f"Too long for one answer: {cutter.says()} left out. {way}", **kept}


def text(value: object) -> str:
    """JSON without blanks, as it is sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass
class _Cutter:
    """Shortens texts to about `length` characters, and lists and free maps to `items`; counts what it took."""

    length: int
    items: int
    characters: int = 0
    rows: int = 0

    def cut(self, value: Any, schema: Schema) -> Any:  # noqa: ANN401 - any JSON
        """A copy of the value that is short."""
        if isinstance(value, str):
            return value if "enum" in schema else self._text(value)
        schema = _branch(schema, value)
        if isinstance(value, list):
            return self._list(cast("list[object]", value), schema)
        if isinstance(value, dict):
            return self._object(cast("Json", value), schema)
        return value

    def says(self) -> str:
        """What was taken, in words."""
        words = [
            f"{count:,} {what}"
            for count, what in (
                (self.rows, "entries of lists"),
                (self.characters, "characters of long texts"),
            )
            if count
        ]
        return " and ".join(words)

    def _text(self, value: str) -> str:
        if len(value) <= self.length:
            return value
        first, missing, last = _halves(value)
        beyond = missing + max(0, len(first) + len(last) - self.length)
        self.characters += beyond
        head, tail = self.length // 2, self.length - self.length // 2
        gap = "\n" if "\n" in value else " "
        return f"{first[:head]}{gap}[... {beyond:,} characters left out ...]{gap}{last[max(0, len(last) - tail) :]}"

    def _list(self, rows: list[object], schema: Schema) -> list[Any]:
        self.rows += max(0, len(rows) - self.items)
        return [self.cut(row, schema.get("items", {})) for row in rows[: self.items]]

    def _object(self, value: Json, schema: Schema) -> Json:
        named: Schema = schema.get("properties", {})
        others: Schema = schema["additionalProperties"] if _is_schema(schema, "additionalProperties") else {}
        kept: Json = {}
        free = 0
        for key, item in value.items():
            if key in named:
                kept[key] = self.cut(item, named[key])
            elif free < self.items and len(key) <= self.length:
                free += 1
                kept[key] = self.cut(item, others)
            else:
                self.rows += 1
        return kept


def _halves(value: str) -> tuple[str, int, str]:
    """A text's halves, and how many characters are missing between them since its middle was taken out before.

    The mark of that stands in the very middle; one elsewhere is a stranger's words.
    """
    for one in _EARLIER.finditer(value):
        if one.start() == (len(value) - len(one[0])) // 2:
            return value[: one.start()], int(one[1].replace(",", "")), value[one.end() :]
    middle = len(value) // 2
    return value[:middle], 0, value[middle:]


def _largest(least: int, most: int, fits: Callable[[int], bool]) -> int | None:
    """The largest number that fits; None where even the least does not."""
    if not fits(least):
        return None
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return least


def _branch(schema: Schema, value: object) -> Schema:
    """The alternative that is about such a value."""
    kind = "array" if isinstance(value, list) else "object"
    choices: list[Schema] = [schema, *schema.get("anyOf", ())]
    return next((choice for choice in choices if choice.get("type") == kind), schema)


def _is_schema(schema: Schema, key: str) -> bool:
    return isinstance(schema.get(key), Mapping)


def _way(action: AnyAction) -> str:
    if action.access is Access.EXEC:
        return "Let the command print less, as with head, tail or grep."
    names = {field.alias or name for name, field in action.params.model_fields.items()}
    narrowing = [name for name in _NARROWING if name in names]
    if narrowing:
        return f"For the rest, ask for less at once with {', '.join(narrowing)}."
    return "For the rest, ask for its parts one by one."
