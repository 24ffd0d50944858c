"""What a model pays for: o200k tokens of the tool list and of answers, as they stand on the wire."""

from __future__ import annotations

import json
from typing import Any

import bpe_openai  # type: ignore[import-untyped]  # it carries no types

_ENCODING = bpe_openai.get_encoding("o200k_base")


def count(value: object) -> int:
    """Tokens of a JSON value, written compactly; of a text, as it is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(_ENCODING.encode(text))


def of_tools(tools: list[dict[str, Any]]) -> dict[str, int]:
    """Tokens of each tool: what hosts hand to a model, which is name, description and input schema."""
    return {
        tool["name"]: count({key: tool[key] for key in ("name", "description", "inputSchema")})
        for tool in tools
    }
