"""Tokens: who may do what (reference 1.2, 1.3)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import Caller, client

SEEDS = "/apps/catvet-records/machines/7846e45f27e218"


@asynccontextmanager
async def bearing(emu: Emulator, token: str | None) -> AsyncGenerator[Caller]:
    async with client(emu, token) as http:
        yield Caller(http)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "FlyV1 ,", "Bearer fm2_emulator_expired"])
async def test_no_token_and_an_expired_one_are_401_in_the_shape_of_flaps(
    emu: Emulator, header: str | None
) -> None:
    """Reference 1.2 [L]."""
    async with bearing(emu, header) as fly:
        for path in (
            "/apps/catvet-records/machines",
            SEEDS,
            "/apps/catvet-records/secrets",
            "/tokens/current",
        ):
            assert await fly.get(path, 401) == {"error": "Authenticate: token validation error"}


@pytest.mark.parametrize(
    "header",
    [
        "Bearer word",
        "bearer word",
        "FlyV1 fm2_lJPECAAAAAAAB",
        "word",
        "Bearer FlyV1 fm2_abc",
        "FlyV1 fm1r_a,fm2_b",
        "Bearer word, FlyV1 fm2_b",
    ],
)
async def test_any_other_token_is_good_in_all_its_shapes(emu: Emulator, header: str) -> None:
    """Reference 1.2: Bearer, FlyV1, bare, doubled schemes, comma lists."""
    async with bearing(emu, header) as fly:
        await fly.get(SEEDS)
        await fly.get("/apps/lab-batch")
        assert emu.requests[-1].token == "any"


async def test_one_good_token_in_the_list_suffices(emu: Emulator) -> None:
    """Reference 1.2 [C: macaroon repo]."""
    async with bearing(emu, "FlyV1 fm2_emulator_expired,fm2_emulator_other_org") as fly:
        await fly.get("/apps/lab-batch")
        await fly.get("/apps/catvet-records", 403)
    async with bearing(emu, "FlyV1 fm2_emulator_other_org,fm2_emulator_org") as fly:
        await fly.get("/apps/lab-batch")
        await fly.get("/apps/catvet-records")
        assert emu.requests[-1].token == "other-org+org"


async def test_an_app_out_of_sight_is_403_and_one_that_is_nowhere_404(emu: Emulator) -> None:
    """Reference 1.3 [C]."""
    async with bearing(emu, "fm2_emulator_org") as fly:
        assert (await fly.error("GET", "/apps/lab-batch", 403)).startswith("permission_denied: ")
        await fly.get("/apps/lab-batch/machines", 403)
        await fly.get("/apps/nope", 404)
        await fly.get("/apps", 403, params={"org_slug": "lab-team"})
        await fly.post("/apps", 403, json={"name": "new", "org_slug": "lab-team"})
        await fly.post("/apps", 422, json={"name": "lab-batch", "org_slug": "personal"})
        await fly.post("/apps", 201, json={"name": "new", "org_slug": "personal"})


async def test_a_deploy_token_does_everything_on_its_app_alone(emu: Emulator) -> None:
    """Reference 1.3."""
    async with bearing(emu, "fm2_emulator_deploy") as fly:
        listed = await fly.get("/apps", params={"org_slug": "personal"})
        assert [app["name"] for app in listed["apps"]] == ["catvet-records"]
        await fly.post(f"{SEEDS}/exec", json={"cmd": "true"})
        await fly.post("/apps/catvet-records/secrets", json={"values": {"A": "1"}})
        await fly.get("/apps/my-sandbox", 403)
        await fly.post("/apps", 403, json={"name": "new", "org_slug": "personal"})
        await fly.delete(f"{SEEDS}?force=true")


async def test_a_readonly_token_reads_and_nothing_else(emu: Emulator) -> None:
    """Reference 1.3."""
    async with bearing(emu, "fm2_emulator_readonly") as fly:
        await fly.get("/apps", params={"org_slug": "personal"})
        await fly.get(SEEDS)
        await fly.get(f"{SEEDS}/wait")
        await fly.get("/apps/catvet-records/secrets")
        before = emu.dump()
        for method, path in (
            ("POST", f"{SEEDS}/exec"),
            ("POST", f"{SEEDS}/start"),
            ("POST", f"{SEEDS}/stop"),
            ("POST", f"{SEEDS}/lease"),
            ("POST", SEEDS),
            ("DELETE", SEEDS),
            ("POST", "/apps/catvet-records/machines"),
            ("POST", "/apps/catvet-records/secrets"),
            ("DELETE", "/apps/catvet-records/volumes/vol_abc123"),
            ("DELETE", "/apps/catvet-records"),
        ):
            assert (await fly.error(method, path, 403, json={})).startswith("permission_denied: ")
        after = emu.dump()
        after.ids_made = before.ids_made
        assert after == before


async def test_a_machine_exec_token_runs_commands_and_reads(emu: Emulator) -> None:
    """Reference 1.3."""
    async with bearing(emu, "fm2_emulator_machine_exec") as fly:
        await fly.post(f"{SEEDS}/exec", json={"cmd": "ls /"})
        await fly.get(SEEDS)
        await fly.post(f"{SEEDS}/stop", 403)
        await fly.get("/apps/my-sandbox", 403)


async def test_a_machine_exec_token_may_be_bound_to_commands(emu: Emulator) -> None:
    """Reference 1.3: exact or prefix."""
    world = emu.dump()
    next(token for token in world.tokens if token.kind == "machine-exec").commands = ["ls /data", "uptime"]
    emu.load(world)
    async with bearing(emu, "fm2_emulator_machine_exec") as fly:
        await fly.post(f"{SEEDS}/exec", json={"cmd": "ls /data"})
        await fly.post(f"{SEEDS}/exec", json={"command": ["ls", "/data", "-l"]})
        for command in (["ls", "/"], ["ls", "/database"], ["rm", "-rf", "/data"]):
            await fly.post(f"{SEEDS}/exec", 403, json={"command": command})


async def test_regions_need_no_token_at_all(emu: Emulator) -> None:
    """Reference 1.2 [L]."""
    async with bearing(emu, None) as fly:
        await fly.get("/platform/regions")


async def test_the_current_token_tells_what_it_is(emu: Emulator) -> None:
    """Reference 4.9: the way to check a token without touching anything."""
    async with bearing(emu, "word") as fly:
        (row,) = (await fly.get("/tokens/current"))["tokens"]
        assert (row["org_slug"], row["organization"], row["apps"]) == ("personal", "Personal", ["*"])
        assert row["user"] == "ada@example.com"
    async with bearing(emu, "FlyV1 fm2_emulator_deploy,fm2_emulator_other_org") as fly:
        deploy, other = (await fly.get("/tokens/current"))["tokens"]
        assert (deploy["org_slug"], deploy["apps"]) == ("personal", ["catvet-records"])
        assert (other["org_slug"], other["apps"]) == ("lab-team", ["*"])
        assert "user" not in deploy


async def test_a_lease_of_a_token_names_the_token(emu: Emulator) -> None:
    """Reference 3.5 [D, L]: `<uuid>@tokens.fly.io`."""
    async with bearing(emu, "fm2_emulator_deploy") as fly:
        owner = (await fly.post(f"{SEEDS}/lease", 201))["data"]["owner"]
        assert owner.endswith("@tokens.fly.io")


async def test_the_log_holds_the_kind_of_a_token_and_never_the_token(emu: Emulator) -> None:
    """Issue 2."""
    for header in ("Bearer canary-token", "fm2_emulator_expired", None):
        async with bearing(emu, header) as fly:
            await fly.http.get(SEEDS)
    assert [record.token for record in emu.requests] == ["any", "invalid", "none"]
    assert all("canary-token" not in str(record) for record in emu.requests)
