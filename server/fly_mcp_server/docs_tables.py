"""What the documentation's generated parts hold: tables from the action table, the settings and the emulator."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import click
from pydantic import BaseModel

from fly_mcp_emulator import default_world
from fly_mcp_emulator.api import ENDPOINTS
from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world.settings import Settings as EmulatorSettings
from fly_mcp_tools.action import Access, AnyAction, Gate
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.schema import input_schema, output_schema

from .settings import rows

#: A citation in the emulator's docstrings, with what else the parenthesis says.
_NOTE = re.compile(r" \((?:reference )?\d+\.\d+(?:: )?(?P<rest>[^)]*)\)")


def settings() -> str:
    """Each setting with its environment variable and its flag."""
    flags = flags_by_variable()
    return table(
        ("Environment variable", "Flag", "What it sets"),
        ((f"`{name}`", _code(flags.get(name, ())), description) for name, description in rows()),
    )


def flags_by_variable() -> dict[str, tuple[str, ...]]:
    """The flags that have an environment variable, over all commands."""
    found: dict[str, tuple[str, ...]] = {}
    for _, command in _commands():
        for option in _options(command):
            if isinstance(option.envvar, str):
                found[option.envvar] = (*option.opts, *option.secondary_opts)
    return found


def commands() -> str:
    """Each command with the flags that have no environment variable."""
    lines: list[tuple[str, str, str]] = []
    for name, command in _commands():
        words = (command.help or "").strip().split("\n\n")
        own = [option.opts[0] for option in _options(command) if option.envvar is None]
        # The whole says what it is first, and what it does without a command second.
        says = words[1] if isinstance(command, click.Group) else words[0]
        lines.append((f"`{name}`", " ".join(says.split()), _code(own)))
    return table(("Command", "What it does", "Its own flags"), lines)


def tool_reference() -> str:
    """Everything a row says, a section an action."""
    sections: list[str] = []
    group = None
    for action in ACTIONS.values():
        if action.group != group:
            group = action.group
            sections.append(f"## {str(group).capitalize()}")
        sections.append(_section(action))
    return "\n\n".join(sections)


def endpoints() -> str:
    """Every operation of Fly's API that the emulator models."""
    return table(
        ("Method", "Path"),
        (
            (row.method, f"`{row.path}`")
            for row in sorted(ENDPOINTS, key=lambda row: (row.segments, row.method))
        ),
    )


def fidelity() -> str:
    """Where Fly's behaviour is not settled: the switches of a world."""
    return _fields(("Setting", "Default", "What it chooses"), EmulatorSettings())


def faults() -> str:
    """What a rule for faults can say."""
    return _fields(("Key", "Default", "What it says"), FaultRule())


def tokens() -> str:
    """The tokens with narrower rights."""
    return table(
        ("Token", "Kind", "Good for"),
        (
            (f"`{token.text}`", token.name, token.app or token.org or "everything")
            for token in default_world().tokens
        ),
    )


def _section(action: AnyAction) -> str:
    schema = input_schema(action)
    required = set(schema.get("required", ()))
    arguments = table(
        ("Argument", "Type", "Required", "Meaning"),
        (
            (f"`{name}`", _type(node), "yes" if name in required else "", _meaning(node))
            for name, node in schema["properties"].items()
        ),
    )
    keys = ", ".join(f"`{name}`" for name in output_schema(action)["properties"])
    facts = [
        f"Access: {action.access}",
        f"token: {action.scope}",
        "may be repeated" if action.idempotent else "not to be repeated blindly",
    ]
    if action.gate is not Gate.NEVER:
        where = "destroys" if action.access is Access.DESTRUCTIVE else "is billed"
        facts.insert(1, "asks for `confirm`" + (f" where it {where}" if action.gate is Gate.BY_PLAN else ""))
    sends = ", ".join(f"`{endpoint.method} {endpoint.path}`" for endpoint in action.calls)
    parts = [
        f"### {action.name}",
        f"{action.summary} {action.notes}".strip(),
        arguments if schema["properties"] else "No arguments.",
        f"Result: {keys}.",
        f"{'; '.join(facts)}. [Fly's documentation]({action.source}).",
        f"May send: {sends}.",
    ]
    for example in action.examples:
        call = {"name": action.name, "arguments": dict(example.arguments)}
        parts.append(f'"{example.says}"\n\n```json\n{json.dumps(call, ensure_ascii=False)}\n```')
    return "\n\n".join(parts)


def _uncited(note: re.Match[str]) -> str:
    return f" ({note['rest']})" if note["rest"].strip(" [LHM]") else ""


def _fields(head: tuple[str, str, str], made: BaseModel) -> str:
    """The fields of a model, with their defaults as `made` has them."""
    defaults = made.model_dump(mode="json")
    return table(
        head,
        (
            (f"`{name}`", f"`{json.dumps(defaults[name])}`", _NOTE.sub(_uncited, field.description or ""))
            for name, field in type(made).model_fields.items()
        ),
    )


def _type(node: dict[str, Any]) -> str:
    kind: str | list[str] = node.get("type", "any")
    words = kind if isinstance(kind, str) else " or ".join(kind)
    if kind == "array":
        return f"{words} of {_type(node.get('items', {}))}"
    return words


def _meaning(node: dict[str, Any]) -> str:
    said = str(node.get("description", ""))
    words = [said if said.endswith("...") else said.rstrip(".")]
    if "enum" in node:
        words.append("one of " + ", ".join(f"`{value}`" for value in node["enum"]))
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None and most is not None:
        words.append(f"{least} to {most}")
    elif least is not None:
        words.append(f"at least {least}")
    if "default" in node:
        words.append(f"default `{json.dumps(node['default'])}`")
    return "; ".join(word for word in words if word)


def _commands() -> Iterator[tuple[str, click.Command]]:
    from .cli import main  # the command line imports this module in turn, when it is asked for

    yield "fly-mcp", main
    for name, command in main.commands.items():
        # A group is what its commands are: alone it says how to use it.
        inside = command.commands if isinstance(command, click.Group) else None
        for more, one in inside.items() if inside else (("", command),):
            yield f"fly-mcp {name} {more}".rstrip(), one


def _options(command: click.Command) -> Iterator[click.Option]:
    for parameter in command.params:
        # `--version` is click's own.
        if isinstance(parameter, click.Option) and parameter.name != "version":
            yield parameter


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; a bar in a cell is escaped."""
    made = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    made += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]
    return "\n".join(made)
