"""The other side of the curtain: `/_emulator/...`, for tests, demos and evaluations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .faults import FaultRule
from .problems import BadWorld, problems_of
from .world_file import parsed, read_world

if TYPE_CHECKING:
    from .emulator import Emulator

ModelT = TypeVar("ModelT", bound=BaseModel)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class ClockOrder(BaseModel):
    """What `POST /_emulator/clock` takes: any of the two."""

    model_config = ConfigDict(extra="forbid")

    advance: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    """Jump forward by so many seconds."""
    running: bool | None = None
    """False lets the clock stand still, true lets it run on."""


class _Refusal(Exception):
    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems


class Control:
    """The control endpoints of one emulator. They need no token and are in no log."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def routes(self) -> list[Route]:
        """Return the routes."""
        rows: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "/health", self.health),
            ("GET", "/coverage", self.coverage),
            ("GET", "/requests", self.requests),
            ("DELETE", "/requests", self.forget_requests),
            ("GET", "/world", self.world),
            ("PUT", "/world", self.load),
            ("POST", "/reset", self.reset),
            ("GET", "/clock", self.clock),
            ("POST", "/clock", self.set_clock),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_faults),
            ("DELETE", "/faults", self.clear_faults),
        ]
        routes = [
            Route(f"/_emulator{path}", _answering(handler), methods=[method])
            for method, path, handler in rows
        ]
        return [*routes, Route("/_emulator/{rest:path}", _answering(self.unknown), methods=_METHODS)]

    async def health(self, _request: Request) -> Response:
        """Say that it is there."""
        apps = self._emulator.dump().apps
        return JSONResponse({"ok": True, "apps": len(apps), "endpoints": len(self._emulator.endpoints)})

    async def coverage(self, _request: Request) -> Response:
        """List what is modelled."""
        rows = [
            {
                "method": row.method,
                "path": row.path,
                "handler": f"{row.handler.__module__}.{row.handler.__name__}",
            }
            for row in self._emulator.endpoints
        ]
        return JSONResponse({"endpoints": rows})

    async def requests(self, _request: Request) -> Response:
        """Show the log, oldest first."""
        return JSONResponse({"requests": [record.as_json() for record in self._emulator.requests]})

    async def forget_requests(self, _request: Request) -> Response:
        """Empty the log."""
        self._emulator.requests.clear()
        return Response(status_code=204)

    async def world(self, _request: Request) -> Response:
        """Dump the world."""
        return Response(self._emulator.dump().model_dump_json(indent=2), media_type="application/json")

    async def load(self, request: Request) -> Response:
        """Put another world in the place of this one."""
        try:
            self._emulator.load(read_world(await request.body()))
        except BadWorld as error:
            raise _Refusal(error.problems) from None
        self._emulator.kept()
        return JSONResponse({"ok": True})

    async def reset(self, _request: Request) -> Response:
        """Go back to the world it began with: no faults, an empty log, full buckets."""
        self._emulator.reset()
        self._emulator.kept()
        return JSONResponse({"ok": True})

    async def clock(self, _request: Request) -> Response:
        """Tell the time."""
        clock = self._emulator.clock
        return JSONResponse({"now": clock.now(), "running": clock.running})

    async def set_clock(self, request: Request) -> Response:
        """Jump, stand still, run on. What became due meanwhile has happened when this answers."""
        order, clock = await _read(request, ClockOrder), self._emulator.clock
        if order.running is not None:
            (clock.resume if order.running else clock.freeze)()
        clock.advance(order.advance)
        self._emulator.settle()
        self._emulator.kept()
        return await self.clock(request)

    async def faults(self, _request: Request) -> Response:
        """List the rules in force with how often each struck, and how often each kind did."""
        faults = self._emulator.faults
        return JSONResponse({"faults": faults.report(), "struck": dict(sorted(faults.struck.items()))})

    async def add_faults(self, request: Request) -> Response:
        """Put one rule in force, or several: `{...}` or `{"faults": [...]}`."""
        given = await _read(request, _Rules)
        added = [self._emulator.faults.add(rule) for rule in given.faults]
        return JSONResponse({"faults": [rule.model_dump(exclude_defaults=True) for rule in added]}, 201)

    async def unknown(self, request: Request) -> Response:
        """Say what there is."""
        known = sorted({route.path for route in self.routes()[:-1]})
        return JSONResponse({"problems": [f"there is no {request.url.path}"], "known": known}, 404)

    async def clear_faults(self, _request: Request) -> Response:
        """Drop all rules."""
        self._emulator.faults.clear()
        return Response(status_code=204)


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    faults: list[FaultRule]


async def _read(request: Request, model: type[ModelT]) -> ModelT:
    try:
        given: object = parsed(await request.body())
        if model is _Rules and isinstance(given, dict) and "faults" not in given:
            given = {"faults": [cast(object, given)]}
        return model.model_validate(given)
    except ValidationError as error:
        raise _Refusal(problems_of(error)) from None
    except BadWorld as error:
        raise _Refusal(error.problems) from None


def _answering(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except _Refusal as refusal:
            return JSONResponse({"problems": refusal.problems}, 400)

    return answer
