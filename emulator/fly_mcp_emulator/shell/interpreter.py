"""Walks the tree of a script and runs what it says."""

from __future__ import annotations

from collections.abc import Awaitable

from . import redirect
from .call import Call, Command
from .commands import BUILTINS, PROGRAMS
from .errors import (
    CommandError,
    ExpansionError,
    FileError,
    Leave,
    LimitError,
    LoopJump,
    NotModelledError,
    SyntaxFaultError,
)
from .expand import Expander
from .files import absolute, name_of
from .launch import NOT_EXECUTABLE, NOT_FOUND, is_shell_script, refusal
from .machine import Machine
from .parser import parse
from .session import Session
from .streams import Buffer, Input, OutputFullError, Streams
from .syntax import AndOr, For, Group, If, Node, Pipeline, Sequence, Simple, While

_BROKEN_PIPE = 141
_PROGRAM_DIRS = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin")


class Interpreter:
    """Runs scripts and programs on one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def run_text(self, text: str, session: Session, streams: Streams) -> int:
        """Run a script in `session`. Raises: `Leave` when it says `exit`, `LimitError`."""
        with self._machine.budget.deeper():
            self._machine.budget.charge(len(text))
            try:
                tree = parse(text)
            except SyntaxFaultError as error:
                session.line = error.line
                streams.err.write(session.complaint(str(error)))
                session.status = 2
            except LimitError:
                raise
            except NotModelledError as error:
                streams.err.write(f"{error}\n")
                session.status = 2
            else:
                await self._script(tree, session, streams)
        return session.status

    async def run_shell(self, text: str, session: Session, streams: Streams) -> int:
        """Run a script in a shell of its own, and return its exit code. Raises: `LimitError`."""
        try:
            return await self.run_text(text, session, streams)
        except Leave as leave:
            return leave.code
        except LoopJump:
            return session.status

    async def _script(self, tree: Node, session: Session, streams: Streams) -> None:
        try:
            await self._run(tree, session, streams)
        except ExpansionError as error:
            streams.err.write(session.complaint(str(error)))
            raise Leave(2) from None
        except LimitError:
            raise
        except NotModelledError as error:
            # Out of an expansion: what would have come after it can't be known.
            streams.err.write(f"{error}\n")
            raise Leave(2) from None

    async def _run(self, node: Node, session: Session, streams: Streams) -> int:
        match node:
            case Simple():
                session.status = await self._simple(node, session, streams)
                self._check_errexit(session)
            case Sequence():
                for item in node.items:
                    await self._run(item, session, streams)
            case AndOr():
                await self._and_or(node, session, streams)
            case Pipeline():
                session.status = await self._pipeline(node, session, streams)
                if not node.negated:
                    self._check_errexit(session)
            case If() | While() | For() | Group():
                with self._machine.budget.deeper():
                    await self._compound(node, session, streams)
        return session.status

    async def _compound(self, node: If | While | For | Group, session: Session, streams: Streams) -> None:
        match node:
            case If():
                await self._if(node, session, streams)
            case While() | For():
                await self._loop(node, session, streams)
            case Group():
                await self._group(node, session, streams)

    @staticmethod
    def _check_errexit(session: Session) -> None:
        if session.status and not session.tested and "errexit" in session.options:
            raise Leave(session.status)

    async def _tested(self, node: Node, session: Session, streams: Streams) -> bool:
        session.tested += 1
        try:
            return await self._run(node, session, streams) == 0
        finally:
            session.tested -= 1

    async def _and_or(self, node: AndOr, session: Session, streams: Streams) -> None:
        last = len(node.rest)
        steps = [("", node.first), *node.rest]
        for index, (operator, step) in enumerate(steps):
            if (operator == "&&" and session.status) or (operator == "||" and not session.status):
                continue
            if index < last:
                await self._tested(step, session, streams)
            else:
                await self._run(step, session, streams)

    async def _pipeline(self, node: Pipeline, session: Session, streams: Streams) -> int:
        if len(node.commands) == 1:
            return int(await self._tested(node.commands[0], session, streams))
        stdin = streams.stdin
        statuses: list[int] = []
        for command in node.commands[:-1]:
            pipe = Buffer(self._machine.budget)
            try:
                status = await self._subshell(command, session, Streams(stdin, pipe, streams.err))
            except OutputFullError:
                # The reader has a whole MiB; a real writer would be held up and then lose its pipe.
                status = _BROKEN_PIPE
            statuses.append(status)
            stdin = Input(pipe.text())
        last = Streams(stdin, streams.out, streams.err)
        statuses.append(await self._subshell(node.commands[-1], session, last))
        failed = [status for status in statuses if status]
        status = failed[-1] if failed and "pipefail" in session.options else statuses[-1]
        return int(not status) if node.negated else status

    async def _subshell(self, node: Node, session: Session, streams: Streams) -> int:
        child = session.copy()
        try:
            with self._machine.budget.deeper():
                return await self._run(node, child, streams)
        except Leave as leave:
            return leave.code
        except LoopJump:
            return child.status

    async def _if(self, node: If, session: Session, streams: Streams) -> None:
        for condition, body in node.branches:
            if await self._tested(condition, session, streams):
                await self._run(body, session, streams)
                return
        session.status = 0
        if node.otherwise:
            await self._run(node.otherwise, session, streams)

    async def _loop(self, node: While | For, session: Session, streams: Streams) -> None:
        names: list[str] | None = None
        if isinstance(node, For):
            expander = self._expander(session, streams)
            names = list(session.arguments) if node.words is None else await expander.fields(node.words)
            names.reverse()
        status = 0
        session.loops += 1
        try:
            while await self._next_round(node, names, session, streams):
                try:
                    status = await self._run(node.body, session, streams)
                except LoopJump as jump:
                    status = session.status
                    if jump.levels > 1 and session.loops > 1:
                        raise LoopJump(jump.levels - 1, again=jump.again) from None
                    if not jump.again:
                        break
        finally:
            session.loops -= 1
        session.status = status

    async def _next_round(
        self, node: While | For, names: list[str] | None, session: Session, streams: Streams
    ) -> bool:
        await self._machine.budget.charge_command()
        if isinstance(node, While):
            return await self._tested(node.condition, session, streams) != node.until
        if names:
            session.assign(node.name, names.pop())
            return True
        return False

    async def _group(self, node: Group, session: Session, streams: Streams) -> None:
        if node.redirects:
            try:
                streams = await redirect.opened(
                    node.redirects, streams, self._expander(session, streams), self._machine
                )
            except FileError as error:
                streams.err.write(session.complaint(redirect.explained(error, session)))
                session.status = 2
                return
        if node.subshell:
            session.status = await self._subshell(node.body, session, streams)
            self._check_errexit(session)
        else:
            await self._run(node.body, session, streams)

    def _expander(self, session: Session, streams: Streams) -> Expander:
        async def substitute(tree: Node) -> str:
            buffer = Buffer(self._machine.budget)
            session.status = await self._subshell(tree, session, Streams(streams.stdin, buffer, streams.err))
            return buffer.text()

        return Expander(session, self._machine.files, self._machine.budget, substitute)

    async def _simple(self, node: Simple, session: Session, streams: Streams) -> int:
        await self._machine.budget.charge_command()
        session.line = node.line
        expander = self._expander(session, streams)
        before = session.status
        argv = await expander.fields(node.words)
        if not argv:
            session.status = 0
        try:
            inner = await redirect.opened(node.redirects, streams, expander, self._machine)
        except FileError as error:
            streams.err.write(session.complaint(redirect.explained(error, session)))
            return 2 if not session.is_bash else 1
        assigned = {name: await expander.text(word) for name, word in node.assignments}
        if not argv:
            for name, value in assigned.items():
                session.assign(name, value)
            return session.status
        session.status = before
        if builtin := BUILTINS.get(argv[0]):
            return await self._builtin(builtin, argv, assigned, session, inner)
        child = session
        if assigned:
            child = session.copy()
            child.variables.update(assigned)
            child.exported.update(assigned)
        return await self._program(argv, child, inner, session)

    async def _builtin(
        self, builtin: Command, argv: list[str], assigned: dict[str, str], session: Session, streams: Streams
    ) -> int:
        # It changes the shell itself, but what is put before it lasts no longer than it: `IFS= read -r X`.
        kept = {name: session.variables.get(name) for name in assigned}
        session.variables.update(assigned)
        try:
            return await self._call(builtin, argv, session, streams)
        finally:
            for name, value in kept.items():
                if value is None:
                    session.variables.pop(name, None)
                else:
                    session.variables[name] = value

    async def run_program(self, argv: list[str], session: Session, streams: Streams) -> int:
        """Run a program for another one, or for exec itself. Raises: `LimitError`."""
        with self._machine.budget.deeper():
            await self._machine.budget.charge_command()
            return await self._program(argv, session, streams, None)

    async def _program(
        self, argv: list[str], session: Session, streams: Streams, shell: Session | None
    ) -> int:
        """Run a program by name or path; `shell` is who looks for it, and words the complaint."""
        name = argv[0]
        known = "/" not in name or self._is_program_path(name)
        program = PROGRAMS.get(name_of(name)) if known else None
        child = Session.of(session.environment(), name)
        child.cwd = session.cwd
        if program:
            return await self._call(program, argv, child, streams)
        path = absolute(name, session.cwd)
        if "/" not in name or not self._machine.files.is_file(path):
            streams.err.write(refusal(name, "not found", shell))
            return NOT_FOUND
        text = self._machine.files.read(path)
        if not is_shell_script(text):
            streams.err.write(refusal(name, "Permission denied", shell))
            return NOT_EXECUTABLE
        child.arguments = argv[1:]
        return await self.run_shell(text, child, streams)

    @staticmethod
    def _is_program_path(path: str) -> bool:
        return path.rpartition("/")[0] in _PROGRAM_DIRS

    async def _call(self, command: Command, argv: list[str], session: Session, streams: Streams) -> int:
        call = Call(argv[0], argv[1:], streams, session, self._machine, self)
        try:
            code = command(call)
            return await code if isinstance(code, Awaitable) else code
        except CommandError as error:
            call.complain(error)
            return error.code
        except FileError as error:
            call.complain(error)
            return 1
        except LimitError:
            raise
        except NotModelledError as error:
            streams.err.write(f"{error}\n")
            return 2
