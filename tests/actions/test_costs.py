"""What a change costs a month, as a difference, wherever something that is billed comes, grows or goes (issue 5, 1)."""

from __future__ import annotations

import pytest

from fly_mcp_emulator.world import Certificate, IpAddress, Volume, World
from fly_mcp_tools import prices
from fly_mcp_tools.action import Access, Gate
from fly_mcp_tools.catalogue import ACTIONS

from .fly import Fly
from .worlds import FLEET, fleet, machine, mount, volume_of

#: A machine of the least size in fra.
ONE = prices.machine({}, "fra").usd
#: Rows that create, resize, scale or destroy what Fly bills.
BILLED = {
    action.name
    for action in ACTIONS.values()
    if any(word in action.name for word in ("Machine", "Scale", "Volume", "App", "Ip", "Certificate"))
    and action.access is not Access.READ
    and (action.gate is not Gate.NEVER or "Billed" in action.summary or "certificate" in action.summary)
}


def amount(said: str) -> float:
    """Dollars of what was said."""
    return float(said.split(" ")[0])


@pytest.fixture
def world() -> World:
    return fleet(
        machine(1),
        machine(2),
        machine(3, state="stopped"),
    )


def test_each_row_that_changes_a_bill_has_the_difference_in_its_result() -> None:
    """The issue: on every result that creates, resizes, scales or destroys."""
    assert len(BILLED) >= 12
    missing = {name for name in BILLED if "monthly_cost" not in ACTIONS[name].result.model_fields}
    assert not missing


async def test_scaling_up_says_what_is_added(fly: Fly) -> None:
    """Two machines like the template."""
    answer = await fly.call("flyScaleMachines", appName=FLEET, count=5)
    assert amount(answer["monthly_cost"]) == pytest.approx(round(2 * ONE, 2))
    assert "estimate; Fly's prices of" in answer["monthly_cost"]


async def test_scaling_down_says_what_is_saved_before_and_after(fly: Fly) -> None:
    """The first two are up; what a stopped one costs is unknown, since Fly tells no size of its file system."""
    refused = await fly.refused("flyScaleMachines", appName=FLEET, count=1)
    answer = await fly.call("flyScaleMachines", appName=FLEET, count=1, confirm=True)
    assert refused["details"]["monthly_cost"] == answer["monthly_cost"]
    assert amount(answer["monthly_cost"]) == pytest.approx(-round(2 * ONE, 2))


async def test_new_volumes_are_counted_with_their_machines(fly: Fly) -> None:
    """A volume is billed whether or not it is used."""

    def with_volumes(world: World) -> None:
        other = fleet(
            machine(1, **mount(1)), volumes=(Volume(id=volume_of(1), name="data", region="fra", size_gb=4),)
        )
        world.apps[FLEET] = other.apps[FLEET]

    fly.edit(with_volumes)
    answer = await fly.call("flyScaleWithVolumes", appName=FLEET, count=2)
    assert amount(answer["monthly_cost"]) == pytest.approx(ONE + 4 * prices.VOLUME_GB, abs=0.01)


async def test_an_app_that_goes_takes_its_addresses_and_certificates_off_the_bill_too(fly: Fly) -> None:
    """Ours: a dedicated address is often the dearest of a small app; what could not be read is said to be unknown."""

    def furnish(world: World) -> None:
        app = world.apps[FLEET]
        app.ips["1.2.3.4"] = IpAddress(ip="1.2.3.4")
        app.certificates["*.catvet.example"] = Certificate(hostname="*.catvet.example")

    fly.edit(furnish)
    before = await fly.refused("flyDeleteApp", appName=FLEET)
    expected = -(2 * ONE + prices.DEDICATED_V4 + prices.WILDCARD_CERTIFICATE)
    assert amount(before["details"]["would_destroy"]["monthly_cost"]) == pytest.approx(expected, abs=0.01)
    fly.wire.lose_requests("GET", "/ip_assignments$")
    answer = await fly.call("flyDeleteApp", appName=FLEET, confirm=True)
    assert amount(answer["monthly_cost"]) == pytest.approx(expected + prices.DEDICATED_V4, abs=0.01)
    assert "its addresses, which could not be read" in answer["monthly_cost"]


async def test_an_app_that_goes_takes_its_machines_and_volumes_off_the_bill(fly: Fly) -> None:
    """Stopped ones are said to be unknown."""
    refused = await fly.refused("flyDeleteApp", appName=FLEET)
    answer = await fly.call("flyDeleteApp", appName=FLEET, confirm=True)
    assert refused["details"]["would_destroy"]["monthly_cost"] == answer["monthly_cost"]
    assert amount(answer["monthly_cost"]) == pytest.approx(-round(2 * ONE, 2))
    assert "unknown for a stopped machine" in answer["monthly_cost"]
