"""What the tools cost a model in every conversation, in o200k tokens."""

from __future__ import annotations

import json

import pytest

from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.describe import description
from fly_mcp_tools.schema import input_schema


@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # its own, when imported
def test_the_tool_list_stays_within_3200_tokens() -> None:
    """The issue: 23 tools in at most 3,200 tokens, counted over name, description and input schema."""
    import bpe_openai  # type: ignore[import-untyped]  # it carries no types

    encoding = bpe_openai.get_encoding("o200k_base")
    texts = [
        json.dumps(
            {"name": action.name, "description": description(action), "inputSchema": input_schema(action)},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for action in ACTIONS.values()
    ]
    assert sum(len(encoding.encode(text)) for text in texts) <= 3200
