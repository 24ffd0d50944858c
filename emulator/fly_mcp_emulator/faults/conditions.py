"""Faults that are conditions of the world: the request meets them, or brings them about, and they stay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.lifecycle.history import image_of
from fly_mcp_emulator.regions import REGIONS
from fly_mcp_emulator.world import Certificate, Image, Lease

from .hit import Hit, Incoming

SOMEBODY = "somebody@example.com"
"""Who holds the leases of `lease_held`."""
_FULL = ("could not find a candidate host", "no capacity", "insufficient")


async def lease_held(hit: Hit) -> Answer:
    """Give the machine's lease to somebody else, and then carry the request out."""
    machine, state = hit.incoming.machine, hit.state
    if machine is not None:
        machine.lease = Lease(
            nonce=state.ids.nonce(),
            owner=SOMEBODY,
            expires_at=state.now() + hit.seconds,
            description="held by the emulator",
        )
    return await hit.carry()


def is_free(incoming: Incoming) -> bool:
    """Tell whether the machine is there, and nobody has its lease."""
    machine = incoming.machine
    if machine is None or not machine.alive:
        return False
    return machine.lease is None or machine.lease.expires_at <= incoming.state.now()


async def no_capacity(hit: Hit) -> Answer:
    """Let the region be full, all of them when the rule names none, while the request is carried out."""
    settings = hit.state.world.settings
    kept = settings.full_regions
    settings.full_regions = [hit.rule.region] if hit.rule.region else list(REGIONS)
    try:
        answer = await hit.carry()  # these handlers do not wait: nobody else sees it
    finally:
        settings.full_regions = kept
    text = str(answer.body)
    hit.missed = answer.status < 400 or not any(word in text for word in _FULL)
    return answer


async def missing_image(hit: Hit) -> Answer:
    """Let the registry not have the image while the request is carried out."""
    images, name = hit.state.world.images, hit.incoming.image
    kept = images.get(name)
    images[name] = (kept or Image()).model_copy(update={"missing": True})
    try:
        answer = await hit.carry()
    finally:
        if kept is None:
            del images[name]
        else:
            images[name] = kept
    hit.missed = "MANIFEST_UNKNOWN" not in str(answer.body)
    return answer


def boots_badly(change: Callable[[Hit], dict[str, Any]]) -> Callable[[Hit], Awaitable[Answer]]:
    """Make a fault that lets the machine behave differently, until its next update."""

    async def act(hit: Hit) -> Answer:
        answer = await hit.carry()
        machine = hit.machine_after(answer)
        if machine is None or machine.state == "started":
            hit.missed = True
        else:
            machine.behaves = image_of(hit.state, machine).model_copy(update=change(hit))
        return answer

    return act


async def failing_check(hit: Hit) -> Answer:
    """Let all health checks of the machine fail, now and after each boot, until its next update."""
    answer = await hit.carry()
    machine = hit.machine_after(answer)
    if machine is None:
        hit.missed = True
    else:
        machine.failing_checks = ["*"]
        machine.behaves = image_of(hit.state, machine).model_copy(update={"failing_checks": ["*"]})
    return answer


async def unreachable_host(hit: Hit) -> Answer:
    """Let the machine's host not answer for a while, and then carry the request out."""
    machine, app, state = hit.incoming.machine, hit.incoming.app, hit.state
    if machine is not None and app is not None:
        machine.host_status = "unreachable"
        state.schedule(hit.seconds, "host_back", app.name, machine.id, scaled=False)
    return await hit.carry()


def is_reachable(incoming: Incoming) -> bool:
    """Tell whether the machine is there, on a host that answers."""
    return incoming.machine is not None and incoming.machine.host_status == "ok"


async def expired_certificate(hit: Hit) -> Answer:
    """Let the certificate's time be over, and then carry the request out."""
    for certificate in _certificates(hit.incoming):
        certificate.issued = certificate.issued or certificate.acme
        certificate.expires_at = hit.state.now() - hit.seconds
    return await hit.carry()


def has_certificates(incoming: Incoming) -> bool:
    """Tell whether there is a certificate to expire."""
    now = incoming.state.now()
    return any(certificate.expires_at > now for certificate in _certificates(incoming))


def _certificates(incoming: Incoming) -> list[Certificate]:
    if incoming.app is None:
        return []
    name = incoming.params.get("hostname")
    return [one for one in incoming.app.certificates.values() if name in (None, one.hostname)]


async def app_hidden(hit: Hit) -> Answer:
    """Create the app, and let it be 404 for a while."""
    answer = await hit.carry()
    app = hit.incoming.app
    if answer.status >= 400 or app is None:
        hit.missed = True
    else:
        app.hidden_until = hit.state.now() + hit.seconds
    return answer


async def machine_hidden(hit: Hit) -> Answer:
    """Create the machine, and let it be 404, and not in its app's list, for a while."""
    answer = await hit.carry()
    machine = hit.machine_after(answer)
    if machine is None:
        hit.missed = True
    else:
        machine.hidden_until = hit.state.now() + hit.seconds
    return answer


async def still_active(hit: Hit) -> Answer:
    """Stop the machine, and refuse to start it for a while."""
    answer = await hit.carry()
    machine = hit.machine_after(answer)
    if machine is None or machine.state not in ("stopping", "stopped"):
        hit.missed = True
    else:
        machine.busy_until = max(machine.busy_until, hit.state.now() + hit.seconds)
    return answer
