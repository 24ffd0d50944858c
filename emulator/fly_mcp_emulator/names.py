"""Rules for names (reference 2.1)."""

from __future__ import annotations

import re

_APP = re.compile(r"[a-z0-9-]{1,63}\Z")
_VOLUME = re.compile(r"[a-z0-9_]{1,30}\Z")
_MACHINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")


def good_app_name(name: str) -> bool:
    """Tell whether Fly would take it for an app."""
    return _APP.match(name) is not None


def good_volume_name(name: str) -> bool:
    """Tell whether Fly would take it for a volume: no dash, at most 30 characters."""
    return _VOLUME.match(name) is not None


def good_machine_name(name: str) -> bool:
    """Tell whether Fly would take it for a machine. Known is "dashes allowed, 63 characters safe" [I]."""
    return _MACHINE.match(name) is not None
