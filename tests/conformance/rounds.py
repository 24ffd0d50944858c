"""The tools and the prompt by which the suite tries the multi-round form: an answer that is a question."""

from __future__ import annotations

import json
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

from fly_mcp_server.sdk import Server

_Any = Context[Any, Any]


def add(server: Server) -> None:
    """Give them to the server."""
    for tool in (
        test_input_required_result_elicitation,
        test_input_required_result_sampling,
        test_input_required_result_list_roots,
        test_input_required_result_request_state,
        test_input_required_result_multiple_inputs,
        test_input_required_result_multi_round,
        test_input_required_result_tampered_state,
        test_input_required_result_capabilities,
    ):
        server.add_tool(tool)
    server.add_prompt(Prompt.from_function(test_input_required_result_prompt))


def _ask(message: str, **properties: str) -> ElicitRequest:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(words: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=words))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=50))


def _said(ctx: _Any, name: str, field: str) -> Any:
    """What the human wrote into a field; None where that question was not answered."""
    answer = (ctx.input_responses or {}).get(name)
    return answer.content.get(field, "?") if isinstance(answer, ElicitResult) and answer.content else None


async def test_input_required_result_elicitation(ctx: _Any) -> str | InputRequiredResult:
    """Asks for a name."""
    name = _said(ctx, "user_name", "name")
    if name is None:
        return InputRequiredResult(input_requests={"user_name": _ask("What is your name?", name="string")})
    return f"Hello, {name}!"


async def test_input_required_result_sampling(ctx: _Any) -> str | InputRequiredResult:
    """Asks the client's model."""
    answer = (ctx.input_responses or {}).get("capital_question")
    if isinstance(answer, CreateMessageResult) and isinstance(answer.content, TextContent):
        return f"Model said: {answer.content.text}"
    return InputRequiredResult(input_requests={"capital_question": _sample("What is the capital of France?")})


async def test_input_required_result_list_roots(ctx: _Any) -> str | InputRequiredResult:
    """Asks for the roots."""
    answer = (ctx.input_responses or {}).get("client_roots")
    if isinstance(answer, ListRootsResult):
        return f"Client exposed {len(answer.roots)} root(s)."
    return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})


async def test_input_required_result_request_state(ctx: _Any) -> str | InputRequiredResult:
    """Keeps something while it asks."""
    if _said(ctx, "confirm", "ok") is not None and ctx.request_state == "kept":
        return "state-ok: confirmation received"
    return InputRequiredResult(
        input_requests={"confirm": _ask("Please confirm", ok="boolean")}, request_state="kept"
    )


async def test_input_required_result_multiple_inputs(ctx: _Any) -> str | InputRequiredResult:
    """Asks three things at once."""
    wanted: dict[str, InputRequest] = {
        "user_name": _ask("What is your name?", name="string"),
        "greeting": _sample("Generate a greeting"),
        "client_roots": ListRootsRequest(),
    }
    if wanted.keys() <= (ctx.input_responses or {}).keys():
        return "All inputs received."
    return InputRequiredResult(input_requests=wanted, request_state="asked")


async def test_input_required_result_multi_round(ctx: _Any) -> str | InputRequiredResult:
    """Asks twice, and remembers between."""
    kept: dict[str, Any] = json.loads(ctx.request_state) if ctx.request_state else {"round": 0}
    if kept["round"] == 2 and (color := _said(ctx, "step2", "color")) is not None:
        return f"{kept['name']} likes {color}."
    if kept["round"] == 1 and (name := _said(ctx, "step1", "name")) is not None:
        return InputRequiredResult(
            input_requests={"step2": _ask("Step 2: What is your favorite color?", color="string")},
            request_state=json.dumps({"round": 2, "name": name}),
        )
    return InputRequiredResult(
        input_requests={"step1": _ask("Step 1: What is your name?", name="string")},
        request_state=json.dumps({"round": 1}),
    )


async def test_input_required_result_tampered_state(ctx: _Any) -> str | InputRequiredResult:
    """Gets back what it gave, or the SDK refuses."""
    if ctx.request_state is not None:
        return f"state-ok: {ctx.request_state}"
    return InputRequiredResult(
        input_requests={"confirm": _ask("Please confirm", ok="boolean")}, request_state="round-1"
    )


async def test_input_required_result_capabilities(ctx: _Any) -> InputRequiredResult:
    """Asks only what the client says it can be asked."""
    can = ctx.client_capabilities
    requests: dict[str, InputRequest] = {}
    if can is None or can.sampling is not None:
        requests["sample"] = _sample("Say hello")
    if can is None or can.elicitation is not None:
        requests["ask"] = _ask("What is your name?", name="string")
    return InputRequiredResult(input_requests=requests, request_state="asked")


async def test_input_required_result_prompt(ctx: _Any) -> list[UserMessage] | InputRequiredResult:
    """A prompt that asks."""
    context = _said(ctx, "user_context", "context")
    if context is None:
        question = _ask("What context should the prompt use?", context="string")
        return InputRequiredResult(input_requests={"user_context": question})
    return [UserMessage(TextContent(type="text", text=f"Use the following context: {context}"))]
