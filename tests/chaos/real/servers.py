"""Server processes, and what they answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stdio.child import PATIENCE, Child, child

Json = dict[str, Any]

#: Seconds within which every call has to be answered.
ANSWERED_WITHIN = 150.0


@dataclass(frozen=True)
class Answer:
    """What a call came to."""

    failed: bool
    content: Json

    @property
    def ending(self) -> str:
        """One of the four: done, pending, unclear, refused. Anything else is a mistake of the server's."""
        return str(self.content.get("outcome", "none of the four"))

    @property
    def code(self) -> str:
        """An error's code, else empty."""
        return str(self.content.get("code", "")) if self.failed else ""

    @property
    def done(self) -> bool:
        """Whether it says that it is done."""
        return self.ending == "done" and not self.failed

    def __str__(self) -> str:
        return f"{self.code}: {self.content.get('message')}" if self.failed else str(self.content)


class NoAnswer(Exception):
    """A call was not answered in time, or with no answer of a tool."""


@dataclass
class Server:
    """A `fly-mcp` process. `name`: its token, by which its requests are known."""

    name: str
    child: Child

    async def begin(self, tool: str, arguments: Json) -> int:
        """Call a tool without waiting for it."""
        return await self.child.ask("tools/call", {"name": tool, "arguments": arguments})

    async def reply(self, number: int) -> Json:
        """What came back for a call, which is a result.

        Raises:
            NoAnswer: nothing came, or a protocol error.
        """
        for _ in range(round(ANSWERED_WITHIN / PATIENCE)):
            try:
                await self.child.until(lambda: self.child.reply(number))
            except TimeoutError:
                continue
            except AssertionError as error:
                raise NoAnswer(str(error)) from None
            reply = self.child.reply(number)
            assert reply is not None
            if "result" not in reply:
                raise NoAnswer(f"a protocol error: {reply.get('error')}")
            return reply
        raise NoAnswer(f"no answer within {ANSWERED_WITHIN:g} s; stderr: {self.child.errors}")

    async def answer(self, number: int) -> Answer:
        """The answer to a call. Raises NoAnswer."""
        reply = await self.reply(number)
        content: Json = reply["result"].get("structuredContent") or {}
        failed = bool(reply["result"].get("isError"))
        return Answer(failed, content.get("error", {}) if failed else content)

    async def call(self, tool: str, arguments: Json) -> Answer:
        """Call a tool. Raises NoAnswer."""
        return await self.answer(await self.begin(tool, arguments))

    async def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self.child.process.kill()
        await self.child.process.wait()


@asynccontextmanager
async def started(name: str, address: str, state: Path) -> AsyncGenerator[Server]:
    """A server that has been greeted; killed at the end."""
    settings = {
        "FLY_API_TOKEN": name,
        "FLY_API_HOSTNAME": address,
        "FLY_MCP_STATE": str(state),
        "FLY_MCP_TOOLSETS": "all",  # every row is called, those too that are off unless named
    }
    async with child(settings=settings) as one:
        await one.greet()
        yield Server(name, one)
