"""Metadata and config of a new machine: over the template, the image or the default, and last (the issue, 1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fly_mcp_emulator.world import World

from .fly import SANDBOX, Fly
from .worlds import FLEET, fleet, id_of, machine, web


class TestCreate:
    """On creation they come over the template, the image or the default, and last."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(machine(1, env={"KEEP": "me"}, restart={"policy": "always"}, **web("stop")))

    async def _sent(self, fly: Fly, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bodies: list[dict[str, Any]] = []
        fly.wire.tap("POST", "/machines$", lambda request: bodies.append(json.loads(request.content)))
        answer = await fly.call("flyCreateMachine", **arguments)
        return bodies[0]["config"], answer

    async def test_over_the_template(self, fly: Fly) -> None:
        """The issue: merged deep and last."""
        config, answer = await self._sent(
            fly,
            appName=FLEET,
            metadata={"team": "shop"},
            config={
                "env": {"NEW": "1"},
                "restart": {"max_retries": 2},
                "guest": {"cpus": 2, "memory_mb": 512},
            },
        )
        assert config["env"] == {"KEEP": "me", "NEW": "1"}
        assert config["restart"] == {"policy": "always", "max_retries": 2}
        assert config["metadata"].items() >= {"team": "shop", "fly_process_group": "app"}.items()
        assert answer["image_from"] == "template"
        assert answer["monthly_cost"].startswith("+")

    async def test_an_image_of_ones_own_with_a_whole_config(self, fly: Fly) -> None:
        """Ours: nothing of the template then."""
        config, answer = await self._sent(
            fly,
            appName=FLEET,
            image="nginx:1",
            config={"services": [{"internal_port": 80}]},
            autoStop="suspend",
        )
        assert config.keys() == {"image", "metadata", "services"}
        assert config["services"] == [{"autostop": "suspend", "autostart": True, "internal_port": 80}]
        assert "service_added" not in answer

    async def test_an_image_in_the_config_is_an_image(self, fly: Fly) -> None:
        """Ours: an app without a machine needs no default then."""
        config, answer = await self._sent(fly, appName=SANDBOX, config={"image": "nginx:2"})
        assert (config["image"], answer["image_from"]) == ("nginx:2", "argument")

    async def test_a_volume_in_the_config_is_held_against_the_same_rules(self, fly: Fly) -> None:
        """Reference 4.2: the machine must be where its volume is."""
        mounts = [{"volume": "vol_xxx", "path": "/srv"}]
        config, answer = await self._sent(fly, appName=SANDBOX, config={"mounts": mounts})
        assert (config["mounts"], answer["region"], answer["volume_id"]) == (mounts, "fra", "vol_xxx")
        error = await fly.refused("flyCreateMachine", appName=SANDBOX, config={"mounts": mounts})
        assert error["code"] == "wrong_state"
        error = await fly.refused(
            "flyCreateMachine", appName=SANDBOX, volumeId="vol_xxx", config={"mounts": mounts}
        )
        assert [one["path"] for one in error["problems"]] == ["config.mounts"]

    async def test_a_volume_in_the_config_that_is_nowhere_is_no_deleted_machines(self, fly: Fly) -> None:
        """The review: the hint spoke of a deleted machine, and there was none."""
        mounts = [{"volume": "vol_nope12", "path": "/srv"}]
        error = await fly.refused("flyCreateMachine", appName=FLEET, image="nginx", config={"mounts": mounts})
        assert error["code"] == "not_found"
        assert error["hint"].startswith("flyListVolumes shows the app's volumes")

    async def test_a_size_that_is_not_sold_is_refused_before_anything_is_made(self, fly: Fly) -> None:
        """Ours: everything that can be refused is refused before it exists."""
        error = await fly.refused("flyCreateMachine", appName=FLEET, config={"guest": {"cpus": 3}})
        assert [one["path"] for one in error["problems"]] == ["config.guest.cpus"]
        assert len(fly.alive(FLEET)) == 1
        assert fly.machine(id_of(1), FLEET).config.env == {"KEEP": "me"}
