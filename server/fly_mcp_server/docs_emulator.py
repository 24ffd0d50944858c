"""What the generated documentation says of the emulator: faults, worlds, and how true it is."""

from __future__ import annotations

import json
import re
from typing import Any, Final, cast

from fly_mcp_emulator.api import LEFT_OUT
from fly_mcp_emulator.emulator import ENDPOINTS
from fly_mcp_emulator.faults import KINDS
from fly_mcp_emulator.routing import Endpoint, Source
from fly_mcp_emulator.world import World

from .docs_tables import table

_SOURCES: Final[dict[Source, str]] = {
    "client": "the code of Fly's own clients",
    "document": "Fly's OpenAPI document",
    "docs": "Fly's docs",
    "report": "what others recorded or reported of the real Fly",
    "inferred": "concluded by us from the rest",
}
#: Citations in the emulator's docstrings.
_CITED = re.compile(r" \(reference [^)]*\)| \[[A-Z][^\]]*\]")
_SECTIONS: Final = (
    ("Machines API", "/v1/"),
    ("Logs, releases, organisations", "/api/v1/"),
    ("GraphQL", "/graphql"),
)


def fault_kinds() -> str:
    """Each kind of fault, with a rule that shows it."""
    rows: list[tuple[str, str, str]] = []
    for kind in KINDS.values():
        says = kind.says if kind.seconds is None else f"{kind.says} `seconds` is {kind.seconds:g} when null."
        rows.append((f"`{kind.name}`", says, f"`{json.dumps({'kind': kind.name, **kind.example})}`"))
    return table(("Kind", "What happens", "For example"), rows)


def operations() -> str:
    """Every operation that is modelled: what of it, what not, and after what."""
    parts: list[str] = [_legend()]
    for title, prefix in _SECTIONS:
        rows = sorted(
            (row for row in ENDPOINTS if row.path.startswith(prefix)),
            key=lambda row: (row.segments, row.method),
        )
        parts.append(f"### {title}")
        parts.append(
            table(("Operation", "Modelled", "Not modelled", "After"), (_operation(row) for row in rows))
        )
    return "\n\n".join(parts)


def left_out() -> str:
    """What Fly publishes and the emulator does not have."""
    if not LEFT_OUT:
        return "None."
    return table(("Operation", "Why"), ((f"`{name}`", why) for name, why in sorted(LEFT_OUT.items())))


def world_schema() -> str:
    """The JSON Schema of a world file."""
    schema = World.model_json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_plain(schema)}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _legend() -> str:
    words = "; ".join(f"*{name}*: {says}" for name, says in _SOURCES.items())
    return f"Where it is from: {words}."


def _operation(row: Endpoint) -> tuple[str, str, str, str]:
    says = _CITED.sub("", " ".join((row.handler.__doc__ or "").split()))
    return (f"`{row.method} {row.path}`", says, row.lacks, ", ".join(row.sure))


def _plain(node: object) -> Any:  # noqa: ANN401 - JSON
    """A schema without the titles that pydantic makes of names, and closed: a world file is checked so."""
    if isinstance(node, list):
        return [_plain(item) for item in cast(list[object], node)]
    if not isinstance(node, dict):
        return node
    given = cast(dict[str, object], node)
    plain = {
        key: _each(value) if key == "properties" else _plain(value)
        for key, value in given.items()
        if not (key == "title" and isinstance(value, str))
    }
    if "properties" in plain:
        plain.setdefault("additionalProperties", False)
    return plain


def _each(properties: object) -> dict[str, Any]:
    """A property may be called `title`."""
    return {name: _plain(item) for name, item in cast(dict[str, object], properties).items()}
