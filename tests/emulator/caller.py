"""Plain HTTP for the tests of the emulator: what anybody could type, with the answers checked on request."""

from __future__ import annotations

from typing import Any

import httpx2

from fly_mcp_emulator import Emulator

APP = "my-sandbox"
MACHINES = f"/apps/{APP}/machines"
VOLUMES = f"/apps/{APP}/volumes"
SECRETS = f"/apps/{APP}/secrets"
IMAGE = "nginx"


def client(emu: Emulator, token: str | None = "Bearer word") -> httpx2.AsyncClient:
    """A client of the emulator; no header at all when `token` is None."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=emu.app),
        base_url="http://fly.test/v1",
        headers={"authorization": token} if token is not None else {},
        timeout=None,
    )


class Caller:
    """A client that checks the status of each answer."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def send(
        self,
        method: str,
        path: str,
        expect: int = 200,
        *,
        json: object = None,
        params: dict[str, Any] | None = None,
        nonce: str | None = None,
    ) -> Any:
        """Send a request, check the status, return the JSON of the answer (None for an empty one)."""
        headers = {"fly-machine-lease-nonce": nonce} if nonce else {}
        answer = await self.http.request(method, path, json=json, params=params, headers=headers)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def get(self, path: str, expect: int = 200, **more: Any) -> Any:
        return await self.send("GET", path, expect, **more)

    async def post(self, path: str, expect: int = 200, **more: Any) -> Any:
        return await self.send("POST", path, expect, **more)

    async def put(self, path: str, expect: int = 200, **more: Any) -> Any:
        return await self.send("PUT", path, expect, **more)

    async def patch(self, path: str, expect: int = 200, **more: Any) -> Any:
        return await self.send("PATCH", path, expect, **more)

    async def delete(self, path: str, expect: int = 200, **more: Any) -> Any:
        return await self.send("DELETE", path, expect, **more)

    async def error(self, method: str, path: str, expect: int, **more: Any) -> str:
        """Send a request that is refused and return the text of the refusal."""
        body = await self.send(method, path, expect, **more)
        return str(body["error"])

    async def create(self, config: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
        """Create a machine in the sandbox; the answer of the create."""
        machine: dict[str, Any] = await self.post(
            MACHINES, json={"config": {"image": IMAGE} | (config or {})} | body
        )
        return machine

    async def wait(self, machine: dict[str, Any], state: str = "started") -> None:
        """Wait for a state, a minute at most."""
        await self.get(f"{MACHINES}/{machine['id']}/wait", params={"state": state})

    async def started(self, config: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
        """Create a machine in the sandbox and wait until it is started; the machine then."""
        machine = await self.create(config, **body)
        await self.wait(machine)
        return await self.machine(machine)

    async def stopped(self, config: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
        """A machine of the sandbox that was started and stopped."""
        machine = await self.started(config, **body)
        await self.post(f"{MACHINES}/{machine['id']}/stop")
        await self.wait(machine, "stopped")
        return await self.machine(machine)

    async def machine(self, machine: dict[str, Any]) -> dict[str, Any]:
        """The machine as it is now."""
        now: dict[str, Any] = await self.get(f"{MACHINES}/{machine['id']}")
        return now

    async def state(self, machine: dict[str, Any]) -> str:
        return str((await self.machine(machine))["state"])

    async def run(self, machine: dict[str, Any], *command: str, **more: Any) -> dict[str, Any]:
        """Run a command on a machine."""
        answer: dict[str, Any] = await self.post(
            f"{MACHINES}/{machine['id']}/exec", json={"command": list(command)} | more
        )
        return answer

    async def env(self, machine: dict[str, Any]) -> dict[str, str]:
        """The environment inside a machine."""
        lines = (await self.run(machine, "env"))["stdout"].splitlines()
        return dict(line.split("=", 1) for line in lines)
