"""The calls of Fly's API that this package sends, one row each, a file a resource.

A DELETE counts as idempotent although its repetition is answered with 404: what matters is the state at
Fly, and the client marks an answer that follows an unclear attempt (`changed` is then "unknown").
"""
# ruff: noqa: F403 - one namespace for all rows: `fly.GET_MACHINE` wherever it stands

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from . import apps, leases, logs, machines, metadata, network, orgs, platform, secrets, tokens, volumes
from .apps import *
from .leases import *
from .logs import *
from .machines import *
from .metadata import *
from .network import *
from .orgs import *
from .platform import *
from .secrets import *
from .tokens import *
from .volumes import *

_FILES = (apps, machines, leases, metadata, volumes, secrets, network, tokens, logs, orgs, platform)

ENDPOINTS: tuple[Endpoint, ...] = tuple(row for file in _FILES for row in file.ROWS)
"""Every one, in order."""
