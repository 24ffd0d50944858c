"""The tools that the conformance suite calls by name; what each has to do is the suite's."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    EmbeddedResource,
    ImageContent,
    SamplingMessage,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

from fly_mcp_server.sdk import Server

#: One red pixel, and a tenth of nothing.
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
AUDIO = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="

_Any = Context[Any, Any]

#: Keywords of JSON Schema 2020-12 that have to reach the client as they are.
_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def add(server: Server) -> None:
    """Give them to the server."""
    for tool in (
        test_simple_text,
        test_image_content,
        test_audio_content,
        test_embedded_resource,
        test_multiple_content_types,
        test_tool_with_progress,
        test_tool_with_logging,
        test_sampling,
        test_elicitation,
        test_error_handling,
        test_x_mcp_header,
        test_missing_capability,
        json_schema_2020_12_tool,
    ):
        server.add_tool(tool)
    made = server._tool_manager.get_tool("json_schema_2020_12_tool")  # pyright: ignore[reportPrivateUsage]  # decorators take no schema
    assert made is not None
    made.parameters = _SCHEMA


def test_simple_text() -> str:
    """Text."""
    return "This is a simple text response for testing."


def test_image_content() -> list[ImageContent]:
    """An image."""
    return [ImageContent(type="image", data=IMAGE, mime_type="image/png")]


def test_audio_content() -> list[AudioContent]:
    """A sound."""
    return [AudioContent(type="audio", data=AUDIO, mime_type="audio/wav")]


def _resource(uri: str, mime: str, text: str) -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime, text=text)
    return EmbeddedResource(type="resource", resource=contents)


def test_embedded_resource() -> list[EmbeddedResource]:
    """A resource in the answer."""
    return [_resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Three kinds at once."""
    return [
        TextContent(type="text", text="Multiple content types test:"),
        ImageContent(type="image", data=IMAGE, mime_type="image/png"),
        _resource("test://mixed-content-resource", "application/json", '{"test": "data", "value": 123}'),
    ]


async def test_tool_with_progress(ctx: _Any) -> str:
    """Three notifications of progress."""
    for done in (0, 50, 100):
        await ctx.report_progress(progress=done, total=100, message=f"Completed step {done} of 100")
    return "done"


async def test_tool_with_logging(ctx: _Any) -> str:
    """Three notifications of the protocol's own log, which is deprecated."""
    for words in ("started", "processing", "completed"):
        await ctx.info(f"Tool {words}")  # pyright: ignore[reportDeprecated]  # the suite asks for it
    return "done"


async def test_sampling(prompt: str, ctx: _Any) -> str:
    """Asks the client's model: over stateless HTTP it cannot."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    await ctx.session.create_message(messages=[message], max_tokens=50)  # pyright: ignore[reportDeprecated]  # the suite's
    return "asked"


async def test_elicitation(message: str, ctx: _Any) -> str:
    """Asks the client's user: over stateless HTTP it cannot."""
    await ctx.elicit(message, _Answer)
    return "asked"


class _Answer(BaseModel):
    response: str


def test_error_handling() -> str:
    """Fails."""
    raise RuntimeError("This tool intentionally returns an error for testing")


def test_x_mcp_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "none",  # noqa: PT028 - no test
) -> str:
    """Has a parameter that a header repeats."""
    return f"region={region}"


async def test_missing_capability(ctx: _Any) -> str:
    """Needs a client that can sample."""
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool requires the client 'sampling' capability",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return "the client can sample"


def json_schema_2020_12_tool() -> str:
    """Is listed with a schema of its own."""
    return "json_schema_2020_12_tool"
