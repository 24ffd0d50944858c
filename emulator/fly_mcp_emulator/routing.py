"""Rows of the API: one list, from which requests are matched and coverage is reported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from .answer import Answer
from .call import Call
from .errors import Shape
from .tokens import Access

Handler = Callable[[Call], Answer | Awaitable[Answer]]
Rate = Literal["standard", "get_machine", "delete_app", "none"]
Source = Literal["client", "document", "docs", "report", "inferred"]
"""Where knowledge of Fly's behaviour is from: the code of its own clients, its OpenAPI document, its docs, what
others have recorded or reported, or our conclusions from those."""


@dataclass(frozen=True)
class Endpoint:
    """One operation of Fly's API."""

    method: str
    path: str
    """A template: `/v1/apps/{app}/machines/{id}`."""
    handler: Handler
    access: Access | None = None
    """What the token must be allowed to do; None: the handler asks, or the call is public."""
    public: bool = False
    """No token needed at all."""
    shape: Shape = "error"
    """Which of the two services answers it, and so in which shape it refuses."""
    rate: Rate = "standard"
    sure: tuple[Source, ...] = ()
    """What it is modelled after."""
    lacks: str = ""
    """What of Fly's behaviour is not modelled; empty: nothing that is known."""

    @property
    def segments(self) -> tuple[str, ...]:
        """The template's parts."""
        return tuple(self.path.split("/")[1:])


@dataclass(frozen=True)
class Match:
    """An endpoint and what its template's names stand for in a request."""

    endpoint: Endpoint
    params: dict[str, str]


class Router:
    """Finds the endpoint of a request, by method and segments of the undecoded path.

    Segments are cut before they are decoded, so that `%2F` in a metadata key stays inside its segment.
    """

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self._rows: dict[tuple[str, int], list[Endpoint]] = {}
        for endpoint in endpoints:
            self._rows.setdefault((endpoint.method, len(endpoint.segments)), []).append(endpoint)
        for rows in self._rows.values():
            # `/certificates/acme` before `/certificates/{hostname}`.
            rows.sort(key=lambda row: [part.startswith("{") for part in row.segments])

    def match(self, method: str, raw_path: str) -> Match | None:
        """Return the endpoint for a request, None when there is no such route."""
        parts = raw_path.split("/")[1:]
        for endpoint in self._rows.get((method, len(parts)), ()):
            params: dict[str, str] = {}
            for template, part in zip(endpoint.segments, parts, strict=True):
                if template.startswith("{"):
                    if not part:
                        break
                    params[template[1:-1]] = unquote(part)
                elif template != part:
                    break
            else:
                return Match(endpoint, params)
        return None
