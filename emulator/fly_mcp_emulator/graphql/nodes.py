"""Objects of GraphQL: dictionaries whose keys are Fly's field names, and whose values may be found on demand."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError, bad_request
from fly_mcp_emulator.tokens import Access
from fly_mcp_emulator.world import App

Node = dict[str, Any]
Args = Mapping[str, Any]
Field = Callable[..., object]


def on_demand(find: Callable[[], object]) -> Field:
    """Return a field that is found when somebody asks: objects refer to each other in circles."""

    def field(_info: object, **_args: object) -> object:
        return find()

    return field


def with_args(find: Callable[[Args], object]) -> Field:
    """Return a field that takes arguments."""

    def field(_info: object, **args: object) -> object:
        return find(args)

    return field


def with_input(find: Callable[[Args], Node]) -> Field:
    """Return a mutation with one argument `input`. A `clientMutationId` comes back with the answer."""

    def field(args: Args) -> Node:
        given: Args = args["input"]
        return find(given) | {"clientMutationId": given.get("clientMutationId")}

    return with_args(field)


def pages(find: Callable[[Args], Iterable[Node]]) -> Field:
    """Return a field that is a connection: `first` and `after`, or `last` and `before`."""
    return with_args(lambda args: _page(list(find(args)), args))


def moment(at: float) -> str:
    """RFC 3339 in whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def missing(what: str) -> FlyError:
    """404: `Could not find Machine`."""
    return FlyError(404, f"Could not find {what}")


def find_app(call: Call, name: object) -> App:
    """Return an app that the token sees. Raises: 404, also for one it does not see [I]."""
    try:
        return replace(call, params={"app": str(name)}).app
    except FlyError:
        raise missing(f'App "{name}"') from None


def visible(call: Call) -> list[App]:
    """Return the apps that the token sees."""
    now, hidden = call.state.now(), call.state.world.settings.new_app_hidden_seconds
    apps = call.state.world.apps.values()
    return [app for app in apps if call.principal.sees(app.org, app.name) and now >= app.created_at + hidden]


def with_body(call: Call, body: object, **params: str) -> Call:
    """Return the same caller's request with other parameters and another body."""
    content = b"" if body is None else json.dumps(body).encode()
    return replace(call, params=params, query=(), body=content)


def rest(
    call: Call,
    handler: Callable[[Call], Answer],
    app: App,
    access: Access,
    body: object = None,
    **params: str,
) -> Any:  # noqa: ANN401 - JSON, whatever the call answers
    """Do what the REST call of the same purpose does, and return its JSON: one behaviour, two doors."""
    inner = with_body(call, body, app=app.name, **params)
    inner.require(access)
    return handler(inner).body


def _page(nodes: list[Node], args: Args) -> Node:
    start, end = _place(args.get("after"), 0), _place(args.get("before"), len(nodes) + 1) - 1
    first, last = _count(args, "first"), _count(args, "last")
    if first is not None:
        end = min(end, start + first)
    if last is not None:
        start = max(start, end - last)
    edges = [
        {"cursor": _cursor(index + 1), "node": nodes[index]} for index in range(start, min(end, len(nodes)))
    ]
    return {
        "nodes": [edge["node"] for edge in edges],
        "edges": edges,
        "totalCount": len(nodes),
        "pageInfo": {
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
            "hasNextPage": end < len(nodes),
            "hasPreviousPage": start > 0,
        },
    }


def _cursor(place: int) -> str:
    return base64.b64encode(str(place).encode()).decode().rstrip("=")


def _place(cursor: str | None, otherwise: int) -> int:
    if not cursor:  # fly-go sends an empty one for the first page [C: resource_apps.go]
        return otherwise
    try:
        return max(0, int(base64.b64decode(cursor + "==")))
    except (ValueError, binascii.Error):
        raise bad_request("invalid cursor") from None


def _count(args: Args, name: str) -> int | None:
    count = args.get(name)
    if count is not None and count < 0:
        raise bad_request(f"{name} must not be negative")
    return int(count) if count is not None else None
