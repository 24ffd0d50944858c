"""A secret reaches a machine by an update alone, and the answers say which have it (the issue, Shows 7)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Image, Lease, World

from .fly import APP, MACHINE, SANDBOX, Fly
from .worlds import FLEET, IMAGE, fleet, id_of, machine

NEW = {"API_KEY": "second", "DATABASE_URL": "postgres://second"}


async def test_a_secret_set_without_restart_leaves_the_machine_as_it_was(fly: Fly) -> None:
    """Reference 6.5: stored per app, injected when a version is booted."""
    before = fly.machine()

    answer = await fly.call("flySetSecrets", appName=APP, secrets=NEW)

    assert answer["outcome"] == "done"
    assert answer["names"] == ["API_KEY", "DATABASE_URL"]
    assert answer["still_old"] == [MACHINE]
    assert "flyRestartMachine" in answer["note"]
    assert "API_KEY" not in await fly.env()
    assert fly.machine().instance_id == before.instance_id
    assert fly.changes() == [f"POST /v1/apps/{APP}/secrets", f"POST /v1/apps/{APP}/machines/{MACHINE}/exec"]


async def test_a_secret_set_with_restart_is_on_the_machine(fly: Fly) -> None:
    """Reference 6.5: the CLI's recipe, an update of the unchanged config."""
    before = fly.machine()

    answer = await fly.call("flySetSecrets", appName=APP, secrets=NEW, restartMachines=True)

    assert answer["outcome"] == "done"
    assert answer["machines"] == [{"id": MACHINE, "outcome": "done", "state": "started"}]
    assert answer["still_old"] == []
    env = await fly.env()
    assert {name: env[name] for name in NEW} == NEW
    after = fly.machine()
    assert after.config == before.config
    assert after.instance_id != before.instance_id
    assert fly.requests_to("/restart") == []


async def test_flys_own_restart_applies_nothing(fly: Fly) -> None:
    """Reference 9.17: the reason for all of this."""
    await fly.call("flySetSecrets", appName=APP, secrets=NEW)
    async with httpx2.AsyncClient(transport=fly.wire, base_url="http://fly.test", timeout=None) as raw:
        headers = {"authorization": "Bearer x"}
        path = f"/v1/apps/{APP}/machines/{MACHINE}"
        assert (await raw.post(f"{path}/restart", headers=headers)).is_success
        assert (await raw.get(f"{path}/wait?state=started", headers=headers)).is_success
        await fly.clock.sleep(3)

    assert "API_KEY" not in await fly.env()


async def test_a_restart_after_a_set_applies_it_once(fly: Fly) -> None:
    """The issue, 3: it goes as an update and says `applied_secrets`; the next one is Fly's restart."""
    await fly.call("flySetSecrets", appName=APP, secrets=NEW)

    first = await fly.call("flyRestartMachine", appName=APP, machineId=MACHINE)
    assert first["how"] == "update"
    assert first["applied_secrets"] == ["API_KEY", "DATABASE_URL"]
    assert (await fly.env())["API_KEY"] == "second"

    second = await fly.call("flyRestartMachine", appName=APP, machineId=MACHINE)
    assert second["how"] == "restart"
    assert second["applied_secrets"] == []


async def test_a_restart_after_a_set_with_restart_has_nothing_to_apply(fly: Fly) -> None:
    """Ours: version and secret may be of the same second; what we brought ourselves is not new."""
    await fly.call("flySetSecrets", appName=APP, secrets=NEW, restartMachines=True)

    answer = await fly.call("flyRestartMachine", appName=APP, machineId=MACHINE)

    assert (answer["how"], answer["applied_secrets"]) == ("restart", [])


async def test_a_secret_set_by_somebody_else_is_applied_too(fly: Fly) -> None:
    """Ours: what this process remembers is a help, Fly's list is the truth."""
    await fly.call("flySetSecrets", appName=APP, secrets=NEW, restartMachines=True)
    await fly.clock.sleep(10)

    def elsewhere(world: World) -> None:
        secret = world.apps[APP].secrets["API_KEY"]
        secret.value, secret.updated_at = "third", fly.clock.now()
        world.apps[APP].secrets_version += 1

    fly.edit(elsewhere)
    answer = await fly.call("flyRestartMachine", appName=APP, machineId=MACHINE)

    assert (answer["how"], answer["applied_secrets"]) == ("update", ["API_KEY"])
    assert (await fly.env())["API_KEY"] == "third"


async def test_a_secret_unset_stays_on_the_machine_until_it_is_updated(fly: Fly) -> None:
    """Reference 6.5: deleting a secret needs the same step."""
    answer = await fly.call("flyUnsetSecrets", appName=APP, secretNames=["OLD_API_KEY"])
    assert answer["still_old"] == [MACHINE]
    assert "OLD_API_KEY" in await fly.env()

    restarted = await fly.call("flyRestartMachine", appName=APP, machineId=MACHINE)
    assert (restarted["how"], restarted["applied_secrets"]) == ("update", ["OLD_API_KEY"])
    assert "OLD_API_KEY" not in await fly.env()


async def test_a_secret_unset_with_restart_is_gone(fly: Fly) -> None:
    """The seeds: flyUnsetSecrets with restartMachines."""
    answer = await fly.call(
        "flyUnsetSecrets", appName=APP, secretNames=["OLD_API_KEY", "NEVER_SET"], restartMachines=True
    )

    assert answer["names"] == ["OLD_API_KEY"]
    assert answer["not_set"] == ["NEVER_SET"]
    assert answer["still_old"] == []
    assert "OLD_API_KEY" not in await fly.env()


async def test_unsetting_what_is_not_set_changes_nothing(fly: Fly) -> None:
    """The issue, 3: unknown names come back as `not_set`; no machine is restarted for them."""
    answer = await fly.call("flyUnsetSecrets", appName=APP, secretNames=["NEVER_SET"], restartMachines=True)

    assert (answer["names"], answer["not_set"]) == ([], ["NEVER_SET"])
    assert fly.writes() == []


async def test_an_app_without_machines_just_stores(fly: Fly) -> None:
    """The seeds' third use case, in an app that has no machine yet."""
    answer = await fly.call("flySetSecrets", appName=SANDBOX, secrets=NEW, restartMachines=True)

    assert (answer["outcome"], answer["machines"], answer["still_old"]) == ("done", [], [])
    assert fly.app(SANDBOX).secrets.keys() == NEW.keys()


class TestFleet:
    """One machine after another, running ones only, standbys left alone (the issue, 3)."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(
            machine(1),
            machine(2, state="stopped"),
            machine(3, state="suspended"),
            machine(4, state="stopped", standbys=[id_of(1)]),
            machine(5, standbys=[id_of(1)]),
            machine(6, group="fly_app_release_command"),
            machine(7, group=None),
            secrets=("API_KEY",),
        )

    async def test_only_running_machines_are_updated(self, fly: Fly) -> None:
        """Reference 7.6 and 9.27; a machine without a process group is updated too (flyctl issue 1898)."""
        before = {one.id: one.instance_id for one in fly.alive(FLEET)}

        answer = await fly.call("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        assert [one["id"] for one in answer["machines"]] == [id_of(1), id_of(7)]
        assert {one["outcome"] for one in answer["machines"]} == {"done"}
        assert answer["still_old"] == [id_of(3), id_of(5)]
        changed = {one.id for one in fly.alive(FLEET) if one.instance_id != before[one.id]}
        assert changed == {id_of(1), id_of(7)}
        assert "Left alone: 4 machines" in answer["note"]
        assert [one.state for one in fly.alive(FLEET)] == [
            "started", "stopped", "suspended", "stopped", "started", "started", "started",
        ]  # fmt: skip

    async def test_the_answers_say_the_truth_about_each(self, fly: Fly) -> None:
        """The issue, Shows 7: changed only where the answers say so."""
        answer = await fly.call("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)
        await fly.call("flyStartMachine", appName=FLEET, machineId=id_of(2))
        await fly.call("flyStartMachine", appName=FLEET, machineId=id_of(3))
        updated = {one["id"] for one in answer["machines"]}

        for number in (1, 2, 3, 5, 7):
            value = (await fly.env(id_of(number), FLEET))["API_KEY"]
            old = id_of(number) in answer["still_old"]
            assert value == ("first-api_key" if old else "second"), number
            assert not (old and id_of(number) in updated)

    async def test_without_restart_all_that_keep_the_old_are_named(self, fly: Fly) -> None:
        """The issue, 3: a suspended machine resumes with what it had."""
        answer = await fly.call("flySetSecrets", appName=FLEET, secrets=NEW)
        assert answer["still_old"] == [id_of(1), id_of(3), id_of(5), id_of(7)]

    async def test_a_suspended_machine_gets_them_by_a_restart(self, fly: Fly) -> None:
        """Reference 6.5: a resume keeps the old ones; an update boots cold, and says so."""
        await fly.call("flySetSecrets", appName=FLEET, secrets=NEW)

        answer = await fly.call("flyRestartMachine", appName=FLEET, machineId=id_of(3))

        assert (answer["state"], answer["previous_state"], answer["how"]) == (
            "started",
            "suspended",
            "update",
        )
        assert "starts cold" in answer["note"]
        assert (await fly.env(id_of(3), FLEET))["API_KEY"] == "second"

    async def test_the_version_that_machines_must_have_is_sent(self, fly: Fly) -> None:
        """Reference 6.5: `min_secrets_version`, so that no host boots with secrets older than these."""
        sent: list[Any] = []
        fly.wire.tap("POST", rf"/machines/{id_of(1)}$", lambda request: sent.append(request.content))
        await fly.call("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        assert b'"min_secrets_version":%d' % fly.app(FLEET).secrets_version in sent[0]

    async def test_progress_tells_which_machine(self, fly: Fly) -> None:
        """Ours: a roll over many machines takes minutes."""
        await fly.call("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)
        assert (1, 2, f"updating machine {id_of(7)}") in fly.progress


class TestRoll:
    """A bad value stops at the first machine; the error says what is stored and each machine's fate."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(machine(1), machine(2), machine(3), secrets=("API_KEY",))

    def _fates(self, error: dict[str, Any]) -> dict[str, str]:
        return {one["id"]: one["outcome"] for one in error["details"]["machines"]}

    async def test_a_machine_that_does_not_come_up_stops_the_roll(self, fly: Fly) -> None:
        """Reference 7.6: the first failure stops the rest."""
        fly.edit(lambda world: world.images.update({IMAGE: Image(cannot_run=True)}))

        error = await fly.refused("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        assert error["code"] == "wrong_state"
        assert error["changed"] == "something"
        assert error["message"].startswith("Stored, but not every machine has it: ")
        assert "exited with code 127" in error["message"]
        assert error["details"]["names"] == ["API_KEY", "DATABASE_URL"]
        assert self._fates(error) == {id_of(1): "failed", id_of(2): "not_tried", id_of(3): "not_tried"}
        assert error["details"]["machines"][0]["state"] == "failed"
        assert [one.state for one in fly.alive(FLEET)] == ["failed", "started", "started"]
        assert fly.app(FLEET).secrets.keys() >= NEW.keys()

    async def test_a_lease_of_somebody_else_stops_the_roll_where_it_is(self, fly: Fly) -> None:
        """Reference 6.6; the machine before it has the new value."""
        until = fly.clock.now() + 600

        def lease(world: World) -> None:
            world.apps[FLEET].machines[id_of(2)].lease = Lease(nonce="abc", owner="ada@x", expires_at=until)

        fly.edit(lease)
        error = await fly.refused("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        assert error["code"] == "lease_held"
        assert error["changed"] == "something"
        assert error["details"]["owner"] == "ada@x"
        assert self._fates(error) == {id_of(1): "done", id_of(2): "failed", id_of(3): "not_tried"}
        assert (await fly.env(id_of(1), FLEET))["API_KEY"] == "second"

    async def test_a_full_host_stops_the_roll_and_its_machine_runs_on(self, fly: Fly) -> None:
        """Reference 6.3: the old version stays in place and keeps running."""
        text = (
            "aborted: could not reserve resource for machine: insufficient memory available to fulfill "
            "request on the current host"
        )
        fly.emulator.faults.add(
            FaultRule(method="POST", path=f"/machines/{id_of(1)}$", status=409, error=text)
        )
        error = await fly.refused("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        assert error["code"] == "no_capacity"
        assert error["changed"] == "something"
        assert fly.machine(id_of(1), FLEET).state == "started"

    async def test_after_a_failed_roll_a_restart_applies_the_rest(self, fly: Fly) -> None:
        """The error's hint, taken at its word."""
        rule = FaultRule(method="POST", path=f"/machines/{id_of(2)}$", status=422, times=1)
        fly.emulator.faults.add(rule)
        await fly.refused("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        answer = await fly.call("flyRestartMachine", appName=FLEET, machineId=id_of(2))

        assert answer["applied_secrets"] == ["API_KEY", "DATABASE_URL"]
        assert (await fly.env(id_of(2), FLEET))["API_KEY"] == "second"

    async def test_a_host_that_does_not_answer_is_passed_over(self, fly: Fly) -> None:
        """Reference 3.2: no config then, and nothing to post back; the others are not kept waiting for it."""

        def hide(world: World) -> None:
            world.apps[FLEET].machines[id_of(1)].host_status = "unreachable"

        fly.edit(hide)
        answer = await fly.call("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        fates = {one["id"]: one["outcome"] for one in answer["machines"]}
        assert fates == {id_of(1): "not_tried", id_of(2): "done", id_of(3): "done"}
        assert answer["still_old"] == [id_of(1)]

    async def test_a_machine_that_goes_away_meanwhile_does_not_stop_the_roll(self, fly: Fly) -> None:
        """Ours: what is gone needs no secret."""

        def vanish(world: World) -> None:
            del world.apps[FLEET].machines[id_of(2)]

        fly.wire.tap("POST", rf"/machines/{id_of(1)}$", lambda _: fly.edit(vanish))
        answer = await fly.call("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        fates = {one["id"]: one["outcome"] for one in answer["machines"]}
        assert fates == {id_of(1): "done", id_of(2): "not_tried", id_of(3): "done"}

    async def test_machines_that_cannot_be_listed_do_not_hide_that_it_is_stored(self, fly: Fly) -> None:
        """Ours: the write before it was done."""
        fly.emulator.faults.add(FaultRule(method="GET", path="/machines$", status=503))

        error = await fly.refused("flySetSecrets", appName=FLEET, secrets=NEW, restartMachines=True)

        assert error["changed"] == "something"
        assert error["message"].startswith("Stored, but")
        assert fly.app(FLEET).secrets.keys() >= NEW.keys()


async def test_what_was_remembered_of_an_app_is_forgotten_with_it(fly: Fly) -> None:
    """Ours: a new app of an old name counts its secrets' versions from one."""
    for value in ("one", "two", "three"):
        await fly.call("flySetSecrets", appName=SANDBOX, secrets={"A": value})
    await fly.call("flyDeleteApp", appName=SANDBOX, confirm=True)
    await fly.call("flyCreateApp", appName=SANDBOX, orgSlug="personal")

    answer = await fly.call("flyCreateMachine", appName=SANDBOX)

    assert answer["outcome"] == "done"


async def test_a_version_that_fly_does_not_know_is_asked_for_once_alone(fly: Fly) -> None:
    """Ours: somebody else made the app anew behind our back."""
    for value in ("one", "two", "three"):
        await fly.call("flySetSecrets", appName=SANDBOX, secrets={"A": value})

    def anew(world: World) -> None:
        world.apps[SANDBOX].secrets.clear()
        world.apps[SANDBOX].secrets_version = 0

    fly.edit(anew)
    answer = await fly.call("flyCreateMachine", appName=SANDBOX)

    assert answer["outcome"] == "done"
