"""Leases that a caller holds beyond one call, and changes of a machine under them (the issue, 1)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from fly_mcp_emulator.world import Lease
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS

from .fly import APP, MACHINE, Fly

ONE = {"appName": APP, "machineId": MACHINE}
DRIVEN = [
    action
    for action in ACTIONS.values()
    if "nonce" in action.params.model_fields and action.name not in ("flyAcquireLease", "flyReleaseLease")
]
driven = pytest.mark.parametrize("action", DRIVEN, ids=lambda action: str(action.name))


async def _held(fly: Fly, **more: Any) -> str:
    """The nonce of a lease that the caller takes."""
    answer = await fly.call("flyAcquireLease", **ONE, **{"ttl": 600, **more})
    return str(answer["nonce"])


def _somebodys(fly: Fly, nonce: str = "abc", description: str = "") -> None:
    lease = Lease(nonce=nonce, owner="ada@x.io", expires_at=fly.clock.now() + 600, description=description)
    fly.edit(lambda world: setattr(world.apps[APP].machines[MACHINE], "lease", lease))


def _lease(fly: Fly) -> Lease | None:
    return fly.machine().lease


def test_every_change_of_a_machine_takes_a_nonce() -> None:
    """The issue: every mutating machine action accepts the held nonce."""
    assert {action.name for action in DRIVEN} == {
        "flyStartMachine",
        "flyStopMachine",
        "flySuspendMachine",
        "flyRestartMachine",
        "flyUpdateMachineConfig",
        "flyDeleteMachine",
        "flySignalMachine",
        "flyCordonMachine",
        "flyUncordonMachine",
        "flySetMemory",
        "flySetMetadata",
        "flyDeleteMetadata",
    }


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("flySetMemory", {"limitMb": 512, "reclaimMb": 1}),
        ("flySetMetadata", {"metadata": {"team": "shop"}}),
        ("flyDeleteMetadata", {"keys": ["fly_release_id"]}),
        ("flyDeleteMetadata", {"keys": ["fly_release_id", "fly_release_version"]}),
    ],
)
async def test_the_nonce_goes_with_what_needs_no_lease_too(fly: Fly, name: str, more: dict[str, Any]) -> None:
    """The issue: the held nonce is used. Fly asks for none there today."""
    nonce, sent = await _held(fly), list[str | None]()
    for method in ("PATCH", "DELETE", "PUT", "POST"):
        fly.wire.tap(
            method,
            "/(metadata|memory)",
            lambda request: sent.append(request.headers.get("fly-machine-lease-nonce")),
            times=9,
        )
    assert (await fly.call(name, **ONE, **more, nonce=nonce))["outcome"] == "done"
    assert sent
    assert set(sent) == {nonce}


@driven
async def test_under_the_callers_lease_no_other_is_taken_and_it_stays(
    fly: Fly, action: AnyAction, caplog: pytest.LogCaptureFixture
) -> None:
    """The issue: the nonce is used, and neither released nor logged."""
    caplog.set_level(logging.DEBUG)
    if action.name == "flyStartMachine":
        await fly.call("flyStopMachine", **ONE)
        await fly.clock.sleep(10)
    nonce = await _held(fly)
    before, said = _lease(fly), len(fly.said)
    sent = len(fly.emulator.requests)

    answer = await fly.call(action.name, **{**action.examples[0].arguments, **ONE}, nonce=nonce)

    assert answer["outcome"] == "done"
    leases = [one.method for one in fly.emulator.requests[sent:] if one.path.endswith("/lease")]
    assert set(leases) == {"GET"}
    if action.name != "flyDeleteMachine":
        assert _lease(fly) == before
    assert nonce not in "".join(fly.said[said:])
    assert nonce not in caplog.text


@driven
@pytest.mark.parametrize("held", ["anothers", "over"])
async def test_a_nonce_that_is_not_good_is_refused_quickly_and_nothing_is_written(
    fly: Fly, action: AnyAction, held: str
) -> None:
    """Reference 6.6: with a wrong one, Fly lets a stop or a delete hang until the lease is over."""
    if action.name == "flyStartMachine":
        await fly.call("flyStopMachine", **ONE)
        await fly.clock.sleep(10)
    if held == "anothers":
        _somebodys(fly)
    fly.emulator.requests.clear()
    began = fly.clock.monotonic()
    error = await fly.refused(action.name, {**action.examples[0].arguments, **ONE, "nonce": "4f2a9c01d3b7"})
    assert error["code"] == ("lease_held" if held == "anothers" else "wrong_state")
    if held == "anothers":
        # The review: it was told to wait, and that waiting would help.
        assert error["retryable"] is False
        assert "not that lease's" in error["message"]
        assert "flyAcquireLease" in error["hint"]
    assert (error["changed"], error["outcome"]) == ("nothing", "refused")
    assert fly.clock.monotonic() - began < 5
    assert fly.writes() == []
    assert "4f2a9c01d3b7" not in fly.said[-1]


async def test_without_the_nonce_the_callers_lease_is_somebodys(fly: Fly) -> None:
    """The issue: others are kept off, and told what for."""
    await _held(fly, description="moving the database")
    error = await fly.refused("flyStopMachine", **ONE)
    assert error["code"] == "lease_held"
    assert error["details"]["description"].startswith("moving the database [")
    assert fly.changes() == []


class TestGet:
    """flyGetLease."""

    async def test_nobody_holds_it(self, fly: Fly) -> None:
        """Reference 4.4: 404, lease not found."""
        assert await fly.call("flyGetLease", **ONE) == {"held": False}

    async def test_whose_it_is_is_told_and_the_nonce_is_not(self, fly: Fly) -> None:
        """Ours: whoever has the nonce holds the lease."""
        _somebodys(fly, nonce="5ecretnonce1", description="\x1b[31mdeploy\u202e")
        answer = await fly.call("flyGetLease", **ONE)
        assert answer == {
            "held": True,
            "owner": "ada@x.io",
            "description": "deploy",
            "expires_at": answer["expires_at"],
        }
        assert "5ecretnonce1" not in fly.said[-1]

    async def test_a_machine_that_is_not_there_is_not_found(self, fly: Fly) -> None:
        """Ours: it is no machine that nobody holds."""
        error = await fly.refused("flyGetLease", appName=APP, machineId="00000000000000")
        assert error["code"] == "not_found"


class TestAcquire:
    """flyAcquireLease."""

    async def test_it_is_held_until_then(self, fly: Fly) -> None:
        """The issue: ttl, description."""
        answer = await fly.call("flyAcquireLease", **ONE, ttl=60, description="maintenance")
        lease = _lease(fly)
        assert lease is not None
        assert (lease.nonce, round(lease.expires_at - fly.clock.now())) == (answer["nonce"], 60)
        assert lease.description.startswith("maintenance [")
        await fly.clock.sleep(61)
        assert (await fly.call("flyGetLease", **ONE)) == {"held": False}

    async def test_the_nonce_extends_it(self, fly: Fly) -> None:
        """Reference 4.4: a refresh keeps the nonce and moves the end."""
        nonce = await _held(fly, ttl=60, description="maintenance")
        answer = await fly.call("flyAcquireLease", **ONE, ttl=600, nonce=nonce)
        lease = _lease(fly)
        assert lease is not None
        assert answer["nonce"] == nonce
        assert round(lease.expires_at - fly.clock.now()) == 600
        assert lease.description.startswith("maintenance [")

    async def test_somebody_elses_is_told(self, fly: Fly) -> None:
        """The issue: owner and expiry."""
        _somebodys(fly, description="deploy")
        error = await fly.refused("flyAcquireLease", **ONE)
        assert (error["code"], error["changed"], error["details"]["owner"]) == (
            "lease_held",
            "nothing",
            "ada@x.io",
        )

    @pytest.mark.parametrize("extend", [False, True], ids=["new", "extended"])
    async def test_a_lost_answer_is_found_by_its_mark(self, fly: Fly, extend: bool) -> None:
        """The issue: lost answers."""
        more = {"nonce": await _held(fly, ttl=60)} if extend else {}
        fly.wire.lose_answers("POST", "/lease$", times=1)
        answer = await fly.call("flyAcquireLease", **ONE, ttl=300, **more)
        lease = _lease(fly)
        assert lease is not None
        assert answer["nonce"] == lease.nonce
        assert round(lease.expires_at - fly.clock.now()) == 300

    async def test_one_that_never_arrived_is_unclear_and_ends_by_itself(self, fly: Fly) -> None:
        """Ours: nothing with its mark is there; the same id goes on."""
        fly.wire.lose_requests("POST", "/lease$", times=1)
        error = await fly.refused("flyAcquireLease", **ONE, requestId="one")
        assert (error["code"], error["outcome"]) == ("unclear", "unclear")
        assert "120 s" in error["hint"]
        answer = await fly.call("flyAcquireLease", **ONE, requestId="one")
        lease = _lease(fly)
        assert lease is not None
        assert answer["nonce"] == lease.nonce

    async def test_repeated_it_gives_the_nonce_again(self, fly: Fly) -> None:
        """The issue: requestId. Without its nonce a lease is of no use to whoever lost the answer."""
        first = await fly.call("flyAcquireLease", **ONE, requestId="one")
        again = await fly.call("flyAcquireLease", **ONE, requestId="one")
        assert (again["nonce"], again["already_done"]) == (first["nonce"], True)
        await fly.call("flyStopMachine", **ONE, nonce=again["nonce"])

    @pytest.mark.parametrize("released", [True, False], ids=["released", "run out"])
    async def test_repeated_after_its_end_it_is_not_taken_anew(self, fly: Fly, released: bool) -> None:
        """Ours: one requestId, one lease; and it is said that this one is over."""
        first = await fly.call("flyAcquireLease", **ONE, ttl=60, requestId="one")
        if released:
            await fly.call("flyReleaseLease", **ONE, nonce=first["nonce"])
            _somebodys(fly)
        else:
            await fly.clock.sleep(61)
        fly.emulator.requests.clear()
        again = await fly.call("flyAcquireLease", **ONE, ttl=60, requestId="one")
        assert (again["nonce"], again["already_done"], again["expires_at"]) == ("", True, first["expires_at"])
        assert "is over" in again["note"]
        assert fly.writes() == []

    async def test_repeated_while_nobody_can_look_it_says_so(self, fly: Fly) -> None:
        """Ours: what could not be seen is not said to be over."""
        await fly.call("flyAcquireLease", **ONE, requestId="one")
        fly.wire.lose_requests("GET", "/lease$")
        again = await fly.call("flyAcquireLease", **ONE, requestId="one")
        assert (again["nonce"], again["already_done"]) == ("", True)
        assert "could not be looked at" in again["note"]
        fly.wire.mend()
        assert (await fly.call("flyAcquireLease", **ONE, requestId="one"))["nonce"]

    async def test_a_call_that_goes_on_takes_up_what_it_had_taken(self, fly: Fly) -> None:
        """The issue: requestId; the nonce is stored nowhere, and Fly shows it."""
        fly.wire.lose_answers("POST", "/lease$", times=1)
        looks = fly.wire.lose_requests("GET", "/lease$")
        error = await fly.refused("flyAcquireLease", **ONE, requestId="one")
        assert error["outcome"] == "unclear"
        looks.times = 0
        fly.emulator.requests.clear()
        answer = await fly.call("flyAcquireLease", **ONE, requestId="one")
        lease = _lease(fly)
        assert lease is not None
        assert answer["nonce"] == lease.nonce
        assert fly.writes() == []


class TestRelease:
    """flyReleaseLease."""

    async def test_it_is_over(self, fly: Fly) -> None:
        """Reference 4.4."""
        nonce = await _held(fly)
        assert (await fly.call("flyReleaseLease", **ONE, nonce=nonce))["outcome"] == "done"
        assert _lease(fly) is None
        assert nonce not in fly.said[-1]

    async def test_one_that_is_over_already_is_done(self, fly: Fly) -> None:
        """Ours: what was asked for is so."""
        answer = await fly.call("flyReleaseLease", **ONE, nonce="4f2a9c01d3b7")
        assert (answer["outcome"], "There is no lease" in answer["note"]) == ("done", True)

    async def test_somebody_elses_stays(self, fly: Fly) -> None:
        """Reference 6.6: a wrong nonce is no nonce."""
        _somebodys(fly)
        error = await fly.refused("flyReleaseLease", **ONE, nonce="4f2a9c01d3b7")
        assert (error["code"], error["changed"]) == ("lease_held", "nothing")
        assert _lease(fly) is not None

    async def test_a_lost_answer_is_looked_up(self, fly: Fly) -> None:
        """Ours: gone is done, and still there is unclear."""
        nonce = await _held(fly)
        fly.wire.lose_requests("DELETE", "/lease$")
        error = await fly.refused("flyReleaseLease", **ONE, nonce=nonce)
        assert error["outcome"] == "unclear"
        fly.wire.mend()
        fly.wire.lose_answers("DELETE", "/lease$")
        answer = await fly.call("flyReleaseLease", **ONE, nonce=nonce)
        assert answer["outcome"] == "done"
