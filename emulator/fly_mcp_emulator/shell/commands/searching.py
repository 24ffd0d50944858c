"""`grep` and `find`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fly_mcp_emulator.shell.call import Call, Options, parse_options, whole_number
from fly_mcp_emulator.shell.errors import CommandError, FileError, NotModelledError
from fly_mcp_emulator.shell.files import name_of
from fly_mcp_emulator.shell.names import matches
from fly_mcp_emulator.shell.patterns import Pattern, is_word

from .reading import lines_of

_TROUBLE = 2
_FIND_TESTS = ("-name", "-iname", "-path", "-type", "-maxdepth", "-mindepth")
_LONGS = {
    "ignore-case": "i",
    "invert-match": "v",
    "line-number": "n",
    "count": "c",
    "recursive": "r",
    "extended-regexp": "E",
    "fixed-strings": "F",
    "files-with-matches": "l",
    "only-matching": "o",
    "quiet": "q",
    "word-regexp": "w",
    "color": "a",
    "colour": "a",
}


def grep(call: Call) -> int:
    """Print lines that match. 0 when one did, 1 when none, 2 on trouble."""
    extended = call.name.endswith("egrep")
    options = parse_options(call, "ivncrREFlLoqshHw", "eABCm", _LONGS, ignored="aI")
    operands = list(options.operands)
    sources = options.values.get("e", operands.pop(0) if operands and "e" not in options.values else None)
    if sources is None:
        raise CommandError("usage: grep [OPTION]... PATTERNS [FILE]...", _TROUBLE)
    search = _searcher(call, sources, options, extended=extended)
    recursive = bool(options.flags & {"r", "R"})
    named = (len(operands) > 1 or recursive or "H" in options.flags) and "h" not in options.flags
    found = trouble = False
    for name in operands or (["" if recursive else "-"]):
        for shown, error in _targets(call, name, recursive=recursive):
            if error:
                trouble = True
                if "s" not in options.flags:
                    call.complain(error)
                continue
            hit = _grep_one(call, shown, search, options, named=named)
            found = found or hit
            if found and "q" in options.flags:
                return 0
    return _TROUBLE if trouble else int(not found)


def _searcher(
    call: Call, source: str, options: Options, *, extended: bool
) -> Callable[[str, int], tuple[int, int] | None]:
    fold = "i" in options.flags
    budget = call.machine.budget
    lines = source.split("\n")[:100]
    if "F" in options.flags:
        lines = ["".join(f"\\{char}" if char in "\\.[]*^$" else char for char in line) for line in lines]
    patterns = [
        Pattern(
            line, budget, extended=(extended or "E" in options.flags) and "F" not in options.flags, fold=fold
        )
        for line in lines
    ]

    def search(text: str, start: int) -> tuple[int, int] | None:
        found = [hit for pattern in patterns if (hit := pattern.search(text, start))]
        return min(found, key=lambda hit: (hit[0], -hit[1])) if found else None

    def search_word(text: str, start: int) -> tuple[int, int] | None:
        while hit := search(text, start):
            before, after = text[max(0, hit[0] - 1) : hit[0]], text[hit[1] : hit[1] + 1]
            if not (before and is_word(before)) and not (after and is_word(after)):
                return hit
            start = hit[0] + 1
        return None

    return search_word if "w" in options.flags else search


def _targets(call: Call, name: str, *, recursive: bool) -> Iterator[tuple[str, FileError | None]]:
    files, path = call.machine.files, call.path(name)
    if name == "-" or files.is_file(path):
        yield name, None
    elif not files.is_dir(path):
        yield name, FileError(name)
    elif not recursive:
        yield name, FileError(name, "Is a directory")
    else:
        for below in files.walk(path):
            if files.is_file(below):
                inside = below[len(path.rstrip("/")) :]
                yield f"{name.rstrip('/')}{inside}" if name else inside[1:], None


def _grep_one(
    call: Call,
    name: str,
    search: Callable[[str, int], tuple[int, int] | None],
    options: Options,
    *,
    named: bool,
) -> bool:
    flags = options.flags
    label = f"{'(standard input)' if name == '-' else name}" if named else ""
    most = options.number("m", 1_000_000, "max count")
    around = options.number("C", 0, "context length argument")
    before = options.number("B", around, "context length argument")
    after = options.number("A", around, "context length argument")
    lines = lines_of(call.read(name))
    hits: list[int] = []
    for number, line in enumerate(lines):
        call.machine.budget.charge(1)
        if (search(line, 0) is None) == ("v" in flags):
            hits.append(number)
            if len(hits) >= most or flags & {"q", "l"}:
                break
    if "q" in flags:
        return bool(hits)
    if flags & {"l", "L"}:
        if bool(hits) == ("l" in flags):
            call.out(f"{name}\n")
    elif "c" in flags:
        call.out(f"{label + ':' if label else ''}{len(hits)}\n")
    elif "o" in flags:
        for number in hits:
            for piece in _pieces(lines[number], search):
                call.out(f"{_prefix(label, number, ':', flags)}{piece}\n")
    else:
        _print_hits(call, lines, hits, (before, after), label, flags)
    return bool(hits)


def _prefix(label: str, number: int, mark: str, flags: frozenset[str]) -> str:
    return (f"{label}{mark}" if label else "") + (f"{number + 1}{mark}" if "n" in flags else "")


def _print_hits(
    call: Call,
    lines: list[str],
    hits: list[int],
    context: tuple[int, int],
    label: str,
    flags: frozenset[str],
) -> None:
    chosen = set(hits)
    printed = -1
    for hit in hits:
        first = max(printed + 1, hit - context[0], 0)
        if any(context) and printed >= 0 and first > printed + 1:
            call.out("--\n")
        for number in range(first, min(hit + context[1] + 1, len(lines))):
            if number > printed:
                call.out(
                    f"{_prefix(label, number, ':' if number in chosen else '-', flags)}{lines[number]}\n"
                )
                printed = number


def _pieces(line: str, search: Callable[[str, int], tuple[int, int] | None]) -> Iterator[str]:
    start = 0
    while hit := search(line, start):
        if hit[1] > hit[0]:
            yield line[hit[0] : hit[1]]
        start = max(hit[1], hit[0] + 1)


def find(call: Call) -> int:
    """Print paths where all hold: `-name`, `-iname`, `-path`, `-type f|d`, `-maxdepth`, `-mindepth`, `!`."""
    roots: list[str] = []
    words = list(call.args)
    while words and not words[0].startswith(("-", "!", "(")):
        roots.append(words.pop(0))
    tests, shallowest, deepest = _find_tests(call, words)
    code, files = 0, call.machine.files
    for root in roots or ["."]:
        path = call.path(root)
        if not files.exists(path):
            call.complain(f"'{root}': No such file or directory")
            code = 1
            continue
        base = path.rstrip("/")
        for each in files.walk(path):
            below = each[len(base) :].strip("/")
            depth = below.count("/") + 1 if below else 0
            shown = f"{root.rstrip('/')}/{below}" if below else root
            if shallowest <= depth <= deepest and all(test(each, shown) for test in tests):
                call.out(f"{shown}\n")
    return code


def _find_tests(call: Call, words: list[str]) -> tuple[list[Callable[[str, str], bool]], int, int]:
    tests: list[Callable[[str, str], bool]] = []
    shallowest, deepest, negated = 0, 1_000_000, False
    waiting = iter(words)
    for word in waiting:
        if word in ("!", "-not"):
            negated = not negated
            continue
        if word in ("-print", "-a", "-and"):
            continue
        value = next(waiting, None) if word in _FIND_TESTS else None
        if value is None:
            raise NotModelledError(f"find {word[:40]}")
        if word == "-maxdepth":
            deepest = whole_number(value, "argument to -maxdepth")
        elif word == "-mindepth":
            shallowest = whole_number(value, "argument to -mindepth")
        else:
            test = _find_test(call, word, value)
            tests.append(_not(test) if negated else test)
        negated = False
    return tests, shallowest, deepest


def _not(test: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    return lambda path, shown: not test(path, shown)


def _find_test(call: Call, word: str, value: str) -> Callable[[str, str], bool]:
    budget, files = call.machine.budget, call.machine.files
    match word:
        case "-type":
            if value not in ("f", "d"):
                raise NotModelledError(f"find -type {value[:10]}")
            return lambda path, _: files.is_file(path) == (value == "f")
        case "-path":
            return lambda _, shown: matches(shown, value, budget)
        case "-iname":
            return lambda path, _: matches(name_of(path).lower(), value.lower(), budget)
        case _:
            return lambda path, _: matches(name_of(path), value, budget)
