"""Lists in a machine's config are replaced whole: what falls out is sent, seen and told."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.world import World

from .fly import APP, MACHINE, VOLUME, Fly
from .worlds import FLEET, fleet, id_of, machine, web

UPDATE = "flyUpdateMachineConfig"
FIRST = {"appName": FLEET, "machineId": id_of(1)}
CANARY = "c4n4ry-9f1d77"
CHECK: dict[str, Any] = {
    "type": "http",
    "path": "/",
    "interval": "15s",
    "headers": [{"name": "Authorization", "values": [f"Bearer {CANARY}"]}],
}
PORTS = [{"port": 443, "handlers": ["tls", "http"]}]
FILES = [{"guest_path": "/a", "raw_value": "aGk="}, {"guest_path": "/b", "raw_value": "aGk="}]


@pytest.fixture
def world() -> World:
    served = web("stop", ports=PORTS, checks=[CHECK], concurrency={"type": "requests", "soft_limit": 20})
    return fleet(machine(1, **served, files=FILES))


def _services(fly: Fly, machine_id: str = id_of(1)) -> list[dict[str, Any]]:
    services: list[dict[str, Any]] = fly.machine(machine_id, FLEET).config.as_fly_answers()["services"]
    return services


class TestUpdate:
    """flyUpdateMachineConfig."""

    @pytest.mark.parametrize("more", [{}, {"env": {"Z": "9"}}], ids=["alone", "beside another change"])
    async def test_what_a_shorter_list_leaves_out_is_removed(self, fly: Fly, more: dict[str, Any]) -> None:
        """The review: `done`, nothing sent, and the ports were there still."""
        bare = {"protocol": "tcp", "internal_port": 8080}
        answer = await fly.call(UPDATE, **FIRST, config={"services": [bare]}, **more)
        assert answer["outcome"] == "done"
        assert _services(fly) == [{**bare, "force_instance_key": None}]
        assert answer["changed"]["config"]["services"] == (
            "changed; gone: services[8080].autostop, services[8080].autostart, services[8080].ports, "
            "services[8080].checks, services[8080].concurrency"
        )

    async def test_growth_of_a_volume_is_switched_off(self, fly: Fly) -> None:
        """The review: what Fly fills in of the volume is no difference, and the rest is one."""
        one = {"appName": APP, "machineId": MACHINE}
        plain = {"volume": VOLUME, "path": "/data"}
        grows = {**plain, "extend_threshold_percent": 80, "add_size_gb": 5, "size_gb_limit": 50}
        await fly.call(UPDATE, **one, config={"mounts": [grows]})
        answer = await fly.call(UPDATE, **one, config={"mounts": [plain]})
        (mount,) = fly.machine().config.mounts or []
        assert (answer["outcome"], mount.extend_threshold_percent, mount.name) == (
            "done",
            None,
            "catvet_data",
        )
        assert "extend_threshold_percent" in answer["changed"]["config"]["mounts"]
        sent = len(fly.changes())
        assert (await fly.call(UPDATE, **one, config={"mounts": [plain]}))["outcome"] == "done"
        assert len(fly.changes()) == sent

    async def test_files_that_fell_out_are_named(self, fly: Fly) -> None:
        """The review: the answer said only that files changed."""
        new = [{"guest_path": "/c", "raw_value": "aGk="}]
        answer = await fly.call(UPDATE, **FIRST, config={"files": new})
        assert answer["changed"]["config"]["files"] == "changed; gone: files[/a], files[/b]"

    async def test_more_ports_and_a_longer_list_are_no_loss(self, fly: Fly) -> None:
        """Ours."""
        more = [*FILES, {"guest_path": "/c", "raw_value": "aGk="}]
        answer = await fly.call(UPDATE, **FIRST, config={"files": more})
        assert answer["changed"]["config"]["files"] == "changed"

    async def test_what_fly_adds_that_nobody_knows_of_is_no_failure(self, fly: Fly) -> None:
        """Reference 3: Fly adds fields at will. All that was asked for is there, and it changed: done."""

        def added(request: httpx2.Request) -> httpx2.Response:
            shown = fly.machine(id_of(1), FLEET)
            config = shown.config.as_fly_answers()
            config["services"] = [{**one, "novel": "x"} for one in config["services"]]
            body = {"id": shown.id, "state": shown.state, "instance_id": shown.instance_id, "config": config}
            return httpx2.Response(200, json=body, request=request)

        fly.wire.replace_answers("GET", f"{id_of(1)}$", added)
        services = [{"protocol": "tcp", "internal_port": 9090}]
        answer = await fly.call(UPDATE, **FIRST, config={"services": services})
        assert answer["outcome"] == "done", answer

    async def test_a_list_that_fly_leaves_as_it_was_is_unclear(self, fly: Fly) -> None:
        """Ours: taken is not done."""
        services = _services(fly)

        def unheard(request: httpx2.Request) -> None:
            body = json.loads(request.content)
            body["config"]["services"] = services
            request.stream = httpx2.ByteStream(json.dumps(body).encode())
            request.headers["content-length"] = str(len(json.dumps(body)))

        fly.wire.tap("POST", f"{id_of(1)}$", unheard)
        bare = {"protocol": "tcp", "internal_port": 8080}
        answer = await fly.call(UPDATE, **FIRST, config={"services": [bare]})
        assert answer["outcome"] == "unclear"


class TestCreate:
    """flyCreateMachine, from a template whose lists nobody sees."""

    async def test_what_the_template_had_and_the_new_one_has_not_is_told(self, fly: Fly) -> None:
        """The review: ports and autostop of the template were dropped without a note."""
        made = await fly.call(
            "flyCreateMachine",
            appName=FLEET,
            config={"services": [{"internal_port": 9090, "protocol": "tcp"}], "files": FILES},
        )
        assert "gone: services[8080]." in made["note"]
        assert [one["internal_port"] for one in _services(fly, made["id"])] == [9090]

    async def test_nothing_is_told_where_nothing_fell_out(self, fly: Fly) -> None:
        """Ours."""
        made = await fly.call("flyCreateMachine", appName=FLEET, config={"env": {"A": "b"}})
        assert "gone" not in made.get("note", "")


class TestHeaders:
    """What health checks send: an Authorization is a secret."""

    async def test_values_are_hidden_and_what_was_shown_can_be_sent_back(self, fly: Fly) -> None:
        """The review: flyGetMachine showed them in clear."""
        services = (await fly.call("flyGetMachine", **FIRST))["services"]
        (header,) = services[0]["checks"][0]["headers"]
        assert header == {"name": "Authorization", "values": ["[hidden]"]}
        services[0]["internal_port"] = 9090
        answer = await fly.call(UPDATE, **FIRST, config={"services": services})
        assert answer["outcome"] == "done"
        (service,) = _services(fly)
        assert (service["internal_port"], service["checks"][0]["headers"]) == (9090, CHECK["headers"])
        made = await fly.call("flyCreateMachine", appName=FLEET, config={"services": services})
        assert _services(fly, made["id"])[0]["checks"][0]["headers"] == CHECK["headers"]
        assert CANARY not in "".join(fly.said)

    async def test_a_hidden_value_that_nobody_has_is_refused(self, fly: Fly) -> None:
        """Ours: the mark must not become the value."""
        header = {"name": "X-Other", "values": ["[hidden]"]}
        services = [{"internal_port": 80, "checks": [{"type": "http", "headers": [header]}]}]
        for name, more in ((UPDATE, FIRST), ("flyCreateMachine", {"appName": FLEET})):
            error = await fly.refused(name, **more, config={"services": services})
            assert error["code"] == "invalid_arguments"
        assert fly.writes() == []

    @pytest.mark.parametrize(
        "config",
        [
            {"checks": {"h": {"type": "http", "port": 80, "headers": CHECK["headers"]}}},
            {"init": {"exec": ["/bin/serve", f"--password={CANARY}"]}},
            {"processes": [{"entrypoint": [CANARY], "cmd": [CANARY]}]},
            {"containers": [{"healthchecks": [{"exec": {"command": [CANARY]}}]}]},
        ],
        ids=["header", "command", "process", "container"],
    )
    async def test_no_error_of_flys_repeats_headers_or_commands(
        self, fly: Fly, config: dict[str, Any]
    ) -> None:
        """The review: only env and files were held back."""

        def quoting(request: httpx2.Request) -> httpx2.Response:
            sent = json.dumps(json.loads(request.content)["config"])
            return httpx2.Response(400, json={"error": f"cannot take {sent[-200:]} and {sent[:200]}"})

        fly.wire.replace_answers("POST", "/machines(/[0-9a-f]+)?$", quoting)
        await fly.refused(UPDATE, **FIRST, config=config)
        await fly.refused("flyCreateMachine", appName=FLEET, image="nginx", config=config)
        assert CANARY not in "".join(fly.said)


async def test_a_word_of_a_command_does_not_hide_what_a_refusal_means(fly: Fly) -> None:
    """Ours: what is held back is held back from the answer, not from our reading of it."""
    text = "aborted: could not reserve resource for machine: insufficient memory available"
    fly.wire.replace_answers("POST", "/machines$", lambda _: httpx2.Response(409, json={"error": text}))
    config = {"init": {"exec": ["insufficient", "memory available"]}}
    error = await fly.refused("flyCreateMachine", appName=FLEET, config=config)
    assert error["code"] == "no_capacity"
    assert "insufficient" not in error["message"]


class TestTag:
    """An image that is named by its tag may be another one by now."""

    @pytest.mark.parametrize("lost", [False, True], ids=["once", "answer-lost"])
    async def test_a_moved_tag_is_deployed_again(self, fly: Fly, lost: bool) -> None:
        """The review: it was called done, and nothing was sent. flyctl deploys it."""
        image = fly.machine(id_of(1), FLEET).config.image
        if lost:
            fly.wire.lose_answers("POST", f"{id_of(1)}$", times=1)
        answer = await fly.call(UPDATE, **FIRST, image=image)
        assert (answer["outcome"], answer["changed"]["image"]["after"]) == ("done", image)
        assert "deployed again" in answer["note"]
        assert len(fly.machine(id_of(1), FLEET).versions) == 2

    async def test_a_digest_is_what_it_is(self, fly: Fly) -> None:
        """Ours: it never means another image."""
        image = "registry.fly.io/fleet@sha256:" + "a" * 64
        await fly.call(UPDATE, **FIRST, image=image)
        sent = len(fly.changes())
        answer = await fly.call(UPDATE, **FIRST, image=image)
        assert (answer["outcome"], len(fly.changes())) == ("done", sent)

    async def test_the_same_request_id_deploys_once(self, fly: Fly) -> None:
        """The issue: requestId makes repeating safe, after a lost answer too."""
        image = fly.machine(id_of(1), FLEET).config.image
        looks = fly.wire.lose_requests("GET", f"{id_of(1)}$", times=0)

        def lost(_: httpx2.Request) -> httpx2.Response:
            looks.times = 99
            raise httpx2.ReadError("the test cut the connection")

        fly.wire.replace_answers("POST", f"{id_of(1)}$", lost, times=1, arrives=True)
        error = await fly.refused(UPDATE, **FIRST, image=image, requestId="deploy")
        assert error["outcome"] == "unclear"
        fly.wire.mend()
        assert len(fly.machine(id_of(1), FLEET).versions) == 2
        answer = await fly.call(UPDATE, **FIRST, image=image, requestId="deploy")
        assert answer["outcome"] == "done"
        answer = await fly.call(UPDATE, **FIRST, image=image, requestId="deploy")
        assert answer["already_done"] is True
        assert len(fly.machine(id_of(1), FLEET).versions) == 2


class TestAutoDestroy:
    """A machine that destroys itself needs no confirm."""

    async def test_it_cannot_be_switched_on_for_a_machine_that_exists(self, fly: Fly) -> None:
        """The review: then one signal was a deletion without confirm and without undo."""
        wanted = {"auto_destroy": True, "restart": {"policy": "no"}}
        error = await fly.refused(UPDATE, **FIRST, config=wanted)
        (problem,) = error["problems"]
        assert (error["code"], problem["path"]) == ("invalid_arguments", "config.auto_destroy")
        assert "flyDeleteMachine" in error["hint"]
        assert fly.writes() == []

    async def test_a_machine_that_was_made_so_stays_so_and_can_be_made_lasting(self, fly: Fly) -> None:
        """Ours: whoever creates a task for once says so at its creation."""
        config = {"auto_destroy": True, "restart": {"policy": "no"}}
        made = await fly.call("flyCreateMachine", appName=FLEET, config=config)
        one = {"appName": FLEET, "machineId": made["id"]}
        await fly.call(UPDATE, **one, config={"auto_destroy": True, "env": {"A": "b"}})
        await fly.call(UPDATE, **one, config={"auto_destroy": False})
        assert not fly.machine(made["id"], FLEET).config.auto_destroy
        assert (await fly.refused(UPDATE, **one, config=config))["code"] == "invalid_arguments"


async def test_a_size_beside_a_preset_counts(fly: Fly) -> None:
    """The review: memoryMb beside config.size was dropped without a word; flyctl lets it win."""
    answer = await fly.call(UPDATE, **FIRST, memoryMb=2048, config={"size": "shared-cpu-1x"})
    assert answer["changed"]["guest"]["after"] == {"cpu_kind": "shared", "cpus": 1, "memory_mb": 2048}


async def test_a_larger_size_of_a_stopped_machine_costs_while_it_runs(fly: Fly) -> None:
    """The review: it was said to cost each month, though nothing runs."""
    await fly.call("flyStopMachine", **FIRST)
    answer = await fly.call(UPDATE, **FIRST, memoryMb=1024)
    assert answer["monthly_cost"].startswith("+3.75 USD a month while it runs (estimate")
    await fly.call("flyStartMachine", **FIRST)
    answer = await fly.call(UPDATE, **FIRST, memoryMb=2048)
    assert answer["monthly_cost"].startswith("+5.00 USD a month (estimate")
