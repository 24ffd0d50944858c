"""`fly-mcp emulator`: the embedded Fly alone, for any client of Fly's API."""

from __future__ import annotations

import signal
import sys

import anyio
import click

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.serve import serve

from .signals import on_signals


def run(host: str, port: int, *, limits: bool) -> int:
    """Serve until interrupted. The address and the environment to paste are printed once it listens."""
    try:
        return anyio.run(_serve, host, port, limits)
    except OSError as error:
        sys.stderr.write(f"fly-mcp: cannot listen on {host}:{port}: {error.strerror}. Try --port 0.\n")
        return 1


async def _serve(host: str, port: int, limits: bool) -> int:
    code = 0
    with anyio.CancelScope() as serving:

        def end(number: signal.Signals) -> None:
            nonlocal code
            code = 128 + number
            serving.cancel()

        on_signals(end)
        await serve(Emulator(limits=limits), host, port, _announce)
    return code


def _announce(host: str, port: int) -> None:
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    click.echo(f"Fly's Machines API, pretended, on {address} (any token is good). Ctrl-C ends it.\n")
    click.echo(f"export FLY_API_HOSTNAME={address}    # fly-mcp, curl")
    click.echo(f"export FLY_FLAPS_BASE_URL={address}  # fly-go, flyctl")
    click.echo("export FLY_API_TOKEN=emulator")
    sys.stdout.flush()
