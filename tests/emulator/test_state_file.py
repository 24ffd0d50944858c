"""`--state FILE`: a world that outlives its emulator, however that ends (issue 3.3, shows 3).

FLY_MCP_KILLS=100 kills a hundred times instead of twenty.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import httpx2
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.problems import BadWorld
from fly_mcp_emulator.state_file import InUse, StateFile
from tests.emulator.caller import MACHINES, SECRETS, Caller
from tests.emulator.faulty import add, inside
from tests.virtual_time import LoopClock

KILLS = int(os.environ.get("FLY_MCP_KILLS", "20"))
WRITERS = 4


class Forker:
    """Emulators as processes of their own, one after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout
        self._pid = 0

    def start(self, state: Path) -> str:
        """Start one, and give its address once it listens."""
        options = {"host": "127.0.0.1", "port": 0, "limits": False, "state": str(state)}
        self._in.write(json.dumps(options) + "\n")
        self._in.flush()
        for line in self._out:
            if line.startswith("pid "):
                self._pid = int(line.split()[1])
            if line.startswith("export FLY_API_HOSTNAME="):
                return line.split("=", 1)[1].strip()
            assert not line.startswith("exit "), "it did not start"
        raise AssertionError("it did not start")

    def kill(self) -> None:
        """End the one that a failed test has left."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and give the exit code."""
        os.kill(self._pid, number)
        for line in self._out:
            if line.startswith("exit "):
                self._pid = 0
                return int(line.split()[1])
        raise AssertionError("it did not end")


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    command = [sys.executable, "-m", "tests.emulator.forker"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        forker = Forker(process)
        try:
            yield forker
        finally:
            forker.kill()
            process.kill()


@contextmanager
def calling(address: str) -> Generator[httpx2.Client]:
    headers = {"authorization": "Bearer word"}
    with httpx2.Client(base_url=address, headers=headers, timeout=20, trust_env=False, verify=False) as http:
        yield http


class Writer(threading.Thread):
    """Sets a secret of its own to 1, 2, 3 ... and remembers the last value that was answered."""

    def __init__(self, address: str, name: str, begin: int) -> None:
        super().__init__()
        self.address, self.name_, self.answered = address, name, begin

    def run(self) -> None:
        with calling(self.address) as http:
            try:
                while True:
                    value = str(self.answered + 1)
                    answer = http.post(f"/v1{SECRETS}/{self.name_}", json={"value": value})
                    assert answer.status_code == 201
                    self.answered += 1
            except httpx2.HTTPError:
                return


def test_killed_at_any_moment_it_starts_again_with_a_whole_world(forker: Forker, tmp_path: Path) -> None:
    """Kill -9 in the middle of writes: every answered one is there, and the file is never torn."""
    state, rng, answered = (
        tmp_path / "world.json",
        random.Random(3),
        dict.fromkeys(map(str, range(WRITERS)), 0),
    )
    address, writes = forker.start(state), 0
    for _ in range(KILLS):
        writers = [Writer(address, f"S{name}", answered[name]) for name in answered]
        for writer in writers:
            writer.start()
        time.sleep(rng.uniform(0.02, 0.12))
        assert forker.end(signal.SIGKILL) == -signal.SIGKILL
        for writer in writers:
            writer.join(20)
            writes += writer.answered - answered[writer.name_[1:]]
            answered[writer.name_[1:]] = writer.answered
        StateFile(state).read()  # whole, or BadWorld
        address = forker.start(state)
        with calling(address) as http:
            secrets = http.get(f"/v1{SECRETS}?show_secrets=true").json()["secrets"]
            assert http.get("/_emulator/world").json()["apps"].keys() >= {"my-sandbox", "catvet-records"}
        values = {secret["name"]: int(secret["value"]) for secret in secrets}
        for name, last in answered.items():
            # The one that was under way may be there or not.
            assert values.get(f"S{name}", 0) in (last, last + 1)
            answered[name] = values.get(f"S{name}", 0)
    assert writes > KILLS
    assert forker.end(signal.SIGTERM) == 128 + signal.SIGTERM
    print(f"{KILLS} kills, {writes} answered writes, none lost")  # noqa: T201 - the figure, with pytest -s


def test_what_was_under_way_goes_on(forker: Forker, tmp_path: Path) -> None:
    """A machine that was starting when the emulator was killed is started afterwards, with the same ids."""
    state = tmp_path / "world.json"
    with calling(forker.start(state)) as http:
        made = http.post(f"/v1{MACHINES}", json={"config": {"image": "nginx"}}).json()
        http.post("/_emulator/clock", json={"advance": 86_400})
        before = http.get(f"/v1{MACHINES}/{made['id']}").json()
        now = http.get("/_emulator/clock").json()["now"]
    forker.end(signal.SIGKILL)
    with calling(forker.start(state)) as http:
        assert http.get(f"/v1{MACHINES}/{made['id']}").json() == before
        assert http.get("/_emulator/clock").json()["now"] >= now
        http.post("/_emulator/clock", json={"running": False})
        stands = http.get("/_emulator/clock").json()
    forker.end(signal.SIGTERM)
    with calling(forker.start(state)) as http:
        assert http.get("/_emulator/clock").json() == stands
        http.post("/_emulator/reset")
        assert http.get(f"/v1{MACHINES}").json() == []
    forker.end(signal.SIGKILL)


def opened(path: Path) -> StateFile:
    file = StateFile(path)
    file.open()
    return file


def test_two_emulators_cannot_have_the_same_file(tmp_path: Path) -> None:
    """They would undo each other's writes."""
    file = opened(tmp_path / "world.json")
    with pytest.raises(InUse, match="is in use by another"):
        opened(tmp_path / "world.json")
    file.close()
    opened(tmp_path / "world.json").close()


async def test_a_write_is_in_the_file_before_its_answer(tmp_path: Path) -> None:
    """And so are the conditions that faults leave, and what is done behind the curtain."""
    file = StateFile(tmp_path / "world.json")
    emulator = Emulator(clock=LoopClock(), limits=False)
    emulator.keep(file)
    assert oct(file.path.stat().st_mode & 0o777) == "0o600"

    def kept() -> Any:
        found = file.read()
        assert found is not None
        return found[1].apps["my-sandbox"]

    async with inside(emulator) as fly:
        await fly.post(SECRETS, json={"values": {"A": "1"}})
        assert kept().secrets["A"].value == "1"
        machine = await fly.create()
        assert list(kept().machines) == [machine["id"]]
        await add(fly, {"kind": "unreachable_host", "method": "GET", "times": 1})
        await fly.machine(machine)
        assert kept().machines[machine["id"]].host_status == "unreachable"
        await add(fly, {"kind": "reset_after", "method": "DELETE", "times": 1})
        with pytest.raises(httpx2.ReadError):
            await fly.http.delete(f"{SECRETS}/A")
        assert kept().secrets == {}
    twin = Emulator(clock=LoopClock(), limits=False)
    twin.keep(file)
    assert twin.dump() == emulator.dump()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "(whole): not JSON"),
        ('{"format":1,"clock":{},"wor', "(whole): not JSON"),
        ('{"format": 2}', "format: "),
        ('{"clock": {}, "world": {"orgs": 1}}', "world.orgs: "),
    ],
)
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path, text: str, problem: str) -> None:
    """Whatever it is, it is not ours to overwrite."""
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadWorld) as refused:
        Emulator(clock=LoopClock()).keep(StateFile(path))
    assert any(line.startswith(problem) for line in refused.value.problems)
    assert path.read_text(encoding="utf-8") == text


async def test_a_write_that_cannot_be_kept_is_no_success(tmp_path: Path) -> None:
    """A full disk, a folder that is gone: 500 instead of a promise."""
    folder = tmp_path / "gone"
    folder.mkdir()
    emulator = Emulator(clock=LoopClock(), limits=False)
    emulator.keep(StateFile(folder / "world.json"))
    (folder / "world.json").unlink()
    folder.rmdir()
    async with inside(emulator) as fly:
        await Caller(fly.http).post(SECRETS, 500, json={"values": {"A": "1"}})
        await fly.get(SECRETS)
