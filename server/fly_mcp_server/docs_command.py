"""`fly-mcp docs`: the generated parts of the documentation, between markers.

    <!-- generated: tools -->
    ... written by `fly-mcp docs --write`, compared by `fly-mcp docs --check` ...
    <!-- end generated -->

A marker that is missing, doubled, unknown or not closed is an error: text must not go stale unseen. Some files are
generated as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from . import costs, schemas
from . import docs_coverage as coverage
from . import docs_emulator as emulated
from . import docs_errors as errors
from . import docs_tables as tables
from .tools_command import markdown

#: What is generated where.
BLOCKS: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "README.md": {
        "settings": tables.settings,
        "commands": tables.commands,
        "tools": markdown,
        "tool-tokens": costs.said,
    },
    "docs/tools.md": {"tool-reference": tables.tool_reference},
    "docs/coverage.md": {
        "operations": coverage.table_of_operations,
        "parameters": coverage.table_of_parameters,
        "beyond": coverage.beyond,
    },
    "docs/errors.md": {"statuses": errors.statuses, "codes": errors.codes},
    "docs/emulator.md": {
        "tokens": tables.tokens,
        "faults": tables.faults,
        "fault-kinds": emulated.fault_kinds,
        "fidelity": tables.fidelity,
        "endpoints": tables.endpoints,
    },
    "docs/fidelity.md": {"operations": emulated.operations, "left-out": emulated.left_out},
}
#: Files that are generated as a whole.
FILES: Final[Mapping[str, Callable[[], str]]] = {
    "docs/world.schema.json": emulated.world_schema,
    f"server/fly_mcp_server/{costs.FILE}": costs.measured,
    f"server/fly_mcp_server/{schemas.FILE}": schemas.made,
}

_BLOCK = re.compile(
    r"^<!-- generated: (?P<name>[a-z-]+) -->\n(?P<text>.*?)^<!-- end generated -->$", re.MULTILINE | re.DOTALL
)
_BEGIN = re.compile(r"^<!-- generated: (?P<name>[a-z-]+) -->$", re.MULTILINE)
_END = re.compile(r"^<!-- end generated -->$", re.MULTILINE)


class BadMarkers(Exception):
    """The markers of a file are not those of `BLOCKS`."""


def run(root: str, *, write: bool) -> int:
    """Rewrite the blocks under `root`, or compare them; 0 where all is as it should be."""
    wrong: list[str] = []
    for name, blocks in BLOCKS.items():
        path = Path(root) / name
        try:
            old = path.read_text(encoding="utf-8")
            new, stale = refresh(old, {block: make() for block, make in blocks.items()})
        except FileNotFoundError:
            wrong.append(f"{name}: is not there")
        except BadMarkers as error:
            wrong.append(f"{name}: {error}")
        else:
            if not write:
                wrong += [
                    f"{name}: block {block} is out of date; run: fly-mcp docs --write" for block in stale
                ]
            elif stale:
                path.write_text(new, encoding="utf-8")
                click.echo(f"{name}: wrote {', '.join(stale)}")
    wrong += _whole_files(Path(root), write=write)
    for line in wrong:
        click.echo(f"fly-mcp docs: {line}", err=True)
    return 1 if wrong else 0


def _whole_files(root: Path, *, write: bool) -> list[str]:
    wrong: list[str] = []
    for name, make in FILES.items():
        path = root / name
        if not path.parent.is_dir():
            continue  # the texts alone, without the code
        new = make()
        if path.is_file() and path.read_text(encoding="utf-8") == new:
            continue
        if write:
            path.write_text(new, encoding="utf-8")
            click.echo(f"{name}: wrote it")
        else:
            wrong.append(f"{name}: is out of date; run: fly-mcp docs --write")
    return wrong


def refresh(text: str, blocks: Mapping[str, str]) -> tuple[str, list[str]]:
    """The text with its blocks replaced, and the names of those that differed.

    Raises:
        BadMarkers: a block is missing, there twice, unknown or not closed.
    """
    names = [match["name"] for match in _BEGIN.finditer(text)]
    missing = [name for name in blocks if names.count(name) != 1]
    unknown = [name for name in names if name not in blocks]
    if missing:
        raise BadMarkers(f"needs exactly one <!-- generated: {missing[0]} -->")
    if unknown:
        raise BadMarkers(f"nothing generates <!-- generated: {unknown[0]} -->")
    if [match["name"] for match in _BLOCK.finditer(text)] != names or len(_END.findall(text)) != len(names):
        raise BadMarkers("each <!-- generated: ... --> needs its own <!-- end generated -->")
    stale: list[str] = []

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        fresh = f"\n{blocks[name]}\n\n"
        if match["text"] != fresh:
            stale.append(name)
        return f"<!-- generated: {name} -->\n{fresh}<!-- end generated -->"

    return _BLOCK.sub(replace, text), stale
