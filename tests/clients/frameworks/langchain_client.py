"""langchain-mcp-adapters, on the older client generation: list, call, be refused, and ask a human.

`python langchain_client.py stdio`, or `http`, or `sse`.
"""

import asyncio
import json
import os
import sys

from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp.types import ElicitResult

URL = os.environ.get("FLY_MCP_URL", "http://127.0.0.1:8000")
HEADERS = {"Authorization": f"Bearer {os.environ.get('FLY_MCP_TOKEN', '')}"}
CONNECTIONS = {
    "stdio": {"transport": "stdio", "command": "fly-mcp", "args": [], "env": dict(os.environ)},
    "http": {"transport": "streamable_http", "url": f"{URL}/mcp", "headers": HEADERS},
    "sse": {"transport": "sse", "url": f"{URL}/sse", "headers": HEADERS},
}
MACHINE = {"appName": "catvet-records", "machineId": "7846e45f27e218"}


async def approve(context, params, where):
    """Where a rule says `ask`: show the question to your user. This one says yes to everything."""
    print("asked:", params.message.splitlines()[3])
    return ElicitResult(action="accept", content={"approve": True})


async def main(over):
    """The tools are LangChain tools, for any agent of LangGraph's."""
    client = MultiServerMCPClient({"fly": CONNECTIONS[over]}, callbacks=Callbacks(on_elicitation=approve))
    tools = {tool.name: tool for tool in await client.get_tools()}
    print("tools:", len(tools))

    content = await tools["flyListMachines"].ainvoke({"appName": "catvet-records"})
    print("machines:", json.loads(content[0]["text"])["machines"][0]["id"])

    for name in ("flyDeleteMachine", "flyRestartMachine"):
        content = await tools[name].ainvoke(MACHINE)  # a refusal is told to the model like any answer
        print(f"{name}:", content[0]["text"][:60])


asyncio.run(main(sys.argv[1]))
