"""The confirm gate: without `confirm: true` nothing is sent but reads (the issue, 3 and Shows 5)."""

from __future__ import annotations

from typing import Any

import pytest

from fly_mcp_emulator.world import Certificate, IpAddress, Snapshot, World
from fly_mcp_tools.action import AnyAction, Gate
from fly_mcp_tools.catalogue import ACTIONS

from .fly import APP, FREE_VOLUME, MACHINE, VOLUME, WEB, Fly

GATED = [action for action in ACTIONS.values() if action.gate is not Gate.NEVER]
ALWAYS = [action for action in GATED if action.gate is Gate.ALWAYS]
#: Plans that destroy or cost, for rows that ask only then.
DESTROYING_PLANS: dict[str, dict[str, Any]] = {
    "flyScaleMachines": {"appName": WEB, "count": 0},
    "flyScaleWithVolumes": {"appName": APP, "count": 0},
    "flyAllocateIp": {"appName": APP, "type": "v4"},
}
#: What is not the JSON boolean true; None stands for an argument left out.
NOT_TRUE: list[tuple[str, dict[str, Any]]] = [
    ("left-out", {}),
    *(
        (repr(value), {"confirm": value})
        for value in (False, "false", "true", "True", 1, 0, 1.0, "yes", None)
    ),
    ("list", {"confirm": []}),
    ("true-in-a-list", {"confirm": [True]}),
    ("object", {"confirm": {"confirm": True}}),
]

gated = pytest.mark.parametrize("action", GATED, ids=lambda action: str(action.name))


@gated
async def test_without_confirm_true_nothing_is_written(
    fly: Fly, action: AnyAction, subtests: pytest.Subtests
) -> None:
    """The issue, Shows 5: over all rows whose gate asks."""
    before = fly.emulator.dump()
    for name, extra in NOT_TRUE:
        with subtests.test(confirm=name):
            error = await fly.refused(action.name, {**_destroying(action), **extra})

            assert error["code"] == "confirmation_required"
            assert error["changed"] == "nothing"
            assert error["details"]["would_destroy" if action.destroys else "would_cost"]
            assert f"{action.name} with confirm: true" in error["hint"]
            told = [problem["path"] for problem in error.get("problems", [])]
            assert told == (["confirm"] if extra and extra["confirm"] is not False else [])
    assert fly.writes() == []
    assert fly.emulator.dump().apps == before.apps


@gated
async def test_with_confirm_true_it_is_done(fly: Fly, action: AnyAction) -> None:
    """The issue, 3: and seen to be done."""
    answer = await fly.call(action.name, **_destroying(action), confirm=True)

    assert answer["outcome"] == "done"
    assert fly.changes()


@gated
async def test_bad_arguments_are_told_before_consent_is_asked_for(fly: Fly, action: AnyAction) -> None:
    """Ours: a person is not asked about a call that cannot be made."""
    error = await fly.refused(action.name, {**_destroying(action), "appName": "No Such App", "x": 1})

    assert error["code"] == "invalid_arguments"
    assert {problem["path"] for problem in error["problems"]} == {"appName", "x"}
    assert not fly.wire.sent


@pytest.mark.parametrize("action", ALWAYS, ids=lambda action: str(action.name))
async def test_what_is_not_there_is_not_found_confirmed_or_not(fly: Fly, action: AnyAction) -> None:
    """Ours: there is nothing to consent to."""
    arguments = {**_destroying(action), "appName": "no-such-app"}

    for extra in ({}, {"confirm": True}):
        error = await fly.refused(action.name, {**arguments, **extra})
        assert error["code"] == "not_found"
        assert error["changed"] == "nothing"
    assert fly.writes() == []


@pytest.mark.parametrize(
    "arguments", [{"count": 1}, {"count": 2, "confirm": False}], ids=["as-it-is", "more"]
)
@pytest.mark.parametrize(("name", "app"), [("flyScaleMachines", WEB), ("flyScaleWithVolumes", APP)])
async def test_a_plan_that_destroys_nothing_needs_no_consent(
    fly: Fly, name: str, app: str, arguments: dict[str, Any]
) -> None:
    """The issue, 3: scaling down destroys, and so it alone asks."""
    answer = await fly.call(name, appName=app, **arguments)
    assert answer["outcome"] == "done"


async def test_the_preview_of_a_machine_says_what_runs_and_what_stays(fly: Fly) -> None:
    """The architecture: state, region, volume."""
    error = await fly.refused("flyDeleteMachine", appName=APP, machineId=MACHINE)

    assert error["details"]["would_destroy"] == {
        "machine_id": MACHINE,
        "name": "young-sound-9626",
        "state": "started",
        "region": "fra",
        "image": fly.machine().config.image,
        "volume_kept": VOLUME,
    }
    assert "is running and would be killed" in error["message"]
    assert f"its volume {VOLUME} would stay" in error["message"]


async def test_the_preview_of_a_stopped_machine_does_not_say_that_it_runs(fly: Fly) -> None:
    """Ours: a preview is read from Fly and not made up."""
    await fly.call("flyStopMachine", appName=APP, machineId=MACHINE)

    error = await fly.refused("flyDeleteMachine", appName=APP, machineId=MACHINE)

    assert error["details"]["would_destroy"]["state"] == "stopped"
    assert "running" not in error["message"]


async def test_the_preview_of_a_volume_says_how_old_its_newest_snapshot_is(fly: Fly) -> None:
    """The architecture: the newest snapshot's age."""
    now = fly.clock.now()

    def with_snapshots(world: World) -> None:
        world.apps[APP].volumes[FREE_VOLUME].snapshots = [
            Snapshot(id="vs_new", created_at=now - 7 * 3600),
            Snapshot(id="vs_old", created_at=now - 90 * 3600),
        ]

    fly.edit(with_snapshots)
    error = await fly.refused("flyDeleteVolume", appName=APP, volumeId=FREE_VOLUME)

    assert "the newest snapshot is 7.0 hours old" in error["message"]
    assert error["details"]["would_destroy"] == {
        "volume_id": FREE_VOLUME,
        "name": "catvet_data",
        "size_gb": 1,
        "region": "fra",
        "state": "created",
        "newest_snapshot": "2026-05-28T13:26:40+00:00",
        "last_snapshot": True,
    }


async def test_the_preview_of_a_volume_without_a_snapshot_says_so(fly: Fly) -> None:
    """The architecture: the newest snapshot's age."""
    error = await fly.refused("flyDeleteVolume", appName=APP, volumeId=FREE_VOLUME)

    assert "there is no snapshot of it" in error["message"]
    assert error["details"]["would_destroy"]["newest_snapshot"] is None


async def test_snapshots_that_cannot_be_read_are_unknown_and_not_none(fly: Fly) -> None:
    """Ours: "could not be read" must not look like "there is none"."""
    fly.wire.lose_requests("GET", "/snapshots$")

    error = await fly.refused("flyDeleteVolume", appName=APP, volumeId=FREE_VOLUME)

    assert "could not be read" in error["message"]
    assert error["details"]["would_destroy"]["newest_snapshot"] == "unknown: could not be read"


async def test_the_preview_of_an_app_names_all_it_holds(fly: Fly) -> None:
    """The architecture: machines, volumes, secrets, addresses, certificates."""

    def furnish(world: World) -> None:
        app = world.apps[APP]
        app.ips["1.2.3.4"] = IpAddress(ip="1.2.3.4")
        app.certificates["catvet.example"] = Certificate(hostname="catvet.example")

    fly.edit(furnish)
    error = await fly.refused("flyDeleteApp", appName=APP)

    assert error["details"]["would_destroy"] == {
        "app": APP,
        "organization": "personal",
        "machines": [f"{MACHINE} started fra"],
        "volumes": [f"{VOLUME} catvet_data 1 GB fra", f"{FREE_VOLUME} catvet_data 1 GB fra"],
        "secrets": ["ANTHROPIC_API_KEY", "OLD_API_KEY", "OPENCODE_SERVER_PASSWORD"],
        "ip_addresses": ["1.2.3.4"],
        "certificates": ["catvet.example"],
        "monthly_cost": "-8.20 USD a month (estimate; Fly's prices of 2024-10-03 and 2026-08-07)",
    }
    assert "1 machine(s) (1 running), 2 volume(s)" in error["message"]


async def test_what_of_an_app_cannot_be_read_is_unknown_and_not_nothing(fly: Fly) -> None:
    """Ours: a token may see machines and not certificates."""
    fly.wire.lose_requests("GET", "/certificates$")

    error = await fly.refused("flyDeleteApp", appName=APP)

    assert error["details"]["would_destroy"]["certificates"] == "unknown: could not be read"


@pytest.mark.parametrize("extra", [{}, {"confirm": True}], ids=["unconfirmed", "confirmed"])
async def test_an_attached_volume_is_refused_confirmed_or_not(fly: Fly, extra: dict[str, Any]) -> None:
    """The issue, 3: with the machine that holds it."""
    error = await fly.refused("flyDeleteVolume", appName=APP, volumeId=VOLUME, **extra)

    assert error["code"] == "wrong_state"
    assert error["changed"] == "nothing"
    assert error["details"] == {"volume_id": VOLUME, "attached_machine_id": MACHINE}
    assert f"attached to machine {MACHINE}" in error["message"]
    assert fly.writes() == []
    assert fly.volume(VOLUME).state == "created"


def _destroying(action: AnyAction) -> dict[str, Any]:
    """Arguments of a call that destroys something, without consent."""
    arguments = dict(DESTROYING_PLANS.get(action.name, action.examples[0].arguments))
    arguments.pop("confirm", None)
    return arguments
