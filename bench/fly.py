"""The embedded Fly in a process of its own, with as many machines as a measurement needs."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx2

from .pipe import FLY_MCP

APP = "catvet-records"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_UP_WITHIN = 20.0


@contextmanager
def emulator() -> Generator[str]:
    """The address of an emulator, rate limits on."""
    process = subprocess.Popen([*FLY_MCP, "emulator", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = _ADDRESS.search(process.stdout.readline())
        if address is None:
            raise RuntimeError("the emulator did not say where it is")
        _await_up(address[0])
        yield address[0]
    finally:
        process.terminate()
        process.wait(10)


def populate(address: str, count: int) -> list[str]:
    """Give `APP` exactly `count` machines like its first one; their ids."""
    with httpx2.Client(base_url=address, trust_env=False) as client:
        client.post("/_emulator/reset").raise_for_status()
        world = client.get("/_emulator/world").raise_for_status().json()
        machines: dict[str, Any] = world["apps"][APP]["machines"]
        first = next(iter(machines.values()))
        # Without the volume, which only one machine can have.
        config = {key: value for key, value in first["config"].items() if key != "mounts"}
        for number in range(count - len(machines)):
            name = f"{number:014x}"
            machines[name] = {
                "id": name,
                "name": f"bench-river-{number:04d}",
                "region": "fra",
                "config": config,
                "created_at": first["created_at"],
            }
        client.put("/_emulator/world", json=world).raise_for_status()
    return list(machines)


def _await_up(address: str) -> None:
    began = time.perf_counter()
    while True:
        try:
            httpx2.get(f"{address}/_emulator/health", trust_env=False).raise_for_status()
        except httpx2.TransportError:
            if time.perf_counter() - began > _UP_WITHIN:
                raise
            time.sleep(0.05)
        else:
            return
