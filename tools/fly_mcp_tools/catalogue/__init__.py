"""The action table: one file per resource, each ending in the tuple of its rows."""

from __future__ import annotations

from collections.abc import Mapping

from fly_mcp_tools.action import AnyAction, table

from . import apps, machines, orgs, scaling, secrets, volumes

ACTIONS: Mapping[str, AnyAction] = table(
    *apps.ROWS, *machines.ROWS, *secrets.ROWS, *scaling.ROWS, *volumes.ROWS, *orgs.ROWS
)
"""Every action by its name, in the order of the documentation."""
