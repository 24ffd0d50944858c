"""`done` is what was seen (docs/outcomes.md): what the next read does not bear out is `unclear`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule

from .fly import APP, MACHINE, VOLUME, WEB, Fly, Json

#: What the volume was and stays.
OLD: Json = {
    "id": VOLUME,
    "name": "catvet_data",
    "state": "created",
    "size_gb": 1,
    "region": "fra",
    "snapshot_retention": 5,
    "auto_backup_enabled": True,
    "attached_machine_id": MACHINE,
}
EMPTY: Json = {}
CONFIRM: Json = {"confirm": True}
HOSTNAME = "www.catvet.example"
#: A write, and what Fly answers to it without doing anything.
WRITES: list[Any] = [
    pytest.param(
        "flyUpdateVolume",
        {"appName": APP, "volumeId": VOLUME, "snapshotRetention": 30},
        ("PUT", f"/volumes/{VOLUME}$", OLD),
        id="update volume",
    ),
    pytest.param(
        "flyExtendVolume",
        {"appName": APP, "volumeId": VOLUME, "sizeGb": 50},
        ("PUT", "/extend$", {"volume": OLD, "needs_restart": True}),
        id="extend volume",
    ),
    pytest.param(
        "flyReleaseIp",
        {"appName": WEB, "ip": "66.241.124.7", **CONFIRM},
        ("DELETE", "/ip_assignments/", None),
        id="release address",
    ),
    pytest.param(
        "flyAllocateIp",
        {"appName": APP, "type": "v6"},
        ("POST", "/ip_assignments$", {"ip": "2a09:8280:1::1:2", "region": "global", "shared": False}),
        id="allocate address",
    ),
    pytest.param(
        "flyRemoveCertificate",
        {"appName": WEB, "hostname": HOSTNAME, **CONFIRM},
        ("DELETE", "/certificates/", None),
        id="remove certificate",
    ),
    pytest.param(
        "flyDeleteSecretKey",
        {"appName": WEB, "name": "sessions-v1", **CONFIRM},
        ("DELETE", "/secretkeys/", EMPTY),
        id="delete secret key",
    ),
]


def answering(body: Json | None) -> Callable[[httpx2.Request], httpx2.Response]:
    """Fly says yes."""
    if body is None:
        return lambda request: httpx2.Response(204, request=request)
    return lambda request: httpx2.Response(200, json=body, request=request)


@pytest.mark.parametrize(("name", "arguments", "yes"), WRITES)
async def test_what_fly_says_yes_to_and_does_not_do_is_unclear(
    fly: Fly, name: str, arguments: Json, yes: tuple[str, str, Json | None]
) -> None:
    """docs/outcomes.md: done is seen by reading it back."""
    before = fly.emulator.dump()
    fly.wire.replace_answers(yes[0], yes[1], answering(yes[2]))
    answer = await fly.call(name, **arguments)
    assert answer["outcome"] == "unclear"
    assert "Fly " in answer["note"]
    assert fly.app(arguments["appName"]) == before.apps[arguments["appName"]]


@pytest.mark.parametrize(("name", "arguments", "yes"), WRITES)
async def test_what_fly_does_is_done(
    fly: Fly, name: str, arguments: Json, yes: tuple[str, str, Json | None]
) -> None:
    """docs/outcomes.md: and it is told at once."""
    began = fly.clock.monotonic()
    assert (await fly.call(name, **arguments))["outcome"] == "done"
    assert fly.clock.monotonic() - began < 2
    assert len(fly.requests_to("/", yes[0])) == 1


#: Those whose own answer does not show what became of it.
SILENT = [one for one in WRITES if "volume" not in str(one.id)]


@pytest.mark.parametrize(("name", "arguments", "yes"), SILENT)
async def test_what_cannot_be_looked_at_is_not_said_to_be_done(
    fly: Fly, name: str, arguments: Json, yes: tuple[str, str, Json | None]
) -> None:
    """docs/outcomes.md: whoever could not look does not say that it was seen."""

    def unwell(_: httpx2.Request) -> None:
        fly.emulator.faults.add(FaultRule(method="GET", path=f"/apps/{arguments['appName']}/", status=500))

    fly.wire.tap(yes[0], yes[1], unwell)
    answer = await fly.call(name, **arguments)
    assert answer["outcome"] == "unclear"
    assert "could not be" in answer["note"]
