"""The contract with clients: what every tool takes and gives, and which changes of it break somebody.

    python -m tests.docs.contract              write what clients see now; refused where it breaks somebody
    python -m tests.docs.contract --breaking   write it all the same

`tests/data/tools/` has a file a tool, with all that a client is shown; `tests/data/contract.json` what a caller's code
may rely on.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from fly_mcp_emulator import Emulator
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.schema import input_schema, output_schema
from tests.actions.fly import opened
from tests.virtual_time import LoopClock, VirtualTimeLoop

_DATA = Path(__file__).parents[1] / "data"
CONTRACT = _DATA / "contract.json"
TOOLS = _DATA / "tools"

Node: TypeAlias = dict[str, Any]
#: Facts of one side of a tool by path, such as `apps[].name`.
Side: TypeAlias = dict[str, Node]
Contract: TypeAlias = dict[str, dict[str, Side]]

#: Bounds, and which way they allow more.
_BOUNDS = {
    "minimum": -1,
    "minItems": -1,
    "minProperties": -1,
    "maximum": 1,
    "maxItems": 1,
    "maxProperties": 1,
}


def contract() -> Contract:
    """What holds now."""
    return {
        name: {
            "takes": dict(_facts(input_schema(action))),
            "gives": dict(_facts(output_schema(action))),
        }
        for name, action in ACTIONS.items()
    }


def _facts(schema: Node, at: str = "") -> Iterator[tuple[str, Node]]:
    required = set(schema.get("required", ()))
    for name, node in schema.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        fact: Node = {"types": sorted(_types(node)), "required": name in required}
        if "enum" in node:
            fact["values"] = sorted(node["enum"], key=str)
        fact |= {bound: node[bound] for bound in _BOUNDS if bound in node}
        yield path, fact
        for choice in (node, *node.get("anyOf", ())):
            yield from _facts(choice, path)
            inside = choice.get("items"), choice.get("additionalProperties")
            for mark, found in zip(("[]", "{}"), inside, strict=True):
                if isinstance(found, dict):
                    inner = cast("Node", found)
                    yield path + mark, {"types": sorted(_types(inner)), "required": False}
                    yield from _facts(inner, path + mark)


def _types(node: Node) -> set[str]:
    if "anyOf" in node:
        return {kind for choice in node["anyOf"] for kind in _types(choice)}
    kind: str | list[str] | None = node.get("type")
    if kind is None:
        return {"string"} if "enum" in node else {"any"}
    return {kind} if isinstance(kind, str) else set(kind)


def breaks(old: Contract, new: Contract) -> list[str]:
    """Each change from `old` to `new` that breaks somebody."""
    found: list[str] = []
    for tool, sides in old.items():
        if tool not in new:
            found.append(f"{tool} is gone")
            continue
        found += [f"{tool}: {words}" for words in _broken_calls(sides["takes"], new[tool]["takes"])]
        found += [f"{tool}: {words}" for words in _broken_results(sides["gives"], new[tool]["gives"])]
    return found


def _broken_calls(old: Side, new: Side) -> Iterator[str]:
    """What was taken and is not any more."""
    for path, fact in old.items():
        now = new.get(path)
        if now is None:
            yield f"the argument {path} is gone"
            continue
        if "any" not in now["types"] and not set(fact["types"]) <= set(now["types"]):
            yield f"the argument {path} no longer takes {fact['types']}"
        if "values" in now and not set(fact.get("values", [object()])) <= set(now["values"]):
            yield f"the argument {path} takes fewer values"
        for bound, more in _BOUNDS.items():
            if bound in now and (bound not in fact or now[bound] * more < fact[bound] * more):
                yield f"the argument {path} has a narrower {bound}"
    for path, fact in new.items():
        # A key inside of something new breaks nobody.
        parent = path.rpartition(".")[0].removesuffix("[]").removesuffix("{}")
        if (
            fact["required"]
            and not old.get(path, {"required": False})["required"]
            and (not parent or parent in old)
        ):
            yield f"the argument {path} is required now"


def _broken_results(old: Side, new: Side) -> Iterator[str]:
    """What was given and is not any more."""
    for path, fact in old.items():
        now = new.get(path)
        if now is None:
            yield f"the key {path} of the result is gone"
            continue
        if "any" not in fact["types"] and not set(now["types"]) <= set(fact["types"]):
            yield f"the key {path} of the result may be {now['types']}, and was {fact['types']}"
        if fact["required"] and not now["required"]:
            yield f"the key {path} of the result may be missing now"


async def seen() -> dict[str, str]:
    """What a client is shown of each tool, as JSON."""
    clock = LoopClock()
    async with opened(Emulator(clock=clock), clock) as fly:
        return {
            name: _pretty(tool.model_dump(mode="json", by_alias=True, exclude_none=True))
            for name, tool in fly.listed.items()
        }


def _pretty(value: Node) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def recorded() -> Contract:
    """What was promised."""
    promised: Contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    return promised


def written(found: Contract) -> str:
    """The contract as it stands in its file: a line a fact."""
    lines = [
        f"  {json.dumps(tool)}: {{\n"
        + ",\n".join(
            f"    {json.dumps(side)}: {{\n"
            + ",\n".join(f"      {json.dumps(path)}: {json.dumps(fact)}" for path, fact in facts.items())
            + "\n    }"
            for side, facts in sides.items()
        )
        + "\n  }"
        for tool, sides in found.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write both, unless it breaks somebody; the exit code."""
    now = contract()
    broken = breaks(recorded(), now) if CONTRACT.is_file() else []
    for line in broken:
        sys.stdout.write(f"{line}\n")
    if broken and "--breaking" not in arguments:
        sys.stdout.write(
            "Nothing was written; with --breaking it is. The change log needs a breaking entry.\n"
        )
        return 1
    CONTRACT.write_text(written(now), encoding="utf-8")
    TOOLS.mkdir(exist_ok=True)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        texts: Mapping[str, str] = runner.run(seen())
    for path in TOOLS.glob("*.json"):
        if path.stem not in texts:
            path.unlink()
    for name, text in texts.items():
        (TOOLS / f"{name}.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
