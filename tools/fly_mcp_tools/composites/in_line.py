"""One call of this process after another, where Fly itself keeps nobody from doing the same at the same time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Conflict
from fly_mcp_tools.turns import TooLong

#: Seconds in line: some calls that each look for a lost answer.
_LINE: Final = 180.0


@asynccontextmanager
async def turn(call: Call, app_name: str, what: str) -> AsyncGenerator[None]:
    """Have the turn for `what` of an app; passed on whatever happens.

    Raises:
        Conflict: others take too long.
    """

    async def say(seconds: float) -> None:
        await call.progress(seconds, _LINE, f"waiting for another call about {what} of {app_name}")

    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(
                call.memory.turns.taken((app_name, what), call.clock, within=_LINE, say=say)
            )
        except TooLong:
            raise Conflict(
                f"Other calls about {what} of {app_name} have been at work for {_LINE:.0f} s. Nothing was sent.",
                hint="Wait for their ends, then try again.",
                retryable=True,
            ) from None
        yield


def config(call: Call, app_name: str, machine_id: str) -> AbstractAsyncContextManager[None]:
    """Have the turn for a machine's config, from the moment it is read until it is sent back.

    Metadata changes it without a new version, so that Fly would not refuse what was read before.

    Raises:
        Conflict: others take too long.
    """
    return turn(call, app_name, f"the config of machine {machine_id}")
