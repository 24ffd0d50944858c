"""`fly-mcp emulator` as a tool of its own, from a shell (issue 3.3, 3.4): real processes, real time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator import default_world
from fly_mcp_server.emulator_command import announcement

COMMAND = [sys.executable, "-m", "fly_mcp_server", "emulator", "--port", "0"]
HEADERS = {"authorization": "Bearer word"}


@contextmanager
def running(*arguments: str) -> Generator[httpx2.Client]:
    """A client of an emulator that runs as somebody would start it."""
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = (re.match(r"export FLY_API_HOSTNAME=(\S+)", line) for line in process.stdout)
            address = next(match[1] for match in found if match)
            with httpx2.Client(
                base_url=address, headers=HEADERS, timeout=20, trust_env=False, verify=False
            ) as http:
                yield http
        finally:
            process.kill()


def refusal(*arguments: str) -> list[str]:
    """What it says when it does not start."""
    ran = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr
    return ran.stderr.splitlines()


def test_clock_ids_and_chance_are_in_the_callers_hand(tmp_path: Path) -> None:
    """A clock that runs, stands still, or is advanced by a call; ids and dice by a seed."""
    world = default_world()
    world.apps = {"my-sandbox": world.apps["my-sandbox"]}
    path = tmp_path / "mine.json"
    path.write_text(world.model_dump_json(), encoding="utf-8")
    lives: list[tuple[str, list[int]]] = []
    for _ in range(2):
        with running("--world", str(path), "--seed", "7", "--no-limits") as http:
            assert [app["name"] for app in http.get("/v1/apps?org_slug=personal").json()["apps"]] == [
                "my-sandbox"
            ]
            assert http.post("/_emulator/clock", json={"running": False}).json()["running"] is False
            began = http.get("/_emulator/clock").json()["now"]
            made = http.post("/v1/apps/my-sandbox/machines", json={"config": {"image": "nginx"}}).json()
            one = f"/v1/apps/my-sandbox/machines/{made['id']}"
            assert http.get(one).json()["state"] == "created"
            assert http.post("/_emulator/clock", json={"advance": 1.5}).json()["now"] == began + 1.5
            assert http.get(one).json()["state"] == "started"
            assert http.post("/_emulator/clock", json={"running": True}).json()["running"] is True
            http.post(
                "/_emulator/faults", json={"kind": "unavailable", "path": "/volumes", "probability": 0.5}
            )
            codes = [http.get("/v1/apps/my-sandbox/volumes").status_code for _ in range(30)]
            assert http.get("/_emulator/clock").json()["now"] > began + 1.5
            lives.append((made["id"], codes))
    assert lives[0] == lives[1]
    assert set(lives[0][1]) == {200, 503}


def test_a_world_with_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    """A line each, with the file and the place; never a traceback."""
    world = json.loads(default_world().model_dump_json())
    world["apps"]["my-sandbox"]["org"] = "nobody"
    world["apps"]["lab-batch"]["machines"]["3d8d9a2b64e189"]["region"] = "moon"
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(world), encoding="utf-8")
    assert refusal("--world", str(path)) == [
        f"fly-mcp: {path}: apps.my-sandbox.org: there is no organisation 'nobody'",
        f"fly-mcp: {path}: apps.lab-batch.machines.3d8d9a2b64e189.region: there is no region 'moon'",
    ]


@pytest.mark.parametrize("option", ["--world", "--state"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, option: str) -> None:
    """A folder, for one."""
    assert refusal(option, str(tmp_path))[0].startswith(f"fly-mcp: {tmp_path}: ")


def test_what_it_prints_can_be_pasted_into_a_shell() -> None:
    """The exact environment of flyctl, fly-go, Python and our server; a token of before is out of the way."""
    address = "http://127.0.0.1:4280"
    script = announcement(address) + "env"
    before = {"PATH": os.environ["PATH"], "FLY_ACCESS_TOKEN": "real", "FLY_API_TOKEN": "real"}
    ran = subprocess.run(["sh", "-eu"], input=script, capture_output=True, text=True, env=before, check=True)
    assert ran.stderr == ""
    after: dict[str, Any] = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    assert "FLY_ACCESS_TOKEN" not in after
    assert after["FLY_API_TOKEN"] == "emulator"
    for name in ("FLY_API_HOSTNAME", "FLY_FLAPS_BASE_URL", "FLY_API_BASE_URL", "FLY_UIEX_BASE_URL"):
        assert after[name] == address
    assert {name for name, value in after.items() if value == "0"} >= {"FLY_SEND_METRICS"}
    os.rmdir(after["FLY_CONFIG_DIR"])
