"""`test` and `[`: one to four arguments by POSIX's rules, longer ones joined with `-a` and `-o`."""

from __future__ import annotations

from collections.abc import Callable

from fly_mcp_emulator.shell.call import Call, whole_number
from fly_mcp_emulator.shell.errors import CommandError

_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}
_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}
_MISUSE = 2


def true(_: Call) -> int:
    """Succeed."""
    return 0


def false(_: Call) -> int:
    """Fail."""
    return 1


def bracket(call: Call) -> int:
    """`[ ... ]`."""
    if not call.args or call.args[-1] != "]":
        raise CommandError("missing ]", _MISUSE)
    return _judge(call, call.args[:-1])


def test(call: Call) -> int:
    """`test ...`: 0 when it holds, 1 when not, 2 when it makes no sense."""
    return _judge(call, call.args)


def _judge(call: Call, words: list[str]) -> int:
    call.machine.budget.charge(len(words))
    return int(not _any(call, words))


def _any(call: Call, words: list[str]) -> bool:
    if len(words) <= 3 and not (len(words) == 3 and words[1] in ("-a", "-o")):
        return _primary(call, words)
    return any(_all(call, part) for part in _parts(words, "-o"))


def _all(call: Call, words: list[str]) -> bool:
    return all(_primary(call, part) for part in _parts(words, "-a"))


def _parts(words: list[str], separator: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == separator and parts[-1]:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _primary(call: Call, words: list[str]) -> bool:
    match words:
        case []:
            return False
        case [word]:
            return bool(word)
        case ["!", *_] if not (len(words) == 3 and words[1] in _STRINGS):
            negated = False
            while words[:1] == ["!"]:
                negated, words = not negated, words[1:]
            return _primary(call, words) != negated
        case [operator, operand]:
            return _unary(call, operator, operand)
        case [left, operator, right] if operator in _STRINGS:
            return _STRINGS[operator](left, right)
        case [left, operator, right] if operator in _NUMBERS:
            numbers = [whole_number(each.strip(), "number", _MISUSE) for each in (left, right)]
            return _NUMBERS[operator](*numbers)
        case [_, operator, _] if operator in ("-nt", "-ot", "-ef"):
            return False
        case _:
            raise CommandError(f"{words[min(1, len(words) - 1)][:80]}: unexpected operator", _MISUSE)


def _unary(call: Call, operator: str, operand: str) -> bool:
    files = call.machine.files
    path = call.path(operand) if operand else ""
    match operator:
        case "-n":
            return bool(operand)
        case "-z":
            return not operand
        case "-e" | "-r" | "-w":
            return bool(path) and files.exists(path)
        case "-f":
            return bool(path) and files.is_file(path) and path != "/dev/null"
        case "-d":
            return bool(path) and files.is_dir(path)
        case "-s":
            return bool(path) and files.exists(path) and files.size(path) > 0
        case "-x":
            return bool(path) and (files.is_dir(path) or path.endswith(".sh"))
        case "-L" | "-h" | "-p" | "-S" | "-t":
            return False
        case _:
            raise CommandError(f"{operator[:80]}: unexpected operator", _MISUSE)
