"""The emulator at an address of its own, in real time."""

from __future__ import annotations

import socket

import anyio
import httpx2
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.serve import serve


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def test_it_serves_at_the_root_until_cancelled() -> None:
    """Issue 2: `serve(emulator, host, port)`; blocked requests do not hold it up."""
    emulator, places, listening = Emulator(pace=0.01), list[tuple[str, int]](), anyio.Event()

    def started(host: str, port: int) -> None:
        places.append((host, port))
        listening.set()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, emulator, "127.0.0.1", 0, started)
            await listening.wait()
            base = f"http://127.0.0.1:{places[0][1]}"
            headers = {"authorization": "Bearer word"}
            async with httpx2.AsyncClient(base_url=base, headers=headers) as http:
                assert (await http.get("/v1/apps/catvet-records")).json()["status"] == "deployed"
                assert (await http.get("/_emulator/health")).json()["ok"] is True
                made = await http.post("/v1/apps/my-sandbox/machines", json={"config": {"image": "nginx"}})
                answer = await http.get(f"/v1/apps/my-sandbox/machines/{made.json()['id']}/wait")
                assert answer.json()["state"] == "started"
            tasks.cancel_scope.cancel()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", places[0][1]), timeout=1).close()


async def test_a_taken_address_is_an_os_error() -> None:
    """Not an exit of the process, as uvicorn has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await serve(Emulator(), "127.0.0.1", taken.getsockname()[1])
