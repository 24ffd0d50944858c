"""`fly-mcp emulator`: the embedded Fly alone, for any client of Fly's API."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import anyio
import click

from fly_mcp_emulator import Emulator, World
from fly_mcp_emulator.problems import BadWorld
from fly_mcp_emulator.serve import serve
from fly_mcp_emulator.state_file import InUse, StateFile
from fly_mcp_emulator.world_file import read_world

from .signals import on_signals

_WRONG = 2


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    host: str
    port: int
    limits: bool = True
    seed: int = 0
    world: str | None = None
    state: str | None = None


def run(options: Options) -> int:
    """Serve until interrupted. The address and the environment to paste are printed once it listens."""
    file = StateFile(Path(options.state)) if options.state else None
    path = options.world
    try:
        emulator = Emulator(_world(path), seed=options.seed, limits=options.limits)
        path = options.state
        if file is not None:
            file.open()
            emulator.keep(file)
    except BadWorld as error:
        return _refuse(*(f"{path}: {problem}" for problem in error.problems))
    except InUse as error:
        return _refuse(f"{error}.")
    except OSError as error:
        return _refuse(f"{path}: {error.strerror}.")
    try:
        return anyio.run(_serve, emulator, options)
    except OSError as error:
        sys.stderr.write(
            f"fly-mcp: cannot listen on {options.host}:{options.port}: {error.strerror}. Try --port 0.\n"
        )
        return 1
    finally:
        if file is not None:
            file.close()


def _world(path: str | None) -> World | None:
    return None if path is None else read_world(Path(path).read_bytes())


def _refuse(*lines: str) -> int:
    for line in lines:
        sys.stderr.write(f"fly-mcp: {line}\n")
    return _WRONG


async def _serve(emulator: Emulator, options: Options) -> int:
    code = 0
    with anyio.CancelScope() as serving:  # not a task group: it would wrap the OSError of a taken port

        def end(number: signal.Signals) -> None:
            nonlocal code
            code = 128 + number
            serving.cancel()

        def announce(host: str, port: int) -> None:
            address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            click.echo(announcement(address, options.state))
            sys.stdout.flush()

        on_signals(end)
        await serve(emulator, options.host, options.port, announce)
    return code


def announcement(address: str, state: str | None = None) -> str:
    """What is printed: one block that a shell takes as it stands, whichever client is meant."""
    kept = (
        f"Its world is kept in {state}." if state else "Nothing is kept when it ends; --state FILE keeps it."
    )
    return f"""\
# The Machines API of Fly, pretended, on {address} (any token is good). Ctrl-C ends it.
# {kept}

# All clients
export FLY_API_TOKEN=emulator
unset FLY_ACCESS_TOKEN

# fly-mcp
export FLY_API_HOSTNAME={address}

# fly-go (FLY_FLAPS_BASE_URL is enough) and flyctl
export FLY_FLAPS_BASE_URL={address}
export FLY_API_BASE_URL={address}
export FLY_UIEX_BASE_URL={address}
export FLY_METRICS_BASE_URL={address} FLY_SEND_METRICS=0
export FLY_SYNTHETICS_BASE_URL={address} FLY_SYNTHETICS_AGENT=0
export FLY_NO_UPDATE_CHECK=1 FLY_NO_INCIDENTS_CHECK=1
export FLY_WIRE_GUARD_WEBSOCKETS=false
export FLY_CONFIG_DIR="$(mktemp -d)"

# Python, with any HTTP library
#   base = os.environ["FLY_API_HOSTNAME"] + "/v1"
#   headers = {{"Authorization": "Bearer " + os.environ["FLY_API_TOKEN"]}}
# Python, with flaude
#   flaude.fly_client.FLY_API_BASE = "{address}/v1"
#   flaude.fly_client.FLY_PLATFORM_API_BASE = "{address}"
"""
