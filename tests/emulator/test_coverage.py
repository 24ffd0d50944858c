"""Fly's published operations against the emulator's own list, both ways (house style 17)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import fly_mcp_emulator
from fly_mcp_emulator import Emulator
from fly_mcp_emulator.api import LEFT_OUT

FIDELITY = Path(__file__).parents[2] / "docs" / "fidelity.md"
DOCUMENT = Path(__file__).parents[1] / "data" / "fly-openapi-2026-05-07.json"


def published() -> set[str]:
    """Method and path of all operations of Fly's document, names of parameters cut."""
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    methods = ("get", "put", "post", "patch", "delete")
    return {
        f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path)}"
        for path, row in paths.items()
        for method in methods
        if method in row
    }


def modelled(emu: Emulator) -> set[str]:
    """What the emulator has of the Machines API; Fly's other services have no document."""
    rows = [row for row in emu.endpoints if row.path.startswith("/v1/")]
    return {f"{row.method} {re.sub(r'{[^}]*}', '{}', row.path).removeprefix('/v1')}" for row in rows}


def test_fly_publishes_76_operations() -> None:
    """Issue 3: all 76 operations of the document, or on a list with a reason."""
    assert len(published()) == 76


def test_everything_modelled_is_published(emu: Emulator) -> None:
    """An endpoint that Fly does not have would be an invention."""
    assert modelled(emu) <= published()


def test_everything_published_is_modelled_or_has_a_reason(emu: Emulator) -> None:
    """And no reason is stale; docs/fidelity.md shows both lists."""
    assert all(LEFT_OUT.values())
    assert published() - modelled(emu) == set(LEFT_OUT)


def test_every_handler_says_what_it_does(emu: Emulator) -> None:
    """House style 8: docs/fidelity.md can be made from the list."""
    assert [row.path for row in emu.endpoints if not row.handler.__doc__] == []


def test_every_operation_says_what_it_is_modelled_after(emu: Emulator) -> None:
    """Issue 3.5: how sure we are of the real behaviour, and what of it is missing, as sentences."""
    assert [f"{row.method} {row.path}" for row in emu.endpoints if not row.sure] == []
    assert all(len(set(row.sure)) == len(row.sure) for row in emu.endpoints)
    assert [row.lacks for row in emu.endpoints if row.lacks and not row.lacks.endswith(".")] == []


def test_every_operation_is_in_the_fidelity_document(emu: Emulator) -> None:
    """Issue 3.5: generated from the emulator's own list; an operation of Fly's that is in neither fails above."""
    text = FIDELITY.read_text(encoding="utf-8")
    assert [row.path for row in emu.endpoints if f"`{row.method} {row.path}`" not in text] == []
    assert [name for name in LEFT_OUT if f"`{name}`" not in text] == []


def test_every_endpoint_of_an_app_checks_the_token(emu: Emulator) -> None:
    """Reference 1.3: a row without access would be open to any token."""
    rows = [row for row in emu.endpoints if row.path.startswith("/v1/") and "{app}" in row.path]
    assert [row.path for row in rows if row.access is None] == []


def test_the_emulator_shares_no_code_with_what_it_checks() -> None:
    """House style 5: a check that shares the code it checks is a mirror."""
    root = Path(fly_mcp_emulator.__file__).parent
    modules = list(root.rglob("*.py"))
    assert len(modules) > 50
    imports = [
        line for module in modules for line in module.read_text().splitlines() if "import" in line.split()
    ]
    assert not [line for line in imports if re.search(r"fly_mcp_(server|tools)|httpx", line)]
