"""Rows that are one plain call: no code of their own."""

from __future__ import annotations

from pydantic import JsonValue

from fly_mcp_tools.api import parse
from fly_mcp_tools.call import Call
from fly_mcp_tools.models import Params, Result


async def run(call: Call, params: Params) -> Result:
    """Send the row's one endpoint with the ids from its params; the result is made of the answer.

    Params that are not in the path go to the query of a GET and to the body of anything else.
    """
    action = call.action
    (endpoint,) = action.calls
    values: dict[str, JsonValue] = params.model_dump(mode="json", exclude_none=True)
    ids = {name: str(values.pop(name)) for name in endpoint.placeholders}
    rest = values or None
    if endpoint.writes:
        answer = await call.send(endpoint, ids, body=rest)
    else:
        query = {key: value for key, value in values.items() if isinstance(value, str | int | bool)}
        answer = await call.send(endpoint, ids, query=query)
    data = {action.wrap: answer.data} if action.wrap else answer.data
    result: type[Result] = action.result
    return parse.one(result, data, endpoint=endpoint, answer=answer)
