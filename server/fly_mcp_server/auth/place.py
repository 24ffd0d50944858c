"""Where things are: the agents' file, and what an address must be to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from fly_mcp_server.settings import Settings, SettingsError
from fly_mcp_tools.state.store import default_directory


def agents_path(settings: Settings, environment: Mapping[str, str]) -> Path:
    """The file that was named, else `agents.json` in the state directory.

    Raises:
        SettingsError: there is no directory for it.
    """
    try:
        if settings.agents:
            return Path(settings.agents).expanduser()
        directory = Path(settings.state).expanduser() if settings.state else default_directory(environment)
    except RuntimeError:
        directory = None
    if directory is None:
        raise SettingsError(
            "FLY_MCP_AGENTS: this user has no home directory; name the file of agents' tokens with its whole path."
        )
    return directory / "agents.json"


def safe(url: str) -> bool:
    """Whether what comes from there is what its owner sent: over TLS, or of this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return bool(host) and (
            parts.scheme == "https" or (parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1"))
        )
    except ValueError:
        return False
