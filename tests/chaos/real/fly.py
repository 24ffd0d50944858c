"""A pretend Fly on a socket of its own, behind a door that knows who knocks and can keep an answer back.

The emulator runs in this process, so that the judge sees its world as it is; whoever calls it is another process
and comes over TCP. Each server has a token of its own, by which its requests are known.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio

from fly_mcp_emulator import Emulator, World
from fly_mcp_emulator.serve import serve
from tests.stdio.child import PATIENCE

#: How far a request got when its caller was killed.
#:
#:     lost      it left and never arrived
#:     carried   it was carried out; nobody was there to hear the answer
#:     answered  its answer was sent; what came of it is nowhere but in the killed process
Moment = Literal["lost", "carried", "answered"]


@dataclass
class Knock:
    """One request: who sent it, and how far it got. `place`: in the emulator's log; -1: it never got there."""

    caller: str
    method: str
    path: str
    body: bytes
    place: int = -1
    #: Its number in the order of arrival, from 1.
    came: int = 0


@dataclass
class Trap:
    """Springs at the `nth` request of a caller from now on."""

    nth: int
    moment: Moment
    seen: int = 0
    sprung: anyio.Event = field(default_factory=anyio.Event)
    at: Knock | None = None


def _nobody(knock: Knock) -> None:
    """For who does not listen."""


@dataclass
class Door:
    """An ASGI application around the emulator's own."""

    emulator: Emulator
    address: str = ""
    knocks: list[Knock] = field(default_factory=list[Knock])
    #: By caller.
    traps: dict[str, Trap] = field(default_factory=dict[str, Trap])
    #: Told of each request before the emulator is, in the request's own context.
    arriving: Callable[[Knock], None] = _nobody
    _open: set[anyio.CancelScope] = field(default_factory=set[anyio.CancelScope])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or do not."""
        body = await _whole(receive)
        caller = _caller(scope)
        knock = Knock(caller, scope["method"], scope["path"], body, came=len(self.knocks) + 1)
        self.knocks.append(knock)
        trap = self._trap(caller)
        with anyio.CancelScope() as self_scope:
            self._open.add(self_scope)
            try:
                if trap is None:
                    await self._carry(knock, scope, receive, send)
                else:
                    await self._spring(trap, knock, scope, receive, send)
            finally:
                self._open.discard(self_scope)

    def hang_up(self) -> None:
        """Leave what is still to be answered."""
        for scope in list(self._open):
            scope.cancel()

    def of(self, caller: str, since: int = 0) -> list[Knock]:
        """The requests of a caller."""
        return [knock for knock in self.knocks[since:] if knock.caller == caller]

    def _trap(self, caller: str) -> Trap | None:
        trap = self.traps.get(caller)
        if trap is None:
            return None
        trap.seen += 1
        if trap.seen != trap.nth:
            return None
        del self.traps[caller]
        return trap

    async def _carry(self, knock: Knock, scope: Any, receive: Any, send: Any) -> None:
        given = False

        async def again() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": knock.body, "more_body": False}

        # The emulator writes a request down before it waits for anything.
        knock.place = len(self.emulator.requests)
        self.arriving(knock)
        await self._app(scope, again, send)

    async def _spring(self, trap: Trap, knock: Knock, scope: Any, receive: Any, send: Any) -> None:
        trap.at = knock
        if trap.moment == "answered":
            await self._carry(knock, scope, receive, send)
            trap.sprung.set()
            return
        if trap.moment == "carried":
            await self._carry(knock, scope, receive, _swallow)
        trap.sprung.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    def __post_init__(self) -> None:
        self._app = self.emulator.app
        self.emulator.app = self  # type: ignore[assignment]  # an ASGI application around the emulator's own


async def _swallow(_message: Any) -> None:
    """An answer that nobody hears."""


async def _whole(receive: Any) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _caller(scope: Any) -> str:
    headers = dict(scope["headers"])
    return str(headers.get(b"authorization", b"").decode("latin-1").rpartition(" ")[2])


@asynccontextmanager
async def listening(world: World, *, seed: int = 0, pace: float) -> AsyncGenerator[Door]:
    """A pretend Fly without rate limits at an address of its own; `pace` as the emulator's."""
    door = Door(Emulator(world, seed=seed, limits=False, pace=pace))
    async with anyio.create_task_group() as tasks:
        ready = anyio.Event()

        def started(host: str, port: int) -> None:
            door.address = f"http://{host}:{port}"
            ready.set()

        tasks.start_soon(serve, door.emulator, "127.0.0.1", 0, started)
        with anyio.fail_after(PATIENCE):
            await ready.wait()
        try:
            yield door
        finally:
            door.hang_up()
            tasks.cancel_scope.cancel()
