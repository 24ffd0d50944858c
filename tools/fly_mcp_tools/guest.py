"""Machine sizes that Fly sells (reference 2.4): checked before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import InvalidArguments, Problem
from .wire import JsonObject, obj


@dataclass(frozen=True)
class Kind:
    """A cpu kind: legal counts, and megabytes of memory per cpu."""

    cpus: tuple[int, ...]
    least_mb: int
    most_mb: int
    step_mb: int


#: flyctl's table. Its check also lets 32, 64 and 128 performance cpus through; no page offers them.
KINDS = {
    "shared": Kind((1, 2, 4, 6, 8), 256, 2048, 256),
    "performance": Kind((1, 2, 4, 6, 8, 10, 12, 14, 16), 2048, 8192, 1024),
}
_PRESET = re.compile(r"(?P<kind>shared-cpu|performance)-(?P<cpus>[0-9]{1,3})x")
DEFAULT: JsonObject = {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}


def of_config(config: JsonObject) -> JsonObject:
    """The size that a config asks for: its guest, or its deprecated preset such as shared-cpu-2x."""
    if guest := obj(config.get("guest")):
        return guest
    preset = _PRESET.fullmatch(str(config.get("size") or ""))
    if preset is None:
        return {}
    name = "shared" if preset["kind"] == "shared-cpu" else "performance"
    cpus = int(preset["cpus"])
    return {"cpu_kind": name, "cpus": cpus, "memory_mb": cpus * KINDS[name].least_mb}


def resized(guest: JsonObject, cpus: int | None, memory_mb: int | None) -> JsonObject:
    """The guest with another size.

    Raises:
        InvalidArguments: Fly does not sell that; the text says what it would need.
    """
    new: JsonObject = {**(guest or DEFAULT)}
    if cpus is not None:
        new["cpus"] = cpus
    if memory_mb is not None:
        new["memory_mb"] = memory_mb
    problems = _problems(new, asked_memory=memory_mb is not None)
    if problems:
        raise InvalidArguments(
            "Fly does not sell a machine of that size; nothing was sent.",
            problems=problems,
            hint="Send the values named, or leave both out to keep the size.",
        )
    return new


def _problems(guest: JsonObject, *, asked_memory: bool) -> list[Problem]:
    name = str(guest.get("cpu_kind") or "shared")
    kind = KINDS.get(name)
    cpus, memory = guest.get("cpus"), guest.get("memory_mb")
    if kind is None or not isinstance(cpus, int) or not isinstance(memory, int):
        return []  # a kind we do not know, such as a future one: Fly decides
    if cpus not in kind.cpus:
        legal = ", ".join(map(str, kind.cpus))
        return [Problem("cpus", f"a {name} machine has {legal} cpus, not {cpus}")]
    least, most = cpus * kind.least_mb, cpus * kind.most_mb
    if memory < least:
        said = f"memoryMb {memory} is too little" if asked_memory else f"the machine has {memory} MB"
        return [
            Problem(
                "memoryMb", f"{cpus} {name} cpus need at least {least} MB and {said}: send memoryMb {least}"
            )
        ]
    if memory > most:
        return [Problem("memoryMb", f"{cpus} {name} cpus take at most {most} MB: send that, or more cpus")]
    if memory % kind.step_mb:
        down = memory - memory % kind.step_mb
        near = f"{max(least, down)} or {min(most, down + kind.step_mb)}"
        return [Problem("memoryMb", f"memory comes in steps of {kind.step_mb} MB: send {near}")]
    return []
