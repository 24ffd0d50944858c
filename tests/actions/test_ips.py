"""flyListIps, flyAllocateIp and flyReleaseIp (reference 4.8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import IpAddress, World

from .fly import APP, WEB, Fly

V6 = "2a09:8280:1::5c:1f2e:0"
SHARED = "66.241.124.7"


async def test_addresses_are_told_by_their_type(fly: Fly) -> None:
    """Reference 4.8: Fly says `shared`; the rest shows in the address."""

    def more(world: World) -> None:
        for ip in ("137.66.1.2", "fdaa:0:1:0:1::2"):
            world.apps[WEB].ips[ip] = IpAddress(ip=ip)

    fly.edit(more)
    answer = await fly.call("flyListIps", appName=WEB)
    assert {one["ip"]: one["type"] for one in answer["ips"]} == {
        SHARED: "shared_v4",
        V6: "v6",
        "137.66.1.2": "v4",
        "fdaa:0:1:0:1::2": "private_v6",
    }


@pytest.mark.parametrize("type_", ["shared_v4", "v6", "private_v6"])
async def test_a_free_address_is_allocated_at_once(fly: Fly, type_: str) -> None:
    """prices.md: shared IPv4 and IPv6 are free."""
    answer = await fly.call("flyAllocateIp", appName=APP, type=type_)
    assert (answer["outcome"], answer["type"]) == ("done", type_)
    assert answer["ip"] in fly.app().ips
    assert answer["monthly_cost"] == "+0.00 USD a month (estimate; Fly's prices of 2026-08-07)"


@pytest.mark.parametrize(
    ("type_", "cost"),
    [
        ("v4", "+2.00 USD a month (estimate; Fly's prices of 2026-08-07)"),
        ("egress_pair", "+3.60 USD a month (estimate; Fly's prices of 2026-08-07)"),
        ("egress_v4", "unknown for an address of type egress_v4 (3.60 USD a pair)"),
        ("egress_v6", "unknown for an address of type egress_v6 (3.60 USD a pair)"),
    ],
)
async def test_one_that_costs_says_what_and_waits_for_consent(fly: Fly, type_: str, cost: str) -> None:
    """The issue, 1: a billed one says what it costs and needs `confirm`; an unknown price is no free one."""
    error = await fly.refused("flyAllocateIp", appName=APP, type=type_)
    assert (error["code"], error["changed"]) == ("confirmation_required", "nothing")
    assert error["details"] == {"would_cost": {"type": type_, "monthly_cost": cost}}
    assert fly.writes() == []
    answer = await fly.call("flyAllocateIp", appName=APP, type=type_, confirm=True)
    assert (answer["outcome"], answer["monthly_cost"]) == ("done", cost)


async def test_a_shared_one_that_is_there_is_not_asked_for_again(fly: Fly) -> None:
    """Ours: an app has one."""
    answer = await fly.call("flyAllocateIp", appName=WEB)
    assert (answer["outcome"], answer["ip"]) == ("done", SHARED)
    assert fly.writes() == []


async def test_what_was_asked_for_is_sent_and_nothing_else(fly: Fly) -> None:
    """Reference 4.8."""
    bodies: list[dict[str, Any]] = []
    fly.wire.tap("POST", "/ip_assignments$", lambda request: bodies.append(json.loads(request.content)), 2)
    await fly.call("flyAllocateIp", appName=APP)
    await fly.call("flyAllocateIp", appName=APP, type="private_v6", region="fra", network="blue")
    assert bodies == [{"type": "shared_v4"}, {"type": "private_v6", "region": "fra", "network": "blue"}]


@pytest.mark.parametrize("type_", ["shared_v4", "v6", "egress_pair"])
async def test_a_network_is_for_private_addresses_alone(fly: Fly, type_: str) -> None:
    """Reference: Fly would leave it out of account, and the address be another than the one meant."""
    error = await fly.refused("flyAllocateIp", appName=APP, type=type_, network="blue", confirm=True)
    assert [problem["path"] for problem in error["problems"]] == ["network"]
    assert not fly.wire.sent


async def test_a_region_that_does_not_exist_is_refused(fly: Fly) -> None:
    """The issue, Bad input."""
    error = await fly.refused("flyAllocateIp", appName=APP, type="v6", region="frx")
    assert (error["code"], error["problems"][0]["path"]) == ("invalid_arguments", "region")
    assert fly.writes() == []


ONE = {"appName": APP, "type": "v4", "confirm": True}


class TestLostAllocations:
    """An address has no mark: the list before and after tells (issue 4)."""

    async def test_the_new_one_is_ours(self, fly: Fly) -> None:
        """Issue 4: found, and not allocated twice."""
        rule = fly.wire.lose_answers("POST", "/ip_assignments$")
        answer = await fly.call("flyAllocateIp", **ONE)
        assert (answer["outcome"], rule.struck) == ("done", 1)
        assert [answer["ip"]] == list(fly.app().ips)

    async def test_one_of_another_type_is_not(self, fly: Fly) -> None:
        """Ours: somebody else's IPv6 of the same moment is no IPv4."""
        fly.wire.lose_requests("POST", "/ip_assignments$", times=1)
        fly.wire.tap("GET", "/ip_assignments$", lambda _: None)
        theirs = IpAddress(ip="2a09:8280:1::1:1:0")
        fly.wire.tap("GET", "/ip_assignments$", lambda _: fly.edit(lambda world: _give(world, theirs)))
        error = await fly.refused("flyAllocateIp", **ONE)
        assert (error["code"], error["details"]["found"]) == ("unclear", "nothing")

    async def test_two_new_ones_are_named_and_not_guessed(self, fly: Fly) -> None:
        """Ours: each is billed, and which is ours cannot be told."""
        fly.wire.lose_answers("POST", "/ip_assignments$", times=1)
        fly.wire.tap("GET", "/ip_assignments$", lambda _: None)
        theirs = IpAddress(ip="137.66.9.9")
        fly.wire.tap("GET", "/ip_assignments$", lambda _: fly.edit(lambda world: _give(world, theirs)))
        error = await fly.refused("flyAllocateIp", **ONE)
        assert error["code"] == "unclear"
        assert set(error["details"]["found"]) == set(fly.app().ips)
        assert len(fly.app().ips) == 2

    @pytest.mark.parametrize("carried_out", [True, False])
    async def test_one_request_id_allocates_one(self, fly: Fly, carried_out: bool) -> None:
        """Issue 4: each one is billed."""
        (fly.wire.lose_answers if carried_out else fly.wire.lose_requests)("POST", "/ip_assignments$")
        looks = fly.wire.lose_requests("GET", "/ip_assignments$", times=0)

        def silent(_: object) -> None:
            looks.times = 999

        fly.wire.tap("GET", "/ip_assignments$", silent)
        error = await fly.refused("flyAllocateIp", **ONE, requestId="ip")
        assert (error["outcome"], error["details"]["found"]) == ("unclear", "unknown")
        fly.wire.mend()
        answer = await fly.call("flyAllocateIp", **ONE, requestId="ip")
        assert answer["outcome"] == "done"
        assert list(fly.app().ips) == [answer["ip"]]

    async def test_an_answer_of_another_shape_is_looked_up_too(self, fly: Fly) -> None:
        """Ours: after a write nobody knows what happened."""
        fly.emulator.faults.add(
            FaultRule(method="POST", path="/ip_assignments$", status=200, body='{"x": 1}', after=True)
        )
        answer = await fly.call("flyAllocateIp", **ONE)
        assert [answer["ip"]] == list(fly.app().ips)


class TestRelease:
    """What stops answering is said first."""

    async def test_the_preview_says_what_stops_and_what_stays(self, fly: Fly) -> None:
        """The issue, 1."""
        error = await fly.refused("flyReleaseIp", appName=WEB, ip=V6)
        assert "every DNS record that names it" in error["message"]
        assert "cannot be had back" in error["message"]
        assert error["details"]["would_destroy"] == {
            "ip": V6,
            "type": "v6",
            "region": "global",
            "left": [SHARED],
            "monthly_cost": "+0.00 USD a month (estimate; Fly's prices of 2026-08-07)",
        }

    async def test_the_last_public_one_is_said_to_be_the_last(self, fly: Fly) -> None:
        """The issue, 1: what stops answering."""
        await fly.call("flyReleaseIp", appName=WEB, ip=V6, confirm=True)
        error = await fly.refused("flyReleaseIp", appName=WEB, ip=SHARED)
        assert "no public address left" in error["message"]

    async def test_a_dedicated_one_saves_its_price(self, fly: Fly) -> None:
        """The issue: the difference."""
        made = await fly.call("flyAllocateIp", **ONE)
        answer = await fly.call("flyReleaseIp", appName=APP, ip=made["ip"], confirm=True)
        assert (answer["outcome"], answer["left"]) == ("done", [])
        assert answer["monthly_cost"] == "-2.00 USD a month (estimate; Fly's prices of 2026-08-07)"

    @pytest.mark.parametrize("written", ["2a09:8280:0001:0000:0000:005c:1f2e:0000", "2A09:8280:1::5C:1F2E:0"])
    async def test_an_address_may_be_written_otherwise(self, fly: Fly, written: str) -> None:
        """RFC 5952: there are many ways."""
        answer = await fly.call("flyReleaseIp", appName=WEB, ip=written, confirm=True)
        assert (answer["ip"], list(fly.app(WEB).ips)) == (V6, [SHARED])

    @pytest.mark.parametrize("ip", ["", "1.2.3", "catvet.example", "../x", "1.2.3.4/24", 5])
    async def test_what_is_no_address_is_refused(self, fly: Fly, ip: object) -> None:
        """The issue, Bad input."""
        error = await fly.refused("flyReleaseIp", appName=WEB, ip=ip)
        assert [problem["path"] for problem in error["problems"]] == ["ip"]
        assert not fly.wire.sent

    async def test_one_that_the_app_does_not_have_is_not_found(self, fly: Fly) -> None:
        """Ours: with those that it has."""
        for extra in ({}, {"confirm": True}):
            error = await fly.refused("flyReleaseIp", appName=WEB, ip="1.2.3.4", **extra)
            assert (error["code"], error["details"]["addresses"]) == ("not_found", [SHARED, V6])
        assert fly.writes() == []

    @pytest.mark.parametrize("times", [1, 99])
    async def test_a_lost_answer_is_looked_up(self, fly: Fly, times: int) -> None:
        """Issue 4: gone is gone."""
        fly.wire.lose_answers("DELETE", "/ip_assignments/", times)
        answer = await fly.call("flyReleaseIp", appName=WEB, ip=V6, confirm=True)
        assert (answer["outcome"], answer["left"]) == ("done", [SHARED])

    async def test_a_lost_request_is_unclear_and_can_be_repeated(self, fly: Fly) -> None:
        """Issue 4."""
        one = {"appName": WEB, "ip": V6, "confirm": True, "requestId": "r"}
        fly.wire.lose_requests("DELETE", "/ip_assignments/")
        assert (await fly.call("flyReleaseIp", **one))["outcome"] == "unclear"
        fly.wire.mend()
        assert (await fly.call("flyReleaseIp", **one))["outcome"] == "done"
        assert list(fly.app(WEB).ips) == [SHARED]


def _give(world: World, address: IpAddress) -> None:
    world.apps[APP].ips[address.ip] = address
