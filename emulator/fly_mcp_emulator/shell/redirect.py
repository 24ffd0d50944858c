"""Opens the files that redirections name."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import NO_SUCH_FILE, FileError, NotModelledError
from .expand import Expander
from .files import absolute
from .machine import Machine
from .session import Session
from .streams import FileSink, Input, NullSink, Sink, Streams
from .syntax import Redirect


async def opened(
    redirects: Sequence[Redirect], streams: Streams, expander: Expander, machine: Machine
) -> Streams:
    """Return the streams of a command after its redirections, in the order written.

    Creates and empties files. Raises: `FileError`, `NotModelledError`.
    """
    stdin, sinks = streams.stdin, {1: streams.out, 2: streams.err}
    for each in redirects:
        target = await expander.text(each.target)
        if each.op in ("<", "<<", "<<<", "<&"):
            if each.fd != 0 or each.op == "<&":
                raise NotModelledError(f"{each.fd}{each.op}")
            stdin = Input(_source(each.op, target, expander, machine))
        elif each.fd == 0:
            raise NotModelledError(f"0{each.op}")
        elif each.op == ">&":
            if target not in ("1", "2"):
                raise NotModelledError(f">&{target[:40]}")
            sinks[each.fd] = sinks[int(target)]
        else:
            sinks[each.fd] = _sink(each.op, target, sinks, expander, machine)
    return Streams(stdin, sinks[1], sinks[2])


def explained(error: FileError, session: Session) -> str:
    """Return a failed redirection in the words of `session`'s shell: dash says what it tried."""
    if session.is_bash:
        return str(error)
    reason = error.reason
    if error.reading:
        return f"cannot open {error.path}: {'No such file' if reason == NO_SUCH_FILE else reason}"
    return f"cannot create {error.path}: {'Directory nonexistent' if reason == NO_SUCH_FILE else reason}"


def _source(op: str, target: str, expander: Expander, machine: Machine) -> str:
    if op == "<<":
        return target
    if op == "<<<":
        return f"{target}\n"
    try:
        return machine.files.read(absolute(target, expander.cwd), target)
    except FileError as error:
        raise FileError(error.path, error.reason, reading=True) from None


def _sink(op: str, target: str, sinks: dict[int, Sink], expander: Expander, machine: Machine) -> Sink:
    path = absolute(target, expander.cwd)
    if path == "/dev/null":
        return NullSink()
    if path in ("/dev/stdout", "/dev/stderr"):
        return sinks[1 if path == "/dev/stdout" else 2]
    if op == ">":
        machine.files.write(path, "", target)
    else:
        machine.files.append(path, "", target)
    return FileSink(machine.files, path)
