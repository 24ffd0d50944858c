"""One running call of an action: what a composite is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue

from fly_mcp_tools.chance import Random

from .clock import Clock
from .errors import Bug, Changed, FlyError
from .memory import Memory
from .state.journal import Journal
from .state.undo import Undo

if TYPE_CHECKING:
    from .action import AnyAction
    from .client import FlyClient
    from .decode import Answer
    from .endpoint import Endpoint
    from .models import Params

Progress = Callable[[float, float | None, str], Awaitable[None]]
"""Told how far a long call is: done, total (None: unknown) and a few words."""


async def no_progress(done: float, total: float | None, words: str) -> None:
    """For callers that do not listen."""


Query = Mapping[str, str | int | bool]


class Checkpoint(Protocol):
    """Asked before each request leaves; raises RefusedByUs to stop it. The seam for a policy."""

    async def __call__(
        self, endpoint: Endpoint, ids: Mapping[str, str], *, query: Query | None, body: JsonValue
    ) -> None:
        """Allow the request by returning."""
        ...


class Witness(Protocol):
    """Told of each request that was let pass, once it has ended. Must not raise."""

    def __call__(self, endpoint: Endpoint, ids: Mapping[str, str], came: Answer | FlyError | None) -> None:
        """`came`: the answer, or what was met instead; None where the call was cancelled meanwhile."""
        ...


@dataclass(frozen=True, kw_only=True)
class Oversight:
    """Who looks on while a call runs, and may stop it by raising a `FlyError`. Each may be absent.

    Args:
        admit: asked once the arguments are checked, before anything else is done.
        approve: asked after the confirm gate, before the action itself; only reads may have been sent.
        checkpoint: asked before each request.
        witness: told what came of each request.
    """

    admit: Callable[[AnyAction, Params], Awaitable[None]] | None = None
    approve: Callable[[Call, Params], Awaitable[None]] | None = None
    checkpoint: Checkpoint | None = None
    witness: Witness | None = None


UNSEEN = Oversight()


@dataclass(frozen=True)
class Defaults:
    """What the operator set for calls that do not say it themselves."""

    org_slug: str = ""
    image: str = ""
    #: Where files go that an answer names; None: a temporary directory of their own.
    directory: Path | None = None


@dataclass
class Effect:
    """What a call has changed at Fly so far, whatever its last request met. Leases do not count: they pass."""

    changed: Changed = "nothing"

    def note(self, outcome: Changed) -> None:
        """Count one request; "unknown" is never forgotten."""
        if outcome != "nothing" and self.changed != "unknown":
            self.changed = outcome


@dataclass(frozen=True, kw_only=True)
class Call:
    """A running call. `confirmed` is true only for the JSON boolean true; `caller` is whose call it is."""

    action: AnyAction
    client: FlyClient
    clock: Clock
    rng: Random
    defaults: Defaults = Defaults()
    confirmed: bool = False
    progress: Progress = no_progress
    memory: Memory = field(default_factory=Memory)
    checkpoint: Checkpoint | None = None
    witness: Witness | None = None
    effect: Effect = field(default_factory=Effect)
    #: What was written down by calls of the same intent, this one included.
    journal: Journal
    undo: Undo
    caller: str = ""
    #: The operator has fixed one app: whatever else is named has to be of that one.
    one_app: bool = False

    async def send(
        self,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        *,
        query: Query | None = None,
        body: JsonValue = None,
        nonce: str | None = None,
        timeout: float | None = None,
        final: bool = False,
        hide: Iterable[str] = (),
    ) -> Answer:
        """Send one request that the row declares.

        Raises:
            Bug: the row does not list this endpoint.
            FlyError: whatever the client met.
        """
        if endpoint not in self.action.calls:
            raise Bug(f"{self.action.name} does not declare {endpoint.name}")
        if self.checkpoint is not None:
            await self.checkpoint(endpoint, ids, query=query, body=body)
        came: Answer | FlyError | None = None
        unclear = False

        def may_be_done() -> None:
            nonlocal unclear
            unclear = True

        try:
            came = answer = await self.client.call(
                endpoint,
                ids,
                query=query,
                body=body,
                nonce=nonce,
                timeout=timeout,
                final=final,
                interactive=not self.action.writes,
                hide=hide,
                on_unclear=may_be_done,
            )
        except FlyError as error:
            came = error
            if not endpoint.writes or self.action.counts(endpoint):
                self.effect.note(error.changed)
            raise
        except BaseException:  # cancelled, between an attempt whose answer was lost and the next
            if unclear and self.action.counts(endpoint):
                self.effect.note("unknown")
            raise
        finally:
            if self.witness is not None:
                self.witness(endpoint, ids, came)
        if self.action.counts(endpoint):
            self.effect.note("something")
        return answer

    def mark(self, step: str) -> str:
        """16 hex digits that this step of this intent has always, and no other has ever.

        By it a create or a lease whose answer was lost is found again. An intent is a request id, which outlives
        the process; a call without one is an intent of its own.
        """
        return self.journal.mark(step)

    @property
    def resumed(self) -> bool:
        """Whether a call of the same intent was begun before and did not come to `done`."""
        return self.journal.resumed
