"""What scaling would do, computed from what Fly says; sends nothing.

Fly's CLI is followed (reference 7.3) but for two things the actions' documentation says otherwise: `count`
is the total of the process group over all regions, and `region` only says where new machines go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fly_mcp_tools.wire import Machine, Volume


@dataclass(frozen=True)
class Plan:
    """Machines to make (one region each) and to destroy."""

    template: Machine
    group: tuple[Machine, ...]
    create_in: tuple[str, ...]
    destroy: tuple[Machine, ...]


def plan(template: Machine, group: Sequence[Machine], count: int, region: str | None) -> Plan:
    """From the group as it is to `count` machines.

    New ones go round robin over the regions the group is in, in Fly's order, or all to `region`. Of those
    too many, regions lose one at a time, the second region first, as `fly scale count` does; in a region the
    first listed goes first.
    """
    regions = list(dict.fromkeys(machine.region for machine in group))
    difference = count - len(group)
    if difference >= 0:
        places = [region] if region else regions
        create_in = tuple(places[number % len(places)] for number in range(difference))
        return Plan(template, tuple(group), create_in, ())
    left = {name: [machine for machine in group if machine.region == name] for name in regions}
    order = [*regions[1:], *regions[:1]]
    destroy: list[Machine] = []
    while len(destroy) < -difference:
        for name in order:
            if left[name] and len(destroy) < -difference:
                destroy.append(left[name].pop(0))
    return Plan(template, tuple(group), (), tuple(destroy))


def reusable(volumes: Sequence[Volume], name: str, region: str, taken: set[str]) -> Volume | None:
    """An unattached volume of that name and region that is not spoken for yet."""
    for volume in volumes:
        if volume.free and volume.name == name and volume.region == region and volume.id not in taken:
            return volume
    return None
