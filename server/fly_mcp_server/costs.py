"""What a tool costs a model, in o200k tokens: a table that is measured when the documentation is generated.

The tokenizer has a vocabulary of megabytes and is no dependency of the package; a test compares the table with it.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.describe import description
from fly_mcp_tools.schema import input_schema, output_schema

FILE: Final = "costs.json"
#: Tokens that a tool may cost, unless it takes a machine's config.
MOST: Final = 300
#: Characters of a schema to a token, about.
_CHARACTERS: Final = 4


@dataclass(frozen=True)
class Cost:
    """Tokens of one tool. `listed`: name, description and input schema; `output`: the schema of its result."""

    listed: int
    output: int


def table() -> dict[str, Cost]:
    """The costs of each action, as they were measured."""
    text = resources.files("fly_mcp_server").joinpath(FILE).read_text(encoding="utf-8")
    rows: dict[str, list[int]] = json.loads(text)
    return {name: Cost(*numbers) for name, numbers in rows.items()}


def of(action: AnyAction, table: Mapping[str, Cost]) -> Cost:
    """The cost of an action; an estimate for one that the table does not have yet."""
    return table.get(action.name) or Cost(
        len(listed(action)) // _CHARACTERS, len(told(action)) // _CHARACTERS
    )


def measured() -> str:
    """The table as it is to be: JSON, a line an action. Needs the tokenizer, which the `test` extra brings."""
    count = counter()
    rows = {name: [count(listed(action)), count(told(action))] for name, action in ACTIONS.items()}
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in rows.items())
    return f"{{\n{lines}\n}}\n"


def said() -> str:
    """The sum and the largest, for the README."""
    rows: dict[str, list[int]] = json.loads(measured())
    listed = {name: numbers[0] for name, numbers in rows.items()}
    large = sorted((name for name in listed if listed[name] > MOST), key=lambda name: -listed[name])
    most = max(cost for name, cost in listed.items() if name not in large)
    beyond = ", ".join(f"`{name}` with {listed[name]}" for name in large)
    return (
        f"Name, description and input schema of all {len(listed)} tools cost {sum(listed.values()):,} o200k tokens (at "
        f"most 8,000): {most} the largest (at most {MOST}){f', but {beyond}' if beyond else ''}.\n"
    )


def counter() -> Callable[[str], int]:
    """A function that counts o200k tokens. Raises ImportError without the tokenizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own, when imported
        encoding: Any = importlib.import_module("bpe_openai").get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text))


def listed(action: AnyAction) -> str:
    """What a model is shown of a tool."""
    return compact(
        {"name": action.name, "description": description(action), "inputSchema": input_schema(action)}
    )


def told(action: AnyAction) -> str:
    """What some clients show it besides."""
    return compact(output_schema(action))


def compact(value: Mapping[str, Any]) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
