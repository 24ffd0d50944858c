"""Each agent with tools of its own: its Fly token, its organisation, and what its rules let it see."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from fly_mcp_server.access.callers import Caller
from fly_mcp_server.file_modes import others_may_read, others_may_write
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.clock import Clock
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.errors import NotConfigured
from fly_mcp_tools.memory import Memory
from fly_mcp_tools.selection import ALL, ORG, Choice, Selection, WrongChoice, select

from .file import Agent, Policy, PolicyError, at_home
from .guard import Guard
from .lookups import Lookups
from .rights import Rights
from .rows import TokenFrom

_log = logging.getLogger(__name__)


class Making(Protocol):
    """How tools are made of a client: everything that agents share is in it."""

    def __call__(self, client: FlyClient, selection: Selection, org_slug: str, memory: Memory) -> FlyTools:
        """Tools over this client."""
        ...


@dataclass(frozen=True)
class Tenants:
    """The agents, and the clients and tokens of all of them: agents with one Fly token share one client."""

    agents: Mapping[str, Caller]
    clients: tuple[FlyClient, ...]
    credentials: tuple[Credentials, ...]


def settle(
    policy: Policy,
    names: Iterable[str],
    choice: Choice,
    *,
    clock: Clock,
    environment: Mapping[str, str],
    embedded: str,
    network: bool,
    client: Callable[[Credentials], FlyClient],
    tools: Making,
) -> Tenants:
    """Make the agents of these names. Reads their Fly tokens, and sends nothing.

    Args:
        choice: what the operator switched on; an agent's rules take from it.
        embedded: the token to take where an agent has none: there is an embedded Fly. Empty: there is none.
        network: they call over a network.

    Raises:
        PolicyError: naming every agent whose token or tools cannot be had.
    """
    problems: list[str] = []
    shared: dict[str, tuple[FlyClient, Lookups, Memory]] = {}
    credentials: list[Credentials] = []
    agents: dict[str, Caller] = {}
    for name in names:
        agent = policy.agents[name]
        try:
            selection = selection_of(agent.rights, choice, network=network)
            text = _token(agent, policy, environment, embedded)
            if text not in shared:
                credentials.append(Credentials(text))
                made = client(credentials[-1])
                shared[text] = (made, Lookups(made, clock), Memory())
        except PolicyError as error:
            problems.append(str(error))
        except NotConfigured:  # its words name another setting, and may not hold the token
            problems.append(f"agents.{name}.fly_token: {_place(agent.token)} holds no Fly token on one line.")
        else:
            fly, lookups, memory = shared[text]
            guard = Guard(agent.rights, lookups, selection.actions)
            agents[name] = Caller(name, tools(fly, selection, agent.rights.org, memory), guard)
    if problems:
        raise PolicyError(f"FLY_MCP_POLICY: {policy.path} cannot be used.\n  " + "\n  ".join(problems))
    return Tenants(agents, tuple(fly for fly, _, _ in shared.values()), tuple(credentials))


def selection_of(rights: Rights, choice: Choice, *, network: bool) -> Selection:
    """What an agent sees. What it does not see is not told of: not that there is such a tool, nor why it is off.

    Over a network nothing is minted: it would be the identity of the server's machine and not the agent's, in a file
    that the agent cannot reach and that all agents share.

    Raises:
        PolicyError: the operator's own choice leaves no tool, or is for another organisation.
    """
    if choice.org.strip() not in ("", rights.org):
        raise PolicyError(f"agents.{rights.agent}.org: is {rights.org}, and --org (FLY_MCP_ORG) is another.")
    if not choice.toolsets.strip() and not choice.tools.strip():
        choice = replace(choice, toolsets=ALL)  # the rules themselves leave out what has to be named
    try:
        chosen = select(replace(choice, org=rights.org), ACTIONS)
    except WrongChoice as error:
        raise PolicyError(str(error)) from None
    seen = {
        name: action
        for name, action in chosen.actions.items()
        if rights.sees(action) and not (network and action.mints)
    }
    return Selection(
        MappingProxyType(seen), pins=chosen.pins, read_only=chosen.read_only, by={ORG: "the policy"}
    )


def _token(agent: Agent, policy: Policy, environment: Mapping[str, str], embedded: str) -> str:
    """The agent's Fly token. Raises PolicyError, which names the place and never the value."""
    try:
        return _found(agent, policy, environment)
    except PolicyError:
        if embedded:
            return embedded
        raise


def _found(agent: Agent, policy: Policy, environment: Mapping[str, str]) -> str:
    place = agent.token or TokenFrom.model_construct()
    where = f"agents.{agent.name}.fly_token"
    if place.env:
        text = environment.get(place.env, "").strip()
        if not text:
            raise PolicyError(f"{where}.env: the environment variable {place.env} is not set.")
        return text
    if not place.file:
        raise PolicyError(f"{where}: is missing.")
    path = policy.path.parent / at_home(Path(place.file), f"{where}.file")
    try:
        with path.open(encoding="utf-8") as file:
            if others_may_write(file):
                raise PolicyError(
                    f"{where}.file: {path} can be written by others, who could put another token there: chmod 600 it."
                )
            if others_may_read(file):  # no more than told: where secrets are mounted, it is often so
                _log.warning("%s.file: %s can be read by others on this machine: chmod 600 it", where, path)
            text = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PolicyError(f"{where}.file: {path} cannot be read: {why}.") from None
    if not text:
        raise PolicyError(f"{where}.file: {path} is empty.")
    return text


def _place(token: TokenFrom | None) -> str:
    return (token.env or token.file) if token else "nothing"
