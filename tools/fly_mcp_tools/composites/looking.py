"""Looking for what became of a write: whether it is to be seen, and whatever its answer said or if that was lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError

#: Looks, and seconds between them: what was done can be missing from Fly's own reads for a moment.
LOOKS: Final = 3
LOOK_EVERY: Final = 2.0

FoundT = TypeVar("FoundT")


async def after_lost(call: Call, look: Callable[[], Awaitable[FoundT | None]]) -> tuple[FoundT | None, bool]:
    """Look until `look` finds it, some times; and whether the last look could be had at all.

    Nothing found by a look that could not be had says nothing: Fly may still be unwell.
    """
    return await seen(call, look, lost=True)


async def seen(
    call: Call, look: Callable[[], Awaitable[FoundT | None]], *, lost: bool
) -> tuple[FoundT | None, bool]:
    """As `after_lost`, also of a write that Fly answered well: then the first look needs no wait.

    An answer says what Fly means to do. That it is done is what the next read shows.
    """
    looked = False
    for number in range(LOOKS):
        if lost or number:
            await call.clock.sleep(LOOK_EVERY)
        try:
            found = await look()
        except FlyError:
            looked = False
            continue
        looked = True
        if found is not None:
            return found, True
    return None, looked


def unlike(there: str, *, lost: bool, looked: bool) -> str:
    """The note of a write that may be repeated and is not to be seen. `there`: what was seen instead."""
    what = "The answer was lost" if lost else "Fly took it"
    return f"{what}, and {there if looked else 'it could not be looked at'}. Repeating the call is safe."
