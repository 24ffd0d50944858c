"""`fly-mcp emulator`: the embedded Fly alone, for any client of Fly's API."""

from __future__ import annotations

import socket
import sys

import anyio
import click

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.serve import serve


def run(host: str, port: int, *, limits: bool) -> int:
    """Serve until interrupted. The address and the environment to paste are printed first."""
    try:
        port = port or _free(host)
        _taken(host, port)
    except OSError as error:
        sys.stderr.write(f"fly-mcp: cannot listen on {host}:{port}: {error.strerror}. Try --port 0.\n")
        return 1
    address = f"http://{host}:{port}"
    click.echo(f"Fly's Machines API, pretended, on {address} (any token is good). Ctrl-C ends it.\n")
    click.echo(f"export FLY_API_HOSTNAME={address}    # fly-mcp, curl")
    click.echo(f"export FLY_FLAPS_BASE_URL={address}  # fly-go, flyctl")
    click.echo("export FLY_API_TOKEN=emulator")
    sys.stdout.flush()
    try:
        anyio.run(serve, Emulator(limits=limits), host, port)
    except KeyboardInterrupt:
        return 130
    return 0


def _free(host: str) -> int:
    with socket.create_server((host, 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _taken(host: str, port: int) -> None:
    """Raise OSError where somebody listens there already: said before anything else is printed."""
    with socket.create_server((host, port)):
        return
