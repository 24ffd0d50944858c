"""The world that malformed requests meet: one of everything that a path can name."""

from __future__ import annotations

import base64

from fly_mcp_emulator.default_world import default_world
from fly_mcp_emulator.world import Certificate, IpAddress, SecretKey, World


def everything() -> World:
    """Return the default world with addresses, certificates and keys."""
    world = default_world()
    app = world.apps["catvet-records"]
    app.ips["66.241.124.7"] = IpAddress(ip="66.241.124.7", shared=True)
    app.certificates["www.example.com"] = Certificate(hostname="www.example.com", issued=True, custom=True)
    key = base64.b64encode(b"k" * 32).decode()
    app.secret_keys["OLD_API_KEY"] = SecretKey(name="OLD_API_KEY", type="hs256", value=key)
    return world
