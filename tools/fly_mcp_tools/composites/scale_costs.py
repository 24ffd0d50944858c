"""What a scaling costs or saves a month, estimated."""

from __future__ import annotations

from collections.abc import Iterable

from fly_mcp_tools import guest, prices
from fly_mcp_tools.wire import Machine

from .scale_steps import Step, Work


def done(work: Work) -> prices.Cost:
    """What the group costs more, by what was done or is on the way, earlier calls of this intent included."""
    going = {machine.id: machine for machine in work.plan.destroy}
    template = work.plan.template
    before: list[prices.Cost] = []
    after: list[prices.Cost] = []
    for step in work.steps:
        if _gone(step):
            # One that an earlier call destroyed is known by its region alone: it was like the template.
            machine = going.get(step.id or "")
            before.append(_of(machine) if machine else _like(template, step.region))
        elif step.did != "failed":
            after.append(_like(template, step.region))
            if step.volume == "created":
                after.append(prices.volume(work.size_gb))
    return prices.change(prices.total(before), prices.total(after))


def saved(machines: Iterable[Machine]) -> prices.Cost:
    """What destroying these would change. Their volumes stay, and go on costing."""
    return prices.change(prices.total(_of(machine) for machine in machines), prices.NOTHING)


def _gone(step: Step) -> bool:
    return step.did == "destroyed" or (step.did == "pending" and step.undo is not None)


def _of(machine: Machine) -> prices.Cost:
    return prices.machine(guest.of_config(machine.config or {}), machine.region, state=machine.state)


def _like(template: Machine, region: str) -> prices.Cost:
    return prices.machine(guest.of_config(template.config or {}), region)
