"""`ls` and `du`."""

from __future__ import annotations

from dataclasses import dataclass

from fly_mcp_emulator.shell.call import Call, Options, parse_options
from fly_mcp_emulator.shell.files import name_of
from fly_mcp_emulator.shell.machine import when

_BLOCK = 4096
_HALF_A_YEAR = 182 * 86400
_UNITS = ("", "K", "M", "G", "T")
_MISSING = 2


def human(size: float) -> str:
    """Return a size as `-h` prints it: 1023, 1.5K, 12K, 3.0M."""
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    if unit == 0:
        return str(int(size))
    return f"{size:.1f}{_UNITS[unit]}" if size < 10 else f"{size:.0f}{_UNITS[unit]}"


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    path: str
    directory: bool
    size: int

    @property
    def mode(self) -> str:
        if self.directory:
            return "drwxrwxrwt" if self.path == "/tmp" else "drwxr-xr-x"  # noqa: S108 - the pretend machine's
        if self.path == "/dev/null":
            return "crw-rw-rw-"
        return "-rwxr-xr-x" if self.path.endswith(".sh") else "-rw-r--r--"


def ls(call: Call) -> int:
    """List directories and files. Sorting by time is by name here: pretend files keep no times."""
    longs = {"all": "a", "almost-all": "A", "human-readable": "h", "recursive": "R", "reverse": "r"}
    options = parse_options(
        call, "laA1hdRrS", longs={**longs, "directory": "d", "color": "G"}, ignored="tFpGgonibscu"
    )
    call.machine.budget.charge(len(options.operands))
    files, code = call.machine.files, 0
    plain: list[_Entry] = []
    directories: list[str] = []
    for operand in options.operands or ["."]:
        path = call.path(operand)
        if files.is_dir(path) and "d" not in options.flags:
            directories.append(operand)
        elif files.exists(path):
            plain.append(_entry(call, operand, path))
        else:
            call.complain(f"cannot access '{operand}': No such file or directory")
            code = _MISSING
    if plain:
        _print(call, _sorted(plain, options), options)
    if "R" in options.flags:
        directories = [below for operand in directories for below in _all_below(call, operand, options)]
    titled = len(directories) > 1 or bool(plain) or "R" in options.flags or code != 0
    for index, operand in enumerate(directories):
        if titled:
            call.out(f"{chr(10) if index or plain else ''}{operand}:\n")
        entries = _directory(call, operand, options)
        if "l" in options.flags:
            blocks = sum(-(-entry.size // _BLOCK) * 4 for entry in entries)
            call.out(f"total {human(blocks * 1024) if 'h' in options.flags else blocks}\n")
        _print(call, entries, options)
    return code


def _entry(call: Call, name: str, path: str) -> _Entry:
    return _Entry(name, path, not call.machine.files.is_file(path), call.machine.files.size(path))


def _directory(call: Call, operand: str, options: Options) -> list[_Entry]:
    path = call.path(operand)
    base = path.rstrip("/")
    shows_hidden = bool(options.flags & {"a", "A"})
    names = [name for name in call.machine.files.children(path) if shows_hidden or not name.startswith(".")]
    entries = _sorted([_entry(call, name, f"{base}/{name}") for name in names], options)
    if "a" in options.flags:
        entries[:0] = [_Entry(".", path, True, _BLOCK), _Entry("..", path, True, _BLOCK)]
    return entries


def _sorted(entries: list[_Entry], options: Options) -> list[_Entry]:
    by_size = "S" in options.flags
    return sorted(
        entries,
        key=lambda entry: (-entry.size if by_size else 0, entry.name),
        reverse="r" in options.flags,
    )


def _all_below(call: Call, operand: str, options: Options) -> list[str]:
    base, files = call.path(operand).rstrip("/"), call.machine.files
    found: list[str] = []
    for path in files.walk(base or "/"):
        below = path[len(base) :].strip("/")
        hidden = any(part.startswith(".") for part in below.split("/"))
        if not files.is_file(path) and (not hidden or options.flags & {"a", "A"}):
            found.append(f"{operand.rstrip('/')}/{below}" if below else operand)
    return found


def _print(call: Call, entries: list[_Entry], options: Options) -> None:
    if "l" not in options.flags:
        call.out("".join(f"{entry.name}\n" for entry in entries))
        return
    sizes = [human(entry.size) if "h" in options.flags else str(entry.size) for entry in entries]
    width = max((len(size) for size in sizes), default=1)
    # No times are kept: what the image brought is as old as the boot.
    stamp = _stamp(call.machine.booted_at(), call.machine.clock.now())
    for entry, size in zip(entries, sizes, strict=True):
        links = 2 if entry.directory else 1
        call.out(f"{entry.mode} {links} root root {size:>{width}} {stamp} {entry.name}\n")


def _stamp(epoch: float, now: float) -> str:
    moment = when(epoch)
    recent = 0 <= now - epoch < _HALF_A_YEAR
    return f"{moment:%b} {moment.day:>2} " + (f"{moment:%H:%M}" if recent else f" {moment:%Y}")


def du(call: Call) -> int:
    """Print what directories take: `-s` only the sum, `-h` in units."""
    options = parse_options(call, "sha", ignored="kxc", longs={"summarize": "s", "human-readable": "h"})
    files, code = call.machine.files, 0
    for operand in options.operands or ["."]:
        path = call.path(operand)
        if not files.exists(path):
            call.complain(f"cannot access '{operand}': No such file or directory")
            code = 1
            continue
        used: dict[str, int] = {}
        for each in reversed(files.walk(path)):
            used[each] = used.get(each, 0) + -(-files.size(each) // _BLOCK) * 4
            if each != path:
                above = each.rpartition("/")[0] or "/"
                used[above] = used.get(above, 0) + used[each]
            if each != path and ("s" in options.flags or (files.is_file(each) and "a" not in options.flags)):
                continue
            shown = operand if each == path else f"{operand.rstrip('/')}{each[len(path.rstrip('/')) :]}"
            call.out(f"{human(used[each] * 1024) if 'h' in options.flags else used[each]}\t{shown}\n")
    return code


def basename(call: Call) -> int:
    """Print the last part of a path, perhaps without a suffix."""
    operands = parse_options(call).operands
    name = name_of(operands[0]) if operands else ""
    suffix = operands[1] if len(operands) > 1 else ""
    call.out(f"{name.removesuffix(suffix) if name != suffix else name}\n")
    return 0


def dirname(call: Call) -> int:
    """Print a path without its last part."""
    for operand in parse_options(call).operands:
        above = operand.rstrip("/").rpartition("/")
        call.out(f"{(above[0] or '/') if above[1] else '.'}\n")
    return 0
