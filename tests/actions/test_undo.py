"""What was destroyed is made again, as far as Fly allows it (issue 4, section 6)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import App, Lease, Machine, Volume, World
from fly_mcp_tools.action import Access, AnyAction
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.config import MARK

from .fly import APP, FREE_VOLUME, MACHINE, SANDBOX, VOLUME, WEB, Fly, Json
from .worlds import FLEET, fleet, id_of, machine, mount, volume_of, web

DAY = 24 * 3600.0
ONE: Json = {"appName": FLEET, "machineId": id_of(1), "confirm": True}
#: A config with something of everything, and a secret wherever one can be.
RICH: dict[str, Any] = {
    "env": {"DSN": "c4n4ry-env-5f3a9c", "EMPTY": ""},
    "guest": {"cpu_kind": "performance", "cpus": 2, "memory_mb": 4096},
    "metadata": {"fly_process_group": "app", "team": "records", MARK: "0123456789abcdef"},
    "files": [{"guest_path": "/etc/app.conf", "raw_value": "YzRuNHJ5LWZpbGU="}],
    "init": {"cmd": ["sleep", "inf"], "swap_size_mb": 512},
    "restart": {"policy": "always"},
    "stop_config": {"signal": "SIGINT", "timeout": "10s"},
    "checks": {"up": {"type": "tcp", "port": 8080, "interval": "15s"}},
    "statics": [{"guest_path": "/srv", "url_prefix": "/static"}],
    "schedule": "daily",
    "auto_destroy": False,
}
SECRETS = ("c4n4ry-env-5f3a9c", "YzRuNHJ5LWZpbGU=", "c4n4ry-file")


@pytest.fixture
def world() -> World:
    extended: dict[str, Any] = {
        "mounts": [{"volume": volume_of(1), "path": "/srv/data", "extend_threshold_percent": 80}]
    }
    return fleet(
        machine(1, **RICH, **web("suspend"), **extended),
        machine(2, env={"PLAIN": "1"}),
        machine(3, state="stopped"),
        volumes=(
            Volume(id=volume_of(1), name="data", region="fra"),
            Volume(id="vol_spare", name="spare", region="fra"),
            Volume(id="vol_ams", name="spare", region="ams"),
        ),
    )


def config_of(one: Machine) -> Json:
    """A machine's config without our mark."""
    config = one.config.model_dump(exclude_none=True)
    metadata = {key: value for key, value in config.get("metadata", {}).items() if key != MARK}
    return {**config, "metadata": metadata}


async def deleted(fly: Fly, number: int = 1, **more: Any) -> str:
    """Delete a machine of the fleet; its reference."""
    answer = await fly.call("flyDeleteMachine", **{**ONE, "machineId": id_of(number)}, **more)
    assert answer["outcome"] == "done"
    reference = answer["undo"]["reference"]
    assert isinstance(reference, str)
    return reference


def kept(fly: Fly) -> list[str]:
    """References in the store."""
    with fly.tools._undo._store.transaction() as db:  # pyright: ignore[reportPrivateUsage] nothing else shows them
        return [row[0] for row in db.execute("SELECT reference FROM undo ORDER BY kept")]


class TestRoundTrip:
    """flyDeleteMachine, then flyCreateMachine with its reference."""

    async def test_a_machine_comes_back_as_it_was(self, fly: Fly) -> None:
        """The issue: its whole config, its region, its name; mounted on the volume that stayed."""
        before = fly.machine(id_of(1), FLEET)
        reference = await deleted(fly)
        answer = await fly.call("flyCreateMachine", appName=FLEET, undo=reference)
        after = fly.machine(answer["id"], FLEET)
        assert (answer["outcome"], answer["image_from"], answer["state"]) == ("done", "undo", "started")
        assert after.id != before.id
        assert (after.name, after.region) == (before.name, before.region)
        assert config_of(after) == config_of(before)
        assert (after.config.metadata or {})[MARK] != "0123456789abcdef"
        assert answer["volume_id"] == volume_of(1)
        assert fly.volume(volume_of(1), FLEET).attached_machine_id == after.id
        assert "its id, address and root file system do not come back" in answer["note"]
        for said in fly.said:
            assert not [word for word in SECRETS if word in said]

    async def test_it_comes_back_twice_under_another_name(self, fly: Fly) -> None:
        """Ours: a reference is not used up; Fly takes a name once."""
        reference = await deleted(fly, 2)
        first = await fly.call("flyCreateMachine", appName=FLEET, undo=reference)
        second = await fly.call("flyCreateMachine", appName=FLEET, undo=reference)
        assert first["name"] == "fleet-2"
        assert second["name"] not in ("", "fleet-2")
        for one in (first, second):
            assert fly.machine(one["id"], FLEET).config.env == {"PLAIN": "1"}
        error = await fly.refused("flyCreateMachine", appName=FLEET, undo=reference, name="fleet-2")
        assert (error["code"], error["changed"]) == ("conflict", "nothing")

    async def test_what_is_said_beside_it_counts(self, fly: Fly) -> None:
        """Ours: name, volume and autostop of the call go before those of the machine."""
        reference = await deleted(fly)
        answer = await fly.call(
            "flyCreateMachine",
            appName=FLEET,
            undo=reference,
            name="other",
            volumeId="vol_spare",
            autoStop="stop",
        )
        after = fly.machine(answer["id"], FLEET)
        assert (after.name, after.volume_id) == ("other", "vol_spare")
        assert [(one.volume, one.path) for one in after.config.mounts or []] == [("vol_spare", "/srv/data")]
        assert [service.autostop for service in after.config.services or []] == ["stop"]
        await fly.clock.sleep(60)
        assert fly.volume(volume_of(1), FLEET).attached_machine_id is None

    async def test_another_region_is_for_a_machine_without_a_volume(self, fly: Fly) -> None:
        """Reference 6.7: a machine is where its volume is."""
        answer = await fly.call("flyCreateMachine", appName=FLEET, undo=await deleted(fly, 2), region="ams")
        assert answer["region"] == "ams"
        reference = await deleted(fly)
        error = await fly.refused("flyCreateMachine", appName=FLEET, undo=reference, region="ams")
        assert (error["code"], [one["path"] for one in error["problems"]]) == (
            "invalid_arguments",
            ["region"],
        )
        answer = await fly.call(
            "flyCreateMachine", appName=FLEET, undo=reference, region="ams", volumeId="vol_ams"
        )
        assert (answer["region"], answer["volume_id"]) == ("ams", "vol_ams")

    async def test_with_an_image_it_is_refused(self, fly: Fly) -> None:
        """Ours: undo makes what was, and an image is something else."""
        reference = await deleted(fly)
        sent = len(fly.wire.sent)
        error = await fly.refused("flyCreateMachine", appName=FLEET, undo=reference, image="nginx")
        assert (error["code"], error["outcome"]) == ("invalid_arguments", "refused")
        assert [one["path"] for one in error["problems"]] == ["image"]
        assert len(fly.wire.sent) == sent

    async def test_a_reference_of_the_first_answer_is_that_of_the_repeated_call(self, fly: Fly) -> None:
        """The issue, 2: the first result."""
        first = await fly.call("flyDeleteMachine", **ONE, requestId="one")
        again = await fly.call("flyDeleteMachine", **ONE, requestId="one")
        assert again["undo"] == first["undo"]
        assert kept(fly) == [first["undo"]["reference"]]

    async def test_an_undo_whose_answer_was_lost_is_not_doubled(self, fly: Fly) -> None:
        """The issue, 2: it carries a mark as every create does, and goes on by its id."""
        reference = await deleted(fly)
        fly.wire.lose_answers("POST", f"{FLEET}/machines$", times=1)
        answer = await fly.call("flyCreateMachine", appName=FLEET, undo=reference, requestId="back")
        again = await fly.call("flyCreateMachine", appName=FLEET, undo=reference, requestId="back")
        assert again == {**answer, "already_done": True}
        assert len(fly.alive(FLEET)) == 3


class TestVolume:
    """The volume of a machine that is to come back."""

    async def test_one_that_was_deleted_since_is_told_with_a_way_out(self, fly: Fly) -> None:
        """The issue: a clear error that says what to do, while Fly still lists it and after."""
        reference = await deleted(fly)
        gone = await fly.call("flyDeleteVolume", appName=FLEET, volumeId=volume_of(1), confirm=True)
        for seconds in (0.0, DAY + 60):
            await fly.clock.sleep(seconds)
            changes = len(fly.changes())
            error = await fly.refused("flyCreateMachine", appName=FLEET, undo=reference)
            assert error["code"] in ("wrong_state", "not_found")
            assert volume_of(1) in error["message"] + error["hint"]
            assert "volumeId" in error["hint"]
            assert "flyCreateVolume" in error["hint"]
            assert (error["changed"], len(fly.changes())) == ("nothing", changes)
        # The way out: the volume from its last snapshot, then the machine with it.
        restored = await fly.call(
            "flyCreateVolume",
            appName=FLEET,
            name="data",
            region="fra",
            snapshotId=gone["undo"]["reference"],
        )
        answer = await fly.call("flyCreateMachine", appName=FLEET, undo=reference, volumeId=restored["id"])
        assert answer["volume_id"] == restored["id"]

    async def test_one_that_another_machine_has_is_told_with_a_way_out(self, fly: Fly) -> None:
        """The issue: attached elsewhere in between."""
        reference = await deleted(fly)
        other = await fly.call("flyCreateMachine", appName=FLEET, volumeId=volume_of(1))
        changes = len(fly.changes())
        error = await fly.refused("flyCreateMachine", appName=FLEET, undo=reference)
        assert (error["code"], error["changed"]) == ("wrong_state", "nothing")
        assert error["details"]["attached_machine_id"] == other["id"]
        assert "flyCreateVolume" in error["hint"]
        assert len(fly.changes()) == changes

    @pytest.mark.parametrize("seconds", [2.0, 30.0])
    async def test_one_that_is_just_being_let_go_of_is_waited_for(self, fly: Fly, seconds: float) -> None:
        """Reference 6.4: a host takes its time."""
        fly.edit(lambda world: setattr(world.settings, "volume_release_seconds", seconds))
        answer = await fly.call("flyCreateMachine", appName=FLEET, undo=await deleted(fly))
        assert answer["volume_id"] == volume_of(1)


class TestReferences:
    """What a reference opens, and for whom."""

    async def _not_found(self, fly: Fly, **arguments: Any) -> None:
        changes, sent = len(fly.changes()), len(fly.wire.sent)
        error = await fly.refused("flyCreateMachine", arguments)
        assert (error["code"], error["outcome"]) == ("not_found", "refused")
        assert arguments["undo"] in error["message"]
        assert "30 days" in error["hint"]
        assert len(fly.changes()) == changes
        assert not [one for one in fly.wire.sent[sent:] if not one.startswith("GET ")]

    async def test_one_of_another_app_is_not_found(self, fly: Fly) -> None:
        """Ours: secrets of one app do not get into another."""
        await self._not_found(fly, appName=WEB, undo=await deleted(fly))

    async def test_one_that_nobody_gave_is_not_found(self, fly: Fly) -> None:
        """Ours."""
        await deleted(fly)
        await self._not_found(fly, appName=FLEET, undo="undo_0123456789abcdef")

    async def test_one_of_another_caller_is_not_found(self, fly: Fly) -> None:
        """Ours: one server may serve several."""
        theirs = await fly.tools.call("flyDeleteMachine", ONE, caller="bob")
        await self._not_found(fly, appName=FLEET, undo=theirs["undo"]["reference"])
        made = await fly.tools.call(
            "flyCreateMachine", {"appName": FLEET, "undo": theirs["undo"]["reference"]}, caller="bob"
        )
        assert made["outcome"] == "done"

    async def test_it_lasts_for_thirty_days_as_the_answer_said(self, fly: Fly) -> None:
        """The issue."""
        began = fly.clock.now()
        answer = await fly.call("flyDeleteMachine", **{**ONE, "machineId": id_of(2)})
        until = answer["undo"]["until"]
        assert until == _minute(began + 30 * DAY)
        await fly.clock.sleep(30 * DAY - 60)
        reference = answer["undo"]["reference"]
        await fly.call("flyCreateMachine", appName=FLEET, undo=reference)
        await fly.clock.sleep(120)
        await self._not_found(fly, appName=FLEET, undo=reference)
        assert kept(fly) == []

    @pytest.mark.parametrize("value", ["", "undo_", "undo_0123", "UNDO_0123456789abcdef", "../x", 7])
    async def test_what_can_be_none_is_told_before_anything_is_sent(self, fly: Fly, value: object) -> None:
        """Bad input."""
        error = await fly.refused("flyCreateMachine", appName=FLEET, undo=value)
        assert [one["path"] for one in error["problems"]] == ["undo"]
        assert not fly.wire.sent


def _minute(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%MZ")


class TestKept:
    """What is kept is what was destroyed, and only that."""

    async def test_a_config_updated_between_the_read_and_the_lease_is_the_one_kept(self, fly: Fly) -> None:
        """Ours: by anybody; the machine is read again under the lease."""
        url = f"/v1/apps/{FLEET}/machines/{id_of(2)}"

        async def update() -> None:
            config = {**config_of(fly.machine(id_of(2), FLEET)), "env": {"NEW": "1"}}
            answer = await _post(fly, url, {"config": config})
            assert answer.status_code == 200, answer.text

        await _before_the_lease(fly, update)
        reference = await deleted(fly, 2)
        made = await fly.call("flyCreateMachine", appName=FLEET, undo=reference)
        assert fly.machine(made["id"], FLEET).config.env == {"NEW": "1"}

    async def test_metadata_set_between_the_read_and_the_lease_are_kept_too(self, fly: Fly) -> None:
        """Reference 4.5: metadata make no new version, so the version does not tell."""
        url = f"/v1/apps/{FLEET}/machines/{id_of(2)}/metadata/team"

        async def set_key() -> None:
            answer = await _post(fly, url, {"value": "nights"})
            assert answer.status_code == 204, answer.text

        await _before_the_lease(fly, set_key)
        reference = await deleted(fly, 2)
        made = await fly.call("flyCreateMachine", appName=FLEET, undo=reference)
        assert (fly.machine(made["id"], FLEET).config.metadata or {})["team"] == "nights"

    @pytest.mark.parametrize(
        ("status", "error", "code"),
        [(403, "permission_denied: no", "forbidden"), (412, "failed_precondition: no", "wrong_state")],
    )
    async def test_a_refused_delete_keeps_nothing(self, fly: Fly, status: int, error: str, code: str) -> None:
        """Ours: a config holds secrets; it lies there only for a machine that is gone."""
        fly.emulator.faults.add(
            FaultRule(method="DELETE", path=f"/machines/{id_of(1)}$", status=status, error=error)
        )
        refusal = await fly.refused("flyDeleteMachine", **ONE)
        assert (refusal["code"], refusal["changed"]) == (code, "nothing")
        assert kept(fly) == []

    async def test_an_unconfirmed_delete_keeps_nothing(self, fly: Fly) -> None:
        """The issue, 3: only reads are sent, and nothing is written anywhere."""
        await fly.refused("flyDeleteMachine", **{**ONE, "confirm": False})
        await fly.refused("flyDeleteApp", appName=FLEET)
        await fly.refused("flyScaleMachines", appName=WEB, count=0)
        assert kept(fly) == []

    async def test_a_machine_under_somebodys_lease_keeps_nothing(self, fly: Fly) -> None:
        """Ours."""
        until = fly.clock.now() + 900

        def lease(world: World) -> None:
            world.apps[FLEET].machines[id_of(1)].lease = Lease(nonce="a", owner="ada@x.io", expires_at=until)

        fly.edit(lease)
        assert (await fly.refused("flyDeleteMachine", **ONE))["code"] == "lease_held"
        assert kept(fly) == []

    @pytest.mark.parametrize(("status", "code"), [(403, "forbidden"), (412, "wrong_state"), (404, None)])
    async def test_a_refused_delete_of_an_app_keeps_nothing(
        self, fly: Fly, status: int, code: str | None
    ) -> None:
        """Ours."""
        text = "Could not find App 'fleet'" if status == 404 else "no"
        fly.emulator.faults.add(FaultRule(method="DELETE", path=f"/apps/{FLEET}$", status=status, error=text))
        refusal = await fly.refused("flyDeleteApp", appName=FLEET, confirm=True)
        assert refusal["changed"] == "nothing"
        assert code is None or refusal["code"] == code
        assert kept(fly) == []

    async def test_a_machine_whose_config_cannot_be_read_is_told_as_lost(self, fly: Fly) -> None:
        """Reference 3.2: where its host does not answer, Fly shows no config."""

        def unreachable(world: World) -> None:
            world.apps[FLEET].machines[id_of(2)].host_status = "unreachable"

        fly.edit(unreachable)
        preview = await fly.refused("flyDeleteMachine", **{**ONE, "machineId": id_of(2), "confirm": False})
        assert "could not be made again" in preview["message"]
        answer = await fly.either("flyDeleteMachine", **{**ONE, "machineId": id_of(2)})
        if "undo" in answer:
            assert answer["undo"]["how"].startswith("Not possible")
            assert "reference" not in answer["undo"]
        fly.begin_again()
        fly.edit(unreachable)
        answer = await fly.call("flyDeleteApp", appName=FLEET, confirm=True)
        assert len(answer["machines"]) == 2
        assert "1 machine(s) whose hosts did not show their configs" in answer["undo"]["lost"]


async def _post(fly: Fly, path: str, body: Json) -> Any:
    transport = httpx2.ASGITransport(app=fly.emulator.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        return await http.post(path, json=body, headers={"authorization": "Bearer fm2_somebody"})


async def _before_the_lease(fly: Fly, act: Callable[[], Any]) -> None:
    """Let somebody act just before the next lease is taken."""
    carry = fly.wire.handle_async_request
    struck: list[bool] = []

    async def handle(request: Any) -> Any:
        if not struck and request.method == "POST" and request.url.path.endswith("/lease"):
            struck.append(True)
            await act()
        return await carry(request)

    fly.wire.handle_async_request = handle  # type: ignore[method-assign]  # taps do not wait


class TestScale:
    """Scaling down destroys machines, one by one."""

    @pytest.fixture
    def world(self) -> World:
        numbers = range(1, 6)
        plain = fleet(*(machine(number, env={"N": str(number)}, **web()) for number in numbers))
        with_volumes = fleet(*(machine(number, **mount(number)) for number in numbers)).apps[FLEET]
        plain.apps["disks"] = with_volumes.model_copy(update={"name": "disks"})
        return plain

    @pytest.mark.parametrize(("name", "app"), [("flyScaleMachines", FLEET), ("flyScaleWithVolumes", "disks")])
    async def test_each_machine_that_went_can_be_made_again(self, fly: Fly, name: str, app: str) -> None:
        """The issue: each with a reference of its own."""
        before = fly.app(app).machines
        answer = await fly.call(name, appName=app, count=1, confirm=True)
        went = {step["id"]: step["undo"] for step in answer["machines"]}
        assert len(went) == len(set(went.values())) == 4
        for id_, reference in went.items():
            made = await fly.call("flyCreateMachine", appName=app, undo=reference)
            assert config_of(fly.machine(made["id"], app)) == config_of(before[id_])
            assert made["name"] == before[id_].name
        assert len(fly.alive(app)) == 5


class TestApp:
    """flyDeleteApp, flyCreateApp, and each machine."""

    async def test_an_app_comes_back_machine_by_machine_but_for_its_volumes(self, fly: Fly) -> None:
        """The issue: and the answer says what does not come back."""
        before = {one.name: config_of(one) for one in fly.alive(FLEET)}
        answer = await fly.call("flyDeleteApp", appName=FLEET, confirm=True)
        undo = answer["undo"]
        assert "flyCreateApp" in undo["how"]
        assert "flyCreateMachine with undo" in undo["how"]
        for word in ("volumes", "secrets", "addresses", "certificates"):
            assert word in undo["lost"]
        assert undo["until"] == _minute(fly.clock.now() + 30 * DAY)
        await fly.call("flyCreateApp", appName=FLEET)
        for reference in answer["machines"]:
            made = await fly.either("flyCreateMachine", appName=FLEET, undo=reference)
            if "error" in made:
                # Its volume went with the app.
                assert made["error"]["code"] == "not_found"
                assert volume_of(1) in made["error"]["hint"]
                volume = await fly.call("flyCreateVolume", appName=FLEET, name="data", region="fra")
                await fly.call("flyCreateMachine", appName=FLEET, undo=reference, volumeId=volume["id"])
        after = {one.name: config_of(one) for one in fly.alive(FLEET)}
        for name, config in before.items():
            now = after[name]
            assert {**now, "mounts": 0} == {**config, "mounts": 0}
            assert bool(now.get("mounts")) == bool(config.get("mounts"))

    async def test_references_of_a_call_whose_answer_was_lost_are_told_by_the_next(self, fly: Fly) -> None:
        """The issue, 7: Fly took the machines away before the app, and between the two calls."""
        fly.wire.lose_requests("DELETE", f"/apps/{FLEET}$")
        first = await fly.call("flyDeleteApp", appName=FLEET, confirm=True, requestId="one")
        assert (first["outcome"], len(first["machines"])) == ("unclear", 3)
        fly.wire.mend()

        def half(world: World) -> None:
            machines = world.apps[FLEET].machines
            for id_ in (id_of(1), id_of(2)):
                del machines[id_]
            world.apps[FLEET].volumes[volume_of(1)].attached_machine_id = None

        fly.edit(half)
        answer = await fly.call("flyDeleteApp", appName=FLEET, confirm=True, requestId="one")
        assert answer["outcome"] == "done"
        assert sorted(answer["machines"]) == sorted(first["machines"])

    async def test_hundreds_of_machines_have_a_reference_each(self, fly: Fly) -> None:
        """Ours: a reference that is not told is a machine that is lost."""

        def many(world: World) -> None:
            ones = {id_of(number): machine(number) for number in range(100, 320)}
            world.apps["large"] = App(name="large", org="personal", machines=ones)

        fly.edit(many)
        answer = await fly.call("flyDeleteApp", appName="large", confirm=True)
        assert len(set(answer["machines"])) == 220
        assert len(fly.said[-1]) < 40_000


#: What destroys something, for each row that does.
DESTROYS: dict[str, Json] = {
    "flyDeleteApp": {"appName": APP},
    "flyDeleteMachine": {"appName": APP, "machineId": MACHINE},
    "flyDeleteVolume": {"appName": APP, "volumeId": FREE_VOLUME},
    "flyScaleMachines": {"appName": WEB, "count": 0},
    "flyScaleWithVolumes": {"appName": APP, "count": 0},
    "flyDeleteSecretKey": {"appName": WEB, "name": "sessions-v1"},
    "flyRemoveCertificate": {"appName": WEB, "hostname": "www.catvet.example"},
    "flyReleaseIp": {"appName": WEB, "ip": "2a09:8280:1::5c:1f2e:0"},
}
#: Of these nothing is kept: what there is to say is that, and what takes their place.
NOT_KEPT = {"flyDeleteSecretKey", "flyRemoveCertificate", "flyReleaseIp"}
DESTRUCTIVE = [action for action in ACTIONS.values() if action.access is Access.DESTRUCTIVE]
destructive = pytest.mark.parametrize("action", DESTRUCTIVE, ids=lambda action: str(action.name))


class TestLaw:
    """Over all rows that destroy."""

    @destructive
    async def test_each_answer_says_what_can_be_undone_and_what_cannot(
        self, fly: Fly, action: AnyAction
    ) -> None:
        """The issue, 6: done; how, until when, and what is lost."""
        answer = await fly.call(action.name, **DESTROYS[action.name], confirm=True)
        assert answer["outcome"] == "done"
        undos = [answer["undo"]] if "undo" in answer else answer["machines"]
        for undo in undos:
            if isinstance(undo.get("undo"), str):  # one machine of many
                assert re.fullmatch(r"undo_[0-9a-f]{16}", undo["undo"])
                assert undo["did"] == "destroyed"
            else:
                assert undo["how"]
                assert undo["lost"]
                assert ("until" in undo) is (action.name not in NOT_KEPT)

    @pytest.mark.parametrize(
        "action",
        [pytest.param(action, id=action.name) for action in DESTRUCTIVE],
    )
    async def test_each_preview_says_what_would_be_kept_and_what_would_be_gone(
        self, fly: Fly, action: AnyAction
    ) -> None:
        """The issue, 6: before a person consents."""
        error = await fly.refused(action.name, **DESTROYS[action.name])
        assert error["code"] == "confirmation_required"
        if action.name in NOT_KEPT:
            assert re.search(
                r"gone for good|cannot be had back|new one later takes minutes", error["message"]
            )
            return
        assert "would be gone" in error["message"] or "would destroy" in error["message"]
        assert re.search(r"kept for 30 days|kept, for 30 days|restores it for some days", error["message"])

    @destructive
    async def test_no_answer_shows_a_config(self, fly: Fly, action: AnyAction) -> None:
        """The issue: never shown to an agent, since env and files may hold secrets."""

        def secret(world: World) -> None:
            for app in (APP, WEB):
                for one in world.apps[app].machines.values():
                    one.config.env = {"DSN": SECRETS[0]}

        fly.edit(secret)
        await fly.refused(action.name, **DESTROYS[action.name])
        await fly.call(action.name, **DESTROYS[action.name], confirm=True, requestId="one")
        await fly.call(action.name, **DESTROYS[action.name], confirm=True, requestId="one")
        await fly.refused(action.name, **{**DESTROYS[action.name], "appName": SANDBOX}, requestId="one")
        assert not [said for said in fly.said if SECRETS[0] in said]

    async def test_a_refusal_of_the_undone_create_shows_no_config(self, fly: Fly) -> None:
        """Ours: Fly quotes what it was sent."""
        reference = (await fly.call("flyDeleteMachine", **DESTROYS["flyDeleteMachine"], confirm=True))[
            "undo"
        ]["reference"]

        def quote(request: Any) -> Any:
            return httpx2.Response(422, json={"error": f"invalid config: {request.content.decode()}"})

        fly.edit(lambda world: world.apps[APP].volumes[VOLUME].files.clear())
        fly.wire.replace_answers("POST", f"{APP}/machines$", quote)
        error = await fly.refused("flyCreateMachine", appName=APP, undo=reference)
        assert error["outcome"] == "refused"
        assert "development" not in json.dumps(error)


async def test_a_machine_just_destroyed_by_somebody_else_stays_undoable(fly: Fly) -> None:
    """Ours: between our read and our delete; what was asked for came about, and the config is known."""

    def gone(world: World) -> None:
        del world.apps[FLEET].machines[id_of(2)]

    fly.wire.tap("DELETE", f"/machines/{id_of(2)}$", lambda _: fly.edit(gone))
    answer = await fly.either("flyDeleteMachine", **{**ONE, "machineId": id_of(2)})
    if "error" not in answer:
        made = await fly.call("flyCreateMachine", appName=FLEET, undo=answer["undo"]["reference"])
        assert fly.machine(made["id"], FLEET).config.env == {"PLAIN": "1"}
