"""`fly-mcp agents`: who may call over a network, by a token of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from fly_mcp_tools.clock import SystemClock

from .auth.agents_file import AgentsFile, AgentsFileError
from .auth.place import agents_path
from .settings import SettingsError, read


def run_add(name: str) -> int:
    """Make a token and print it, once: alone on stdout, so that it can be piped to where it is kept."""

    def add(file: AgentsFile) -> int:
        entry, token = file.add(name)
        others = sum(one.agent == name for one in file.read()) - 1
        sys.stdout.write(f"{token}\n")
        sys.stderr.write(
            f"This is the token of {name} (id {entry.id}). It is shown this once; {file.path} has its hash alone.\n"
        )
        if others:
            sys.stderr.write(
                f"{name} has {others} more. Once this one is in use: fly-mcp agents revoke {name} --id ID\n"
            )
        return 0

    return _with(add)


def run_list() -> int:
    """Print every live token: whose, its id, when it was made, and the end of its hash."""

    def show(file: AgentsFile) -> int:
        tokens = file.read()
        if not tokens:
            sys.stderr.write(
                f"fly-mcp: no agent has a token ({file.path}). Make one: fly-mcp agents add NAME\n"
            )
        width = max((len(one.agent) for one in tokens), default=0)
        for one in tokens:
            sys.stdout.write(f"{one.agent:<{width}}  {one.id}  {one.created}  ...{one.sha256[-4:]}\n")
        return 0

    return _with(show)


def run_revoke(name: str, number: str | None) -> int:
    """Take an agent's tokens away, or one; a server that runs refuses them from the next call on."""

    def revoke(file: AgentsFile) -> int:
        gone = file.revoke(name, number)
        if not gone:
            which = f" with the id {number}" if number else ""
            return _refuse(f"{name} has no token{which}. `fly-mcp agents list` shows all.")
        for one in gone:
            sys.stdout.write(f"revoked {one.agent} {one.id}\n")
        return 0

    return _with(revoke)


def _with(use: Callable[[AgentsFile], int]) -> int:
    try:
        return use(AgentsFile(agents_path(read(), os.environ), SystemClock()))
    except (SettingsError, AgentsFileError) as error:
        return _refuse(str(error))


def _refuse(words: str) -> int:
    sys.stderr.write(f"fly-mcp: {words}\n")
    return 2
