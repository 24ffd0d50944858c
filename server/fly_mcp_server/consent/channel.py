"""How the human behind a request is reached.

In the newest protocol a server cannot send requests: the answer to the call is a question, and the client calls
again with the human's answer. Before that, over a connection that goes both ways, the server asks while the call
waits. Over stateless HTTP an older client can be asked in neither way, and some clients ask nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from .question import FORM

#: Under which the question is asked and answered; the server's to choose.
_CONSENT = "consent"


class Way(Enum):
    """How to ask."""

    ROUNDS = "the client calls again with the answer"
    REQUEST = "the server asks while the call waits"
    NONE = "not at all"


class NotAsked(Exception):
    """The client did not put the question; the text says why, in our words."""


@dataclass(frozen=True)
class Channel:
    """The way to the human behind one request. `why`: where there is none."""

    way: Way
    why: str
    context: Context[Any, Any]

    @property
    def state(self) -> str | None:
        """What came back of the question that was put, opened; None in the first round."""
        return self.context.request_state

    @property
    def answer(self) -> ElicitResult | None:
        """The human's answer that came with it."""
        found = (self.context.input_responses or {}).get(_CONSENT)
        return found if isinstance(found, ElicitResult) else None

    def question(self, text: str, state: str) -> InputRequiredResult:
        """The result that makes the client ask, and call again."""
        form = ElicitRequest(params=ElicitRequestFormParams(message=text, requested_schema=FORM))
        return InputRequiredResult(input_requests={_CONSENT: form}, request_state=state)

    async def request(self, text: str) -> ElicitResult:
        """Ask now, and wait for the answer.

        Raises:
            NotAsked: the client refuses to ask, or answers nonsense.
        """
        try:
            session: ServerSession = self.context.session
            return await session.elicit_form(text, FORM, self.context.request_id)
        except MCPError:
            raise NotAsked("the client refused to put the question to its user") from None
        except ValidationError:
            raise NotAsked("what the client answered is no answer to a question") from None


def to_human(context: Context[Any, Any]) -> Channel:
    """The way to the human behind this request."""
    way, why = _way(context)
    return Channel(way, why, context)


def _way(context: Context[Any, Any]) -> tuple[Way, str]:
    modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    if not modern and not context.session.can_send_request:
        return Way.NONE, "over this transport a client of the older protocol cannot be asked"
    capabilities = context.client_capabilities
    asks = capabilities.elicitation if capabilities else None
    if asks is None:
        return Way.NONE, "the client does not say that it can put questions to its user"
    if asks.form is None and asks.url is not None:
        return Way.NONE, "the client can send its user to a page, and cannot put a question to them"
    return (Way.ROUNDS if modern else Way.REQUEST), ""
