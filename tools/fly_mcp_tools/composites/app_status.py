"""flyGetAppStatus: how an app is, in one answer, with the causes of what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import anyio

from fly_mcp_tools import ulid
from fly_mcp_tools.api import addresses, apps, insides, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.wire import Address, Machine

from . import app_status_certificates
from .app_status_machines import failing_checks, last_exits, problems
from .app_status_rows import AppStatus, ImageRow, Problem, ReleaseRow, Step
from .listing import OfApp

#: Images that are told apart, and addresses that are named.
_IMAGES, _ADDRESSES = 3, 10
_FAILED = frozenset({"failed", "interrupted", "cancelled"})


@dataclass
class _Around:
    """What is read beside the app and its machines; all of it may be missing."""

    ips: list[Address] | None = None
    release: apps.Release | None = None
    certificates: app_status_certificates.Found = field(default_factory=app_status_certificates.Found)
    since: dict[str, datetime] = field(default_factory=dict[str, datetime])
    unknown: list[str] = field(default_factory=list[str])


async def get(call: Call, params: OfApp) -> AppStatus:
    """How the app is. What cannot be read beside it is said to be unknown, and hides nothing else.

    Raises:
        NotFound: there is no such app.
        FlyError: forbidden, where it is somebody else's.
    """
    name = params.app_name
    app = await apps.get(call, name)
    found = await machines.list_of(call, name)
    around = await _around(call, name, found)
    by_state: dict[str, Counter[str]] = {}
    for one in found:
        by_state.setdefault(one.state, Counter())[one.region] += 1
    return AppStatus(
        name=app.name,
        status=app.status or "unknown",
        organization=app.organization.slug if app.organization else None,
        machines={state: dict(regions) for state, regions in by_state.items()},
        problems=[
            *_image_missing(call, name, found),
            *problems(name, found, call.clock.now()),
            *_deploy(name, around.release),
            *_unreachable(name, found, around.ips),
            *around.certificates.problems,
        ],
        failing_checks=failing_checks(found) or None,
        last_exits=last_exits(found) or None,
        images=_images(found, around.since) or None,
        last_release=_release(around.release),
        addresses=[f"{one.ip} {one.kind}" for one in (around.ips or [])[:_ADDRESSES]] or None,
        certificates=dict(around.certificates.counts) or None,
        unknown=[*around.unknown, *around.certificates.unknown] or None,
    )


async def _around(call: Call, name: str, found: Sequence[Machine]) -> _Around:
    """All that is read beside the machines, at the same time."""
    around = _Around()

    async def ips() -> None:
        around.ips = await addresses.list_of(call, name)

    async def release() -> None:
        around.release = await apps.last_release(call, name)

    async def certificates() -> None:
        around.certificates = await app_status_certificates.look(call, name)

    async def since(machine: Machine) -> None:
        if when := await _image_since(call, name, machine):
            around.since[machine.image] = when

    async def tried(read: Callable[[], Awaitable[None]], what: str) -> None:
        try:
            await read()
        except FlyError:
            around.unknown.append(what)

    async with anyio.create_task_group() as group:
        group.start_soon(tried, ips, "addresses")
        group.start_soon(tried, release, "last release")
        group.start_soon(tried, certificates, "certificates")
        for machine in _one_each(found):
            group.start_soon(tried, lambda one=machine: since(one), f"since when {machine.id} has its image")
    return around


def _one_each(found: Sequence[Machine]) -> list[Machine]:
    """A machine for each image."""
    each: dict[str, Machine] = {}
    for machine in found:
        if machine.image:
            each.setdefault(machine.image, machine)
    return list(each.values())[:_IMAGES]


async def _image_since(call: Call, name: str, machine: Machine) -> datetime | None:
    """When the machine got the image that it has: the oldest of its newest versions that name it."""
    when: datetime | None = None
    every = await insides.versions(call, name, machine.id)
    for version in sorted(every, key=lambda one: one.version, reverse=True):
        if version.config.get("image") != machine.image:
            break
        when = ulid.made_at(version.version)
    return when


def _images(found: Sequence[Machine], since: dict[str, datetime]) -> list[ImageRow]:
    count = Counter(machine.image for machine in found if machine.image)
    return [
        ImageRow(image=clean(image), machines=machines, since=since.get(image))
        for image, machines in count.most_common(_IMAGES)
    ]


def _image_missing(call: Call, name: str, found: Sequence[Machine]) -> list[Problem]:
    """What this server was told when it wanted to give a machine an image: Fly itself keeps no trace of it."""
    made = [when.timestamp() for one in found if (when := ulid.made_at(one.instance_id))]
    image = call.memory.missing_image(name, call.clock.now(), made)
    if image is None:
        return []
    says = (
        "Its registry did not have this image when a machine was to get it, and nothing was changed. Push it, or name "
        "another with flyCreateMachine or flyUpdateMachineConfig."
    )
    return [Problem(problem="image_missing", says=says, image=clean(image))]


def _deploy(name: str, release: apps.Release | None) -> list[Problem]:
    if release is None or release.status not in _FAILED:
        return []
    says = (
        f"The last deployment (release {release.version}) did not get through, and machines may run what was there "
        "before: its image may be missing, or what it starts may not come up."
    )
    step = Step(tool="flyGetLogs", arguments={"appName": name, "lines": 50})
    return [Problem(problem="deploy_failed", says=says, next=step)]


def _release(release: apps.Release | None) -> ReleaseRow | None:
    if release is None or release.status == "complete":
        return None
    return ReleaseRow(
        version=release.version, status=release.status, image=release.image, created_at=release.created_at
    )


def _unreachable(name: str, found: Sequence[Machine], ips: list[Address] | None) -> list[Problem]:
    """A service that nobody can reach, by whatever address.

    One with a private address is reached from its network, and meant to be: to give it a public one would open it.
    """
    if ips is None or ips or not any(machine.services for machine in found):
        return []
    step = Step(tool="flyAllocateIp", arguments={"appName": name, "type": "shared_v4"})
    says = (
        "It has services and no address: nobody reaches them from outside. A shared_v4 would open it to all."
    )
    return [Problem(problem="no_address", says=says, next=step)]
