"""The policy file: TOML, read once when the server starts. Every problem is told at once, with its place.

Reading it anew while the server runs is left out on purpose: rights that change between two requests of one call
would be hard to reason about, and restarting is quick. (Tokens of agents can be revoked without.)
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, cast

from pydantic import ValidationError

from fly_mcp_server.file_modes import others_may_write
from fly_mcp_server.settings import SettingsError
from fly_mcp_tools.action import Access

from .contradictions import of_agent, of_bindings
from .decision import Effect
from .places import Path, lines
from .problems import problem, words
from .rights import Rights
from .rows import AgentRow, FileRow, TokenFrom
from .rules import Rule
from .words import nearest, shown


class PolicyError(SettingsError):
    """A policy that cannot be used; the text names every problem and its place."""


@dataclass(frozen=True)
class Agent:
    """An agent: what it may do, and where its Fly token is (None: not said, as an embedded Fly allows)."""

    name: str
    rights: Rights
    oauth: str
    token: TokenFrom | None


@dataclass(frozen=True)
class Policy:
    """All agents, in the file's order. `path` is where it was read."""

    path: FilePath
    agents: Mapping[str, Agent]

    @property
    def bound(self) -> dict[str, str]:
        """The agent of each OAuth subject or client id."""
        return {agent.oauth: agent.name for agent in self.agents.values() if agent.oauth}

    def agent(self, name: str, setting: str) -> Agent:
        """One agent. Raises PolicyError, which names the nearest, for an unknown one; `setting` said it."""
        if name not in self.agents:
            raise PolicyError(
                f"{setting}: there is no agent {shown(name)} in {self.path}; "
                f"the nearest is {nearest(name, self.agents)}."
            )
        return self.agents[name]


def load(path: FilePath, *, embedded: bool = False) -> Policy:
    """Read a policy. No token is read, and nothing is asked over a network.

    `embedded`: it is for the embedded Fly, for which agents need no token.

    Raises:
        PolicyError: naming every problem.
    """
    path = at_home(path, "FLY_MCP_POLICY")
    text = _text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"FLY_MCP_POLICY: {path} is no TOML: {error}.") from None
    problems: list[tuple[Path, str]] = []
    file: FileRow | None = None
    try:
        file = FileRow.model_validate(data)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            problems += problem(item["loc"], item["type"], item["msg"], item.get("input"))
    problems += of_bindings(data)
    for name, row in _whole(data):
        problems += of_agent(name, row, embedded=embedded)
    if problems or file is None:
        raise PolicyError(f"FLY_MCP_POLICY: {path} cannot be used.\n{words(problems, lines(text))}")
    return Policy(path, {name: _agent(name, row) for name, row in file.agents.items()})


def _whole(data: Mapping[str, Any]) -> Iterator[tuple[str, AgentRow]]:
    """The agents of which every word is known: one agent's mistake hides no other's."""
    agents: object = data.get("agents")
    for name, row in cast("dict[str, object]", agents).items() if isinstance(agents, dict) else ():
        with suppress(ValidationError):
            yield name, AgentRow.model_validate(row)


def at_home(path: FilePath, where: str) -> FilePath:
    """The path with `~` filled in. Raises PolicyError for a user who has no home; `where` it stood."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise PolicyError(f"{where}: there is no home directory for {path}.") from None


def _text(path: FilePath) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            if others_may_write(file):
                raise PolicyError(
                    f"FLY_MCP_POLICY: {path} can be written by others, who could give themselves every right: "
                    "chmod go-w it."
                )
            return file.read()
    except UnicodeDecodeError:
        raise PolicyError(f"FLY_MCP_POLICY: {path} is not UTF-8.") from None
    except OSError as error:
        raise PolicyError(f"FLY_MCP_POLICY: {path} cannot be read: {error.strerror}.") from None


def _agent(name: str, row: AgentRow) -> Agent:
    rules = [one.rule(f"agents.{name}.rules[{index}]") for index, one in enumerate(row.rules)]
    if row.read_only:
        rules.insert(
            0, Rule(name=f"agents.{name}.read_only", effect=Effect.ALLOW, access=frozenset({Access.READ}))
        )
    return Agent(name, Rights(name, row.org, tuple(rules)), row.oauth, row.fly_token)
