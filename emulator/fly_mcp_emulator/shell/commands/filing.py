"""Commands that change the pretend files: `mkdir`, `rmdir`, `touch`, `rm`, `cp`, `mv`."""

from __future__ import annotations

from collections.abc import Callable

from fly_mcp_emulator.shell.call import Call, Options, parse_options
from fly_mcp_emulator.shell.errors import NO_SUCH_FILE, CommandError, FileError
from fly_mcp_emulator.shell.files import name_of, parent


def _each(call: Call, operands: list[str], verb: str, act: Callable[[str, str], None]) -> int:
    """Do `act(path, typed)` to each operand; complain about those that fail, go on, and return 1."""
    if not operands:
        raise CommandError("missing operand")
    code = 0
    for typed in operands:
        call.machine.budget.charge(1)
        try:
            if not typed:
                raise FileError(typed)
            act(call.path(typed), typed)
        except FileError as error:
            call.complain(f"cannot {verb} '{error.path}': {error.reason}")
            code = 1
    return code


def mkdir(call: Call) -> int:
    """Make directories; `-p` those above as well, and without minding those that are there."""
    options = parse_options(call, "p", "m", {"parents": "p", "mode": "m"}, ignored="v")
    files = call.machine.files

    def make(path: str, typed: str) -> None:
        if "p" not in options.flags:
            files.make_dir(path, typed)
            return
        so_far = ""
        for part in path.strip("/").split("/"):
            so_far += f"/{part}"
            if not files.is_dir(so_far) and so_far != "/":
                files.make_dir(so_far, typed)

    return _each(call, options.operands, "create directory", make)


def rmdir(call: Call) -> int:
    """Remove empty directories."""
    files = call.machine.files

    def remove(path: str, typed: str) -> None:
        if not files.is_dir(path):
            raise FileError(typed, "Not a directory" if files.is_file(path) else NO_SUCH_FILE)
        if files.children(path):
            raise FileError(typed, "Directory not empty")
        files.remove(path)

    return _each(call, parse_options(call).operands, "remove", remove)


def touch(call: Call) -> int:
    """Make files that are not there; pretend files keep no times."""
    options = parse_options(call, "c", ignored="am", longs={"no-create": "c"})
    files = call.machine.files

    def create(path: str, typed: str) -> None:
        if not files.exists(path) and "c" not in options.flags:
            files.write(path, "", typed)

    return _each(call, options.operands, "touch", create)


def rm(call: Call) -> int:
    """Remove files, and directories with `-r`."""
    longs = {"recursive": "r", "force": "f", "dir": "d"}
    options = parse_options(call, "rRf", ignored="vdI", longs=longs)
    files = call.machine.files

    def remove(path: str, typed: str) -> None:
        if not files.exists(path):
            if "f" in options.flags:
                return
            raise FileError(typed)
        if files.is_dir(path):
            if not options.flags & {"r", "R"}:
                raise FileError(typed, "Is a directory")
            if path == "/":
                raise FileError(typed, "it is dangerous to operate recursively on '/'")
        files.remove(path)

    if not options.operands and "f" in options.flags:
        return 0
    return _each(call, options.operands, "remove", remove)


def cp(call: Call) -> int:
    """Copy files, and directories with `-r`."""
    options = parse_options(call, "rRa", ignored="fpvun", longs={"recursive": "r", "archive": "a"})

    def copy(source: str, target: str, typed: str) -> None:
        files = call.machine.files
        if files.is_dir(source):
            if not options.flags & {"r", "R", "a"}:
                raise CommandError(f"-r not specified; omitting directory '{typed}'")
            if target == source or target.startswith(f"{source.rstrip('/')}/"):
                raise CommandError(f"cannot copy a directory, '{typed}', into itself, '{target}'")
            _copy_tree(call, source, target)
        elif source == target:
            raise CommandError(f"'{typed}' and '{target}' are the same file")
        else:
            files.write(target, files.read(source, typed), target)

    return _to_target(call, options, copy, "stat")


def mv(call: Call) -> int:
    """Move or rename files and directories."""
    options = parse_options(call, ignored="fvn")

    def move(source: str, target: str, typed: str) -> None:
        files = call.machine.files
        if source == target:
            raise CommandError(f"'{typed}' and '{target}' are the same file")
        if files.is_dir(source):
            if target.startswith(f"{source.rstrip('/')}/"):
                raise CommandError(f"cannot move '{typed}' to a subdirectory of itself, '{target}'")
            _copy_tree(call, source, target)
        else:
            files.write(target, files.read(source, typed), target)
        files.remove(source)

    return _to_target(call, options, move, "stat")


def _copy_tree(call: Call, source: str, target: str) -> None:
    files = call.machine.files
    for path in files.walk(source):
        to = target + path[len(source.rstrip("/")) :]
        if files.is_file(path):
            files.write(to, files.read(path), to)
        elif not files.is_dir(to):
            files.make_dir(to)


def _to_target(call: Call, options: Options, act: Callable[[str, str, str], None], verb: str) -> int:
    if len(options.operands) < 2:
        after = (
            f"destination file operand after '{options.operands[0]}'" if options.operands else "file operand"
        )
        raise CommandError(f"missing {after}")
    files = call.machine.files
    *sources, typed_target = options.operands
    target = call.path(typed_target)
    into = files.is_dir(target)
    if not into and len(sources) > 1:
        raise CommandError(
            f"target '{typed_target}': {'Not a directory' if files.exists(target) else NO_SUCH_FILE}"
        )
    if not into and not files.is_dir(parent(target)):
        raise CommandError(f"cannot create regular file '{typed_target}': {NO_SUCH_FILE}")

    def one(path: str, typed: str) -> None:
        if not files.exists(path):
            raise FileError(typed)
        act(path, f"{target.rstrip('/')}/{name_of(path)}" if into else target, typed)

    return _each(call, sources, verb, one)
