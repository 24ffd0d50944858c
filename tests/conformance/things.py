"""The resources, prompts and completions that the suite asks for; our own server has none of them."""

from __future__ import annotations

import base64
import json
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    EmbeddedResource,
    ImageContent,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)

from fly_mcp_server.sdk import Server

from .tools import IMAGE


def add(server: Server) -> None:
    """Give them to the server."""
    server.resource("test://static-text")(_text)
    server.resource("test://static-binary")(_binary)
    server.resource("test://template/{id}/data")(_template)
    server.resource("test://watched-resource")(_text)
    for prompt in (
        test_simple_prompt,
        test_prompt_with_arguments,
        test_prompt_with_embedded_resource,
        test_prompt_with_image,
    ):
        server.add_prompt(Prompt.from_function(prompt))
    server.completion()(_complete)  # type: ignore[no-untyped-call]  # the SDK has not annotated it
    server.add_tool(test_trigger_tool_change)
    server.add_tool(test_trigger_prompt_change)


async def test_trigger_tool_change(ctx: Context[Any, Any]) -> str:
    """Says that the list of tools has changed."""
    await ctx.notify_tools_changed()
    return "tool list changed"


async def test_trigger_prompt_change(ctx: Context[Any, Any]) -> str:
    """Says that the list of prompts has changed."""
    await ctx.notify_prompts_changed()
    return "prompt list changed"


def _text() -> str:
    return "This is the content of the static text resource."


def _binary() -> bytes:
    return base64.b64decode(IMAGE)


def _template(id: str) -> str:  # noqa: A002 - the template's own word
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _says(text: str) -> UserMessage:
    return UserMessage(TextContent(type="text", text=text))


def test_simple_prompt() -> list[UserMessage]:
    """Without arguments."""
    return [_says("This is a simple prompt for testing.")]


def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    """With two."""
    return [_says(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - the suite's word
    """With a resource in it."""
    contents = TextResourceContents(uri=resourceUri, mime_type="text/plain", text="Embedded for testing.")
    return [
        UserMessage(EmbeddedResource(type="resource", resource=contents)),
        _says("Please process the embedded resource above."),
    ]


def test_prompt_with_image() -> list[UserMessage]:
    """With an image in it."""
    image = ImageContent(type="image", data=IMAGE, mime_type="image/png")
    return [UserMessage(image), _says("Please analyze the image above.")]


async def _complete(
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> Completion:
    return Completion(values=[], total=0, has_more=False)
