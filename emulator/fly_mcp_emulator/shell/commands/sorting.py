"""Commands that work line by line: `sort`, `uniq`, `cut`, `tr`."""

from __future__ import annotations

import re

from fly_mcp_emulator.shell.call import Call, parse_options, whole_number
from fly_mcp_emulator.shell.errors import CommandError, NotModelledError

from .printing import unescaped
from .reading import Sources, lines_of

_LEADING_NUMBER = re.compile(r"\s*(-?[0-9]{1,18}(?:\.[0-9]{1,18})?)")
_UNIT_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
_MAX_FIELD = 10_000


def sort(call: Call) -> int:
    """Sort lines: `-n`, `-h`, `-r`, `-u`, `-f`, `-k FIELD`, `-t CHAR`."""
    options = parse_options(call, "nrufh", "kt", ignored="bs")
    sources = Sources(call, options.operands)
    lines = [line for _, text in sources for line in lines_of(text)]
    call.machine.budget.charge(len(lines) * 2)
    flags = set(options.flags)
    spec = re.fullmatch(r"([0-9]{1,4})(?:,[0-9]{1,4})?([nrhf]*)", options.values.get("k", "1"))
    if not spec:
        raise NotModelledError(f"sort -k {options.values['k'][:40]}")
    flags |= set(spec[2])
    field = int(spec[1]) - 1 if "k" in options.values else None
    separator = options.values.get("t")

    def key(line: str) -> tuple[float, str]:
        if field is not None:
            fields = line.split(separator or None)
            text = (separator or " ").join(fields[max(0, field) :])
        else:
            text = line
        if flags & {"n", "h"}:
            return _number(text, units="h" in flags), line
        return 0, text.lower() if "f" in flags else text

    lines.sort(key=key, reverse="r" in flags)
    if "u" in flags:
        lines = list(
            {key(line)[0] if flags & {"n", "h"} else key(line)[1]: line for line in reversed(lines)}.values()
        )
        lines.reverse()
    call.out("".join(f"{line}\n" for line in lines))
    return sources.code


def _number(text: str, *, units: bool) -> float:
    found = _LEADING_NUMBER.match(text)
    if not found:
        return 0
    power = _UNIT_POWERS.get(text[found.end() : found.end() + 1].upper(), 0) if units else 0
    return float(found[1]) * 1024.0**power


def uniq(call: Call) -> int:
    """Drop repeated neighbours: `-c` counts, `-d` only repeated, `-u` only single ones, `-i` folds case."""
    options = parse_options(call, "cdui", longs={"count": "c", "repeated": "d", "unique": "u"})
    sources = Sources(call, options.operands[:1])
    groups: list[tuple[str, int]] = []
    for _, text in sources:
        for line in lines_of(text):
            same = groups and (
                groups[-1][0] == line or ("i" in options.flags and groups[-1][0].lower() == line.lower())
            )
            if same:
                groups[-1] = (groups[-1][0], groups[-1][1] + 1)
            else:
                groups.append((line, 1))
    call.machine.budget.charge(len(groups))
    for line, count in groups:
        if ("d" in options.flags and count == 1) or ("u" in options.flags and count > 1):
            continue
        call.out(f"{count:>7} {line}\n" if "c" in options.flags else f"{line}\n")
    return sources.code


def cut(call: Call) -> int:
    """Cut fields (`-f`, separated by `-d`) or characters (`-c`) out of lines."""
    options = parse_options(call, "s", "fdcb", {"fields": "f", "delimiter": "d", "characters": "c"})
    units = [unit for unit in "fcb" if unit in options.values]
    if len(units) != 1:
        raise CommandError("you must specify a list of bytes, characters, or fields")
    spans = _spans(options.values[units[0]])
    separator = options.values.get("d", "\t")
    if len(separator) != 1:
        raise CommandError("the delimiter must be a single character")
    sources = Sources(call, options.operands)
    for _, text in sources:
        for line in lines_of(text):
            if units[0] == "f" and separator not in line:
                if "s" not in options.flags:
                    call.out(f"{line}\n")
                continue
            pieces = line.split(separator) if units[0] == "f" else list(line)
            call.machine.budget.charge(len(pieces) * len(spans) // 4 + 2)
            chosen = [
                piece for at, piece in enumerate(pieces, 1) if any(low <= at <= high for low, high in spans)
            ]
            call.out((separator if units[0] == "f" else "").join(chosen) + "\n")
    return sources.code


def _spans(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for part in text.split(",")[:100]:
        low, dash, high = part.partition("-")
        first = whole_number(low or "1", "field value")
        last = whole_number(high, "field value") if high else (_MAX_FIELD * 100 if dash else first)
        spans.append((first, last))
    return spans


def tr(call: Call) -> int:
    """Translate characters; `-d` deletes them, `-s` squeezes repeats."""
    options = parse_options(call, "dsc")
    if "c" in options.flags or not options.operands:
        raise NotModelledError("tr -c" if options.operands else "tr without operands")
    text = call.streams.stdin.rest()
    call.machine.budget.charge(len(text) // 4)
    first = _set(options.operands[0])
    second = _set(options.operands[1]) if len(options.operands) > 1 else ""
    if "d" in options.flags:
        text = text.translate(dict.fromkeys(map(ord, first)))
    elif second:
        filled = second + second[-1] * max(0, len(first) - len(second))
        text = text.translate({ord(old): new for old, new in zip(first, filled, strict=False)})
    if "s" in options.flags:
        squeezed = set(second or first)
        text = "".join(
            char for at, char in enumerate(text) if not (at and char == text[at - 1] and char in squeezed)
        )
    call.out(text)
    return 0


def _set(text: str) -> str:
    names = {"[:upper:]": "A-Z", "[:lower:]": "a-z", "[:digit:]": "0-9", "[:space:]": " \\t\\n\\r"}
    for name, meant in names.items():
        text = text.replace(name, meant)
    text = unescaped(text)
    return re.sub(
        r"([0-9A-Za-z])-([0-9A-Za-z])",
        lambda found: "".join(map(chr, range(ord(found[1]), ord(found[2]) + 1))),
        text[:1000],
    )
