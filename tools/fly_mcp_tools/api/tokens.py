"""What the token of this server is, and tokens that say who a machine is."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.wire import JsonObject, TokenInfo

from . import parse


async def current(call: Call) -> list[TokenInfo]:
    """Each token of the header that is sent: what Fly knows of it. Never the token."""
    answer = await call.send(fly.CURRENT_TOKEN, {})
    data = parse.key(answer.data, "tokens", endpoint=fly.CURRENT_TOKEN, answer=answer)
    return parse.many(TokenInfo, data, endpoint=fly.CURRENT_TOKEN, answer=answer)


async def identity(call: Call, wanted: JsonObject) -> str:
    """A signed token (JWT) that says on which machine this runs: a secret.

    Raises:
        FlyError: forbidden where this does not run on one.
    """
    answer = await call.send(fly.OIDC_TOKEN, {}, body=wanted)
    if not isinstance(answer.data, str):  # 202 or 204: nothing was said
        raise parse.unreadable(fly.OIDC_TOKEN, answer)
    return answer.data
