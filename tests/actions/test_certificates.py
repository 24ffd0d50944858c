"""Certificates: what is there, what is needed, what is wrong, and what is lost (reference 4.8)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.world import Certificate, World

from .fly import APP, WEB, Fly

HOST = "www.catvet.example"
ONE = {"appName": WEB, "hostname": HOST}
NEW = {"appName": WEB, "hostname": "shop.catvet.example"}


async def test_every_host_name_is_on_one_page(fly: Fly) -> None:
    """The issue, 3; the pages are Fly's."""

    def many(world: World) -> None:
        for number in range(60):
            name = f"h{number:02d}.catvet.example"
            world.apps[WEB].certificates[name] = Certificate(hostname=name, custom=number % 2 == 0)

    fly.edit(many)
    seen: list[str] = []
    cursor = ""
    answer = await fly.call("flyListCertificates", appName=WEB, limit=25, filter="catvet")
    assert (answer["total"], answer["showing"]) == (61, "25 of 61")
    while True:
        seen += [one["hostname"] for one in answer["certificates"]]
        if "next_cursor" not in answer:
            break
        cursor = answer["next_cursor"]
        answer = await fly.call("flyListCertificates", appName=WEB, limit=25, filter="catvet", cursor=cursor)
    assert len(seen) == len(set(seen)) == 61
    error = await fly.refused("flyListCertificates", appName=WEB, limit=25, filter="www", cursor=cursor)
    assert error["problems"][0]["path"] == "cursor"


async def test_a_row_says_whose_certificate_it_is(fly: Fly) -> None:
    """Reference 4.8: Fly's own, one that was brought, both or none."""

    def more(world: World) -> None:
        there = world.apps[WEB].certificates
        there["a.invalid"] = Certificate(hostname="a.invalid")
        there["b.invalid"] = Certificate(hostname="b.invalid", custom=True)
        there["c.example"] = Certificate(hostname="c.example", custom=True, issued=True)

    fly.edit(more)
    answer = await fly.call("flyListCertificates", appName=WEB)
    kinds = {one["hostname"]: one["certificate"] for one in answer["certificates"]}
    assert kinds == {HOST: "fly", "a.invalid": "none", "b.invalid": "custom", "c.example": "both"}


async def test_one_that_is_right_has_no_problem(fly: Fly) -> None:
    """Ours."""
    answer = await fly.call("flyCheckCertificate", **ONE)
    assert (answer["ready"], answer["status"], answer["problems"]) == (True, "active", [])
    assert answer["certificates"] == [
        {"source": "fly", "status": "active", "issuer": "Let's Encrypt", "expires_at": "2099-12-31T23:59Z"}
    ]
    assert {"type": "A", "name": HOST, "value": "66.241.124.7", "found": True} in answer["dns"]


async def test_what_the_dns_lacks_is_said(fly: Fly) -> None:
    """The issue, 1: what records are needed, problems in words."""
    await fly.call("flyRequestCertificate", **NEW)
    answer = await fly.call("flyCheckCertificate", **NEW)
    assert answer["ready"] is False
    assert "No DNS record leads shop.catvet.example to this app yet" in answer["problems"][0]
    assert "or a CNAME to" in answer["problems"][0]
    needed = {(one["type"], one["value"], one["found"]) for one in answer["dns"]}
    assert {("A", "66.241.124.7", False), ("AAAA", "2a09:8280:1::5c:1f2e:0", False)} < needed


async def test_an_app_without_an_address_is_told_to_get_one(fly: Fly) -> None:
    """Ours: there is nothing that the DNS could name."""
    new = {"appName": APP, "hostname": "records.catvet.example"}
    made = await fly.call("flyRequestCertificate", **new)
    assert "flyAllocateIp" in made["note"]
    answer = await fly.call("flyCheckCertificate", **new)
    assert "no public address" in answer["problems"][0]


async def test_one_that_has_expired_is_a_problem(fly: Fly) -> None:
    """The issue, Shows 6: dates tell, whatever the status says."""
    now = fly.clock.now()
    fly.edit(lambda world: setattr(world.apps[WEB].certificates[HOST], "expires_at", now - 60))
    answer = await fly.call("flyCheckCertificate", **ONE)
    assert (answer["status"], answer["ready"]) == ("active", False)
    assert answer["problems"][0].startswith("The fly certificate expired at ")
    fly.edit(lambda world: setattr(world.apps[WEB].certificates[HOST], "expires_at", now + 86_400))
    answer = await fly.call("flyCheckCertificate", **ONE)
    assert answer["problems"][0].startswith("The fly certificate expires at ")


def _checked(**more: Any) -> dict[str, Any]:
    return {
        "hostname": HOST,
        "status": "pending_validation",
        "dns_requirements": {"a": ["66.241.124.7"], "aaaa": [], "cname": "x.catvet-web.fly.dev"},
        "dns_records": {},
        **more,
    }


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            _checked(dns_records={"a": ["9.9.9.9"]}),
            "leads www.catvet.example to 9.9.9.9, which is not this app's",
        ),
        (_checked(dns_records={"cname": ["X.catvet-web.fly.dev."]}), None),
        (_checked(dns_records={"a": ["66.241.124.7"]}), None),
        (_checked(rate_limited_until="2026-06-01T00:00:00Z"), "No certificate is issued before 2026-06-01"),
        (
            _checked(
                validation_errors=[
                    {"code": "x", "message": "CAA forbids\x1b[31m it\u202e", "remediation": "y"}
                ]
            ),
            'Fly says: "CAA forbids it y"',
        ),
        (
            _checked(
                status="pending_ownership",
                dns_requirements={
                    "a": ["66.241.124.7"],
                    "ownership": {"name": "_fly-ownership.x", "app_value": "app-1"},
                },
                dns_records={"a": ["66.241.124.7"]},
            ),
            "proof of ownership is missing",
        ),
    ],
)
async def test_each_problem_has_its_words(fly: Fly, body: dict[str, Any], told: str | None) -> None:
    """The document: CertificateCheckResponse; Fly's own words are cleaned and said to be Fly's."""
    fly.wire.replace_answers("POST", "/check$", lambda _: httpx2.Response(200, json=body))
    answer = await fly.call("flyCheckCertificate", **ONE)
    if told is None:
        assert answer["problems"] == []
    else:
        assert told in " ".join(answer["problems"])
    assert answer["ready"] is False


async def test_a_wildcard_needs_its_proof(fly: Fly) -> None:
    """Let's Encrypt: a wildcard is proven by DNS alone."""
    made = await fly.call("flyRequestCertificate", appName=WEB, hostname="*.invalid.invalid")
    proof = next(one for one in made["dns"] if one["name"].startswith("_acme-challenge"))
    assert (proof["type"], proof["name"]) == ("CNAME", "_acme-challenge.invalid.invalid")
    assert made["monthly_cost"].startswith("+1.00 USD")
    answer = await fly.call("flyCheckCertificate", appName=WEB, hostname="*.invalid.invalid")
    assert any("proof for the wildcard is missing" in one for one in answer["problems"])


async def test_a_request_says_what_it_needs_and_costs(fly: Fly) -> None:
    """The issue, 1."""
    answer = await fly.call("flyRequestCertificate", **NEW)
    assert (answer["outcome"], answer["status"]) == ("done", "pending_validation")
    assert "flyCheckCertificate looks" in answer["note"]
    assert answer["cname"].endswith("catvet-web.fly.dev")
    assert answer["monthly_cost"].startswith("+0.10 USD")
    assert NEW["hostname"] in fly.app(WEB).certificates


async def test_one_asked_for_already_is_not_asked_for_again(fly: Fly) -> None:
    """Ours: Fly would refuse it."""
    answer = await fly.call("flyRequestCertificate", **ONE)
    assert "monthly_cost" not in answer, "nothing was bought"
    assert (answer["outcome"], "nothing was sent" in answer["note"]) == ("done", True)
    assert fly.writes() == []


async def test_a_host_name_of_another_app_is_refused(fly: Fly) -> None:
    """Reference 4.8: 422."""
    error = await fly.refused("flyRequestCertificate", appName=APP, hostname=HOST)
    assert (error["status"], error["changed"]) == (422, "nothing")


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_request_whose_answer_was_lost_is_found_by_its_host_name(fly: Fly, carried_out: bool) -> None:
    """Issue 4."""
    rule = (fly.wire.lose_answers if carried_out else fly.wire.lose_requests)("POST", "/acme$")
    answer = await fly.either("flyRequestCertificate", **NEW, requestId="c")
    assert rule.struck == 1
    if carried_out:
        assert answer["outcome"] == "done"
        return
    assert (answer["error"]["code"], answer["error"]["details"]["found"]) == ("unclear", "nothing")
    fly.wire.mend()
    assert (await fly.call("flyRequestCertificate", **NEW, requestId="c"))["outcome"] == "done"


async def test_the_preview_says_what_fails_and_what_cannot_be_had_back(fly: Fly) -> None:
    """The issue, 1: preview says what is lost."""
    error = await fly.refused("flyRemoveCertificate", **ONE)
    assert "browsers warn or fail" in error["message"]
    assert "private key" not in error["message"]
    assert error["details"]["would_destroy"]["hostname"] == HOST
    fly.edit(lambda world: setattr(world.apps[WEB].certificates[HOST], "custom", True))
    error = await fly.refused("flyRemoveCertificate", **ONE)
    assert "its private key has to be uploaded again" in error["message"]
    error = await fly.refused("flyRemoveCertificate", **ONE, keepCustom=True)
    assert "the one that was brought stays" in error["message"]


async def test_flys_own_is_removed_and_the_one_that_was_brought_stays(fly: Fly) -> None:
    """Reference 4.8: DELETE .../acme."""
    fly.edit(lambda world: setattr(world.apps[WEB].certificates[HOST], "custom", True))
    answer = await fly.call("flyRemoveCertificate", **ONE, keepCustom=True, confirm=True)
    assert answer["outcome"] == "done"
    kept = fly.app(WEB).certificates[HOST]
    assert (kept.acme, kept.custom) == (False, True)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("times", [1, 99])
async def test_a_removal_whose_answer_was_lost_is_done(fly: Fly, keep: bool, times: int) -> None:
    """Issue 4."""
    fly.edit(lambda world: setattr(world.apps[WEB].certificates[HOST], "custom", keep))
    fly.wire.lose_answers("DELETE", "/certificates/", times)
    answer = await fly.call("flyRemoveCertificate", **ONE, keepCustom=keep, confirm=True)
    assert answer["outcome"] == "done"


async def test_a_removal_that_never_arrived_is_unclear_and_can_be_repeated(fly: Fly) -> None:
    """Issue 4."""
    fly.wire.lose_requests("DELETE", "/certificates/")
    one = {**ONE, "confirm": True, "requestId": "x"}
    assert (await fly.call("flyRemoveCertificate", **one))["outcome"] == "unclear"
    fly.wire.mend()
    assert (await fly.call("flyRemoveCertificate", **one))["outcome"] == "done"
    assert HOST not in fly.app(WEB).certificates


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "https://a.example",
        "a.example:443",
        "a.example/x",
        "a..example",
        "ä.example",
        "*.*.x.y",
    ],
)
async def test_what_is_no_host_name_is_refused(fly: Fly, host: str) -> None:
    """The issue, Bad input."""
    error = await fly.refused("flyRequestCertificate", appName=WEB, hostname=host)
    assert [problem["path"] for problem in error["problems"]] == ["hostname"]
    assert not fly.wire.sent


async def test_capitals_are_no_other_host_name(fly: Fly) -> None:
    """RFC 4343: names in the DNS have no case."""
    assert (await fly.call("flyCheckCertificate", appName=WEB, hostname=HOST.upper()))["hostname"] == HOST
