"""The commands, by what they print."""

from __future__ import annotations

import pytest

from fly_mcp_emulator.shell.samples import DEFAULT_BOOTED_AT
from fly_mcp_emulator.shell.supervision import DEFAULT_CONFIG
from tests.emulator.shell_machine import FakeClock, PretendMachine


@pytest.fixture
def machine() -> PretendMachine:
    return PretendMachine(
        env={"A": "1", "B": "two words"},
        files={
            "/t/abc": "a\nb\nc\n",
            "/t/nums": "10 x\n9 y\n10 x\n",
            "/t/log": "INFO start\nERROR no route\nINFO errors: 0\n",
            "/t/sub/.hidden": "",
            "/t/sub/page.html": "<a href=x>\n",
            "/t/empty/": "",
        },
    )


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("echo -n a; echo -e 'b\\tc'; echo -x", "ab\tc\n-x\n"),
        (
            "printf '%s=%d|' a 1 b 2; printf '%5s|%-5s|%03d|%.2f|%x%%\\n' a b 7 1.5 255",
            "a=1|b=2|    a|b    |007|1.50|ff%\n",
        ),
        ("env | grep -E '^(A|B)='; printenv A B", "A=1\nB=two words\n1\ntwo words\n"),
        ("env -i X=1 env; env -u A printenv A || echo gone", "X=1\ngone\n"),
        ("cat /t/abc - < /t/nums | wc -l; cat -n /t/abc | head -1", "6\n     1\ta\n"),
        ("head -n 1 /t/abc; head -2 /t/abc; head -n -2 /t/abc; head -c 3 /t/abc", "a\na\nb\na\na\nb"),
        (
            "tail -n 1 /t/abc; tail -2 /t/abc; tail -n +3 /t/abc; tail -c 2 /t/abc; tail -n0 /t/abc",
            "c\nb\nc\nc\nc\n",
        ),
        ("head -n 1 /t/abc /t/nums", "==> /t/abc <==\na\n\n==> /t/nums <==\n10 x\n"),
        (
            "wc -l /t/abc; wc -l < /t/abc; wc /t/abc; wc -c /t/abc /t/log",
            "3 /t/abc\n3\n3 3 6 /t/abc\n 6 /t/abc\n41 /t/log\n47 total\n",
        ),
        (
            "grep ERROR /t/log; grep -i error /t/log; grep -vc INFO /t/log; grep -in error /t/log",
            "ERROR no route\nERROR no route\nINFO errors: 0\n1\n2:ERROR no route\n3:INFO errors: 0\n",
        ),
        (
            "grep -r a /t/abc /t/sub; grep -rl href /t; cd /t; grep -r href",
            "/t/abc:a\n/t/sub/page.html:<a href=x>\n/t/sub/page.html\nsub/page.html:<a href=x>\n",
        ),
        (
            "grep -E '^(INFO|ERROR) [a-z]{2} ' /t/log; grep -o '[0-9][0-9]*' /t/nums | head -1; grep -F . /t/abc || :",
            "ERROR no route\n10\n",
        ),
        (
            "grep -w error /t/log || echo none; grep -A1 start /t/log; grep -B1 -m1 ERROR /t/log",
            "none\nINFO start\nERROR no route\nINFO start\nERROR no route\n",
        ),
        (
            "grep -q start /t/log && echo yes; grep -e a -c /t/abc; grep 'a\\|c' /t/abc; grep -E 'x?y+$' /t/nums",
            "yes\n1\na\nc\n9 y\n",
        ),
        (
            "grep '[[:digit:]]\\{2\\} [^y]' /t/nums | wc -l; grep '\\bno\\b' /t/log; grep '^$' /t/abc || echo none",
            "2\nERROR no route\nnone\n",
        ),
        ("find /t -name '*.html'; find /t -type d -name 's*'", "/t/sub/page.html\n/t/sub\n"),
        (
            "find /t -maxdepth 1 -type f ! -name 'n*'; cd /t/sub; find . -type f",
            "/t/abc\n/t/log\n./.hidden\n./page.html\n",
        ),
        (
            "sort /t/nums; sort -n /t/nums | head -1; sort -u /t/nums; sort -k2 -r /t/nums | head -1",
            "10 x\n10 x\n9 y\n9 y\n10 x\n9 y\n9 y\n",
        ),
        ("sort /t/nums | uniq -c; sort /t/nums | uniq -d", "      2 10 x\n      1 9 y\n10 x\n"),
        (
            "cut -d' ' -f2 /t/nums | head -1; echo a:b:c | cut -d: -f1,3; echo abcdef | cut -c2-4",
            "x\na:c\nbcd\n",
        ),
        ("echo Hello | tr a-z A-Z; echo a-b | tr -d -; echo 'a   b' | tr -s ' '", "HELLO\nab\na b\n"),
        ("mkdir /t/d; mkdir -p /t/d /t/e/f/g; touch /t/e/f/x; ls /t/d /t/e/f", "/t/d:\n\n/t/e/f:\ng\nx\n"),
        (
            "cp /t/abc /t/copy; cat /t/copy | head -1; mv /t/copy /t/empty; ls /t/empty; cp -r /t/sub /t/2; ls -A /t/2",
            "a\ncopy\n.hidden\npage.html\n",
        ),
        (
            "rm /t/abc; ls /t; rm -r /t/sub; rm -f /nope; ls -d /t/*",
            "empty\nlog\nnums\nsub\n/t/empty\n/t/log\n/t/nums\n",
        ),
        (
            "rm /t/sub/*.html /t/sub/.hidden; ls -d /t/sub; rmdir /t/sub; ls -d /t/sub 2>/dev/null || echo gone",
            "/t/sub\ngone\n",
        ),
        ("echo x | tee /t/x; echo y | tee -a /t/x > /dev/null; cat /t/x", "x\nx\ny\n"),
        (
            "ls /t; ls -1 /t/sub; ls -a /t/sub; ls -A /t/sub",
            "abc\nempty\nlog\nnums\nsub\npage.html\n.\n..\n.hidden\npage.html\n.hidden\npage.html\n",
        ),
        (
            "test -f /t/abc && test -d /t && [ ! -e /nope ] && [ -s /t/abc ] && [ -z '' -a -n x ] && echo yes",
            "yes\n",
        ),
        ("[ 2 -gt 1 ] && [ a != b ] && [ a = a -o b = c ] && test x && ! test '' && echo yes", "yes\n"),
        ("seq 3; seq 2 3; seq 5 -2 1", "1\n2\n3\n2\n3\n5\n3\n1\n"),
        (
            "echo a b | xargs -n1 echo -; echo f | xargs -I{} echo '<{}>'; xargs < /t/abc",
            "- a\n- b\n<f>\na b c\n",
        ),
        ("basename /a/b.txt .txt; dirname /a/b.txt; dirname x", "b\n/a\n.\n"),
        (
            "whoami; id -u; id; hostname; uname; nproc",
            "root\n0\nuid=0(root) gid=0(root) groups=0(root)\n7846e45f27e218\nLinux\n1\n",
        ),
        ("which ls sh", "/usr/bin/ls\n/usr/bin/sh\n"),
        (
            "date -u +'%Y-%m-%d %H:%M:%S'; date +%s; date",
            "2024-01-15 09:06:40\n1705309600\nMon Jan 15 09:06:40 UTC 2024\n",
        ),
        ("true; false || pwd; :", "/\n"),
        ("nohup echo a; time echo b", "a\nb\n"),
    ],
)
async def test_a_command_prints_what_the_real_one_would(
    machine: PretendMachine, script: str, printed: str
) -> None:
    assert await machine.out(script) == printed


@pytest.mark.parametrize(
    ("script", "code", "stderr"),
    [
        ("cat /nope /t/empty", 1, "cat: /nope: No such file or directory\ncat: /t/empty: Is a directory\n"),
        ("ls /nope", 2, "ls: cannot access '/nope': No such file or directory\n"),
        ("grep x", 1, ""),
        ("grep x /nope", 2, "grep: /nope: No such file or directory\n"),
        ("grep '[' /t/abc", 2, "grep: Unmatched [, [^, [:, [., or [=\n"),
        ("grep 'a\\(' /t/abc", 2, "grep: Unmatched ( or \\(\n"),
        ("tail -n x /t/abc", 1, "tail: invalid number of lines: 'x'\n"),
        ("head -n", 2, "head: option requires an argument -- 'n'\n"),
        ("mkdir /t", 1, "mkdir: cannot create directory '/t': File exists\n"),
        ("mkdir /x/y", 1, "mkdir: cannot create directory '/x/y': No such file or directory\n"),
        ("rm /t", 1, "rm: cannot remove '/t': Is a directory\n"),
        ("rm -r /", 1, "rm: cannot remove '/': it is dangerous to operate recursively on '/'\n"),
        ("touch /no/where", 1, "touch: cannot touch '/no/where': No such file or directory\n"),
        ("cp /t/sub /t/x", 1, "cp: -r not specified; omitting directory '/t/sub'\n"),
        ("cp /nope /t/x", 1, "cp: cannot stat '/nope': No such file or directory\n"),
        ("mv /t /t/sub", 1, "mv: cannot move '/t' to a subdirectory of itself, '/t/sub/t'\n"),
        ("[ 1 -eq", 2, "[: missing ]\n"),
        ("[ a -eq 1 ]", 2, "[: invalid number: 'a'\n"),
        ("sleep x", 1, "sleep: invalid time interval 'x'\n"),
        ("kill 99999", 1, "kill: (99999) - No such process\n"),
        (
            "kill 1",
            2,
            "emulator: kill -TERM of a process that no supervisor starts again (1) is not modelled\n",
        ),
        ("cd /nope", 2, "sh: 1: cd: can't cd to /nope\n"),
        ("printenv NOPE", 1, ""),
        ("which nope", 1, ""),
        ("find /nope", 1, "find: '/nope': No such file or directory\n"),
        ("find /t -exec rm {} +", 2, "emulator: find -exec is not modelled\n"),
        (
            "supervisorctl status",
            2,
            f"Error: could not find config file {DEFAULT_CONFIG}\nFor help, use supervisorctl -h\n",
        ),
    ],
)
async def test_a_command_fails_as_the_real_one_would(
    machine: PretendMachine, script: str, code: int, stderr: str
) -> None:
    result = await machine.sh(script)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", stderr)


async def test_tail_f_shows_the_lines_and_says_that_it_does_not_wait(machine: PretendMachine) -> None:
    result = await machine.run("tail", "-f", "/t/abc")
    assert (result.exit_code, result.stdout) == (2, "a\nb\nc\n")
    assert "not modelled" in result.stderr


async def test_ls_l_has_the_columns_people_read(machine: PretendMachine) -> None:
    machine.processes = []
    machine.clock = FakeClock(DEFAULT_BOOTED_AT)
    machine.files["/t/big"] = "x" * 5000
    assert await machine.out("ls -l /t") == (
        "total 28\n"
        "-rw-r--r-- 1 root root    6 Jan 15 08:00 abc\n"
        "-rw-r--r-- 1 root root 5000 Jan 15 08:00 big\n"
        "drwxr-xr-x 2 root root 4096 Jan 15 08:00 empty\n"
        "-rw-r--r-- 1 root root   41 Jan 15 08:00 log\n"
        "-rw-r--r-- 1 root root   14 Jan 15 08:00 nums\n"
        "drwxr-xr-x 2 root root 4096 Jan 15 08:00 sub\n"
    )
    assert (await machine.out("ls -lh /t/big")).split()[4] == "4.9K"


async def test_sleep_takes_the_clocks_time_and_nobody_elses(machine: PretendMachine) -> None:
    await machine.out("sleep 5; sleep 0.5; sleep 1m")
    assert machine.clock.slept == [5.0, 0.5, 60.0]


async def test_uptime_df_and_free_read_like_the_real_ones(machine: PretendMachine) -> None:
    assert await machine.out("uptime") == " 09:06:40 up 1:06,  0 users,  load average: 0.02, 0.02, 0.01\n"
    machine.files["/data/"] = ""
    machine.files["/proc/meminfo"] = "MemTotal:         524288 kB\n"
    assert (await machine.out("df -h /data")).splitlines()[1].split()[::5] == ["/dev/vdc", "/data"]
    assert (await machine.out("free -m")).splitlines()[1].split()[1] == "512"


async def test_a_removed_files_directory_stays(machine: PretendMachine) -> None:
    await machine.out("rm /t/sub/page.html /t/sub/.hidden")
    assert await machine.out("ls /t") == "abc\nempty\nlog\nnums\nsub\n"
    assert machine.files["/t/sub/"] == ""
