"""The same requestId does the same thing once (issue "Nothing lost, nothing doubled", 2)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import World
from fly_mcp_tools.action import Access
from fly_mcp_tools.catalogue import ACTIONS

from .fly import APP, DEFAULT_IMAGE, FREE_VOLUME, MACHINE, SANDBOX, WEB, Fly, content_of

WRITES = [name for name, action in ACTIONS.items() if action.writes]
READS = [name for name, action in ACTIONS.items() if not action.writes]
writes = pytest.mark.parametrize("name", WRITES)
#: For actions whose example changes nothing in the world that it begins with.
OTHER: dict[str, dict[str, Any]] = {
    "flyStartMachine": {"appName": "lab-batch", "machineId": "3d8d9a2b64e189"}
}


def arguments(name: str) -> dict[str, Any]:
    """The row's first example, with an id."""
    example = dict(OTHER.get(name) or ACTIONS[name].examples[0].arguments)
    return {**example, "requestId": "night-shift:1"}


@writes
async def test_a_finished_call_is_answered_from_memory(fly: Fly, name: str) -> None:
    """The first result, "already done", and nothing is sent. Secrets and outputs are not kept."""
    first = await fly.call(name, **arguments(name))
    assert first["outcome"] == "done"
    sent = len(fly.wire.sent)
    again = await fly.call(name, **arguments(name))
    assert again.pop("already_done") is True
    if name == "flyAcquireLease":  # a nonce is written down nowhere: Fly shows it
        assert [one.partition(" ")[0] for one in fly.wire.sent[sent:]] == ["GET"]
        assert again == {**first, "note": again["note"]}
        return
    assert len(fly.wire.sent) == sent
    if ACTIONS[name].access is not Access.EXEC:
        assert again == first
    else:
        assert (again["stdout"], again["exit_code"]) == ("", first["exit_code"])
        assert "not kept" in again["note"]


@writes
async def test_other_arguments_are_a_conflict_and_nothing_is_sent(fly: Fly, name: str) -> None:
    """The same id with other arguments."""
    await fly.call(name, **arguments(name))
    sent = len(fly.wire.sent)
    app = "catvet-rec0rds" if name == "flyDeleteApp" else APP if arguments(name)["appName"] == WEB else WEB
    error = await fly.refused(name, {**arguments(name), "appName": app})
    assert (error["code"], error["outcome"], error["details"]) == ("conflict", "refused", {"action": name})
    assert len(fly.wire.sent) == sent


@writes
async def test_a_day_later_it_is_a_new_intent(fly: Fly, name: str) -> None:
    """Within 24 hours, and no longer."""
    await fly.call(name, **arguments(name))
    await fly.clock.sleep(24 * 3600 + 1)
    sent = len(fly.wire.sent)
    answer = await fly.either(name, **arguments(name))
    assert "already_done" not in answer
    assert len(fly.wire.sent) > sent


@writes
async def test_a_refusal_that_changed_nothing_is_forgotten(fly: Fly, name: str) -> None:
    """The id is free for the call put right."""
    wrong = {
        **arguments(name),
        "appName": "no-such-app",
        **({"orgSlug": "nobody"} if "Create" in name else {}),
    }
    if name != "flyCreateApp":
        wrong.pop("orgSlug", None)
    error = await fly.refused(name, wrong)
    assert (error["outcome"], error["changed"]) == ("refused", "nothing")
    assert (await fly.call(name, **arguments(name)))["outcome"] == "done"


@writes
@pytest.mark.parametrize("value", ["", "x" * 65, "a b", "ä", "a\n", 7, True, ["x"]])
async def test_what_is_no_request_id_is_refused_with_the_other_problems(
    fly: Fly, name: str, value: object
) -> None:
    """Bad input names every problem."""
    error = await fly.refused(name, {**arguments(name), "requestId": value, "no_such_argument": 1})
    assert {"requestId", "no_such_argument"} <= {problem["path"] for problem in error["problems"]}
    assert (error["code"], error["outcome"]) == ("invalid_arguments", "refused")
    assert not fly.wire.sent


@pytest.mark.parametrize("name", READS)
async def test_reads_take_none(fly: Fly, name: str) -> None:
    """Only what can be doubled needs one."""
    error = await fly.refused(name, {**ACTIONS[name].examples[0].arguments, "requestId": "x"})
    assert [problem["path"] for problem in error["problems"]] == ["requestId"]


async def test_two_calls_at_once_with_one_id_do_it_once(fly: Fly) -> None:
    """A client that gave up waiting asks again while the first is at work: it gets the same answer."""
    answers: list[dict[str, Any]] = []

    async def call() -> None:
        answers.append(await fly.call("flyCreateMachine", appName=SANDBOX, requestId="twice"))

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        group.start_soon(call)
    assert len(fly.alive(SANDBOX)) == 1
    assert {answer["id"] for answer in answers} == {fly.alive(SANDBOX)[0].id}
    assert [answer.get("already_done") for answer in answers] == [None, True]


LAB = "lab-batch"
FORK = {"appName": APP, "name": "copy", "region": "fra"}
CLONE = {"appName": APP, "machineId": MACHINE, "region": "lhr"}
#: What creates something, the path of its create, and how many it asks for.
CREATES: list[tuple[str, dict[str, Any], str, int]] = [
    ("flyCreateMachine", {"appName": SANDBOX}, f"/v1/apps/{SANDBOX}/machines$", 1),
    ("flyCreateMachine", {"appName": SANDBOX, "name": "mine"}, f"/v1/apps/{SANDBOX}/machines$", 1),
    ("flyScaleMachines", {"appName": WEB, "count": 4}, f"/v1/apps/{WEB}/machines$", 3),
    ("flyScaleWithVolumes", {"appName": APP, "count": 3}, f"/v1/apps/{APP}/machines$", 2),
    ("flyScaleWithVolumes", {"appName": APP, "count": 3}, f"/v1/apps/{APP}/volumes$", 2),
    ("flyCreateVolume", {"appName": SANDBOX, "name": "data", "region": "fra"}, "/volumes$", 1),
    ("flyCreateVolume", {**FORK, "sourceVolumeId": FREE_VOLUME}, "/volumes$", 1),
    ("flyCreateApp", {"appName": "shop"}, "/v1/apps$", 1),
    ("flyCloneMachine", {"appName": LAB, "machineId": "3d8d9a2b64e189"}, f"/v1/apps/{LAB}/machines$", 1),
    ("flyCloneMachine", CLONE, f"/v1/apps/{APP}/volumes$", 1),
    ("flyCloneMachine", CLONE, f"/v1/apps/{APP}/machines$", 1),
    ("flyAllocateIp", {"appName": SANDBOX, "type": "v6"}, "/ip_assignments$", 1),
    ("flyAllocateIp", {"appName": SANDBOX, "type": "v4", "confirm": True}, "/ip_assignments$", 1),
    ("flyCreateSnapshot", {"appName": APP, "volumeId": FREE_VOLUME}, "/snapshots$", 1),
    ("flyGenerateSecretKey", {"appName": APP, "name": "k", "type": "hs256"}, "/generate$", 1),
    ("flyRequestCertificate", {"appName": APP, "hostname": "a.example"}, "/certificates/acme$", 1),
    ("flyAcquireLease", {"appName": APP, "machineId": MACHINE}, "/lease$", 1),
]


def _made(fly: Fly, path: str) -> dict[str, int]:
    """How many of what each action makes, `path` the create, are there that were not."""
    apps = fly.emulator.dump().apps
    return {
        "flyCreateMachine": len(apps[SANDBOX].machines),
        "flyScaleMachines": len(apps[WEB].machines) - 1,
        "flyScaleWithVolumes": len(apps[APP].machines) - 1,
        "flyCreateVolume": sum(len(one.volumes) for one in apps.values()) - 3,
        "flyCreateApp": len(apps) - 4,
        "flyCloneMachine": len(apps[LAB].machines) - 1
        if LAB in path
        else max(len(apps[APP].machines) - 1, len(apps[APP].volumes) - 2),
        "flyAllocateIp": len(apps[SANDBOX].ips),
        "flyCreateSnapshot": len(apps[APP].volumes[FREE_VOLUME].snapshots),
        "flyGenerateSecretKey": len(apps[APP].secret_keys),
        "flyRequestCertificate": len(apps[APP].certificates),
        "flyAcquireLease": sum(
            one.method == "POST" and 0 < one.world_status < 400 for one in fly.requests_to("/lease")
        ),
    }


def test_everything_that_creates_is_among_them() -> None:
    """What a second time would make a second one."""
    makes = {"Create", "Clone", "Allocate", "Generate", "Request", "Acquire", "Scale"}
    names = {name for name in WRITES if any(name.startswith(f"fly{verb}") for verb in makes)}
    assert {name for name, *_ in CREATES} == names


@pytest.mark.parametrize(("name", "given", "path", "count"), CREATES)
@pytest.mark.parametrize("carried_out", [True, False], ids=["carried-out", "lost"])
async def test_a_create_whose_answers_are_lost_is_finished_and_never_doubled(
    fly: Fly, name: str, given: dict[str, Any], path: str, count: int, carried_out: bool
) -> None:
    """Whatever the first call could say, the same id comes to done and to what was asked for."""
    lose = fly.wire.lose_answers if carried_out else fly.wire.lose_requests
    lose("POST", path, times=1)
    answer = await fly.either(name, **given, requestId="once")
    fly.wire.mend()
    for _ in range(3):
        if answer.get("outcome") == "done":
            break
        assert answer["error"]["outcome"] == "unclear"
        answer = await fly.either(name, **given, requestId="once")
    assert answer["outcome"] == "done"
    assert _made(fly, path)[name] == count


async def test_a_machine_made_and_deleted_since_is_not_made_again(fly: Fly) -> None:
    """Found by the chaos run: the intent was done once; somebody else undid it."""
    rule = fly.wire.lose_requests("GET", "/machines/", times=0)

    def silent(_: object) -> None:
        rule.times = 999

    fly.wire.tap("POST", f"{SANDBOX}/machines$", silent)
    answer = await fly.call("flyCreateMachine", appName=SANDBOX, requestId="one")
    assert answer["outcome"] == "pending"
    fly.wire.mend()
    await fly.call("flyDeleteMachine", appName=SANDBOX, machineId=answer["id"], confirm=True)
    for seconds in (0, 60):
        await fly.clock.sleep(seconds)
        error = await fly.refused("flyCreateMachine", appName=SANDBOX, requestId="one")
        assert (error["outcome"], error["changed"]) == ("unclear", "something")
        assert error["details"]["machine_id"] == answer["id"]
    assert not fly.alive(SANDBOX)


async def test_a_command_whose_answer_was_lost_is_not_run_again(fly: Fly) -> None:
    """What a command does cannot be looked up."""
    one = {"appName": APP, "machineId": MACHINE, "command": ["sh", "-c", "echo x >> /data/log"]}
    fly.wire.lose_answers("POST", "/exec$", times=1)
    assert (await fly.refused("flyExecCommand", one, requestId="e"))["outcome"] == "unclear"
    error = await fly.refused("flyExecCommand", one, requestId="e")
    assert (error["code"], error["outcome"]) == ("unclear", "unclear")
    shown = await fly.call("flyExecCommand", appName=APP, machineId=MACHINE, command=["cat", "/data/log"])
    assert shown["stdout"] == "x\n"


async def test_a_restart_whose_answer_was_lost_is_proven_by_its_events(fly: Fly) -> None:
    """It is not restarted twice."""
    one = {"appName": APP, "machineId": MACHINE}
    fly.wire.lose_answers("POST", "/restart$", times=1)
    looks = fly.wire.lose_requests("GET", f"/machines/{MACHINE}", times=0)

    def silent(_: object) -> None:
        looks.times = 999

    fly.wire.tap("POST", "/restart$", silent)
    first = content_of(await fly.result("flyRestartMachine", {**one, "requestId": "r"}))
    fly.wire.mend()
    answer = await fly.call("flyRestartMachine", **one, requestId="r")
    assert answer["outcome"] == "done", first
    assert len(fly.requests_to("/restart")) == 1


async def test_an_image_from_the_operator_is_told_on_resuming_too(fly: Fly) -> None:
    """What a plan said of the machine is in the answer of whoever finds it again."""
    fly.wire.lose_answers("POST", f"{SANDBOX}/machines$", times=1)
    looks = fly.wire.lose_requests("GET", f"{SANDBOX}/machines$", times=0)

    def silent(_: object) -> None:
        looks.times = 999

    fly.wire.tap("GET", f"{SANDBOX}/machines$", silent)
    error = await fly.refused("flyCreateMachine", appName=SANDBOX, requestId="one")
    assert error["outcome"] == "unclear"
    fly.wire.mend()
    answer = await fly.call("flyCreateMachine", appName=SANDBOX, requestId="one")
    assert (answer["outcome"], answer["image_from"], answer["image"]) == ("done", "default", DEFAULT_IMAGE)
    assert len(fly.alive(SANDBOX)) == 1


async def test_a_machine_made_and_deleted_before_the_look_is_not_made_again(fly: Fly) -> None:
    """Found by the chaos run: Fly said 503, had made it, and somebody deleted it meanwhile."""

    def gone(_: object) -> None:
        def destroy(world: World) -> None:
            for machine in world.apps[SANDBOX].machines.values():
                machine.state = "destroyed"

        fly.edit(destroy)

    fly.emulator.faults.add(FaultRule(kind="unavailable_after", method="POST", path="/machines$", times=1))
    fly.wire.tap("GET", f"{SANDBOX}/machines$", lambda _: None)
    fly.wire.tap("GET", f"{SANDBOX}/machines$", gone)
    error = await fly.refused("flyCreateMachine", appName=SANDBOX, requestId="one")
    assert (error["outcome"], error["changed"]) == ("unclear", "something")
    assert len(fly.app(SANDBOX).machines) == 1


async def test_a_machine_whose_host_fell_silent_is_found_by_its_mark_all_the_same(fly: Fly) -> None:
    """Found by the chaos run: Fly lists it without its config, and so without its metadata."""
    fly.emulator.faults.add(FaultRule(kind="internal_error_after", method="POST", path="/machines$", times=1))
    silence = FaultRule(kind="unreachable_host", method="GET", path="/machines/", seconds=3600, times=1)
    fly.emulator.faults.add(silence)
    first = await fly.either("flyCreateMachine", appName=SANDBOX, requestId="one")
    again = await fly.either("flyCreateMachine", appName=SANDBOX, requestId="one")
    assert len(fly.app(SANDBOX).machines) == 1, (first, again)


async def test_a_volume_made_and_deleted_before_the_look_is_not_made_again(fly: Fly) -> None:
    """Found by the chaos run: Fly lists it for a day as pending_destroy, and its mark with it."""

    def doomed(_: object) -> None:
        def change(world: World) -> None:
            for volume in world.apps[SANDBOX].volumes.values():
                if volume.id != "vol_xxx":
                    volume.state = "pending_destroy"

        fly.edit(change)

    fly.wire.lose_answers("POST", "/volumes$", times=1)
    fly.wire.tap("GET", f"{SANDBOX}/volumes$", lambda _: None)
    fly.wire.tap("GET", f"{SANDBOX}/volumes$", doomed)
    new = {"appName": SANDBOX, "name": "data", "region": "fra", "requestId": "one"}
    for _ in range(2):
        error = await fly.refused("flyCreateVolume", new)
        assert (error["outcome"], error["changed"]) == ("unclear", "something")
    assert len(fly.app(SANDBOX).volumes) == 2
