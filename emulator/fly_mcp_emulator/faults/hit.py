"""A request, as rules look at it, and as a fault deals with it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.regions import candidates
from fly_mcp_emulator.routing import Match
from fly_mcp_emulator.state import State
from fly_mcp_emulator.world import App, Machine, Volume

from .rule import FaultRule, unnamed


@dataclass(frozen=True)
class Incoming:
    """A request that was routed and not yet carried out."""

    method: str
    path: str
    """Decoded."""
    match: Match | None
    body: bytes
    state: State

    @property
    def template(self) -> str:
        """The template it was routed by, empty for none."""
        return self.match.endpoint.path if self.match else ""

    @property
    def operation(self) -> str:
        """Method and template, without the names in its braces."""
        return f"{self.method} {unnamed(self.template)}"

    @property
    def params(self) -> Mapping[str, str]:
        """What the template's names stand for."""
        return self.match.params if self.match else {}

    @property
    def app_name(self) -> str:
        """The app that the path names, or that is to be created; empty for none."""
        if self.operation == "POST /v1/apps":
            return str(self.json.get("app_name") or self.json.get("name") or "")
        return self.params.get("app", "")

    @property
    def app(self) -> App | None:
        """That app, if it is there."""
        return self.state.world.apps.get(self.app_name)

    @property
    def machine(self) -> Machine | None:
        """The machine of the path, if there is one that can be found."""
        machine = self.app.machines.get(self.params.get("id", "")) if self.app else None
        return machine if machine and machine.readable else None

    @property
    def volume(self) -> Volume | None:
        """The volume of the path, if there is one."""
        return self.app.volumes.get(self.params.get("vol", "")) if self.app else None

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body; empty for what is no JSON object."""
        try:
            given: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return cast(dict[str, Any], given) if isinstance(given, dict) else {}

    @property
    def image(self) -> str:
        """The image of the config in the body; empty for none."""
        config = self.json.get("config")
        image = cast(dict[str, object], config).get("image") if isinstance(config, dict) else None
        return image if isinstance(image, str) else ""

    @property
    def region(self) -> str | None:
        """The first region asked for by a create, or that of the machine or volume in the path."""
        thing = self.machine or self.volume
        if thing is not None:
            return thing.region
        if self.operation not in ("POST /v1/apps/{}/machines", "POST /v1/apps/{}/volumes"):
            return None
        nearest, wanted = self.state.world.settings.nearest_region, self.json.get("region")
        try:
            return next(candidates(wanted if isinstance(wanted, str) and wanted else nearest, nearest), None)
        except KeyError:
            return None


@dataclass
class Hit:
    """A request that a fault has struck."""

    rule: FaultRule
    incoming: Incoming
    seconds: float
    """The rule's, or the kind's own."""
    carry: Callable[[], Awaitable[Answer]]
    """Carries the request out, once, and gives Fly's answer."""
    missed: bool = field(default=False, init=False)
    """Set by a fault that found nothing to do: it does not count then."""

    @property
    def state(self) -> State:
        """The world at work."""
        return self.incoming.state

    def refusal(self, status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
        """Return a refusal in the shape of the service that was asked."""
        shape = self.incoming.match.endpoint.shape if self.incoming.match else "error"
        return Answer(FlyError(status, text).body(shape), status, headers or {})

    def machine_after(self, answer: Answer) -> Machine | None:
        """Return the machine that was made or meant; None when the request was refused."""
        if answer.status >= 400 or self.incoming.app is None:
            return None
        body: object = answer.body
        made = cast(dict[str, object], body).get("id") if isinstance(body, dict) else None
        return self.incoming.machine or self.incoming.app.machines.get(str(made))
