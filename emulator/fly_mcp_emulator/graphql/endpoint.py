"""The door: `POST /graphql`."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.routing import Endpoint


class Request(Body):
    """A document and the values of its variables."""

    query: str = ""
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - the key on the wire


def graphql(call: Call) -> Answer:
    """Carry out a document. What goes wrong is in `errors`, with HTTP 200 (reference 8.2)."""
    try:
        request = call.read(Request)
    except FlyError as error:
        return Answer({"errors": [{"message": error.text}]}, error.status)
    # Imported on first use: the executor takes longer to import than the rest of the emulator.
    from .execution import execute

    return Answer(execute(call, request.query, request.variables, request.operationName))


# Public: a request without a good token is refused in GraphQL's own way.
ENDPOINTS = (
    Endpoint(
        "POST",
        "/graphql",
        graphql,
        public=True,
        rate="none",
        sure=("client", "inferred"),
        lacks="Every type and field that flyctl and fly-admin do not ask for.",
    ),
)
