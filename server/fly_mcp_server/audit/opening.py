"""The trail that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fly_mcp_server.settings import Settings, SettingsError
from fly_mcp_tools.clock import Clock

from .target import ChainFile, ChainStream, Target
from .trail import AuditTrail, genesis
from .transport import current

STDERR = "stderr"


def open_trail(
    settings: Settings, clock: Clock, *, transport: Callable[[], str] = current
) -> AuditTrail | None:
    """The trail; None where none is asked for.

    Raises:
        SettingsError: the file cannot be written.
    """
    if not settings.audit.strip():
        return None

    target: Target
    if settings.audit.strip().lower() == STDERR:
        target = ChainStream(lambda: genesis(clock))
    else:
        file = ChainFile(trail_path(settings.audit), lambda: genesis(clock))
        try:
            file.check()
        except OSError as error:
            raise SettingsError(
                f"FLY_MCP_AUDIT: {file.path} cannot be used: {error.strerror or error}. Name a file in a directory "
                "that is there and that this user may write, or stderr."
            ) from None
        target = file
    return AuditTrail(target, clock, transport=transport)


def trail_path(text: str) -> Path:
    """The file that was named. Raises SettingsError where it names a user who has no home."""
    try:
        return Path(text.strip()).expanduser()
    except RuntimeError:
        raise SettingsError("FLY_MCP_AUDIT: there is no such home directory; write the whole path.") from None
