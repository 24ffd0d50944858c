"""Calls that only look."""

from __future__ import annotations

from tests.chaos import ground
from tests.chaos.draw import OWN, Draw, Maker, of_machine
from tests.chaos.model import Asked


def plain(action: str) -> Maker:
    """A call without arguments."""

    def make(_: Draw) -> Asked:
        return Asked(action, {})

    return make


def of_org(action: str) -> Maker:
    """A call about the organisation, or a region of it."""

    def make(draw: Draw) -> Asked:
        return Asked(action, {"region": draw.rng.choice(ground.REGIONS)} if draw.chance(0.3) else {})

    return make


def sizes(draw: Draw) -> Asked:
    return Asked("flyListMachineSizes", {"cpuKind": draw.rng.choice(("shared", "performance"))})


def placement(draw: Draw) -> Asked:
    return Asked("flyPlanPlacement", {"region": "fra,ams", "count": draw.rng.randint(0, 3)})


def logs(draw: Draw) -> Asked:
    arguments: dict[str, object] = {"appName": draw.app(*OWN).name, "lines": draw.rng.choice((5, 50))}
    if draw.chance(0.3):
        arguments["since"] = "5m"
    return Asked("flyGetLogs", arguments)


def processes(draw: Draw) -> Asked | None:
    asked = of_machine("flyListProcesses", draw, *OWN)
    if asked is not None:
        asked.arguments["sortBy"] = draw.rng.choice(("pid", "rss"))
    return asked
