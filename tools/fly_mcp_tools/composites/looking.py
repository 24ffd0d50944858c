"""Looking for what became of a write whose answer was lost."""

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
    looked = False
    for _ in range(LOOKS):
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
