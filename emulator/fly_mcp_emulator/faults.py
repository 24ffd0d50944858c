"""Faults by rule: what goes wrong, when, and how often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from .ids import Ids

_LONGEST_PATTERN = 500


class FaultRule(BaseModel):
    """One rule. All conditions that are given must hold; at most one fault strikes a request."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: str = ""
    """What the request log calls it; made up when empty."""
    method: str | None = None
    """`GET`, `POST` ...; None matches all."""
    path: str | None = Field(default=None, max_length=_LONGEST_PATTERN)
    """A regular expression, searched in the decoded path."""
    nth: int | None = Field(default=None, ge=1)
    """Only the n-th matching request, from 1."""
    times: int | None = Field(default=None, ge=1)
    """At most so many times; None is for ever."""
    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    """Rolled with the emulator's own dice, which its seed decides."""

    latency: float = Field(default=0.0, ge=0.0)
    """Seconds to wait before anything else. Alone it is the whole fault."""
    status: int | None = Field(default=None, ge=200, le=599)
    """Answer with this status instead of Fly's answer."""
    error: str | None = None
    """The text for Fly's error shape; made up from the status when there is neither this nor `body`."""
    body: str | None = None
    """The raw body instead, whatever it is: HTML, half a JSON, nothing."""
    headers: dict[str, str] = {}
    after: bool = False
    """True: the request is carried out first, and only its answer is replaced."""

    @field_validator("path")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return pattern


@dataclass
class _Armed:
    rule: FaultRule
    seen: int = 0
    struck: int = 0


class Faults:
    """The rules in force, in the order they were given."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._armed: list[_Armed] = []
        self._made = 0
        self._dice = Ids(seed, stream="faults")

    def add(self, rule: FaultRule) -> FaultRule:
        """Put a rule in force and return it, named."""
        self._made += 1
        named = rule.model_copy(update={"name": rule.name or f"fault-{self._made}"})
        self._armed.append(_Armed(named))
        return named

    def clear(self) -> None:
        """Drop all rules, and begin the dice anew."""
        self._armed.clear()
        self._dice = Ids(self._seed, stream="faults")

    def report(self) -> list[dict[str, Any]]:
        """Return the rules with how often they matched and struck."""
        return [
            armed.rule.model_dump(exclude_defaults=True) | {"seen": armed.seen, "struck": armed.struck}
            for armed in self._armed
        ]

    def strike(self, method: str, path: str) -> FaultRule | None:
        """Return the first rule that strikes this request, and count it."""
        struck: FaultRule | None = None
        for armed in self._armed:
            rule = armed.rule
            if rule.method is not None and rule.method.upper() != method:
                continue
            if rule.path is not None and re.search(rule.path, path) is None:
                continue
            armed.seen += 1
            if struck is not None or (rule.nth is not None and armed.seen != rule.nth):
                continue
            if rule.times is not None and armed.struck >= rule.times:
                continue
            if rule.probability < 1.0 and self._dice.chance() >= rule.probability:
                continue
            armed.struck += 1
            struck = rule
        return struck
