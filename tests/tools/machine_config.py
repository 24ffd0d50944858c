"""The part of Fly's document that a machine's config needs: `python -m tests.tools.machine_config` writes it anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, cast

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "tests" / "data" / "fly-openapi-2026-05-07.json"
SHIPPED: Final = ROOT / "tools" / "fly_mcp_tools" / "data" / "machine_config.json"
CONFIG: Final = "fly.MachineConfig"
_WHERE: Final = "#/components/schemas/"
#: Words for people: a check has no use for them.
_PROSE: Final = frozenset({"description", "example", "x-enum-varnames"})

Schema = dict[str, Any]


def part_of(document: Schema) -> Schema:
    """The schema of a config and all that it refers to, by name, without prose; references are bare names."""
    schemas: Schema = document["components"]["schemas"]
    found: Schema = {}
    left = [CONFIG]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = _slim(schemas[name], left)
    return dict(sorted(found.items()))


def _slim(node: object, refers: list[str]) -> Any:
    if isinstance(node, list):
        return [_slim(item, refers) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    kept: Schema = {}
    for key, value in cast("Schema", node).items():
        if key == "$ref":
            kept[key] = str(value).removeprefix(_WHERE)
            refers.append(kept[key])
        elif key == "properties":
            kept[key] = {name: _slim(item, refers) for name, item in value.items()}
        elif key not in _PROSE:
            kept[key] = _slim(value, refers)
    return kept


def written(part: Schema) -> str:
    """As the file has it: a line a schema."""
    lines = [
        f"{json.dumps(name)}: {json.dumps(schema, separators=(',', ':'))}" for name, schema in part.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    SHIPPED.write_text(written(part_of(json.loads(DOCUMENT.read_text(encoding="utf-8")))), encoding="utf-8")
