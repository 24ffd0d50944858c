"""Certificates and IP addresses, answered by Fly's other service (reference 1.1, 4.8), and memory (4.3)."""

from __future__ import annotations

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import MACHINES, Caller, client

IPS = "/apps/my-sandbox/ip_assignments"
CERTS = "/apps/my-sandbox/certificates"


@pytest.mark.parametrize("path", [IPS, CERTS, f"{CERTS}/example.com"])
async def test_refusals_have_the_other_shape(emu: Emulator, path: str) -> None:
    """Reference 1.1, 1.2 [L]: `{"message": ...}`."""
    async with client(emu, None) as http:
        answer = await http.get(path)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    async with client(emu, "fm2_emulator_other_org") as http:
        answer = await http.get(path)
        assert answer.status_code == 403
        assert answer.json().keys() == {"message"}


async def test_addresses_are_assigned_listed_and_released(fly: Caller) -> None:
    """Reference 4.8 [C, S+]: private ones start with fdaa:; the shared one is shared."""
    assert await fly.get(IPS) == {"ips": []}
    assert (await fly.post(IPS, json={"type": "shared_v4"}))["shared"] is True
    six = await fly.post(IPS, json={"type": "v6"})
    private = await fly.post(IPS, json={"type": "private_v6"})
    assert private["ip"].startswith("fdaa:")
    assert len((await fly.get(IPS))["ips"]) == 3
    await fly.delete(f"{IPS}/{six['ip']}", 204)
    assert (await fly.delete(f"{IPS}/{six['ip']}", 404)).keys() == {"message"}
    await fly.post(IPS, 400, json={"type": "v5"})
    await fly.post(IPS, 400, json={"type": "v4", "region": "atlantis"})


async def test_a_certificate_is_asked_for_and_issued(fly: Caller) -> None:
    """Reference 4.8."""
    made = await fly.post(f"{CERTS}/acme", 201, json={"hostname": "www.example.com"})
    assert (made["status"], made["configured"]) == ("pending_validation", False)
    assert made["dns_requirements"]["acme_challenge"]["name"] == "_acme-challenge.www.example.com"
    await anyio.sleep(30)
    after = await fly.get(f"{CERTS}/www.example.com")
    assert (after["status"], after["configured"]) == ("active", True)
    assert (await fly.post(f"{CERTS}/www.example.com/check"))["dns_records"]["a"]
    await fly.post(f"{CERTS}/acme", 422, json={"hostname": "www.example.com"})
    await fly.post("/apps/lab-batch/certificates/acme", 422, json={"hostname": "www.example.com"})
    await fly.delete(f"{CERTS}/www.example.com", 204)
    assert (await fly.get(f"{CERTS}/www.example.com", 404)).keys() == {"message"}


async def test_a_custom_certificate_stands_beside_flys(fly: Caller) -> None:
    """Reference 4.8."""
    pem = {"fullchain": "-----BEGIN CERTIFICATE-----", "private_key": "-----BEGIN PRIVATE KEY-----"}
    await fly.post(f"{CERTS}/acme", 201, json={"hostname": "a.example.com"})
    both = await fly.post(f"{CERTS}/custom", 201, json={"hostname": "a.example.com"} | pem)
    assert [entry["source"] for entry in both["certificates"]] == ["custom", "fly"]
    left = await fly.delete(f"{CERTS}/a.example.com/custom")
    assert [entry["source"] for entry in left["certificates"]] == ["fly"]
    assert left["warning"]
    await fly.delete(f"{CERTS}/a.example.com/custom", 404)
    assert (await fly.delete(f"{CERTS}/a.example.com/acme"))["acme_requested"] is False
    await fly.post(f"{CERTS}/custom", 422, json={"hostname": "b.example.com"})


@pytest.mark.parametrize("hostname", ["", "no-dot", "sp ace.com", "-a.com", "a..com", 7])
async def test_a_bad_host_name_is_refused(fly: Caller, hostname: object) -> None:
    """Reference 4.8: 422 (400 where it is no string)."""
    answer = await fly.http.post(f"{CERTS}/acme", json={"hostname": hostname})
    assert answer.status_code == (400 if hostname == 7 else 422)


async def test_certificates_come_in_pages(fly: Caller) -> None:
    """Reference 2.2 [S], 4.8."""
    for number in range(5):
        await fly.post(f"{CERTS}/acme", 201, json={"hostname": f"h{number}.example.com"})
    first = await fly.get(CERTS, params={"limit": 2})
    assert [row["hostname"] for row in first["certificates"]] == ["h0.example.com", "h1.example.com"]
    assert first["total_count"] == 5
    rest = await fly.get(CERTS, params={"cursor": first["next_cursor"]})
    assert [row["hostname"] for row in rest["certificates"]] == [
        f"h{number}.example.com" for number in (2, 3, 4)
    ]
    assert rest["next_cursor"] == ""
    assert (await fly.get(CERTS, params={"filter": "h3"}))["total_count"] == 1
    await fly.get(CERTS, 400, params={"limit": 0})


async def test_the_memory_of_a_running_machine(fly: Caller) -> None:
    """Reference 4.3 [S]."""
    machine = await fly.started()
    path = f"{MACHINES}/{machine['id']}/memory"
    assert await fly.get(path) == {"limit_mb": 256, "available_mb": 192}
    assert (await fly.put(path, json={"limit_mb": 128}))["limit_mb"] == 128
    assert await fly.post(f"{path}/reclaim", json={"amount_mb": 500}) == {"actual_mb": 96}
    await fly.put(path, 400, json={"limit_mb": 512})
    await fly.post(f"{path}/reclaim", 400, json={})
    await fly.post(f"{MACHINES}/{machine['id']}/suspend")
    await fly.get(path, 412)
