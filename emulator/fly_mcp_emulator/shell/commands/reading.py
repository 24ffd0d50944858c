"""Commands that show files: `cat`, `head`, `tail`, `wc`, `tee`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fly_mcp_emulator.shell.call import Call, Options, parse_options
from fly_mcp_emulator.shell.errors import FileError
from fly_mcp_emulator.shell.files import Files
from fly_mcp_emulator.shell.streams import FileSink


class Sources:
    """The files a command was given, or standard input; complains about those it can't read and goes on."""

    def __init__(self, call: Call, names: list[str]) -> None:
        self._call = call
        self._names = names
        self.failed = False

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name in self._names or ["-"]:
            try:
                yield name, self._call.read(name)
            except FileError as error:
                self.failed = True
                self._call.complain(error)

    @property
    def code(self) -> int:
        """1 when any of them could not be read."""
        return int(self.failed)


def lines_of(text: str) -> list[str]:
    r"""Return lines without their newlines. Only `\n` ends one: a log may hold any other character."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def kept_lines(text: str) -> list[str]:
    """Return lines with their newlines."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def cat(call: Call) -> int:
    """Print files one after another; `-n` numbers their lines."""
    options = parse_options(call, "n", ignored="u", longs={"number": "n"})
    sources, number = Sources(call, options.operands), 0
    for _, text in sources:
        if "n" not in options.flags:
            call.out(text)
            continue
        for line in lines_of(text):
            number += 1
            call.out(f"{number:>6}\t{line}\n")
    return sources.code


def _number_style(call: Call) -> Call:
    """Return the call with the old `-20` written as `-n 20`."""
    if call.args and call.args[0][:1] == "-" and call.args[0][1:].isdecimal():
        call.args[:1] = ["-n", call.args[0][1:]]
    return call


def _count(options: Options) -> tuple[str, int, bool]:
    """Return the unit (`n` lines, `c` bytes), how many, and whether a `+` or `-` turns it round."""
    unit = "c" if "c" in options.values else "n"
    text = options.values.get(unit, "10")
    what = "number of bytes" if unit == "c" else "number of lines"
    return unit, abs(options.number(unit, 10, what)), text[:1] in ("+", "-")


def head(call: Call) -> int:
    """Print the first lines of files; `-n -5` all but the last five."""
    longs = {"lines": "n", "bytes": "c", "quiet": "q"}
    options = parse_options(_number_style(call), "qv", "nc", longs)
    unit, count, _ = _count(options)
    negative = options.values.get(unit, "").startswith("-")

    def first(text: str) -> str:
        pieces = list(text) if unit == "c" else kept_lines(text)
        return "".join(pieces[: max(0, len(pieces) - count)] if negative else pieces[:count])

    return _show(call, options, first)


def tail(call: Call) -> int:
    """Print the last lines of files; `-n +5` from the fifth on. `-f` shows what is there and ends."""
    longs = {"lines": "n", "bytes": "c", "quiet": "q", "follow": "f"}
    options = parse_options(_number_style(call), "qvfF", "nc", longs)
    unit, count, _ = _count(options)
    from_start = options.values.get(unit, "").startswith("+")

    def last(text: str) -> str:
        pieces = list(text) if unit == "c" else kept_lines(text)
        if from_start:
            return "".join(pieces[max(0, count - 1) :])
        return "".join(pieces[-count:]) if count else ""

    code = _show(call, options, last)
    if options.flags & {"f", "F"}:
        # Nothing ever writes to a pretend log while exec waits, and real exec would run into its time-out.
        call.err("emulator: tail -f (waiting for new lines) is not modelled; these are the lines there are\n")
        return 2
    return code


def _show(call: Call, options: Options, part: Callable[[str], str]) -> int:
    sources = Sources(call, options.operands)
    titled = ("v" in options.flags or len(options.operands) > 1) and "q" not in options.flags
    for index, (name, text) in enumerate(sources):
        if titled:
            shown = "standard input" if name == "-" else name
            call.out(f"{chr(10) if index else ''}==> {shown} <==\n")
        call.out(part(text))
    return sources.code


def wc(call: Call) -> int:
    """Count lines, words and bytes."""
    longs = {"lines": "l", "words": "w", "bytes": "c", "chars": "m"}
    options = parse_options(call, "lwcm", longs=longs)
    chosen = [letter for letter in "lwmc" if letter in options.flags] or ["l", "w", "c"]
    sources, rows, total = Sources(call, options.operands), list[tuple[list[int], str]](), [0] * len(chosen)
    for name, text in sources:
        counts = {
            "l": text.count("\n"),
            "w": len(text.split()),
            "m": len(text),
            "c": len(text.encode("utf-8", "surrogatepass")),
        }
        rows.append(([counts[letter] for letter in chosen], name if options.operands else ""))
        total = [old + new for old, new in zip(total, rows[-1][0], strict=True)]
    if len(rows) > 1:
        rows.append((total, "total"))
    single = len(chosen) == 1 and len(rows) == 1
    width = 1 if single else max([len(str(number)) for number in total] + ([] if options.operands else [7]))
    for counted, name in rows:
        call.out(f"{' '.join(str(number).rjust(width) for number in counted)} {name}".rstrip() + "\n")
    return sources.code


def tee(call: Call) -> int:
    """Copy standard input to standard output and to files; `-a` appends."""
    options = parse_options(call, "a", ignored="i", longs={"append": "a"})
    text, code, files = call.streams.stdin.rest(), 0, call.machine.files
    call.out(text)
    for name in options.operands:
        try:
            _store(files, call.path(name), name, text, append="a" in options.flags)
        except FileError as error:
            call.complain(error)
            code = 1
    return code


def _store(files: Files, path: str, shown: str, text: str, *, append: bool) -> None:
    if append:
        files.append(path, "", shown)
        FileSink(files, path).write(text)
    else:
        files.write(path, text, shown)
