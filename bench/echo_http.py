"""What a call over HTTP costs without us: the SDK's echo tool on the same transport, with the same switches."""

from __future__ import annotations

import sys
from typing import Any

from mcp.server import MCPServer

server = MCPServer[Any]("echo")


@server.tool()
def echo(text: str) -> str:
    """Give the text back."""
    return text


if __name__ == "__main__":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]), stateless_http=True)
