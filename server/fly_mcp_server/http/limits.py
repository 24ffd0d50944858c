"""What a stranger, and what an agent, may cost this server: all of it bounded, all of it in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of the HTTP transports. Times are seconds, sizes are bytes."""

    body: int = 4 * 1024 * 1024
    """Of a request; more is answered 413, also where no length is declared. The SDK's own default."""
    headers_within: float = 10.0
    """From the first moment in which a request could come to the end of its headers."""
    body_within: float = 60.0
    """From there to the end of its body."""
    kept_alive: int = 30
    """Between two requests on one connection."""
    connections: int = 1000
    """At one time. Where there are more, the one that has been idle longest is closed for the newest."""
    calls_of_one: int = 256
    """Calls of one agent that are not answered yet, on `/mcp` and on all its streams: it must leave others room."""
    bytes_of_one: int = 8 * 1024 * 1024
    """Of the bodies of those calls; in memory, each is a multiple of that."""
    bytes: int = 64 * 1024 * 1024
    """The same of all agents together."""
    streams: int = 256
    """Open `/sse` streams of all agents together."""
    streams_of_one: int = 64
    """Open `/sse` streams of one agent."""
    stream_idle: float = 1800.0
    """An `/sse` stream on which neither side says anything for this long is closed. The SDK's own default for
    sessions."""
    failures: int = 20
    """Wrong tokens from one address within `failures_within` before it is refused for `refused_for`."""
    failures_within: float = 60.0
    refused_for: float = 60.0
    shutdown: float = 30.0
    """What running calls get to finish in when the process is to end."""
    last_writes: float = 1.8
    """After that, for writes that were sent to Fly and are not answered, and to release leases."""
