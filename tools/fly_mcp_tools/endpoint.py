"""One call of Fly's REST API, as data.

Actions are what an agent sees; endpoints are what leaves the process. An action lists the endpoints it
may send, and the client sends nothing else for it: that is how a READ action is known to write nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Limit:
    """Fly's published rate: `per_second` on average, `burst` at once."""

    per_second: float
    burst: int


class Rate(Enum):
    """The buckets Fly publishes. Each is kept per action and per identifier (machine, else app)."""

    STANDARD = Limit(1, 3)
    GET_MACHINE = Limit(5, 10)
    APP_DELETE = Limit(100 / 60, 100)  # over all apps: "100 per minute"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A row of Fly's API.

    `says` is the call in plain words, an imperative with the path's own placeholders ("start machine
    {machine_id} of {app_name}"): errors, logs and shutdown name a call by it. `idempotent`: sending it twice
    leaves Fly as sending it once would, so it may be repeated after an unclear failure. `source` is the page
    that documents it. `secret_body`: what is sent must not be logged.
    """

    name: str
    says: str
    method: Method
    path: str
    idempotent: bool
    source: str
    rate: Rate = Rate.STANDARD
    secret_body: bool = False
    #: A POST that only asks: a GraphQL query, a check, a placement.
    asks: bool = False
    #: Which of Fly's two addresses: "machines" (FLY_API_HOSTNAME) or "web" (FLY_API_BASE_URL).
    host: Literal["machines", "web"] = "machines"
    #: Sending it loses something for good: a machine, a volume, an app.
    destroys: bool = False
    #: What it changes ends by itself and changes nothing else: a lease.
    passing: bool = False
    #: It can begin a charge that a caller need not expect, such as an address that is paid by the month.
    bills: bool = False
    #: Its success is no JSON but a signed token (a JWT): a secret, never logged and never shown.
    token: bool = False

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself."""
        roots = {"machines": ("/v1/",), "web": ("/api/v1/", "/graphql")}
        if not self.path.startswith(roots[self.host]):
            raise ValueError(f"{self.name}: path must start with {' or '.join(roots[self.host])}")
        if self.asks and (self.method != "POST" or not self.idempotent):
            raise ValueError(
                f"{self.name}: only a POST needs to be told from a write, and asking twice is safe"
            )
        if self.method == "GET" and not self.idempotent:
            raise ValueError(f"{self.name}: a GET is idempotent")
        if self.destroys and not self.writes:
            raise ValueError(f"{self.name}: a GET destroys nothing")
        if self.passing and not self.writes:
            raise ValueError(f"{self.name}: a GET leaves nothing to pass")
        if self.bills and not self.writes:
            raise ValueError(f"{self.name}: a GET bills nothing")
        if self.passing and self.destroys:
            raise ValueError(f"{self.name}: what is destroyed cannot pass")
        if not self.says or not set(_PLACEHOLDER.findall(self.says)) <= set(self.placeholders):
            raise ValueError(f"{self.name}: says must be words and placeholders of the path")
        if not self.source.startswith("https://"):
            raise ValueError(f"{self.name}: source must be a page")

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the ids in the path, in order."""
        return tuple(_PLACEHOLDER.findall(self.path))

    @property
    def writes(self) -> bool:
        """Whether it can change anything at Fly."""
        return self.method != "GET" and not self.asks

    @property
    def graphql(self) -> bool:
        """Whether it is a document of GraphQL: its refusals come with HTTP 200."""
        return self.path == "/graphql"

    @property
    def setting(self) -> str:
        """The setting that says where it goes."""
        return "FLY_API_HOSTNAME" if self.host == "machines" else "FLY_API_BASE_URL"

    @property
    def executes(self) -> bool:
        """Whether it runs a command of the caller's on a machine: arbitrary code."""
        return self.path.endswith("/exec")
