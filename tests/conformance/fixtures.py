"""A server with the suite's fixtures in the very app that agents get: `python -m tests.conformance.fixtures PORT`.

It serves on loopback and says where on stdout. Nobody is asked for a token, since the suite has
none.
"""

from __future__ import annotations

import sys

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import RequestStateSecurity
from mcp_types import Tool

from fly_mcp_server.activity import Activity
from fly_mcp_server.http.app import Parts, application
from fly_mcp_server.http.doors import allowed
from fly_mcp_server.http.limits import Limits
from fly_mcp_server.http.serving import Ending, Served, listen, serve
from fly_mcp_server.http.work import Work
from fly_mcp_server.sdk import Server
from fly_mcp_tools.clock import SystemClock

from . import rounds, things, tools


class Fixtures(Server):
    """Our server without Fly behind it: all callers are the same."""

    async def list_tools(self) -> list[Tool]:
        """All of them."""
        return await MCPServer.list_tools(self)


def fixtures() -> Server:
    """The server that the suite wants to find."""
    server = Fixtures(
        "fly-mcp-conformance", version="1", request_state_security=RequestStateSecurity(keys=["k" * 32])
    )
    for part in (tools, rounds, things):
        part.add(server)
    return server


async def main(port: int) -> int:
    """Serve until a signal comes."""
    limits, work = Limits(), Work()
    # The suite tries whether a page of this very server is answered.
    security = allowed(origins=[f"http://127.0.0.1:{port}"])
    parts = Parts(clock=SystemClock(), verifier=None, security=security, limits=limits)
    served = Served(application(fixtures(), parts, work), listen("127.0.0.1", port), limits, ())

    def started(host: str, port: int) -> None:
        sys.stdout.write(f"serving on http://{host}:{port}/mcp\n")
        sys.stdout.flush()

    return await serve(served, Ending(work, (), Activity(), limits), (), started)


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1])))
