"""An issuer on a socket, and the parts that an operator's settings make of it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from fly_mcp_server.auth.agents_file import AgentsFile
from fly_mcp_server.settings import Settings

from .issuer import AUDIENCE, FixedClock, Issuer, on_a_socket


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Real time: an issuer is asked over a socket."""
    return "asyncio"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def issuer() -> Generator[Issuer]:
    one = Issuer()
    with on_a_socket(one):
        yield one


@pytest.fixture
def file(tmp_path: Path, clock: FixedClock) -> AgentsFile:
    """The agents' file; not there yet."""
    return AgentsFile(tmp_path / "state" / "agents.json", clock)


@pytest.fixture
def settings(issuer: Issuer, file: AgentsFile) -> Settings:
    """Both kinds of token."""
    return Settings(
        agents=str(file.path), oauth_issuer=issuer.url, public_url=AUDIENCE, oauth_scopes="fly:use"
    )
