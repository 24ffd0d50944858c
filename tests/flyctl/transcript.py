"""What of a session with Fly's command line is the same each time it runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fly_mcp_emulator import default_world

FILE = Path(__file__).parents[1] / "data" / "flyctl" / "session.json"
_NAMING = ("id", "nonce", "instance_id", "volume", "ip")


@dataclass
class Command:
    """A command, what it printed, and the requests it made. `shapes` of answers are numbers into a list."""

    line: str
    exit: int
    shown: bool
    printed: list[str]
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def read() -> tuple[list[Command], list[Any]]:
    """Return the commands of the recorded session, and the list of shapes."""
    given = json.loads(FILE.read_text(encoding="utf-8"))
    return [Command(**row) for row in given["commands"]], given["shapes"]


def write(commands: list[Command], file: Path) -> None:
    """Write a session down, a request a line. Of what is not to be shown, the print-out is left out."""
    shapes: list[Any] = []
    for request in (request for command in commands for request in command.requests):
        if request["shape"] not in shapes:
            shapes.append(request["shape"])
        request["shape"] = shapes.index(request["shape"])
    lines = ['{"commands": [']
    for command in commands:
        head = vars(command) | {"printed": command.printed if command.shown else [], "requests": []}
        lines.append(_line(head).removesuffix("]}"))
        lines += [f" {_line(request)}," for request in command.requests]
        lines[-1] = lines[-1].removesuffix(",") + "]},"
    lines[-1] = lines[-1].removesuffix(",")
    lines.append('], "shapes": [')
    lines += [f"{_line(one)}," for one in shapes]
    lines[-1] = lines[-1].removesuffix(",") + "]}"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


class Names:
    """Ids that the emulator made up: in a transcript each is `<n>`, in the order in which they appeared.

    Those of the default world stand as they are.
    """

    def __init__(self) -> None:
        self._known = default_world().model_dump_json()
        self._places: dict[str, int] = {}

    def learn(self, answer: object) -> None:
        """Number the ids of an answer that have not been seen. Events are left out: they come when they come."""
        if isinstance(answer, list):
            for item in cast(list[object], answer):
                self.learn(item)
        elif isinstance(answer, dict):
            for key, value in cast(dict[str, object], answer).items():
                if key in _NAMING and isinstance(value, str) and value and value not in self._known:
                    self._places.setdefault(value, len(self._places) + 1)
                elif key != "events":
                    self.learn(value)

    def hide(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put numbers in the place of ids."""
        for name, place in self._sorted():
            request = {key: _replaced(value, name, f"<{place}>") for key, value in request.items()}
        return request

    def show(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put ids in the place of numbers."""
        for name, place in self._sorted():
            request = {key: _replaced(value, f"<{place}>", name) for key, value in request.items()}
        return request

    def _sorted(self) -> list[tuple[str, int]]:
        # Longest first: an id may be a part of another.
        return sorted(self._places.items(), key=lambda one: -len(one[0]))


def _replaced(value: object, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in cast(list[object], value)]
    if isinstance(value, dict):
        items = cast(dict[str, object], value).items()
        return {key: _replaced(item, old, new) for key, item in items}
    return value


def shape(answer: object) -> Any:
    """Return the types of an answer: objects by key, lists as the different shapes of their items."""
    if isinstance(answer, dict):
        return {key: shape(value) for key, value in sorted(cast(dict[str, object], answer).items())}
    if isinstance(answer, list):
        shapes: list[Any] = []
        for item in cast(list[object], answer):
            if shape(item) not in shapes:
                shapes.append(shape(item))
        return shapes
    if answer is None or isinstance(answer, bool):
        return type(answer).__name__
    return "number" if isinstance(answer, int | float) else "string"
