"""The log of requests: what tests and evaluations judge by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

NOBODY = "none"
"""What the log calls a request without a token."""


@dataclass
class RequestRecord:
    """One request. Written when it arrives; `status` is 0 until it is answered.

    It stays 0 when the connection is dropped before the answer.
    """

    method: str
    path: str
    """Decoded."""
    query: str
    at: float
    """Epoch seconds of the emulator's clock."""
    request_id: str
    token: str = NOBODY
    """The name of the kind of token, never the token: `any`, `none`, `invalid`, or a fixed token's name."""
    status: int = 0
    raw_path: str = ""
    """As it was sent, undecoded."""
    endpoint: str = ""
    """The template of the route it matched; empty for none."""
    fault: str = ""
    """The name of the fault rule that struck."""
    fault_kind: str = ""
    """Its kind."""
    world_status: int = 0
    """What the world answered, whatever the caller got: 0 when the request was not carried out."""

    def as_json(self) -> dict[str, Any]:
        """Return it as `GET /_emulator/requests` shows it."""
        return asdict(self)
