"""What all answers have in common: ids, shapes, routes, bad bodies (reference 1)."""

from __future__ import annotations

import re

import pytest

from fly_mcp_emulator import Emulator, World
from tests.emulator.caller import MACHINES, VOLUMES, Caller, client


async def test_every_answer_has_a_request_id(emu: Emulator, fly: Caller) -> None:
    """Reference 1.4 [C]: errors included; the log has the same."""
    for path in ("/apps/my-sandbox", "/apps/nope", "/nowhere", "/platform/regions"):
        answer = await fly.http.get(path)
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}-fra", answer.headers["fly-request-id"])
        assert emu.requests[-1].request_id == answer.headers["fly-request-id"]
        assert emu.requests[-1].status == answer.status_code


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/apps/my-sandbox/machines/",
        "/apps//machines",
        "/apps/my-sandbox/machines/1/2/3/4",
        "http://fly.test/",
        "http://fly.test/v2/apps",
    ],
)
async def test_an_unknown_route_is_plain_text(fly: Caller, path: str) -> None:
    """Reference 1.1 [L]: not JSON."""
    answer = await fly.http.get(path)
    assert (answer.status_code, answer.text) == (404, "404 page not found")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH"])
async def test_an_unknown_method_is_an_unknown_route(fly: Caller, method: str) -> None:
    """Reference 12: 404 or 405 is not known; 404 is chosen."""
    assert (await fly.http.request(method, "/apps/my-sandbox")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"config": {"env": ', b"NaN"],
)
@pytest.mark.parametrize("path", [MACHINES, VOLUMES, "/apps", "/apps/my-sandbox/secrets"])
async def test_a_malformed_body_is_a_400_in_flys_shape(fly: Caller, path: str, body: bytes) -> None:
    """Issue 2: never 500."""
    answer = await fly.http.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("invalid_argument: ")


async def test_json_is_read_whatever_the_content_type_says(fly: Caller) -> None:
    """Reference 1.4, real-clients: POST without a body carries a JSON type, or none."""
    body = b'{"name": "data", "region": "fra"}'
    answer = await fly.http.post(VOLUMES, content=body, headers={"content-type": "text/plain"})
    assert answer.status_code == 200


async def test_the_log_is_in_order_and_tells_the_route(emu: Emulator, fly: Caller) -> None:
    """Issue 2: what tests and evaluations judge by."""
    await fly.http.get("/apps?org_slug=personal")
    await fly.http.post(f"{VOLUMES}/vol%5Fxxx/snapshots")
    await fly.http.get("http://fly.test/_emulator/health")
    one, two = emu.requests
    assert (one.method, one.path, one.query, one.status) == ("GET", "/v1/apps", "org_slug=personal", 200)
    assert two.endpoint == "/v1/apps/{app}/volumes/{vol}/snapshots"
    assert (two.path, two.raw_path) == (
        f"/v1{VOLUMES}/vol_xxx/snapshots",
        f"/v1{VOLUMES}/vol%5Fxxx/snapshots",
    )
    assert one.at <= two.at


async def test_an_encoded_slash_stays_inside_its_segment(fly: Caller) -> None:
    """An id must not be able to reach another route."""
    answer = await fly.http.delete("/apps/my-sandbox%2Fmachines")
    assert answer.status_code == 404
    await fly.get("/apps/my-sandbox")


async def test_odd_identifiers_are_plain_404s(fly: Caller) -> None:
    """Issue 2: bad input."""
    for odd in ("%00", "%2e%2e", "a" * 5000, "%F0%9F%98%80", "%ff"):
        assert (await fly.http.get(f"/apps/{odd}")).status_code == 404
        assert (await fly.http.get(f"{MACHINES}/{odd}")).status_code == 404


async def test_a_line_break_in_a_path_is_one_more_odd_identifier(fly: Caller) -> None:
    """Reference 1.4: every answer is Fly's; found by `make test-clients`."""
    answer = await fly.http.get(f"{MACHINES}/%0AM/wait")
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found: machine not found"})
    assert answer.headers["fly-request-id"]


async def test_our_own_failure_is_a_500_in_flys_shape(emu: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """House style 13: the one last resort."""
    world = emu.dump()
    world.apps["my-sandbox"].org = "vanished"

    def unchecked(world: World, _seed: int) -> World:
        return world

    monkeypatch.setattr("fly_mcp_emulator.emulator.complete", unchecked)
    emu.load(world)  # no request can break a world, and a load checks it
    async with client(emu) as http:
        answer = await http.get("/apps/my-sandbox")
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("internal: ")
