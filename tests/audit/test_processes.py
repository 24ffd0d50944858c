"""Many processes, one file; killed processes; a disk that fills up in the middle of a line."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fly_mcp_server.audit.target import ChainFile
from fly_mcp_server.audit.verify import Verdict, verify
from fly_mcp_server.file_lock import lock

from .kept import lines

#: Appends events for ever, or so many; says each on stdout once it is written.
_WRITER = """
import sys
from itertools import count
from pathlib import Path
from fly_mcp_server.audit.target import ChainFile
file = ChainFile(Path(sys.argv[1]), lambda: {"event": "genesis"})
for number in range(int(sys.argv[3])) if len(sys.argv) > 3 else count():
    file.append({"event": "call", "caller": sys.argv[2], "says": "x" * (number % 500)}, durable=number % 10 == 0)
    sys.stdout.write(".")
    sys.stdout.flush()
"""


def writer(path: Path, name: str, *count: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name, *count], stdout=subprocess.PIPE)


def verdict(path: Path) -> Verdict:
    with path.open("rb") as file:
        return verify(file)


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    """Issue 6: 200 events each, none lost, none in the wrong place."""
    path = tmp_path / "audit.jsonl"
    both = [writer(path, name, "200") for name in ("one", "two")]
    for one in both:
        one.communicate(timeout=60)
        assert one.returncode == 0
    found = verdict(path)
    assert (found.problems, found.events) == ([], 401)
    for name in ("one", "two"):
        assert path.read_bytes().count(f'"caller":"{name}"'.encode()) == 200


def test_a_killed_process_loses_no_event_that_it_wrote(tmp_path: Path) -> None:
    """Killed at whatever moment, while another writes: the chain goes on, and holds all that was said to be written."""
    path = tmp_path / "audit.jsonl"
    other = writer(path, "other", "300")
    written = 0
    for _ in range(5):
        with writer(path, "victim") as victim:
            assert victim.stdout is not None
            written += len(victim.stdout.read(20))
            victim.send_signal(signal.SIGKILL)
            written += len(victim.stdout.read())
    other.communicate(timeout=60)
    found = verdict(path)
    assert found.problems == []
    kept = path.read_bytes().count(b'"caller":"victim"')
    assert written <= kept <= written + 5  # one may be written and not yet said
    assert path.read_bytes().count(b'"caller":"other"') == 300


def test_a_lock_that_is_not_let_go_is_an_error(tmp_path: Path) -> None:
    """Not a wait without end."""
    path = tmp_path / "audit.jsonl"
    lines(path, 1)
    waits: list[int] = []
    held = os.open(path, os.O_RDWR)
    try:
        assert lock(held)
        file = ChainFile(path, dict, pause=lambda: waits.append(1), tries=7)
        with pytest.raises(OSError, match="another process holds it locked"):
            file.append({"event": "call"}, durable=True)
    finally:
        os.close(held)
    assert len(waits) == 7
    file.append({"event": "call"}, durable=True)
    assert verdict(path).problems == []


@pytest.mark.parametrize("room", [0, 1, 50])
def test_a_disk_that_fills_up_leaves_no_half_line(tmp_path: Path, room: int) -> None:
    """The line is taken back, the error is told, and with room again the chain goes on."""
    path = tmp_path / "audit.jsonl"
    lines(path, 3)
    before = path.read_bytes()
    file = ChainFile(path, dict)
    with _no_more_than(len(before) + room), pytest.raises(OSError, match="File too large"):
        file.append({"event": "call", "says": "x" * 200}, durable=True)
    assert path.read_bytes() == before
    file.append({"event": "call"}, durable=True)
    found = verdict(path)
    assert (found.problems, found.events) == ([], 5)


@contextmanager
def _no_more_than(size: int) -> Generator[None]:
    """As full a disk as a test can have: the system itself writes a part, and refuses the rest."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        signal.signal(signal.SIGXFSZ, handler)
