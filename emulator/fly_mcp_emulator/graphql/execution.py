"""Carrying out a document: graphql-core over the schema of this package."""

from __future__ import annotations

import functools
import logging
from importlib import resources
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute_sync,  # pyright: ignore[reportUnknownVariableType] - of its middleware, which is not used here
    parse,
    validate,
)

from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError

from . import (
    addresses,
    apps,
    certificates,
    machines,
    orgs,
    platform,
    releases,
    secrets,
    tokens,
    volumes,
    wireguard,
)
from .nodes import Node

_log = logging.getLogger(__name__)
_FILES = ("root", "apps", "machines", "orgs", "releases", "addresses")
CONNECTED = (
    "AddOn",
    "App",
    "AppCertificate",
    "Certificate",
    "EgressIPAddress",
    "IPAddress",
    "Issue",
    "LimitedAccessToken",
    "Machine",
    "MachineIP",
    "Organization",
    "Release",
    "ReleaseUnprocessed",
    "Volume",
    "VolumeSnapshot",
)
"""Types that come in pages: each has a connection and an edge of one and the same form."""
_CONNECTION = """
type {0}Connection {{ edges: [{0}Edge] nodes: [{0}] pageInfo: PageInfo! totalCount: Int! }}
type {0}Edge {{ cursor: String! node: {0} }}
"""
_LONGEST, _DEEPEST = 100_000, 60
# What clients look for [C: superfly/graphql].
_CODES = {401: "UNAUTHORIZED", 403: "UNAUTHORIZED", 404: "NOT_FOUND", 400: "INVALID_ARGUMENTS"}


def execute(call: Call, query: str, variables: dict[str, Any] | None, operation: str | None) -> Node:
    """Return `data`, `errors` or both."""
    if not call.principal.grants:
        # The text is known from a report (supabase/fly-admin issue 12), the code from the client [C].
        return {"errors": [_error("You must be authenticated to view this.", code="UNAUTHORIZED")]}
    if len(query) > _LONGEST or _depth(query) > _DEEPEST:
        return {"errors": [_error("Query is too complex", code="INVALID_ARGUMENTS")]}
    try:
        document = parse(query)
    except GraphQLError as error:
        return {"errors": [_formatted(error)]}
    invalid = validate(schema(), document)
    if invalid:
        return {"errors": [_formatted(error) for error in invalid]}
    result = execute_sync(
        schema(), document, root_value=_root(call), variable_values=variables, operation_name=operation
    )
    if result.errors:
        # Nothing at all was carried out where there is no data: a variable of the wrong type, for example.
        data: Node = {} if result.data is None else {"data": result.data}
        return data | {"errors": [_formatted(error) for error in result.errors]}
    return {"data": result.data}


@functools.cache
def schema() -> GraphQLSchema:
    """Return the schema, made once."""
    folder = resources.files("fly_mcp_emulator.graphql") / "schema"
    texts = [(folder / f"{name}.graphql").read_text(encoding="utf-8") for name in _FILES]
    return build_schema("\n".join([*texts, *(_CONNECTION.format(name) for name in CONNECTED)]))


def _root(call: Call) -> Node:
    return {
        **apps.fields(call),
        **machines.fields(call),
        **volumes.fields(call),
        **orgs.fields(call),
        **tokens.fields(call),
        **platform.fields(call),
        **releases.fields(call),
        **secrets.fields(call),
        **addresses.fields(call),
        **certificates.fields(call),
        **wireguard.fields(call),
    }


def _formatted(error: GraphQLError) -> Node:
    path = list(error.path or []) or None
    cause = error.original_error
    if isinstance(cause, FlyError):
        return _error(cause.text, path, _CODES.get(cause.status, "UNPROCESSABLE"))
    if cause is not None and not isinstance(cause, GraphQLError):
        _log.error("the emulator failed in %s", path, exc_info=cause)
        return _error("the emulator failed, see its log", path, "INTERNAL_SERVER_ERROR")
    formatted = _error(error.message, path)
    if error.locations:
        formatted["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    return formatted


def _error(message: str, path: list[Any] | None = None, code: str | None = None) -> Node:
    error: Node = {"message": message}
    if path:
        error["path"] = path
    if code:
        error["extensions"] = {"code": code}
    return error


def _depth(query: str) -> int:
    """Return how deep brackets nest: a bound before anything is parsed."""
    deepest = depth = 0
    for character in query:
        if character in "{[(":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}])":
            depth -= 1
    return deepest
