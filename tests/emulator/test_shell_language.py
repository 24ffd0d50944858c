"""The language: quoting, expansion, lists, pipes, redirections, compound commands."""

from __future__ import annotations

import pytest

from tests.emulator.shell_machine import PretendMachine


@pytest.fixture
def machine() -> PretendMachine:
    return PretendMachine()


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("echo a   b", "a b\n"),
        ("echo 'a   b' \"c  d\" e\\ \\ f", "a   b c  d e  f\n"),
        ("echo $BLANKS; echo \"$BLANKS\"; echo '$BLANKS'", "a b\na  b\n$BLANKS\n"),
        ('echo "\\$BLANKS \\"quoted\\" \\n"', '$BLANKS "quoted" \\n\n'),
        (
            "echo ${FLY_APP_NAME}-1 ${NOPE:-x y} ${NOPE-z} [${NOPE:+w}] ${#FLY_APP_NAME}",
            "catvet-records-1 x y z [] 14\n",
        ),
        ("X=; echo ${X:-empty} [${X-unset}]", "empty []\n"),
        ("echo ${Y:=set}; echo $Y", "set\nset\n"),
        ("f=/a/b.tar.gz; echo ${f%.*} ${f%%.*} ${f#*/} ${f##*/}", "/a/b.tar /a/b a/b.tar.gz b.tar.gz\n"),
        ('echo $(echo a; echo b) "$(echo a; echo b)" `echo c`', "a b a\nb c\n"),
        ("echo $(echo $(echo $(echo deep)))", "deep\n"),
        ('echo "$(echo ")")" "$(echo "a $(echo b)")"', ") a b\n"),
        (
            "echo $((1 + 2 * 3)) $((7 / 2)) $((-7 / 2)) $((-7 % 3)) $(( (1+2) * 3 )) $((2 > 1 && 1 == 1))",
            "7 3 -3 -1 9 1\n",
        ),
        ("i=4; i=$((i * 2)); echo $i $((i - 1))", "8 7\n"),
        ("echo a # b", "a\n"),
        ("echo a#b", "a#b\n"),
        ("echo one; # two\necho three", "one\nthree\n"),
        ("echo a \\\n  b", "a b\n"),
        ("false; echo $?; true; echo $?", "1\n0\n"),
        ("true && echo a || echo b; false && echo a || echo b; false || false || echo c", "a\nb\nc\n"),
        ("! false && echo turned", "turned\n"),
        ("printf 'b\\na\\nc\\n' | sort | head -n 2 | tail -n 1", "b\n"),
        ("if false; then echo a; elif true; then echo b; else echo c; fi", "b\n"),
        ("for i in 1 2 '3 4'; do echo $i; done", "1\n2\n3 4\n"),
        (
            "for f in /data/workspace/*.j*; do echo $f; done",
            "/data/workspace/package.json\n/data/workspace/server.js\n",
        ),
        (
            "i=0; while [ $i -lt 5 ]; do i=$((i+1)); [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done",
            "1\n3\n",
        ),
        ("i=0; until [ $i -ge 2 ]; do i=$((i+1)); done; echo $i", "2\n"),
        ("printf 'a b c\\nd\\n' | while read -r x y; do echo \"$x|$y\"; done", "a|b c\nd|\n"),
        ("X=1; (X=2; cd /tmp; echo $X); echo $X; pwd", "2\n1\n/\n"),
        ("X=1; { X=2; }; echo $X", "2\n"),
        ("FOO=1 printenv FOO; echo [$FOO]", "1\n[]\n"),
        ("FOO=1; printenv FOO || export FOO; printenv FOO", "1\n"),
        (
            "cd /data/workspace; pwd; echo *.md; cd ..; pwd; cd - > /dev/null; pwd",
            "/data/workspace\nREADME.md\n/data\n/data/workspace\n",
        ),
        ("echo *.nothing '*.md'", "*.nothing *.md\n"),
        (
            "set -- a 'b c'; echo $# $2; for x in \"$@\"; do echo $x; done; shift; echo $1",
            "2 b c\na\nb c\nb c\n",
        ),
        ("eval 'echo $FLY_APP_NAME'", "catvet-records\n"),
        ("sh -c 'echo $0 $1' name first", "name first\n"),
        ("echo ~ ~/x '~'", "/root /root/x ~\n"),
        ('cat <<EOF\n$FLY_APP_NAME\n"as is"\nEOF\necho after', 'catvet-records\n"as is"\nafter\n'),
        ("cat <<'EOF'\n$FLY_APP_NAME\nEOF", "$FLY_APP_NAME\n"),
        ("cat <<< hello", "hello\n"),
        ("set -u; echo ${NOPE:-fine}", "fine\n"),
        ("set -e; if false; then :; fi; false || true; ! true; echo alive", "alive\n"),
        ("command -v cat; type cd", "/usr/bin/cat\ncd is a shell builtin\n"),
    ],
)
async def test_a_script_prints_what_dash_would(machine: PretendMachine, script: str, printed: str) -> None:
    assert await machine.out(script) == printed


async def test_output_can_be_sent_to_a_file_and_read_back(machine: PretendMachine) -> None:
    assert await machine.out("echo a > /tmp/x; echo b >> /tmp/x; cat < /tmp/x") == "a\nb\n"
    assert machine.files["/tmp/x"] == "a\nb\n"


async def test_a_group_shares_its_redirection(machine: PretendMachine) -> None:
    await machine.out("{ echo a; echo b; } > /tmp/x")
    assert machine.files["/tmp/x"] == "a\nb\n"


async def test_stderr_follows_stdout_where_it_is_told_to(machine: PretendMachine) -> None:
    result = await machine.sh("ls /nope 2>&1; ls /nope 2>/dev/null; ls /nope 2>/tmp/err; nope 2>>/tmp/err")
    assert result.stderr == ""
    assert result.stdout == "ls: cannot access '/nope': No such file or directory\n"
    assert (
        machine.files["/tmp/err"]
        == "ls: cannot access '/nope': No such file or directory\nsh: 1: nope: not found\n"
    )


async def test_the_order_of_redirections_counts(machine: PretendMachine) -> None:
    assert await machine.out("{ ls /nope || true; } 2>&1 >/dev/null | wc -l") == "1\n"


async def test_a_redirection_into_nowhere_fails_its_command_only(machine: PretendMachine) -> None:
    result = await machine.sh("echo a > /no/where; echo $?; cat < /nope; echo $?")
    assert result.stdout == "2\n2\n"
    assert (
        result.stderr
        == "sh: 1: cannot create /no/where: Directory nonexistent\nsh: 1: cannot open /nope: No such file\n"
    )


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 3", 3),
        ("exit 300", 44),
        ("false; exit", 1),
        ("(exit 4)", 4),
        ("false | true", 0),
        ("set -o pipefail; false | true", 1),
        ("sh -c 'exit 5'", 5),
        ("set -e; false; exit 9", 1),
        ("set -e; (exit 7); exit 9", 7),
        ("X=$(exit 6)", 6),
        ("exit 3 | true", 0),
        ("echo ${NOPE:?needed}", 2),
        ("set -u; echo $NOPE; echo never", 2),
        ("echo $((1/0))", 2),
        ("nope", 127),
        ("/data/workspace/server.js", 126),
        ("", 0),
        ("# nothing", 0),
    ],
)
async def test_a_script_ends_with_the_code_of_a_real_shell(
    machine: PretendMachine, script: str, code: int
) -> None:
    result = await machine.sh(script)
    assert (result.exit_code, result.exit_signal, "never" in result.stdout) == (code, 0, False)


@pytest.mark.parametrize(
    ("argv", "stderr"),
    [
        (("nope",), 'exec: "nope": executable file not found in $PATH\n'),
        (("curl", "https://example.com"), 'exec: "curl": executable file not found in $PATH\n'),
        (("exit", "3"), 'exec: "exit": executable file not found in $PATH\n'),
        (("/no/where",), 'exec: "/no/where": stat: no such file or directory\n'),
        (("sh", "-c", "true\nnope"), "sh: 2: nope: not found\n"),
        (("bash", "-c", "nope"), "bash: line 1: nope: command not found\n"),
        (("", "x"), "exec: no command\n"),
        ((), "exec: no command\n"),
    ],
)
async def test_a_program_that_is_not_there_is_127_in_the_words_of_who_looked(
    machine: PretendMachine, argv: tuple[str, ...], stderr: str
) -> None:
    result = await machine.run(*argv)
    assert (result.exit_code, result.stdout, result.stderr) == (127, "", stderr)


async def test_argv_without_a_shell_is_not_parsed(machine: PretendMachine) -> None:
    """Reference 6.2: `command` is argv, no shell."""
    result = await machine.run("echo", "$HOME", "*", ";", "ls", "|", "wc", ">", "/tmp/x")
    assert result.stdout == "$HOME * ; ls | wc > /tmp/x\n"
    assert "/tmp/x" not in machine.files


async def test_a_script_file_runs_by_path_and_by_name(machine: PretendMachine) -> None:
    machine.files["/data/workspace/hi.sh"] = "#!/bin/sh\necho hi $1\nexit 3\n"
    for argv in (("/data/workspace/hi.sh", "you"), ("sh", "/data/workspace/hi.sh", "you")):
        result = await machine.run(*argv)
        assert (result.stdout, result.exit_code) == ("hi you\n", 3)


async def test_programs_may_be_called_by_path(machine: PretendMachine) -> None:
    assert (await machine.run("/bin/echo", "hi")).stdout == "hi\n"
    assert (await machine.run("/usr/bin/env", "echo", "hi")).stdout == "hi\n"


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("case x in x) echo;; esac", "case"),
        ("f() { echo; }", "a function"),
        ("a=(1 2)", "an array"),
        ("sleep 1 & echo", "'&' (running in the background)"),
        ("cat <(echo)", "'<('"),
        ("[[ a = a ]]", "[[ ]]"),
        ("echo {a,b}", "brace expansion"),
        ("echo ${x^^}", "${x^^}"),
        ("echo $((i++))", "arithmetic like 'i++'"),
        ("echo 3>/tmp/x", "file descriptor 3"),
        ("ls /[[:alpha:]]*", "a character class in a file name pattern"),
        ("ls --frobnicate", "ls --frobnicate"),
        ("for ((;;)); do echo; done", "for (( ))"),
    ],
)
async def test_what_is_not_modelled_says_so_with_code_2(
    machine: PretendMachine, script: str, what: str
) -> None:
    result = await machine.sh(script)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"emulator: {what} is not modelled\n"


@pytest.mark.parametrize(
    "script", ["echo 'a", 'echo "a', "echo $(a", "if true", "fi", "a |", "; a", "( a", "a )", "${", "< "]
)
async def test_what_is_not_shell_is_a_syntax_error_and_runs_nothing(
    machine: PretendMachine, script: str
) -> None:
    result = await machine.sh(f"echo before\n{script}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("sh: ")
    assert "Syntax error" in result.stderr


async def test_stdin_reaches_the_command(machine: PretendMachine) -> None:
    assert (await machine.run("wc", "-l", stdin="a\nb\n")).stdout == "2\n"
    assert (await machine.run("sh", stdin="echo from stdin")).stdout == "from stdin\n"


async def test_each_run_starts_afresh_but_for_the_files(machine: PretendMachine) -> None:
    await machine.out("cd /tmp; export X=1; echo kept > kept")
    assert await machine.out("pwd; echo [$X]; cat /tmp/kept") == "/\n[]\nkept\n"
