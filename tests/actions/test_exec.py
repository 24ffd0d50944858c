"""flyExecCommand: argv as documented, a bounded answer, an exit code is a result (the issue, 3; reference 6.2)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule

from .fly import APP, MACHINE, Fly

ONE = {"appName": APP, "machineId": MACHINE}


async def test_a_command_is_a_list_of_words_and_no_shell(fly: Fly) -> None:
    """The seeds: command as array."""
    answer = await fly.call("flyExecCommand", **ONE, command=["echo", "$HOME", "a  b", "*"])
    assert answer == {"outcome": "done", "stdout": "$HOME a  b *\n", "stderr": "", "exit_code": 0}


async def test_a_shell_is_named(fly: Fly) -> None:
    """The seeds: bash -c."""
    answer = await fly.call("flyExecCommand", **ONE, command=["sh", "-c", "echo $HOME; echo no >&2; exit 3"])
    assert answer == {"outcome": "done", "stdout": "/root\n", "stderr": "no\n", "exit_code": 3}


async def test_a_command_that_is_not_there_is_a_result_too(fly: Fly) -> None:
    """The issue, 3: a non-zero exit code is a result, not an error."""
    answer = await fly.call("flyExecCommand", **ONE, command=["no-such-program"])
    assert answer["exit_code"] == 127


async def test_output_is_capped_with_a_visible_mark(fly: Fly) -> None:
    """The issue, 3: start and end are kept, the mark says how much is missing."""
    command = ["sh", "-c", "seq 1 9000; seq 1 3000 >&2"]
    answer = await fly.call("flyExecCommand", **ONE, command=command)
    assert answer["truncated"] is True
    for stream, limit, last in (("stdout", 12_000, "9000"), ("stderr", 4_000, "3000")):
        assert len(answer[stream]) < limit + 60
        assert answer[stream].startswith("1\n2\n")
        assert answer[stream].endswith(f"{last}\n")
        assert "characters left out ...]" in answer[stream]


async def test_output_within_the_cap_is_whole_and_unmarked(fly: Fly) -> None:
    """Ours: `truncated` is there only where something is missing."""
    answer = await fly.call("flyExecCommand", **ONE, command=["seq", "1", "1000"])
    assert answer["stdout"].splitlines() == [str(number) for number in range(1, 1001)]
    assert "truncated" not in answer


async def test_output_is_cleaned(fly: Fly) -> None:
    """The architecture: text from outside is cleaned of control characters."""
    raw = "\x1b[31mred\x1b[0m\x07 \u202eevil\x00\r\nnext\ttab"
    body = {"exit_code": 0, "stdout": raw, "stderr": "\x9b2J"}
    fly.wire.replace_answers("POST", "/exec$", lambda _: httpx2.Response(200, json=body))
    answer = await fly.call("flyExecCommand", **ONE, command=["x"])
    assert answer["stdout"] == "red evil\nnext\ttab"
    assert answer["stderr"] == ""
    assert "truncated" not in answer


async def test_zero_fields_may_be_missing(fly: Fly) -> None:
    """Reference 6.2."""
    fly.wire.replace_answers("POST", "/exec$", lambda _: httpx2.Response(200, json={}))
    answer = await fly.call("flyExecCommand", **ONE, command=["true"])
    assert answer == {"outcome": "done", "stdout": "", "stderr": "", "exit_code": 0}


@pytest.mark.parametrize("body", [[], [{"stdout": "x"}], {"stdout": 5}, {"exit_code": "zero"}], ids=repr)
async def test_an_answer_that_is_none_is_not_an_empty_output(fly: Fly, body: Any) -> None:
    """Ours: nobody knows whether the command ran."""
    fly.wire.replace_answers("POST", "/exec$", lambda _: httpx2.Response(200, json=body))
    error = await fly.refused("flyExecCommand", **ONE, command=["rm", "x"])
    assert (error["code"], error["changed"], error["retryable"]) == ("unclear", "unknown", False)


async def test_a_signal_is_told(fly: Fly) -> None:
    """Reference 6.2: exit_signal."""
    body = {"exit_code": 137, "exit_signal": 9, "stdout": "", "stderr": ""}
    fly.wire.replace_answers("POST", "/exec$", lambda _: httpx2.Response(200, json=body))
    answer = await fly.call("flyExecCommand", **ONE, command=["x"])
    assert (answer["exit_code"], answer["exit_signal"]) == (137, 9)


async def test_the_default_time_is_thirty_seconds(fly: Fly) -> None:
    """The seeds: default 30; a 408 is explained, since the command may still be running."""
    began = fly.clock.monotonic()
    error = await fly.refused("flyExecCommand", **ONE, command=["sleep", "100"])
    assert 29 <= fly.clock.monotonic() - began <= 32
    assert (error["code"], error["changed"], error["retryable"]) == ("timeout", "unknown", False)
    assert error["status"] == 408
    assert "Not finished within 30 s; it may still be running" in error["hint"]


@pytest.mark.parametrize("timeout", [1, 45, 300])
async def test_a_longer_time_is_waited(fly: Fly, timeout: int) -> None:
    """The seeds: max 300."""
    command = ["sleep", str(timeout - 0.5)]
    answer = await fly.call("flyExecCommand", **ONE, command=command, timeout=timeout)
    assert answer["exit_code"] == 0


@pytest.mark.parametrize("timeout", [0, -1, 301, "30", 2.5, None])
async def test_other_times_are_refused(fly: Fly, timeout: object) -> None:
    """The seeds: max 300."""
    error = await fly.refused("flyExecCommand", **ONE, command=["true"], timeout=timeout)
    assert [problem["path"] for problem in error["problems"]] == ["timeout"]
    assert not fly.wire.sent


@pytest.mark.parametrize("state", ["stopped", "suspended"])
async def test_a_machine_that_is_down_is_not_woken(fly: Fly, state: str) -> None:
    """Reference 6.2 and 9.26: 412, explained."""
    await fly.call({"stopped": "flyStopMachine", "suspended": "flySuspendMachine"}[state], **ONE)
    error = await fly.refused("flyExecCommand", **ONE, command=["true"])
    assert (error["code"], error["status"], error["changed"]) == ("wrong_state", 412, "nothing")
    assert "does not wake it: flyStartMachine" in error["hint"]
    assert fly.machine().state == state


async def test_a_machine_that_goes_away_meanwhile_leaves_it_unknown(fly: Fly) -> None:
    """Reference 11: "exec request failed: EOF"; the command had begun."""
    text = "failed_precondition: exec request failed: EOF"
    fly.emulator.faults.add(FaultRule(method="POST", path="/exec$", status=412, error=text))
    error = await fly.refused("flyExecCommand", **ONE, command=["shutdown"])
    assert error["code"] == "wrong_state"
    assert error["changed"] == "unknown"
    assert "went away while" in error["hint"]


async def test_a_command_that_fly_did_not_take_is_sent_again(fly: Fly) -> None:
    """Ours: refused before it ran, so nothing can be doubled."""
    fly.emulator.faults.add(FaultRule(method="POST", path="/exec$", status=429, times=1))
    answer = await fly.call("flyExecCommand", **ONE, command=["echo", "once"])
    assert answer["stdout"] == "once\n"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_command_is_never_run_twice(fly: Fly, status: int) -> None:
    """House rule 12."""
    command = ["sh", "-c", "echo x >> /tmp/runs"]
    fly.emulator.faults.add(FaultRule(method="POST", path="/exec$", status=status, after=True, times=1))
    error = await fly.refused("flyExecCommand", **ONE, command=command)
    assert (error["code"], error["changed"]) == ("unclear", "unknown")
    fly.emulator.faults.clear()
    answer = await fly.call("flyExecCommand", **ONE, command=["cat", "/tmp/runs"])
    assert answer["stdout"] == "x\n"


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ([], "command"),
        ([""], "command"),
        (["ls", 5], "command[1]"),
        (["ls", None], "command[1]"),
        ("ls -la", "command"),
        (["a\x00b"], "command"),
        (["x" * 40_000], "command"),
        (["x"] * 1_001, "command"),
        ({"0": "ls"}, "command"),
        ([["ls"]], "command[0]"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_command_that_is_none_is_refused(fly: Fly, command: object, path: str) -> None:
    """The issue, Bad input: empty command, wrong types."""
    error = await fly.refused("flyExecCommand", **ONE, command=command)
    assert [problem["path"] for problem in error["problems"]] == [path]
    assert not fly.wire.sent


async def test_exec_sends_nothing_but_exec(fly: Fly) -> None:
    """Reference 1.3: so that a machine-exec token suffices."""
    await fly.call("flyExecCommand", **ONE, command=["true"])
    assert [line.split("?")[0] for line in fly.wire.sent] == [f"POST /v1/apps/{APP}/machines/{MACHINE}/exec"]
