"""Commands that print what they are given: `echo`, `printf`, `env`, `printenv`, `seq`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fly_mcp_emulator.shell.call import Call, parse_options, whole_number
from fly_mcp_emulator.shell.errors import CommandError, NotModelledError
from fly_mcp_emulator.shell.session import Session

_ESCAPE = re.compile(r"\\(0[0-7]{0,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "\\": "\\",
}
_DIRECTIVE = re.compile(r"%(?:%|([-+ 0#]*)([0-9]{0,4})(?:\.([0-9]{0,3}))?([sdiuxXcbf]))")
_MAX_DIRECTIVES = 100
_MAX_ROUNDS = 10_000


def unescaped(text: str) -> str:
    r"""Return `text` with backslash escapes as `echo -e` reads them; `\c` ends it."""
    text = text.partition("\\c")[0]
    return _ESCAPE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] == "0":
        return chr(int(code[1:] or "0", 8) % 256)
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, found[0])


def echo(call: Call) -> int:
    """Print the arguments with a space between them."""
    words = list(call.args)
    newline, escapes = True, False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        newline = newline and "n" not in words[0]
        escapes = escapes or "e" in words[0]
        words.pop(0)
    text = " ".join(words)
    call.out((unescaped(text) if escapes else text) + ("\n" if newline else ""))
    return 0


def printf(call: Call) -> int:
    """Print by a format, again and again until the arguments are used up."""
    if not call.args:
        raise CommandError("usage: printf format [arguments]", 2)
    template, arguments = unescaped_format(call.args[0]), call.args[1:]
    takes = sum(1 for found in _DIRECTIVE.finditer(template) if found[0] != "%%")
    if takes > _MAX_DIRECTIVES or _DIRECTIVE.sub("", template).count("%"):
        raise NotModelledError(f"printf '{call.args[0][:40]}'")
    for _ in range(_MAX_ROUNDS):
        call.machine.budget.charge(4 * takes)
        call.out(_filled(template, iter(arguments[:takes])))
        arguments = arguments[takes:]
        if not arguments or not takes:
            return 0
    raise NotModelledError(f"printf of more than {_MAX_ROUNDS} arguments")


def _filled(template: str, values: Iterator[str]) -> str:
    return _DIRECTIVE.sub(
        lambda found: "%" if found[0] == "%%" else _formatted(found, next(values, "")), template
    )


def unescaped_format(text: str) -> str:
    """Return a format with its escapes read; quotes may be escaped in one, too."""
    return unescaped(text).replace('\\"', '"').replace("\\'", "'")


def _formatted(found: re.Match[str], value: str) -> str:
    flags, width, precision, kind = found[1] or "", int(found[2] or 0), found[3], found[4]
    if kind in "sbc":
        text = unescaped(value) if kind == "b" else value[:1] if kind == "c" else value
        text = text if precision is None else text[: int(precision or 0)]
    elif kind == "f":
        text = f"{_decimal(value):.{6 if precision is None else int(precision or 0)}f}"
    else:
        number = whole_number(value or "0", "number")
        text = f"{number:{kind}}" if kind in "xX" else str(number)
        text = f"+{text}" if "+" in flags and number >= 0 else text
    if "-" in flags:
        return text.ljust(width)
    return text.zfill(width) if "0" in flags and kind not in "sbc" else text.rjust(width)


def _decimal(value: str) -> float:
    if not re.fullmatch(r"[-+]?[0-9]{0,18}\.?[0-9]{0,18}", value):
        raise CommandError(f"'{value[:40]}': expected a numeric value")
    return float(value) if any(char.isdecimal() for char in value) else 0.0


async def env(call: Call) -> int:
    """Print the environment, or run a program in another: `env [-i] [-u NAME] [NAME=VALUE] [COMMAND]`."""
    variables = call.session.environment()
    words = list(call.args)
    while words and (words[0].startswith("-") or "=" in words[0]):
        word = words.pop(0)
        if word in ("-i", "-", "--ignore-environment"):
            variables.clear()
        elif word == "-u" and words:
            variables.pop(words.pop(0), None)
        elif word.startswith("-"):
            raise NotModelledError(f"env {word[:40]}")
        else:
            name, _, value = word.partition("=")
            variables[name] = value
    if not words:
        call.out("".join(f"{name}={value}\n" for name, value in variables.items()))
        return 0
    child = Session.of(variables, words[0])
    child.cwd = call.session.cwd
    return await call.runner.run_program(words, child, call.streams)


def printenv(call: Call) -> int:
    """Print the environment, or the values of some of it; 1 when one of them is not set."""
    names = parse_options(call).operands
    variables = call.session.environment()
    if not names:
        call.out("".join(f"{name}={value}\n" for name, value in variables.items()))
    call.out("".join(f"{variables[name]}\n" for name in names if name in variables))
    return int(any(name not in variables for name in names))


def seq(call: Call) -> int:
    """Print numbers: `seq LAST`, `seq FIRST LAST`, `seq FIRST STEP LAST`."""
    numbers = [whole_number(argument, "floating point argument") for argument in call.args]
    if not 1 <= len(numbers) <= 3:
        raise CommandError("missing operand" if not numbers else "extra operand")
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) == 3 else 1
    if step == 0:
        raise CommandError("invalid Zero increment value: '0'")
    for number in range(first, numbers[-1] + (1 if step > 0 else -1), step):
        call.out(f"{number}\n")
    return 0
