"""A rule: which requests a fault befalls, and which fault."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_LONGEST_PATTERN = 500
_TEMPLATE = re.compile(r"\{[A-Za-z_]+\}")

FaultKind = Literal[
    "answer",
    "rate_limited",
    "rate_limited_retry_after",
    "internal_error",
    "internal_error_after",
    "bad_gateway",
    "bad_gateway_after",
    "unavailable",
    "unavailable_after",
    "gateway_timeout",
    "gateway_timeout_after",
    "html",
    "reset_before",
    "reset_after",
    "cut_body",
    "slow",
    "late",
    "create_timeout",
    "exec_timeout",
    "lease_held",
    "no_capacity",
    "missing_image",
    "crash_at_boot",
    "out_of_memory",
    "failing_check",
    "unreachable_host",
    "expired_certificate",
    "app_hidden",
    "machine_hidden",
    "still_active",
]
"""The rows of `kinds.KINDS`, by name."""


class FaultRule(BaseModel):
    """One rule. All conditions that are given must hold; at most one fault strikes a request."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    kind: FaultKind = "answer"
    """What goes wrong."""
    name: str = ""
    """What the request log calls it; made up when empty."""

    method: str | None = None
    """`GET`, `POST` ...; null matches all."""
    path: str | None = Field(default=None, max_length=_LONGEST_PATTERN)
    """A template with names in braces (`/v1/apps/{app}/machines`), for just that endpoint; else a regular
    expression, searched in the decoded path."""
    app: str | None = None
    """The app in the path."""
    machine: str | None = None
    """The id of the machine in the path."""
    region: str | None = None
    """The region asked for by a create, or of the machine or volume in the path."""
    nth: int | None = Field(default=None, ge=1)
    """Only the n-th request that matches, from 1."""
    every: int | None = Field(default=None, ge=1)
    """Only each n-th request that matches."""
    times: int | None = Field(default=None, ge=1)
    """At most so many times; null is for ever."""
    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    """Rolled for each request that matches, with dice of the rule's own."""
    seed: int | None = None
    """Decides the dice; null takes the emulator's seed and the rule's place in the list."""

    seconds: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """How long; what it measures and what null means is in the list of kinds."""
    latency: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    """Seconds to wait before anything else, with any kind."""
    status: int | None = Field(default=None, ge=200, le=599)
    """For `answer` and `html`: answer with this status. Null for `answer`: Fly's own answer."""
    error: str | None = None
    """For `answer`: the text in Fly's error shape; made up from the status when null."""
    body: str | None = None
    """For `answer`: the raw body instead, whatever it is: HTML, half a JSON, nothing."""
    headers: dict[str, str] = {}
    """For `answer`: headers of the answer."""
    after: bool = False
    """For `answer`: the request is carried out first, and only its answer is replaced."""

    @field_validator("path")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None and not _TEMPLATE.search(pattern):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"neither a template nor a regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        from .kinds import KINDS  # the rows know this class

        takes = KINDS[self.kind].takes
        for name in ("seconds", "status", "error", "body", "headers", "after"):
            if name in self.model_fields_set and name not in takes:
                raise ValueError(f"{name}: has no meaning for the kind {self.kind}")
        return self

    def on_path(self, path: str, template: str) -> bool:
        """Tell whether a request is meant: its decoded path, and the template it was routed by ("": none)."""
        if self.path is None:
            return True
        if _TEMPLATE.search(self.path):
            return unnamed(self.path) == unnamed(template)
        return re.search(self.path, path) is not None


def unnamed(template: str) -> str:
    """Return a template without the names in its braces: documents differ in them."""
    return _TEMPLATE.sub("{}", template)
