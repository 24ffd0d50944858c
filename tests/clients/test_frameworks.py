"""docs/clients.md: the programs are the ones that run, and the entries reach a server (issue 6, section 5)."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.clients.frameworks.__main__ import DOCS, PROGRAMS, TRANSPORTS, code_of, expected
from tests.docs.checkout import blocks
from tests.http.place import opened

SERVER = "https://fly.example.com"
#: How each client writes "the token": from its environment, or from what it asked its user.
TOKENS = ("${FLY_MCP_TOKEN}", "${env:FLY_MCP_TOKEN}", "${input:fly-token}")


def entries() -> list[dict[str, Any]]:
    """The `fly` entry of each JSON block."""
    found = [json.loads(text) for text in blocks(DOCS, "json")]
    return [(one.get("mcpServers") or one["servers"])["fly"] for one in found]


def test_the_programs_that_are_shown_are_those_that_run() -> None:
    """To the letter; `make test-clients` runs the files, and holds what they print against what is shown."""
    assert blocks(DOCS, "python") == [code_of(program) for program in PROGRAMS]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_a_program_prints_is_shown(program: str, transport: str) -> None:
    """Whether a human can be asked depends on the transport."""
    shown = expected(program, transport)
    assert ("asked: " in shown) is (transport in PROGRAMS[program])


@pytest.mark.parametrize("entry", entries(), ids=("claude-code", "cursor", "vs-code"))
async def test_an_entry_reaches_a_server(entry: dict[str, Any]) -> None:
    """Its address and its header, with a real token in the place of the client's own way to write it."""
    (header,) = entry["headers"].items()
    name, value = header
    assert any(token in value for token in TOKENS)
    for token in TOKENS:
        value = value.replace(token, "token-of-alice")
    assert entry["url"].startswith(SERVER)
    async with opened() as place, httpx2.AsyncClient(headers={name: value}, timeout=1000) as http:
        where: Any = streamable_http_client(entry["url"].replace(SERVER, place.url), http_client=http)
        async with Client(where) as client:
            assert (await client.list_tools()).tools


def test_the_command_line_of_claude_code_has_the_same_address_and_header() -> None:
    """The shell fills in the token there."""
    (command,) = blocks(DOCS, "sh")
    assert f"{SERVER}/mcp" in command
    assert '--header "Authorization: Bearer $FLY_MCP_TOKEN"' in command
