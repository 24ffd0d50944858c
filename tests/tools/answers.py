"""Answers of Fly, decoded without a client."""

from __future__ import annotations

import pytest

from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.decode import Answer, RawAnswer, decode
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import (
    FlyError,
)
from fly_mcp_tools.request import build_request
from tests.tools.fakes import CANARY, ids_for

NOW = 1_780_000_000.0


def read(endpoint: Endpoint, status: int, body: bytes | str = b"", **headers: str) -> Answer:
    """Decode an answer to a good request to `endpoint`; header names with `_` for `-`."""
    raw = RawAnswer(
        status,
        {"fly-request-id": "01REQ-fra"} | {k.replace("_", "-"): v for k, v in headers.items()},
        body if isinstance(body, bytes) else body.encode(),
    )
    redact = Credentials(CANARY).redact
    return decode(build_request(endpoint, ids_for(endpoint)), raw, now=NOW, redact=redact)


def refused(endpoint: Endpoint, status: int, body: bytes | str = b"", **headers: str) -> FlyError:
    """The error that an answer becomes."""
    with pytest.raises(FlyError) as caught:
        read(endpoint, status, body, **headers)
    return caught.value
