"""`sh` and `bash` as programs, and what runs other programs."""

from __future__ import annotations

from fly_mcp_emulator.shell.call import Call, parse_options
from fly_mcp_emulator.shell.errors import CommandError, FileError, NotModelledError
from fly_mcp_emulator.shell.session import Session

_NO_CHANGE = ("--login", "--norc", "--noprofile", "--posix", "-s")
_SETTINGS = {"e": "errexit", "u": "nounset"}


async def shell(call: Call) -> int:
    """Run `-c TEXT [NAME ARGS...]`, a script file, or standard input."""
    session = Session.of(call.session.environment(), call.name)
    session.cwd = call.session.cwd
    words, takes_text = _settings(call, session)
    if takes_text:
        if not words:
            raise CommandError("-c: option requires an argument", 2)
        text = words.pop(0)
        if words:
            session.name = words.pop(0)
    elif words and words[0] != "-":
        name = words.pop(0)
        try:
            text = call.read(name)
        except FileError as error:
            call.complain(error if session.is_bash else f"0: cannot open {error.path}: No such file")
            return 127
        session.name = name
    else:
        text = call.streams.stdin.rest()
    session.arguments = words
    return await call.runner.run_shell(text, session, call.streams)


def _settings(call: Call, session: Session) -> tuple[list[str], bool]:
    """Apply the options to `session`; return what follows them, and whether there was a `-c`."""
    words = list(call.args)
    takes_text = False
    while words and words[0].startswith("-") and words[0] != "-":
        option = words.pop(0)
        if option == "--":
            break
        if option == "-o" and words:
            session.options.add(words.pop(0))
        elif option not in _NO_CHANGE:
            for letter in option[1:]:
                if letter == "c":
                    takes_text = True
                elif letter in _SETTINGS:
                    session.options.add(_SETTINGS[letter])
                elif letter != "l":
                    raise NotModelledError(f"{call.name} {option[:20]}")
    return words, takes_text


async def xargs(call: Call) -> int:
    """Run a command with words of standard input: `-n MAX`, `-I NAME`, `-r`."""
    words = list(call.args)
    most, marker, skip_empty = 0, "", False
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "-r":
            skip_empty = True
        elif option[:2] in ("-n", "-I") and (option[2:] or words):
            value = option[2:] or words.pop(0)
            if option[1] == "I":
                marker = value
            elif value.isdecimal() and len(value) < 6 and int(value):
                most = int(value)
            else:
                raise CommandError(f"invalid number for -n option: {value[:20]}")
        else:
            raise NotModelledError(f"xargs {option[:20]}")
    command = words or ["echo"]
    text = call.streams.stdin.rest()
    items = [line.strip() for line in text.split("\n") if line.strip()] if marker else text.split()
    if not items and (skip_empty or marker):
        return 0
    size = 1 if marker else most or max(1, len(items))
    code = 0
    for at in range(0, max(1, len(items)), size):
        batch = items[at : at + size]
        argv = [word.replace(marker, batch[0]) for word in command] if marker else [*command, *batch]
        status = await call.runner.run_program(argv, call.session, call.streams)
        if status in (126, 127):
            return status
        code = 123 if status else code
    return code


async def plainly(call: Call) -> int:
    """`nohup` and `time`: run the command as it is."""
    words = call.args
    if words and words[0].startswith("-"):
        raise NotModelledError(f"{call.name} {words[0][:20]}")
    if not words:
        raise CommandError("missing operand", 125)
    return await call.runner.run_program(words, call.session, call.streams)


def which(call: Call) -> int:
    """Print where programs lie."""
    from . import PROGRAMS

    names = parse_options(call, "a").operands
    found = [name for name in names if name in PROGRAMS]
    call.out("".join(f"/usr/bin/{name}\n" for name in found))
    return int(len(found) < len(names) or not names)
