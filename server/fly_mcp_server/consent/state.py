"""What the client carries from the question to the answer, and what binds it to that one call.

The client gets it encrypted (`sealing`). Inside are digests, not the things themselves: the arguments may hold
secrets, and the facts would make it long. They are keyed with a value of the question's own, so that equal
arguments of two questions look different even to whoever can read both.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from fly_mcp_tools.chance import Random

Parts = Mapping[str, JsonValue]
"""Facts by what they are about: app, machine, volume, loss."""


class Question(BaseModel):
    """A question that was put. `until`: seconds since the epoch from which an answer is too late."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    number: str
    key: str
    agent: str
    action: str
    arguments: str
    facts: dict[str, str]
    until: float

    @classmethod
    def put(
        cls, rng: Random, *, agent: str, action: str, arguments: JsonValue, facts: Parts, until: float
    ) -> Self:
        """A new question about exactly this."""
        key = rng.randbytes(32).hex()
        return cls(
            number=rng.randbytes(16).hex(),
            key=key,
            agent=agent,
            action=action,
            arguments=_digest(key, arguments),
            facts={part: _digest(key, value) for part, value in facts.items()},
            until=until,
        )

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The question from what `text` says; None where that is none of ours."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None

    def text(self) -> str:
        """It as text, to be sealed."""
        return self.model_dump_json()

    def is_about(self, agent: str, action: str, arguments: JsonValue) -> bool:
        """Whether it was put for this call."""
        same = hmac.compare_digest(self.arguments, _digest(self.key, arguments))
        return same and self.agent == agent and self.action == action

    def differs(self, facts: Parts) -> list[str]:
        """The parts that are no longer as they were shown."""
        names = [*facts, *(part for part in self.facts if part not in facts)]
        return [
            part
            for part in names
            if part not in facts
            or not hmac.compare_digest(self.facts.get(part, ""), _digest(self.key, facts[part]))
        ]


def _digest(key: str, value: JsonValue) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()
