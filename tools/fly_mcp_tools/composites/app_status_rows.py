"""What flyGetAppStatus answers: counts, what is wrong and why, and what to do next."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, JsonValue

from fly_mcp_tools.models import Result

#: Machines and host names that a problem names; how many there are is counted.
NAMED = 5


class Step(Result):
    """A call that helps. Written by this server alone."""

    tool: str
    arguments: dict[str, JsonValue]


class Problem(Result):
    """Something that is wrong, in words of this server's own."""

    problem: str
    says: str
    machines: list[str] | None = None
    hostnames: list[str] | None = None
    image: str | None = None
    count: int | None = Field(default=None, description="how many, where not all are named")
    next: Step | None = None


class CheckRow(Result):
    """A health check that does not pass. `output` is the app's."""

    machine: str
    check: str
    status: str
    output: str


class ExitRow(Result):
    """How a machine's main process last ended."""

    machine: str
    at: datetime
    exit_code: int | None = None
    signal: int | None = None
    oom_killed: bool | None = None
    requested: bool | None = Field(default=None, description="somebody asked for it")
    times: int | None = Field(default=None, description="ends that nobody asked for, in this version")


class ImageRow(Result):
    """An image, and since when its machines have it."""

    image: str
    machines: int
    since: datetime | None = None


class ReleaseRow(Result):
    """A deployment by flyctl that is not complete."""

    version: int
    status: str
    image: str
    created_at: str


class AppStatus(Result):
    """An app at a glance. Certificates are counted by what they are."""

    name: str
    status: str
    organization: str | None = None
    machines: dict[str, dict[str, int]] = Field(description="by state, then region")
    problems: list[Problem]
    failing_checks: list[CheckRow] | None = None
    last_exits: list[ExitRow] | None = None
    images: list[ImageRow] | None = None
    last_release: ReleaseRow | None = None
    addresses: list[str] | None = None
    certificates: dict[str, int] | None = None
    unknown: list[str] | None = Field(default=None, description="what could not be read")
