"""What a shell does itself, because it changes the shell."""

from __future__ import annotations

import re

from fly_mcp_emulator.shell.call import Call, whole_number
from fly_mcp_emulator.shell.errors import (
    CommandError,
    ExpansionError,
    FileError,
    Leave,
    LoopJump,
    NotModelledError,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\Z")
_LETTERS = {"e": "errexit", "u": "nounset"}
_OPTIONS = {"errexit", "nounset", "pipefail"}
_MISUSE = 2


def cd(call: Call) -> int:
    """Change the working directory; `-` goes back, nothing goes home."""
    operands = [word for word in call.args if word not in ("-P", "-L", "--")]
    session = call.session
    target = operands[0] if operands else session.variables.get("HOME", "/")
    if target == "-":
        target = session.variables.get("OLDPWD", session.cwd)
        call.out(f"{target}\n")
    path = call.path(target)
    files = call.machine.files
    if not files.is_dir(path):
        if session.is_bash:
            reason = "Not a directory" if files.exists(path) else "No such file or directory"
            call.err(session.complaint(f"cd: {target}: {reason}"))
        else:
            call.err(session.complaint(f"cd: can't cd to {target}"))
        return _MISUSE if not session.is_bash else 1
    session.variables["OLDPWD"] = session.cwd
    session.cwd = path
    return 0


def export(call: Call) -> int:
    """Give variables to programs started from here; alone or with `-p`, list those that are given."""
    session = call.session
    words = [word for word in call.args if word != "-p"]
    if not words:
        call.out(
            "".join(f"export {name}='{value}'\n" for name, value in sorted(session.environment().items()))
        )
    for word in words:
        name, equals, value = word.partition("=")
        _check_name(name, "export")
        if equals:
            session.assign(name, value)
        session.exported.add(name)
    return 0


def _check_name(name: str, what: str) -> None:
    if not _NAME.match(name):
        raise ExpansionError(f"{what}: {name[:80]}: bad variable name")


def unset(call: Call) -> int:
    """Forget variables."""
    for name in call.args:
        if name != "-v":
            call.session.variables.pop(name, None)
            call.session.exported.discard(name)
    return 0


def set_options(call: Call) -> int:
    """`set -e -u -o pipefail`, with `+` to undo; `set -- A B` sets `$1`, `$2`; alone, list the variables."""
    session = call.session
    words = list(call.args)
    if not words:
        call.out("".join(f"{name}='{value}'\n" for name, value in sorted(session.variables.items())))
    while words:
        word = words.pop(0)
        if word == "--":
            session.arguments = words
            return 0
        if word[:1] not in ("-", "+") or len(word) < 2:
            session.arguments = [word, *words]
            return 0
        names = [
            words.pop(0) if letter == "o" and words else _LETTERS.get(letter, letter) for letter in word[1:]
        ]
        for name in names:
            if name not in _OPTIONS:
                raise NotModelledError(f"set {word[:20]} {name[:20] if len(name) > 1 else ''}".strip())
            (session.options.add if word[0] == "-" else session.options.discard)(name)
    return 0


def shift(call: Call) -> int:
    """Drop the first positional parameters."""
    count = _count(call, 1)
    if count > len(call.session.arguments):
        raise ExpansionError("shift: can't shift that many")
    del call.session.arguments[:count]
    return 0


def _count(call: Call, default: int) -> int:
    if not call.args:
        return default
    try:
        return whole_number(call.args[0], "number", _MISUSE)
    except CommandError:
        raise ExpansionError(f"{call.name}: Illegal number: {call.args[0][:80]}") from None


def leave(call: Call) -> int:
    """`exit [N]`: end the shell with N, or with what the last command gave."""
    raise Leave(_count(call, call.session.status) % 256)


def break_loop(call: Call) -> int:
    """`break [N]`."""
    return _jump(call, again=False)


def continue_loop(call: Call) -> int:
    """`continue [N]`."""
    return _jump(call, again=True)


def _jump(call: Call, *, again: bool) -> int:
    levels = _count(call, 1)
    if call.session.loops:
        raise LoopJump(max(1, levels), again=again)
    return 0


def colon(_: Call) -> int:
    """`:`: do nothing."""
    return 0


async def run_words(call: Call) -> int:
    """`eval`: run the arguments as a script in this shell."""
    return await call.runner.run_text(" ".join(call.args), call.session, call.streams)


async def source(call: Call) -> int:
    """`.`: run a file in this shell."""
    if not call.args:
        raise CommandError("filename argument required", _MISUSE)
    try:
        text = call.read(call.args[0])
    except FileError as error:
        raise ExpansionError(f".: cannot open {error.path}: No such file") from None
    return await call.runner.run_text(text, call.session, call.streams)


def read(call: Call) -> int:
    """Read a line into variables, split at blanks; 1 at the end of input. Only an empty `IFS` is known."""
    words = list(call.args)
    raw = False
    while words and words[0].startswith("-"):
        if words[0] != "-r":
            raise NotModelledError(f"read {words[0][:20]}")
        raw = True
        words.pop(0)
    names = words or ["REPLY"]
    line = call.streams.stdin.line()
    text = (line or "").removesuffix("\n")
    call.machine.budget.charge_text(len(text))
    if not raw and "\\" in text:
        text = re.sub(r"\\(.)", r"\1", text)
    separators = call.session.variables.get("IFS")
    if separators:
        raise NotModelledError("read with an IFS")
    values = [text] if separators == "" else text.strip().split(None, len(names) - 1)
    for at, name in enumerate(names):
        _check_name(name, "read")
        call.session.assign(name, values[at] if at < len(values) else "")
    return int(line is None or not line.endswith("\n"))


async def command(call: Call) -> int:
    """`command -v NAME` tells where a command is; `command NAME ...` runs it."""
    from . import BUILTINS, PROGRAMS

    words = list(call.args)
    if words[:1] not in (["-v"], ["-V"]):
        return await call.runner.run_program(words, call.session, call.streams) if words else 0
    code = 0
    for name in words[1:]:
        if name in BUILTINS:
            call.out(f"{name}\n")
        elif name in PROGRAMS:
            call.out(f"/usr/bin/{name}\n")
        else:
            code = 127
    return code


def kind(call: Call) -> int:
    """`type NAME`: say what a command is."""
    from . import BUILTINS, PROGRAMS

    code = 0
    for name in call.args:
        if name in BUILTINS:
            call.out(f"{name} is a shell builtin\n")
        elif name in PROGRAMS:
            call.out(f"{name} is /usr/bin/{name}\n")
        else:
            call.err(f"{name}: not found\n")
            code = 127
    return code
