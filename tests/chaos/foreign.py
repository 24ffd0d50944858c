"""A person with another client, at work in the same apps: raw requests, another token.

It takes leases of its own, updates machines without one (with the version it has read, as the documentation asks for),
stops and deletes machines, makes volumes of the same name, takes names of apps, looks at certificates.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import anyio
import httpx2

from tests.virtual_time import LoopClock

from . import ground
from .history import History
from .line import CURRENT, Line
from .lives import MachineLife
from .model import FOREIGN, Asked, Json, Model, Told

_HEADERS = {"authorization": "FlyV1 fm2_foreign", "content-type": "application/json"}
#: Seconds that it waits for an answer.
_PATIENCE = 30.0
#: Volumes of its own that it keeps: more would leave no room for those of the agents.
_VOLUMES = 4
#: Taken long before anybody else may ask for them.
TAKEN = tuple(f"chaos-taken-{number}" for number in range(6))


@dataclass
class Foreign:
    """The person. Lives until `over`."""

    clock: LoopClock
    history: History
    model: Model
    rng: Random
    line: Line
    over: Callable[[], bool]
    number: Callable[[], int]

    async def live(self) -> None:
        """Do one thing after another."""
        doings: tuple[tuple[float, Callable[[], Awaitable[None]]], ...] = (
            (8, self._update),
            (2, self._lease),
            (3, self._stop),
            (2, self._delete),
            (3, self._volume),
            (6, self._certificates),
        )
        for name in TAKEN:
            await self._send("POST", "/v1/apps", {"app_name": name, "org_slug": "personal"})
        while not self.over():
            (doing,) = self.rng.choices([one for _, one in doings], [weight for weight, _ in doings])
            await doing()
            await self.clock.sleep(self.rng.choice((0.3, 1.0, 3.0)))

    async def _update(self) -> None:
        """Change one key of a machine that all share, with no lease."""
        machine = self.rng.choice(list(self.history.apps[ground.SHARED].machines.values()))
        path = f"/v1/apps/{machine.app}/machines/{machine.id}"
        read = await self._send("GET", path)
        if "config" not in read:
            return
        number = self.number()
        key, value = f"FOREIGN_{number}", f"f{number}"
        config = read["config"]
        config["env"] = {**(config.get("env") or {}), key: value}
        body = {"config": config, "current_version": read.get("instance_id"), "region": read.get("region")}
        wish = Asked("foreign", {}, machine=machine.id, env={key: value}, unique=frozenset({key}))
        await self._send("POST", path, body, wish=wish)

    async def _lease(self) -> None:
        """Hold a machine for a while; seldom one that all need."""
        shared = (ground.SHARED,) if self.rng.random() < 0.3 else ()
        machine = self._machine(*shared, *ground.POOLS)
        if machine is None:
            return
        path = f"/v1/apps/{machine.app}/machines/{machine.id}/lease"
        answer = await self._send("POST", path, {"ttl": self.rng.choice((10, 20)), "description": "by hand"})
        nonce = str(answer.get("data", {}).get("nonce", ""))
        if nonce and self.rng.random() < 0.7:
            await self.clock.sleep(self.rng.choice((1.0, 6.0)))
            await self._send("DELETE", path, nonce=nonce)

    async def _stop(self) -> None:
        machine = self._machine(ground.SHARED, *ground.POOLS)
        if machine is not None:
            verb = self.rng.choice(("stop", "start"))
            await self._send("POST", f"/v1/apps/{machine.app}/machines/{machine.id}/{verb}")

    async def _delete(self) -> None:
        machine = self._machine(*ground.POOLS)
        if machine is not None:
            await self._send("DELETE", f"/v1/apps/{machine.app}/machines/{machine.id}?force=true")

    async def _volume(self) -> None:
        """Make one like those of the agents, of the same name, region and size; or delete one of its own."""
        own = [
            one
            for one in self.history.apps[ground.DISKS].volumes.values()
            if one.alive and one.by is not None and one.by.intent.agent == FOREIGN and not one.owner.now
        ]
        if len(own) >= _VOLUMES:
            await self._send("DELETE", f"/v1/apps/{ground.DISKS}/volumes/{self.rng.choice(own).id}")
            return
        body = {
            "name": self.rng.choice(("data", "logs", "cache")),
            "region": self.rng.choice(ground.REGIONS[:2]),
            "size_gb": 1,
            "require_unique_zone": False,
        }
        await self._send("POST", f"/v1/apps/{ground.DISKS}/volumes", body)

    async def _certificates(self) -> None:
        """Ask for a certificate, and look at some: of the tools, only the preview of a deletion does."""
        path = f"/v1/apps/{self.rng.choice((ground.SHARED, *ground.POOLS))}/certificates"
        hostname = f"c{self.number()}.example.com"
        await self._send("POST", f"{path}/acme", {"hostname": hostname})
        await self._send("GET", f"{path}/{hostname}")

    def _machine(self, *apps: str) -> MachineLife | None:
        found = [one for name in apps for one in self.history.apps[name].machines.values() if one.alive]
        return self.rng.choice(found) if found else None

    async def _send(
        self, method: str, path: str, body: Json | None = None, *, nonce: str = "", wish: Asked | None = None
    ) -> Json:
        """Send a request; its answer, empty where there was none that is an object."""
        intent = self.model.intent(FOREIGN, wish or Asked("foreign", {}), None, self.clock.now())
        told = Told(0, intent, {"request": f"{method} {path}"}, self.clock.now())
        intent.calls.append(told)
        headers = _HEADERS | ({"fly-machine-lease-nonce": nonce} if nonce else {})
        token = CURRENT.set(told)
        request = httpx2.Request(method, f"http://127.0.0.1{path}", headers=headers, json=body)
        try:
            with anyio.move_on_after(_PATIENCE):
                answer = await self.line.handle_async_request(request)
                content = await answer.aread()
                if answer.status_code < 300:
                    told.ending = "done"
                    return {**json.loads(content)}
        except (httpx2.HTTPError, ValueError, TypeError):
            return {}
        finally:
            CURRENT.reset(token)
            told.ended = self.clock.now()
        return {}
