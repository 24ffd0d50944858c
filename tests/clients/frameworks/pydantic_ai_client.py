"""pydantic-ai, on the newer client generation: list, call, be refused, and ask a human.

`python pydantic_ai_client.py stdio`, or `http`, or `sse`.
"""

import asyncio
import os
import sys

from fastmcp.client import Client
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import ToolError
from pydantic_ai.mcp import MCPToolset

URL = os.environ.get("FLY_MCP_URL", "http://127.0.0.1:8000")
HEADERS = {"Authorization": f"Bearer {os.environ.get('FLY_MCP_TOKEN', '')}"}
TRANSPORTS = {
    "stdio": StdioTransport("fly-mcp", [], env=dict(os.environ)),
    "http": StreamableHttpTransport(f"{URL}/mcp", headers=HEADERS),
    "sse": SSETransport(f"{URL}/sse", headers=HEADERS),
}
MACHINE = {"appName": "catvet-records", "machineId": "7846e45f27e218"}


async def approve(message, response_type, params, context):
    """Where a rule says `ask`: show the question to your user. This one says yes to everything."""
    print("asked:", message.splitlines()[3])
    return {"approve": True}


async def main(over):
    """The toolset goes to an agent: Agent("...", toolsets=[fly])."""
    fly = MCPToolset(Client(TRANSPORTS[over], elicitation_handler=approve), tool_error_behavior="error")
    async with fly:
        print("tools:", len(await fly.list_tools()))

        answer = await fly.direct_call_tool("flyListMachines", {"appName": "catvet-records"})
        print("machines:", answer["machines"][0]["id"])

        for name in ("flyDeleteMachine", "flyRestartMachine"):
            try:
                print(f"{name}:", (await fly.direct_call_tool(name, MACHINE))["outcome"])
            except ToolError as error:  # an agent's toolset tells the model instead of raising
                print(f"{name}:", str(error)[:60])


asyncio.run(main(sys.argv[1]))
