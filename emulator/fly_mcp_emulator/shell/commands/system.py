"""Commands that tell about the machine: `hostname`, `uname`, `date`, `df`, `free`, `uptime` and such."""

from __future__ import annotations

import re
from datetime import datetime

from fly_mcp_emulator.shell.call import Call, parse_options
from fly_mcp_emulator.shell.errors import CommandError, NotModelledError

from .listing import human

_KERNEL = "5.15.98-fly"
_DATE_DIRECTIVES = "%aAbBdeHIjmMpSTuwyYZzFDRsnNc"
_ROOT_KIB = 8_154_588
_VOLUME_KIB = 1_011_672


def pwd(call: Call) -> int:
    """Print the working directory."""
    call.out(f"{call.session.cwd}\n")
    return 0


def whoami(call: Call) -> int:
    """Print `root`: exec runs as root (reference 6.2)."""
    call.out("root\n")
    return 0


def identity(call: Call) -> int:
    """`id`: user and group."""
    options = parse_options(call, "ugnG")
    if "n" in options.flags:
        call.out("root\n")
    else:
        call.out("0\n" if options.flags else "uid=0(root) gid=0(root) groups=0(root)\n")
    return 0


def hostname(call: Call) -> int:
    """Print the machine's name, which on Fly is its id."""
    options = parse_options(call, "sf")
    if options.operands:
        raise CommandError("you must be root to change the host name")
    call.out(f"{call.machine.name()}\n")
    return 0


def uname(call: Call) -> int:
    """Print the kernel's name and more: `-a`, `-s`, `-n`, `-r`, `-v`, `-m`, `-o`."""
    flags = parse_options(call, "asnrvmo", longs={"all": "a"}).flags
    parts = {
        "s": "Linux",
        "n": call.machine.name(),
        "r": _KERNEL,
        "v": "#g1a2b3c4d5e SMP",
        "m": "x86_64",
        "o": "GNU/Linux",
    }
    chosen = list(parts) if "a" in flags else [letter for letter in parts if letter in flags] or ["s"]
    call.out(" ".join(parts[letter] for letter in chosen) + "\n")
    return 0


def date(call: Call) -> int:
    """Print the machine's time: plain, `-u`, `-I`, `-R`, `-Iseconds`, `+FORMAT`."""
    words = [word for word in call.args if word not in ("-u", "--utc", "--universal")]
    now = call.machine.now()
    if not words:
        call.out(_dated(now, "%a %b %e %H:%M:%S %Z %Y") + "\n")
    elif words == ["-R"]:
        call.out(_dated(now, "%a, %d %b %Y %H:%M:%S %z") + "\n")
    elif words[0] in ("-I", "--iso-8601"):
        call.out(_dated(now, "%F") + "\n")
    elif words[0] in ("-Iseconds", "-Is", "--iso-8601=seconds"):
        call.out(_dated(now, "%FT%T+00:00") + "\n")
    elif words[0].startswith("+") and len(words) == 1:
        call.out(_dated(now, words[0][1:]) + "\n")
    else:
        raise NotModelledError(f"date {words[0][:40]}")
    return 0


def _dated(now: datetime, form: str) -> str:
    own = {
        "%": "%",
        "n": "\n",
        "s": str(int(now.timestamp())),
        "e": f"{now.day:>2}",
        "F": f"{now:%Y-%m-%d}",
        "D": f"{now:%m/%d/%y}",
        "T": f"{now:%H:%M:%S}",
        "R": f"{now:%H:%M}",
        "N": f"{now.microsecond * 1000:09}",
        "Z": "UTC",
        "z": "+0000",
    }

    def directive(found: re.Match[str]) -> str:
        letter = found[1]
        if letter not in _DATE_DIRECTIVES:
            raise NotModelledError(f"date %{letter}")
        return own.get(letter) or now.strftime(f"%{letter}")

    return re.sub(r"%(.)", directive, form, flags=re.DOTALL)


def df(call: Call) -> int:
    """Print how full the root file system and the volume under `/data` are."""
    options = parse_options(call, "hk", longs={"human-readable": "h"}, ignored="TaPm")
    files = call.machine.files
    volume = sum(files.size(path) for path in files.walk("/data") if files.is_file(path)) // 1024 + 24
    root = max(files.total_size() // 1024 - volume, 0) + 612_480
    rows = [("none", _ROOT_KIB, root, "/"), ("/dev/vdc", _VOLUME_KIB, volume, "/data")]
    if not files.is_dir("/data"):
        rows.pop()
    for operand in options.operands:
        if not files.exists(call.path(operand)):
            call.complain(f"{operand}: No such file or directory")
            return 1
    if options.operands:
        holders = {
            "/data" if f"{call.path(name)}/".startswith("/data/") else "/" for name in options.operands
        }
        rows = [row for row in rows if row[3] in holders]
    readable = "h" in options.flags
    lines = [
        [
            "Filesystem",
            "Size" if readable else "1K-blocks",
            "Used",
            "Avail" if readable else "Available",
            "Use%",
        ]
    ]
    for device, size, used, _ in rows:
        numbers = [size, min(used, size), max(size - used, 0)]
        shown = [human(number * 1024) if readable else str(number) for number in numbers]
        lines.append([device, *shown, f"{-(-100 * numbers[1] // size)}%"])
    widths = [max(len(line[at]) for line in lines) for at in range(5)]
    for line, place in zip(lines, ["Mounted on", *(row[3] for row in rows)], strict=True):
        cells = [
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        call.out(f"{' '.join(cells)} {place}\n")
    return 0


def free(call: Call) -> int:
    """Print memory: KiB, `-m`, `-g`, `-h`, `-b`."""
    flags = parse_options(call, "mkghb", longs={"mega": "m", "human": "h"}, ignored="w").flags
    total, used = call.machine.memory_kib()
    cached = min((total - used) // 3, 180_000)
    divisor = 1024 if "m" in flags else 1024 * 1024 if "g" in flags else 1

    def shown(kib: int) -> str:
        if "h" in flags:
            text = human(kib * 1024)
            return f"{text}i" if text[-1:].isalpha() else f"{text}B"
        return str(kib * 1024 if "b" in flags else kib // divisor)

    titles = ("total", "used", "free", "shared", "buff/cache", "available")
    memory = (total, used, total - used - cached, 0, cached, total - used)
    call.out(" " * 7 + "".join(f"{title:>13}" for title in titles)[1:] + "\n")
    call.out("Mem:   " + "".join(f"{shown(number):>13}" for number in memory)[1:] + "\n")
    call.out("Swap:  " + "".join(f"{shown(0):>13}" for _ in range(3))[1:] + "\n")
    return 0


def uptime(call: Call) -> int:
    """Print how long the machine has run."""
    if parse_options(call, "p", longs={"pretty": "p"}).flags:
        raise NotModelledError("uptime -p")
    seconds = int(call.machine.uptime())
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    length = f"{hours}:{minutes:02}" if hours else f"{minutes} min"
    if days:
        length = f"{days} day{'s' if days > 1 else ''}, {length}"
    load = sum(process.cpu for process in call.machine.base_processes) / 100
    loads = f"{load:.2f}, {load * 0.9:.2f}, {load * 0.8:.2f}"
    call.out(f" {call.machine.now():%H:%M:%S} up {length},  0 users,  load average: {loads}\n")
    return 0


def nproc(call: Call) -> int:
    """Print the number of processors."""
    call.out("1\n")
    return 0
