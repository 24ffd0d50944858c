"""Consent as the operator set it."""

from __future__ import annotations

from fly_mcp_server.settings import Settings, SettingsError
from fly_mcp_tools.chance import SystemRandom
from fly_mcp_tools.clock import Clock, SystemClock
from fly_mcp_tools.state.store import Store

from .approval import Consent
from .sealing import WrongKey, keys_of


def configured(settings: Settings, store: Store, clock: Clock | None = None) -> Consent:
    """What asks humans. Nothing is opened or made before somebody is asked.

    Raises:
        SettingsError: FLY_MCP_CONSENT_KEY cannot be used; nothing of it is shown.
    """
    given = settings.consent_key.get_secret_value() if settings.consent_key else ""
    try:
        keys = keys_of(given)
    except WrongKey as error:
        raise SettingsError(f"FLY_MCP_CONSENT_KEY: {error}") from None
    return Consent(store, clock or SystemClock(), SystemRandom(), lasts=settings.consent_seconds, keys=keys)
