"""GraphQL for the tests of the emulator: what a client sends, and what it makes of the answer."""

from __future__ import annotations

from typing import Any

import httpx2

GRAPHQL = "http://fly.test/graphql"


async def ask(http: httpx2.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """Send a document; the whole answer, which has to be HTTP 200 (reference 8.2)."""
    answer = await http.post(GRAPHQL, json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


async def data(http: httpx2.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """Send a document in which nothing may go wrong; its data."""
    whole = await ask(http, query, **variables)
    assert "errors" not in whole, whole
    found: dict[str, Any] = whole["data"]
    return found


async def error(http: httpx2.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """Send a document in which one thing goes wrong; that error."""
    whole = await ask(http, query, **variables)
    errors: list[dict[str, Any]] = whole["errors"]
    (first,) = errors
    return first
