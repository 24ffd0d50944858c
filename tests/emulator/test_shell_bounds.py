"""What may never happen: an exception, an endless run, a touch of the host."""

from __future__ import annotations

import ast
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fly_mcp_emulator.shell
from fly_mcp_emulator.shell import ExecResult, Shell
from tests.emulator.shell_machine import FakeClock, PretendMachine

SOURCES = sorted(Path(fly_mcp_emulator.shell.__file__).parent.rglob("*.py"))
ALLOWED = {
    *("__future__", "anyio.lowlevel", "collections.abc", "contextlib", "dataclasses", "datetime", "fnmatch"),
    *("re", "typing"),
}
FORBIDDEN = {"open", "eval", "exec", "compile", "__import__", "input", "breakpoint", "globals"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_module_of_the_shell_can_reach_the_host(source: Path) -> None:
    """Ours: commands are interpreted, never run. What is not in the list has to be argued for."""
    tree = ast.parse(source.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= ALLOWED
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module or ""
            assert module in ALLOWED or module.startswith("fly_mcp_emulator.shell"), module
        elif isinstance(node, ast.Name):
            assert node.id not in FORBIDDEN


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_module_of_the_shell_is_longer_than_400_lines(source: Path) -> None:
    assert len(source.read_text().splitlines()) <= 400


@pytest.mark.parametrize(
    "script",
    [
        "while true; do :; done",
        "while true; do sleep 1; done",
        "until false; do sleep 0; done",
        "sleep infinity; sleep 1",
        "x=aaaa; while true; do x=$x$x; done",
        "while true; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >> /tmp/x; done",
        "i=0; while true; do i=$((i+1)); mkdir /tmp/$i; done",
        "i=0; while true; do i=$((i+1)); export V$i=1; done",
        "echo 'sh /tmp/a' > /tmp/a; sh /tmp/a",
        'X=\'eval "$X"\'; eval "$X"',
        "seq 1 999999999",
        "echo " + "$(" * 200 + "echo" + ")" * 200,
        "echo " + '"$(' * 40 + "echo" + ')"' * 40,
        "echo " + "${A:-" * 200 + "}" * 200,
        "echo $((" + "(" * 200 + "1" + ")" * 200 + "))",
        "(" * 200 + "echo" + ")" * 200,
        "if " * 200 + "true",
        "X='" + "echo $((1+1));" * 8_000 + '\'; while true; do sh -c "$X" > /dev/null; done',
        'X="$(seq 9000)"; while true; do echo $X > /dev/null; done',
        "set " + "a " * 50_000 + "; while true; do echo $@; done",
    ],
)
async def test_a_script_that_would_never_end_is_ended_with_code_2(script: str) -> None:
    result = await PretendMachine().sh(script)
    assert result.exit_code == 2
    assert "is not modelled" in result.stderr
    assert len(result.stdout) <= 1024 * 1024


async def test_output_is_bounded_and_the_first_mebibyte_kept() -> None:
    machine = PretendMachine()
    machine.files["/big"] = "x" * 1_500_000
    result = await machine.run("cat", "/big")
    assert (result.exit_code, len(result.stdout)) == (2, 1024 * 1024)
    assert result.stderr == "emulator: an output of more than 1 MiB is not modelled\n"


async def test_a_writer_that_outruns_its_reader_is_cut_like_a_closed_pipe() -> None:
    machine = PretendMachine()
    machine.files["/big"] = "x\n" * 700_000
    assert await machine.out("cat /big | head -n 1") == "x\n"


async def test_a_disk_that_is_full_says_so() -> None:
    machine = PretendMachine()
    machine.files["/big"] = "x" * 1024 * 1024
    result = await machine.sh("echo more >> /big; echo $?")
    assert (result.stdout, result.stderr) == ("1\n", "echo: /big: No space left on device\n")


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+$", "a*a*a*a*a*a*a*a*b", "((a*)*)*b"])
async def test_a_regular_expression_never_runs_away(pattern: str) -> None:
    """Python's own `re` would take years over these."""
    machine = PretendMachine()
    machine.files["/a"] = "a" * 200 + "\n"
    result = await machine.run("grep", "-E", pattern, "/a")
    assert result.exit_code in (0, 1, 2)


async def test_a_sleeping_command_can_be_cancelled() -> None:
    """The core ends an exec that takes longer than its timeout by cancelling it."""

    class StuckClock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            await anyio.sleep_forever()

    machine = PretendMachine(clock=StuckClock())
    with anyio.move_on_after(1) as scope:
        await machine.sh("echo a > /tmp/before; sleep 5; echo b > /tmp/after")
    assert scope.cancelled_caught
    assert "/tmp/before" in machine.files
    assert "/tmp/after" not in machine.files


async def test_a_busy_script_can_be_cancelled() -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await PretendMachine().sh("while true; do :; done")
    assert scope.cancelled_caught


async def test_half_a_surrogate_pair_comes_out_as_valid_text() -> None:
    result = await PretendMachine().run("echo", "a\ud800b")
    assert result.stdout == "a?b\n"


WORDS = st.sampled_from(
    [
        *(
            "echo",
            "cat",
            "ls",
            "-la",
            "grep",
            "-E",
            "find",
            "sort",
            "sh",
            "-c",
            "bash",
            "env",
            "X=1",
            "sed",
            "ps",
        ),
        *(
            "head",
            "-n",
            "tail",
            "3",
            "-1",
            "wc",
            "test",
            "[",
            "]",
            "printf",
            "%s",
            "%5d",
            "read",
            "x",
            "rm",
            "-rf",
        ),
        *(
            "cp",
            "mv",
            "mkdir",
            "-p",
            "touch",
            "/tmp/x",
            "/data",
            "/",
            ".",
            "..",
            "*",
            "?",
            "[a-",
            "kill",
            "cut",
        ),
        *(
            "if",
            "then",
            "else",
            "fi",
            "while",
            "do",
            "done",
            "for",
            "in",
            "{",
            "}",
            "(",
            ")",
            "!",
            "$x",
            "$?",
        ),
        *(
            "${x:-",
            "$((",
            "))",
            "$(",
            "`",
            "'",
            '"',
            "\\",
            ";",
            "&&",
            "||",
            "|",
            "&",
            ">",
            ">>",
            "<",
            "<<E",
            "2>&1",
        ),
        *(
            "\n",
            " ",
            "#",
            "supervisorctl",
            "restart",
            "app",
            "status",
            "exit",
            "break",
            "continue",
            "set",
            "-e",
        ),
        *(
            "eval",
            "cd",
            "date",
            "+%s",
            "xargs",
            "tr",
            "uniq",
            "tee",
            "seq",
            "9",
            "sleep",
            "1",
            "a*",
            "(a|b)*c",
        ),
    ]
)
ANYTHING = st.one_of(st.text(max_size=40), WORDS)
SCRIPTS = st.one_of(
    st.text(max_size=200),
    st.lists(ANYTHING, max_size=25).map(" ".join),
    st.lists(WORDS, max_size=25).map("".join),
)
ARGVS = st.one_of(
    st.lists(ANYTHING, max_size=8),
    SCRIPTS.map(lambda text: ["sh", "-c", text]),
    SCRIPTS.map(lambda text: ["bash", "-c", text]),
)


@settings(deadline=None, max_examples=300)
@given(argv=ARGVS, stdin=st.text(max_size=60))
def test_whatever_is_typed_there_is_an_answer_and_an_end(argv: list[str], stdin: str) -> None:
    """Ours: `run` never raises and always returns; the emulator serves others meanwhile."""
    machine = PretendMachine()
    shell = Shell(machine.env, machine.files, machine.processes, machine.clock)

    async def main() -> ExecResult:
        with anyio.fail_after(20):
            return await shell.run(argv, stdin)

    result = anyio.run(main)
    assert 0 <= result.exit_code <= 255
    assert len(result.stdout) <= 1024 * 1024
    result.stdout.encode()
    result.stderr.encode()
    assert all(path.startswith("/") for path in machine.files)
