"""What a handler returns, and how it goes on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from starlette.responses import Response


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `body` is JSON; None sends no body at all (202 and 204)."""

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    text: str | None = None
    """Plain text instead of JSON."""

    def response(self) -> Response:
        """Return it as Starlette sends it."""
        if self.text is not None:
            return Response(self.text, self.status, self.headers, media_type="text/plain")
        if self.body is None:
            return Response(b"", self.status, self.headers)
        content = json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        # Fly's JSON has a charset; clients must not compare the content type for equality.
        headers = self.headers | {"content-type": "application/json; charset=utf-8"}
        return Response(content, self.status, headers)


OK = Answer({"ok": True})
"""What calls answer that have nothing to say (reference 4.3)."""
