"""Image, metadata and config of machines: on creation and in an update (the issue, 1)."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.world import World

from .fly import APP, FREE_VOLUME, MACHINE, SANDBOX, VOLUME, WEB, Fly

ONE = {"appName": APP, "machineId": MACHINE}
UPDATE = "flyUpdateMachineConfig"
CANARY = "c4n4ry-9f1d77"
SECRET_CONFIG: dict[str, Any] = {
    "env": {"DSN": CANARY},
    "files": [{"guest_path": "/etc/key", "raw_value": CANARY}],
    "processes": [{"env": {"DSN": CANARY}}],
}


def _config(fly: Fly) -> MachineConfig:
    return fly.machine().config


def _elsewhere(fly: Fly, **changes: Any) -> None:
    """Somebody else's update of the machine: a new version with other keys."""

    def change(world: World) -> None:
        one = world.apps[APP].machines[MACHINE]
        one.instance_id = "01KSR49200000015PY34DSRD9V"
        one.config = MachineConfig.model_validate({**one.config.as_fly_answers(), **changes})
        one.versions.append(one.versions[-1].model_copy(update={"id": one.instance_id}))

    fly.edit(change)


class TestUpdate:
    """Merged deep over the whole config, and last; null removes; lists are replaced."""

    async def test_a_new_image_is_deployed_and_the_rest_stays(self, fly: Fly) -> None:
        """The issue: so that a new image can be deployed."""
        before = _config(fly)
        answer = await fly.call(UPDATE, **ONE, image="nginx:1.27")
        assert answer["changed"] == {"image": {"before": before.image, "after": "nginx:1.27"}}
        assert _config(fly).model_copy(update={"image": before.image}) == before
        assert (answer["outcome"], answer["state"]) == ("done", "started")

    async def test_a_config_is_merged_deep(self, fly: Fly) -> None:
        """The issue: a service, check, restart policy or file changed."""
        answer = await fly.call(
            UPDATE,
            **ONE,
            config={
                "restart": {"max_retries": 3},
                "checks": {"alive": {"type": "tcp", "port": 8080, "interval": "60s"}},
                "files": [{"guest_path": "/etc/motd", "raw_value": "aGk="}],
                "env": {"A": "b", "PORT": None},
            },
        )
        assert answer["outcome"] == "done", answer
        config = _config(fly)
        assert config.restart is not None
        assert (config.restart.policy, config.restart.max_retries) == ("on-failure", 3)
        assert config.env == {"NODE_ENV": "development", "A": "b"}
        assert (config.checks or {})["alive"].interval == "1m0s"
        assert answer["outcome"] == "done"
        assert answer["changed"] == {
            "env": {"A": "added", "PORT": "removed"},
            "config": {
                "restart.max_retries": "changed",
                "checks.alive.type": "added",
                "checks.alive.port": "added",
                "checks.alive.interval": "added",
                "files": "added",
            },
        }

    async def test_a_list_is_replaced(self, fly: Fly) -> None:
        """The issue: arrays replace; flyGetMachine shows services as they can be sent back."""
        services = (await fly.call("flyGetMachine", **ONE))["services"]
        services[0]["internal_port"] = 9090
        answer = await fly.call(UPDATE, **ONE, config={"services": services})
        (service,) = _config(fly).services or []
        assert (service.internal_port, service.autostop, answer["outcome"]) == (9090, "stop", "done")

    async def test_null_removes(self, fly: Fly) -> None:
        """The issue."""
        answer = await fly.call(UPDATE, **ONE, config={"restart": None}, metadata={"fly_release_id": None})
        assert answer["changed"] == {
            "metadata": {"fly_release_id": "removed"},
            "config": {"restart": "removed"},
        }
        assert _config(fly).restart is None
        assert "fly_release_id" not in (_config(fly).metadata or {})

    async def test_config_comes_last(self, fly: Fly) -> None:
        """The issue: merged last."""
        answer = await fly.call(
            UPDATE,
            **ONE,
            env={"A": "1", "B": "1"},
            cpus=2,
            memoryMb=2048,
            autoStop="off",
            image="nginx:1",
            metadata={"k": "1"},
            config={
                "env": {"A": "2"},
                "guest": {"cpus": 4},
                "image": "nginx:2",
                "metadata": {"k": "2"},
                "services": [{"internal_port": 80}],
            },
        )
        config = _config(fly)
        assert answer["outcome"] == "done"
        assert config.guest is not None
        assert (config.guest.cpus, config.guest.memory_mb, config.image) == (4, 2048, "nginx:2")
        assert ((config.env or {})["A"], (config.env or {})["B"], (config.metadata or {})["k"]) == (
            "2",
            "1",
            "2",
        )
        assert [one.internal_port for one in config.services or []] == [80]
        assert len(fly.machine().versions) == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            {"config": {"restart": {"policy": "on-failure"}, "standbys": None}},
            {
                "config": {
                    "services": [
                        {
                            "protocol": "tcp",
                            "internal_port": 8080,
                            "autostop": "stop",
                            "autostart": True,
                            "ports": [
                                {"port": 80, "handlers": ["http"], "force_https": True},
                                {"port": 443, "handlers": ["tls", "http"]},
                            ],
                            "checks": [{"port": 8080, "type": "tcp", "interval": "15000ms", "timeout": "2s"}],
                        }
                    ]
                }
            },
            {"metadata": {"fly_process_group": "app", "x": None}},
            {"config": {"guest": {"memory_mb": 1024}}},
            {"config": {}},
        ],
        ids=str,
    )
    async def test_what_is_so_already_sends_nothing(self, fly: Fly, arguments: dict[str, Any]) -> None:
        """Ours: an update restarts the machine. Fly's own spelling is no difference."""
        answer = await fly.call(UPDATE, **ONE, **arguments)
        assert answer["outcome"] == "done"
        assert fly.writes() == []

    async def test_a_size_costs_and_that_is_said(self, fly: Fly) -> None:
        """The issue: cost, as a difference, on whatever resizes."""
        assert "monthly_cost" not in await fly.call(UPDATE, **ONE, env={"A": "b"})
        answer = await fly.call(UPDATE, **ONE, config={"guest": {"memory_mb": 2048}})
        assert answer["monthly_cost"].startswith("+5.00 USD a month (estimate")
        assert answer["changed"]["guest"]["after"]["memory_mb"] == 2048

    async def test_a_preset_is_taken_as_the_size_it_means(self, fly: Fly) -> None:
        """Reference 2.4: `size` and `guest` together are an error."""
        answer = await fly.call(UPDATE, **ONE, config={"size": "performance-1x"})
        assert answer["changed"]["guest"]["after"] == {
            "cpu_kind": "performance",
            "cpus": 1,
            "memory_mb": 2048,
        }

    @pytest.mark.parametrize(
        ("config", "path", "words"),
        [
            ({"guest": {"cpus": 2, "memory_mb": 256}}, "config.guest.memory_mb", "at least 512 MB"),
            ({"guest": {"cpus": 3}}, "config.guest.cpus", "1, 2, 4, 6, 8"),
            ({"guest": None}, "config.guest", "every machine has a size"),
            ({"size": "huge-9x"}, "config.size", "config.guest"),
            ({"image": None}, "config.image", "no machine is without"),
            ({"image": "a b"}, "config.image", "registry reference"),
            (
                {"mounts": []},
                "config.mounts",
                f"keeps its volume for life: send one mount with volume {VOLUME}",
            ),
            ({"mounts": None}, "config.mounts", "keeps its volume"),
            ({"mounts": [{"volume": FREE_VOLUME, "path": "/data"}]}, "config.mounts", VOLUME),
            ({"region": "lhr"}, "config.region", "never changes"),
            ({"name": "x"}, "config.name", "never changes"),
            ({"restart": {"polcy": "no"}}, "config.restart.polcy", "did you mean policy?"),
            (
                {"services": [{"ports": [{"port": "80"}]}]},
                "config.services[0].ports[0].port",
                "without quotes",
            ),
        ],
        ids=lambda value: json.dumps(value)[:50] if isinstance(value, dict) else "",
    )
    async def test_what_cannot_be_is_refused_and_nothing_is_sent(
        self, fly: Fly, config: dict[str, Any], path: str, words: str
    ) -> None:
        """The issue: checked against the schema; what cannot be changed is told clearly."""
        error = await fly.refused(UPDATE, **ONE, config=config)
        told = {one["path"]: one["message"] for one in error["problems"]}
        assert (error["code"], error["changed"]) == ("invalid_arguments", "nothing")
        assert words in told[path]
        assert fly.writes() == []

    async def test_the_path_of_a_mount_may_change(self, fly: Fly) -> None:
        """Reference 6.3: path and auto-extend settings."""
        answer = await fly.call(
            UPDATE, **ONE, config={"mounts": [{"volume": VOLUME, "path": "/var/lib/cats"}]}
        )
        assert answer["outcome"] == "done"
        assert [one.path for one in _config(fly).mounts or []] == ["/var/lib/cats"]

    async def test_a_machine_without_a_volume_gets_none(self, fly: Fly) -> None:
        """Reference 4.6: no attach call exists."""
        (web_machine,) = fly.alive(WEB)
        mounts = [{"volume": FREE_VOLUME, "path": "/data"}]
        error = await fly.refused(UPDATE, appName=WEB, machineId=web_machine.id, config={"mounts": mounts})
        assert "flyCreateMachine with volumeId" in error["hint"]
        assert fly.writes() == []

    async def test_an_argument_beside_it_is_told_with_it(self, fly: Fly) -> None:
        """Ours: all problems at once."""
        error = await fly.refused(
            UPDATE, **ONE, cpus="two", image="a b", config={"stopConfig": 1, "env": {"A": 5}}
        )
        paths = {one["path"] for one in error["problems"]}
        assert paths == {"cpus", "image", "config.stopConfig", "config.env.A"}


class TestOthers:
    """The same discipline as for variables: of the same key one wins, and the other is told the difference."""

    @pytest.mark.parametrize(
        ("mine", "theirs", "difference"),
        [
            (
                {"image": "nginx:1"},
                {"image": "nginx:2"},
                {"image": {"base": "OLD", "now": "nginx:2", "wanted": "nginx:1"}},
            ),
            (
                {"metadata": {"k": "mine"}},
                {"metadata": {"k": "theirs"}},
                {"metadata": {"k": "set meanwhile"}},
            ),
            (
                {"config": {"restart": {"policy": "always"}}},
                {"restart": {"policy": "no"}},
                {"config": {"restart.policy": "changed meanwhile"}},
            ),
            (
                {"config": {"services": [{"internal_port": 1}]}},
                {"services": [{"internal_port": 2}]},
                {"config": {"services": "changed meanwhile"}},
            ),
            (
                {"config": {"restart": {"policy": "always"}}},
                {"restart": None},
                {"config": {"restart.policy": "removed meanwhile"}},
            ),
        ],
        ids=["image", "metadata", "restart", "services", "removed"],
    )
    async def test_the_same_key_is_a_conflict(
        self, fly: Fly, mine: dict[str, Any], theirs: dict[str, Any], difference: dict[str, Any]
    ) -> None:
        """The update discipline."""
        old = _config(fly).image
        fly.wire.tap("POST", f"{MACHINE}$", lambda _: _elsewhere(fly, **theirs))
        error = await fly.refused(UPDATE, **ONE, **mine)
        assert (error["code"], error["changed"], error["retryable"]) == ("conflict", "nothing", True)
        assert error["details"]["difference"] == json.loads(json.dumps(difference).replace("OLD", old))

    async def test_another_key_is_nobodys_business(self, fly: Fly) -> None:
        """The update discipline: both win."""
        theirs = {"policy": "no", "max_retries": 10}
        fly.wire.tap("POST", f"{MACHINE}$", lambda _: _elsewhere(fly, restart=theirs, schedule="daily"))
        answer = await fly.call(UPDATE, **ONE, config={"restart": {"max_retries": 3}}, metadata={"k": "v"})
        config = _config(fly)
        assert answer["outcome"] == "done"
        assert config.restart is not None
        assert (config.restart.policy, config.restart.max_retries, config.schedule) == ("no", 3, "daily")

    @pytest.mark.parametrize("carried_out", [True, False], ids=["carried-out", "lost"])
    async def test_a_lost_answer_is_looked_up(self, fly: Fly, carried_out: bool) -> None:
        """The update discipline: what counts is that the config holds what was asked."""
        lose = fly.wire.lose_answers if carried_out else fly.wire.lose_requests
        lose("POST", f"{MACHINE}$", times=1)
        answer = await fly.call(
            UPDATE, **ONE, image="nginx:1", metadata={"k": "v"}, config={"restart": {"policy": "always"}}
        )
        assert answer["outcome"] == "done"
        assert len(fly.machine().versions) == 2

    async def test_what_fly_ignores_is_not_called_done(self, fly: Fly) -> None:
        """Reference 3.3: Fly drops what it does not know, and says nothing."""

        def forgetful(request: httpx2.Request) -> None:
            body = json.loads(request.content)
            del body["config"]["restart"]
            request.stream = httpx2.ByteStream(json.dumps(body).encode())
            request.headers["content-length"] = str(len(json.dumps(body)))

        fly.wire.tap("POST", f"{MACHINE}$", forgetful)
        answer = await fly.call(UPDATE, **ONE, config={"restart": {"policy": "always"}})
        assert answer["outcome"] == "unclear"
        assert "config restart.policy: not set" in answer["note"]


class TestSecrets:
    """A config may hold secrets: in env and in files, of the machine, its processes and its containers."""

    async def test_no_answer_shows_them(self, fly: Fly) -> None:
        """The issue: secrets may be in config."""
        await fly.call(UPDATE, **ONE, config=SECRET_CONFIG)
        await fly.call("flyGetMachine", **ONE)
        await fly.call("flyListVersions", **ONE)
        await fly.call("flyListMachines", appName=APP, detail="full")
        await fly.call("flyCreateMachine", appName=SANDBOX, config=SECRET_CONFIG)
        await fly.call(UPDATE, **ONE, config={"env": {"DSN": None}, "files": None})
        assert CANARY not in "".join(fly.said)

    async def test_no_error_shows_them(self, fly: Fly) -> None:
        """The issue: no value in errors."""

        def quoting(request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(400, json={"error": f"cannot take {request.content.decode()}"})

        fly.wire.replace_answers("POST", "/machines(/[0-9a-f]+)?$", quoting)
        await fly.refused(UPDATE, **ONE, config=SECRET_CONFIG)
        await fly.refused("flyCreateMachine", appName=SANDBOX, config=SECRET_CONFIG)
        for config in (
            {"env": {"A": [CANARY]}},
            {"files": CANARY},
            {"files": [{"mode": CANARY}]},
            {CANARY + "!": 1},
        ):
            await fly.refused(UPDATE, **ONE, config=config)
        assert CANARY not in "".join(fly.said)

    async def test_no_difference_shows_them(self, fly: Fly) -> None:
        """Ours: words, no values."""

        def files(text: str) -> list[dict[str, Any]]:
            return [{"guest_path": "/k", "raw_value": text}]

        fly.wire.tap("POST", f"{MACHINE}$", lambda _: _elsewhere(fly, files=files(CANARY)))
        error = await fly.refused(UPDATE, **ONE, config={"files": files(CANARY + "2")})
        assert error["details"]["difference"] == {"config": {"files": "set meanwhile"}}
        assert CANARY not in "".join(fly.said)
