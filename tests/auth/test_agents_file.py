"""Tokens of our own: shown once, kept hashed, and gone when they are revoked."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fly_mcp_server.auth.agents_file import AgentsFile, AgentsFileError
from fly_mcp_server.auth.verifier import AgentVerifier, Live

from .issuer import FixedClock


@pytest.fixture
def verifier(file: AgentsFile) -> AgentVerifier:
    return AgentVerifier(Live(file))


async def whose(verifier: AgentVerifier, token: str) -> str | None:
    found = await verifier.verify_token(token)
    return found.client_id if found else None


async def test_a_token_is_its_agents_from_the_next_call_on(file: AgentsFile, verifier: AgentVerifier) -> None:
    """Issue 6: without a restart, in both directions; and an agent can have two, so that they can be changed."""
    assert await whose(verifier, "flymcp_" + "a" * 43) is None
    _, old = file.add("night-watch")
    _, other = file.add("deployer")
    assert await whose(verifier, old) == "night-watch"
    entry, new = file.add("night-watch")
    assert await whose(verifier, old) == await whose(verifier, new) == "night-watch"
    gone = file.revoke("night-watch", file.read()[0].id)
    assert [one.agent for one in gone] == ["night-watch"]
    assert await whose(verifier, old) is None
    assert await whose(verifier, new) == "night-watch"
    assert file.revoke("night-watch") == (entry,)
    assert await whose(verifier, new) is None
    assert await whose(verifier, other) == "deployer"
    assert file.revoke("night-watch") == ()


async def test_the_file_does_not_hold_the_token(file: AgentsFile) -> None:
    """Its SHA-256 alone; and it is its owner's alone, with its directory."""
    entry, token = file.add("night-watch")
    text = file.path.read_text()
    assert token not in text
    assert token.removeprefix("flymcp_") not in text
    assert entry.sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert token not in repr(entry)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in file.path.parent.iterdir() if not one.name.endswith(".lock")] == [
        "agents.json"
    ]


async def test_a_token_is_256_bits_of_chance(tmp_path: Path, clock: FixedClock) -> None:
    """All of them are in it, also the first that are zero; and no two are alike."""
    given = iter([b"\0" * 32, b"\1\2\3\4", b"\xff" * 32, b"\1\2\3\4", b"\5\6\7\x08"])
    asked: list[int] = []

    def chance(count: int) -> bytes:
        asked.append(count)
        return next(given)

    file = AgentsFile(tmp_path / "agents.json", clock, chance=chance)
    low, high = file.add("a"), file.add("a")
    assert asked[0] == 32
    assert len(low[1]) == len(high[1]) == len("flymcp_") + 43
    assert low[1] != high[1]
    assert high[0].id == "05060708", "an id stands twice"


async def test_every_entry_is_compared_in_the_same_time(
    file: AgentsFile, verifier: AgentVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By construction: `hmac.compare_digest`, on hashes of one length, for all of them, wherever the right one is."""
    tokens = [file.add(f"agent-{number}")[1] for number in range(5)]
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    for token in (tokens[0], tokens[4], "flymcp_wrong", "", "flymcp_" + "ü" * 43, "\ud800"):
        compared.clear()
        await verifier.verify_token(token)
        assert compared == [(32, 32)] * 5


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not what `fly-mcp agents` writes"),
        ("[]", "not what `fly-mcp agents` writes"),
        ('{"version": 2, "tokens": []}', "wrong: version"),
        ('{"version": 1, "tokens": [{"id": "x"}]}', "wrong: tokens.0.id, tokens.0.agent"),
        ('{"version": 1, "tokens": [], "more": "c4n4ry"}', "wrong: more"),
    ],
)
async def test_a_file_that_is_none_lets_nobody_in(
    file: AgentsFile, verifier: AgentVerifier, content: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not those either who were let in before; and it is said, once, without what is in it."""
    _, token = file.add("night-watch")
    assert await whose(verifier, token) == "night-watch"
    file.path.write_text(content)
    for _ in range(3):
        assert await whose(verifier, token) is None
    assert caplog.text.count("no agent with a token of ours is let in") == 1
    assert why in caplog.text
    assert "c4n4ry" not in caplog.text
    with pytest.raises(AgentsFileError, match="not what"):
        file.add("another")
    assert file.path.read_text() == content


async def test_a_file_that_others_can_write_lets_nobody_in(file: AgentsFile, verifier: AgentVerifier) -> None:
    """They could add themselves."""
    _, token = file.add("night-watch")
    file.path.chmod(0o660)
    assert await whose(verifier, token) is None
    file.path.chmod(0o640)
    assert await whose(verifier, token) == "night-watch"


async def test_a_file_that_could_not_be_opened_for_a_moment_is_read_again(
    file: AgentsFile,
    verifier: AgentVerifier,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Review of issue 6: no file handle was left, and every agent was out for good. It is told once a time."""
    _, token = file.add("night-watch")

    def none_left(*_: object) -> None:
        raise OSError(24, os.strerror(24))

    for _ in range(2):
        with monkeypatch.context() as now:
            now.setattr(Path, "open", none_left)
            for _ in range(3):
                assert await whose(verifier, token) is None
        assert await whose(verifier, token) == "night-watch"
        file.path.touch()  # what is unchanged is not read
    assert caplog.text.count("Too many open files") == 2


@pytest.mark.parametrize("name", ["", "-x", "a b", "ä", "x" * 65, "a/b", "a\n", "[bold]"])
def test_a_name_that_can_be_none_is_refused(file: AgentsFile, name: str) -> None:
    """And nothing is written."""
    with pytest.raises(AgentsFileError, match="1 to 64 letters"):
        file.add(name)
    assert not file.path.exists()


@pytest.mark.parametrize("name", ["local", "nobody", "Nobody", "LOCAL"])
def test_a_name_of_callers_that_are_no_agents_is_refused(file: AgentsFile, name: str) -> None:
    """Review of issue 6: it would share what is kept of them by name, and be taken for them in the trail."""
    with pytest.raises(AgentsFileError, match="callers that are no agents"):
        file.add(name)
    assert not file.path.exists()


def test_many_processes_can_add_at_once(file: AgentsFile) -> None:
    """None is lost: the file is written whole, by one at a time."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom fly_mcp_tools.clock import SystemClock\n"
        "from fly_mcp_server.auth.agents_file import AgentsFile\n"
        "for n in range(20): AgentsFile(Path(sys.argv[1]), SystemClock()).add(f'{sys.argv[2]}-{n}')\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program, str(file.path), name]) for name in ("one", "two")
    ]
    assert [one.wait(60) for one in both] == [0, 0]
    assert len({one.agent for one in file.read()}) == 40


def test_a_write_that_fails_leaves_the_old_file(file: AgentsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk takes nobody's token away."""
    file.add("night-watch")
    before = json.loads(file.path.read_text())

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AgentsFileError, match="No space left on device"):
        file.add("deployer")
    assert json.loads(file.path.read_text()) == before
    assert sorted(one.name for one in file.path.parent.iterdir()) == ["agents.json", "agents.json.lock"]
