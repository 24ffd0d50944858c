"""What start-up and a call cost without us: the SDK's own server with one tool."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer

server = MCPServer[Any]("bare")


@server.tool()
def echo(text: str) -> str:
    """Give the text back."""
    return text


if __name__ == "__main__":
    server.run("stdio")
