"""Calls about addresses and host names."""

from __future__ import annotations

from typing import Any

from tests.chaos import ground
from tests.chaos.draw import CROWDED, Draw
from tests.chaos.lives import AppLife
from tests.chaos.model import Asked

_APPS = (ground.SHARED, *ground.POOLS)
#: The kinds that cost ask for a confirmation.
_KINDS = ("shared_v4", "v6", "v6", "v4", "private_v6", "egress_v4")
#: Host names that several ask for, in different apps.
_WANTED = ("www.example.com", "api.example.com", "shop.example.com")


def allocate_ip(draw: Draw) -> Asked | None:
    life = draw.app(*_APPS)
    if len(life.ips.now) >= CROWDED:
        return None
    arguments: dict[str, Any] = {"appName": life.name, "type": draw.rng.choice(_KINDS)}
    if draw.chance(0.3):
        arguments["region"] = draw.rng.choice(ground.REGIONS)
    return Asked("flyAllocateIp", arguments, app=life.name, gated=True)


def release_ip(draw: Draw) -> Asked | None:
    life = draw.app(*_APPS)
    there = list(life.ips.now)
    if not there:
        return None
    # As often as not the app has few, and may keep them.
    if len(there) < CROWDED // 2 and draw.chance(0.5):
        return None
    return Asked(
        "flyReleaseIp", {"appName": life.name, "ip": draw.rng.choice(there)}, app=life.name, gated=True
    )


def request_certificate(draw: Draw) -> Asked:
    name = draw.rng.choice(_WANTED) if draw.chance(0.3) else f"i{draw.number}.example.com"
    app = draw.rng.choice(_APPS)
    return Asked("flyRequestCertificate", {"appName": app, "hostname": name}, app=app)


def remove_certificate(draw: Draw) -> Asked | None:
    life = draw.app(*_APPS)
    found = _hostname(draw, life)
    if found is None:
        return None
    arguments: dict[str, Any] = {"appName": life.name, "hostname": found}
    if draw.chance(0.2):
        arguments["keepCustom"] = True
    return Asked("flyRemoveCertificate", arguments, app=life.name, gated=True)


def check_certificate(draw: Draw) -> Asked | None:
    life = draw.app(*_APPS)
    found = _hostname(draw, life)
    return Asked("flyCheckCertificate", {"appName": life.name, "hostname": found}) if found else None


def _hostname(draw: Draw, life: AppLife) -> str | None:
    there = list(life.certificates.now)
    # The foreign person's are for it to keep, and for everybody to look at.
    return draw.rng.choice(there) if there else None
