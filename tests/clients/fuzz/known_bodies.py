"""Hooks for schemathesis: words that must be known get one that is, so that the rest of a body is looked at too."""

from __future__ import annotations

import importlib
from typing import Any

# Not installed where the project is checked.
schemathesis: Any = importlib.import_module("schemathesis")

_KNOWN = {
    "image": "nginx",
    "region": "fra",
    "org_slug": "personal",
    "hostname": "shop.example.com",
    "app_name": "fuzzed-app",
    "cpu_kind": "shared",
}


def _settle(value: object) -> None:
    if isinstance(value, list):
        for item in value:
            _settle(item)
    if isinstance(value, dict):
        for key, item in value.items():
            # What is not even a string is malformed on purpose.
            if key in _KNOWN and isinstance(item, str):
                value[key] = _KNOWN[key]
            else:
                _settle(item)


@schemathesis.hook
def map_body(_context: object, body: object) -> object:
    """Put known words into a body, in place."""
    _settle(body)
    return body
