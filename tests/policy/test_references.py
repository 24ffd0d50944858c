"""An id of another app or organisation, in every argument of every row that names a thing (issue 6, Shows 3).

The agent may do everything with one app. Nothing but reads reaches Fly, and nothing of the other app is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CallToolResult

from fly_mcp_server.policy import references
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import APP, ORG

from .ground import EVERYTHING, OTHERS, SANDBOX, SHOP, WEB, Policed, agent, allow, example, policed

#: What each argument names, over all rows; "" for what names no thing of Fly's: a number, a filter, a new name, a
#: text, or what lies inside the app whatever it is called.
NAMES = {
    "machine_id": "machine",
    "volume_id": "volume",
    "source_volume_id": "volume",
    "snapshot_id": "snapshot",
    "image": "app",
    "undo": "undo",
    "config": "config",
    **dict.fromkeys((APP, ORG), "app and organisation: tests of their own"),
    **dict.fromkeys(
        (
            *(
                "limit",
                "cursor",
                "state",
                "region",
                "process_group",
                "metadata",
                "detail",
                "enable_subdomains",
            ),
            *(
                "volume_path",
                "auto_stop",
                "timeout",
                "env",
                "cpus",
                "memory_mb",
                "command",
                "volume",
                "signal",
            ),
            *("sort_by", "limit_mb", "reclaim_mb", "ttl", "description", "restart_machines", "type", "count"),
            *("volume_size_gb", "attached", "size_gb", "unique_zone", "encrypted", "snapshot_retention"),
            *(
                "scheduled_snapshots",
                "snapshot",
                "filter",
                "keep_custom",
                "lines",
                "since",
                "level",
                "search",
            ),
            *("updated_after", "cpu_kind", "volume_name", "audience", "aws_principal_tags", "secrets"),
            # Of the app in the path, by their names there; Fly holds them against it.
            *("name", "key", "keys", "secret_names", "hostname", "ip", "nonce"),
            # A private network of the agent's own organisation.
            *("network",),
        ),
        "",
    ),
}
#: Where a machine's config names things: a config that does, of what kind, and how the thing is written there.
IN_CONFIG: list[tuple[str, str, Callable[[str], dict[str, Any]]]] = [
    ("mounts", "volume", lambda thing: {"mounts": [{"volume": thing, "path": "/data"}]}),
    ("standbys", "machine", lambda thing: {"standbys": [thing]}),
    ("image", "app", lambda thing: {"image": f"registry.fly.io/{thing}:latest"}),
    ("containers", "app", lambda thing: {"containers": [{"name": "a", "image": f"registry.fly.io/{thing}"}]}),
    (
        "files",
        "app",
        lambda thing: {"files": [{"guest_path": "/a", "image_config": f"Registry.Fly.io:443/{thing}:1"}]},
    ),
]


def test_it_is_known_of_every_argument_whether_it_names_a_thing() -> None:
    """Ours: a new argument that names something is not to slip by."""
    arguments = {name for action in ACTIONS.values() for name in action.params.model_fields}
    assert arguments == set(NAMES)


def test_every_key_of_a_machines_config_that_names_a_thing_is_looked_at() -> None:
    """Ours: held against Fly's own schema, of which each key that sounds like a thing is listed here."""
    from fly_mcp_tools.machine_config import schemas

    sounds = ("image", "volume", "machine", "standby", "snapshot", "app", "org", "bucket")
    keys = {
        key
        for schema in schemas().values()
        for key in schema.get("properties", {})
        if any(word in key for word in sounds)
    }
    no_thing = {"disable_machine_autostart", "min_machines_running", "ignore_app_secrets"}
    assert keys - no_thing == set(references._IN_CONFIG)  # pyright: ignore[reportPrivateUsage] - the list itself


def cases() -> Iterator[tuple[str, str, str]]:
    """Row, argument, and the thing of another app to put there."""
    for name, action in ACTIONS.items():
        if APP not in action.params.model_fields:
            continue
        for argument in action.params.model_fields:
            for kind in (NAMES[argument],):
                for thing in OTHERS.get(kind, ()):
                    yield name, argument, thing
    for name, action in ACTIONS.items():
        if "config" in action.params.model_fields:
            for where, kind, _ in IN_CONFIG:
                for thing in OTHERS[kind]:
                    yield name, f"config.{where}", thing


def arguments_with(action: AnyAction, argument: str, thing: str) -> dict[str, Any]:
    """A call that works, but for this one argument."""
    fields = action.params.model_fields
    arguments = example(action, SHOP)
    arguments.pop("undo", None)
    if argument.startswith("config."):
        write = next(write for where, _, write in IN_CONFIG if argument == f"config.{where}")
        kept = ("appName", "machineId")
        return {key: arguments[key] for key in kept if key in arguments} | {"config": write(thing)}
    if argument == "snapshot_id" and "volume" in fields:
        arguments["volume"] = "snapshot"
    if argument in ("source_volume_id", "snapshot_id"):
        arguments.pop("sizeGb", None)
    if "machine_id" in fields and argument != "machine_id":
        arguments["machineId"] = "7846e45f27e218"
    value = f"registry.fly.io/{thing}:latest" if argument == "image" else thing
    return arguments | {str(fields[argument].alias): value}


async def nothing_came_of(fly: Policed, name: str, arguments: dict[str, Any], thing: str) -> None:
    """Hold what came of a call against the law."""
    result = await fly.client.call_tool(name, arguments)
    assert isinstance(result, CallToolResult)
    said = json.dumps(result.structured_content)
    if name == "flyGetLogs":  # a filter over the app's own logs: nothing is found
        assert fly.writes == []
        assert '"lines": []' in said
        return
    error = json.loads(said).get("error")
    assert error is not None, said
    assert error["code"] in ("not_allowed", "not_found", "invalid_arguments"), error
    assert error["changed"] == "nothing"
    assert fly.writes == [], (name, arguments)
    for app in (WEB, SANDBOX, "lab-batch"):
        assert app not in said.replace(thing, ""), "the refusal tells whose it is"


@pytest.mark.parametrize(("name", "argument", "thing"), list(cases()))
async def test_a_thing_of_another_app_is_refused_and_nothing_but_reads_is_sent(
    tmp_path: Path, name: str, argument: str, thing: str
) -> None:
    """Issue 6, Shows 3."""
    async with policed(tmp_path, agent(allow(EVERYTHING, f'apps = ["{SHOP}"]'))) as fly:
        before = fly.emulator.dump()
        await nothing_came_of(fly, name, arguments_with(ACTIONS[name], argument, thing), thing)
        assert fly.emulator.dump().apps.keys() == before.apps.keys()


async def test_an_undo_reference_of_another_agent_or_app_brings_nothing_back(tmp_path: Path) -> None:
    """Issue 6, Shows 3: it is the caller's and the app's."""
    two = agent(allow(EVERYTHING)) + agent(allow(EVERYTHING), name="day")
    state = str(tmp_path / "state")
    delete = {"appName": WEB, "machineId": "2874d1ea0f5e38", "confirm": True}
    async with policed(tmp_path, two, state=state) as fly:
        result = await fly.client.call_tool("flyDeleteMachine", delete)
        assert isinstance(result, CallToolResult)
        undo = json.loads(json.dumps(result.structured_content))["undo"]["reference"]
        assert await fly.call("flyCreateMachine", {"appName": SANDBOX, "undo": undo}) == "not_found"
    async with policed(tmp_path, two, "day", state=state) as fly:
        assert await fly.call("flyCreateMachine", {"appName": WEB, "undo": undo}) == "not_found"
        assert fly.writes == []


async def test_things_of_the_app_itself_pass(tmp_path: Path) -> None:
    """Ours: what is the app's own is not refused, wherever it is named."""
    async with policed(tmp_path, agent(allow(EVERYTHING, f'apps = ["{SHOP}"]'))) as fly:
        mount = {"mounts": [{"volume": "vol_abc123", "path": "/data"}]}
        assert await fly.call("flyCreateMachine", {"appName": SHOP, "config": mount}) == "done"
        image = "registry.fly.io/catvet-records:deployment-01HM6ZQ4X2J8V5R3T7Y9W1K0NB"
        machine = {"appName": SHOP, "machineId": "7846e45f27e218"}
        assert await fly.call("flyUpdateMachineConfig", {**machine, "image": image}) == "done"
        fork = {"appName": SHOP, "name": "copy", "region": "fra", "sourceVolumeId": "vol_abc123"}
        assert await fly.call("flyCreateVolume", fork) == "done"


async def test_a_snapshot_of_the_app_passes_also_one_of_a_deleted_volume_that_was_listed(
    tmp_path: Path,
) -> None:
    """Ours: Fly has no call that says whose a snapshot is, so it is looked for, or remembered from a list."""
    async with policed(tmp_path, agent(allow(EVERYTHING, f'apps = ["{SANDBOX}"]'))) as fly:
        restore = {
            "appName": SANDBOX,
            "name": "back",
            "region": "fra",
            "snapshotId": OTHERS["snapshot"][0],
        }
        assert await fly.call("flyCreateVolume", restore) == "done"
    async with policed(tmp_path, agent(allow(EVERYTHING, f'apps = ["{SANDBOX}"]'))) as fly:
        gone = {"appName": SANDBOX, "volumeId": "vol_xxx", "confirm": True, "snapshot": False}
        assert await fly.call("flyDeleteVolume", gone) == "done"
        await fly.clock.sleep(2 * 24 * 3600.0)
        error = await fly.refusal("flyCreateVolume", restore)
        assert error["code"] == "not_allowed"
        assert "flyListSnapshots" in error["hint"]
        assert await fly.call("flyListSnapshots", {"appName": SANDBOX, "volumeId": "vol_xxx"}) == "done"
        assert await fly.call("flyCreateVolume", restore) == "done"


@pytest.mark.parametrize(
    "image",
    [
        "registry.fly.io/{}",
        "registry.fly.io/{}:latest",
        "registry.fly.io/{}@sha256:0123",
        "registry.fly.io:443/{}/more:1",
        "REGISTRY.FLY.IO/{}",
        "registry.fly.io./{}",
        "registry2.fly.io/{}",
        "docker://registry.fly.io/{}",
        "https://x@registry.fly.io//{}",
        "ghcr.io/a@registry.fly.io/{}",
    ],
)
def test_an_image_in_flys_registry_is_known_however_it_is_written(image: str) -> None:
    """Ours: the host by any of its spellings."""
    params = ACTIONS["flyCreateMachine"].params
    written = params.model_construct(app_name=SHOP, config={"image": image.format(WEB)})
    assert references.of(written) == {references.Reference("app", WEB)}


def test_other_images_and_ways_back_are_told_apart() -> None:
    """Ours: an image elsewhere is nobody's, and a path that leads back is nobody's either, so it is refused."""
    params = ACTIONS["flyCreateMachine"].params
    for image in ("nginx:1", "docker.io/fly/io:1", "notfly.io/x", "ghcr.io/a/registry.fly.iox/b"):
        assert references.of(params.model_construct(app_name=SHOP, config={"image": image})) == frozenset()
    config = {"image": f"registry.fly.io/{SHOP}/../{WEB}"}
    back = references.of(params.model_construct(app_name=SHOP, config=config))
    assert references.Reference("app", "..") in back


MALFORMED = [
    "registry.fly.io:/lab-batch:x",
    "registry.fly.io../lab-batch:x",
    "registry..fly.io/lab-batch",
    "registry.fly.io:443x/lab-batch",
    "registry.fly.io:4:4/lab-batch",
    "registry%2Efly.io/lab-batch",
    "registry\uff0efly\uff0eio/lab-batch",
    "registry.fly.io\\lab-batch",
    "",
    f"docker.io/{'a' * 600}",
]


@pytest.mark.parametrize("image", MALFORMED)
def test_an_image_of_no_known_form_is_nobodys(image: str) -> None:
    """The review of issue 6, 16: what cannot be read may lead into Fly's registry, so it is not let through."""
    params = ACTIONS["flyCreateMachine"].params
    for config in ({"image": image}, {"containers": [{"name": "a", "image": image}]}):
        written = params.model_construct(app_name=SHOP, config=config)
        assert references.of(written) == {references.Reference("image", image)}


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "localhost:5000/a",
        "a/b_c__d-e.f:V1",
        "GHCR.io/a/b@sha256:0aB",
        "registry-1.docker.io/flyio/hellofly",
    ],
)
def test_an_image_elsewhere_is_nobodys_business(image: str) -> None:
    """Ours: every form that registries have."""
    written = ACTIONS["flyCreateMachine"].params.model_construct(app_name=SHOP, config={"image": image})
    assert references.of(written) == frozenset()


def test_of_two_images_in_one_name_both_are_looked_at() -> None:
    """Ours: whichever of them Fly would take."""
    image = f"registry.fly.io/{SHOP}@registry.fly.io/{WEB}"
    written = ACTIONS["flyCreateMachine"].params.model_construct(app_name=SHOP, config={"image": image})
    assert references.of(written) == {references.Reference("app", name) for name in (SHOP, WEB)}


@pytest.mark.parametrize(
    "config",
    [
        {"image": MALFORMED[0]},
        {"containers": [{"name": "a", "image": MALFORMED[1]}]},
        {"statics": [{"guest_path": "/a", "url_prefix": "/a", "tigris_bucket": "of-lab-batch"}]},
    ],
    ids=["image", "container", "bucket"],
)
async def test_what_is_nobodys_is_refused_before_anything_is_sent(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    """The review of issue 6, 16: also where every app is allowed."""
    async with policed(tmp_path, agent(allow(EVERYTHING))) as fly:
        one = {"appName": SHOP, "machineId": "7846e45f27e218"}
        for name, arguments in (("flyCreateMachine", {"appName": SHOP}), ("flyUpdateMachineConfig", one)):
            error = await fly.refusal(name, {**arguments, "config": config})
            assert (error["code"], error["changed"]) == ("not_allowed", "nothing")
            assert "whose it is" in error["message"]
        assert fly.writes == []


async def test_statics_without_a_bucket_pass(tmp_path: Path) -> None:
    """Ours: they are files of the machine itself."""
    statics = [{"guest_path": "/public", "url_prefix": "/public"}]
    async with policed(tmp_path, agent(allow(EVERYTHING))) as fly:
        one = {"appName": SHOP, "machineId": "7846e45f27e218", "config": {"statics": statics}}
        assert await fly.call("flyUpdateMachineConfig", one) == "done"


async def test_an_image_of_another_app_needs_the_same_right_on_that_app(tmp_path: Path) -> None:
    """Ours: what an app runs is its own; from staging to production is a way that a rule can open."""
    machine = {"appName": SHOP, "machineId": "7846e45f27e218", "image": f"registry.fly.io/{WEB}:1"}
    read = allow('access = ["read"]')
    write = 'actions = ["flyUpdateMachineConfig"]'
    async with policed(tmp_path, agent(read, allow(write, f'apps = ["{SHOP}"]'))) as fly:
        assert await fly.call("flyUpdateMachineConfig", machine) == "not_allowed"
        assert fly.writes == []
    async with policed(tmp_path, agent(read, allow(write, f'apps = ["{SHOP}", "{WEB}"]'))) as fly:
        await fly.call("flyUpdateMachineConfig", machine)
        assert fly.writes != []
