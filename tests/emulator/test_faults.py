"""Rules for faults (issue 3.4): what they match, how they are counted, and how they are refused.

The kinds are shown in `test_faults_wire` and `test_faults_conditions`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import anyio
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.faults import KINDS, FaultKind, example
from tests.emulator.caller import APP, MACHINES, VOLUMES, Caller


async def faults(fly: Caller, *rules: dict[str, Any]) -> None:
    await fly.post("http://fly.test/_emulator/faults", 201, json={"faults": list(rules)})


async def test_a_rule_strikes_what_it_matches(emu: Emulator, fly: Caller) -> None:
    """Method and path; the log names the rule."""
    await faults(fly, {"name": "down", "method": "GET", "path": "/volumes$", "status": 503})
    body = await fly.get(VOLUMES, 503)
    assert body == {"error": "unavailable: injected fault"}
    await fly.get(MACHINES)
    await fly.post(VOLUMES, json={"name": "data", "region": "fra"})
    assert [record.fault for record in emu.requests] == ["down", "", ""]


async def test_only_the_nth_or_only_a_few_times(fly: Caller) -> None:
    """`nth` counts matching requests, `times` limits the strikes."""
    await faults(
        fly, {"path": "/volumes", "nth": 2, "status": 500}, {"path": "/machines", "times": 2, "status": 500}
    )
    assert [(await fly.http.get(VOLUMES)).status_code for _ in range(4)] == [200, 500, 200, 200]
    assert [(await fly.http.get(MACHINES)).status_code for _ in range(4)] == [500, 500, 200, 200]


async def test_a_limit_breach_with_and_without_retry_after(fly: Caller) -> None:
    """Reference 1.6, 12: the header was never seen, and is honoured when present."""
    await faults(
        fly, {"status": 429, "times": 1}, {"status": 429, "headers": {"Retry-After": "2"}, "times": 1}
    )
    one, two = await fly.http.get(VOLUMES), await fly.http.get(VOLUMES)
    assert one.json() == two.json() == {"error": "rate limit exceeded"}
    assert "retry-after" not in one.headers
    assert two.headers["retry-after"] == "2"


async def test_a_create_that_times_out_after_creating(fly: Caller) -> None:
    """Reference 1.7 [C]: 408 on create is ambiguous; here the machine exists."""
    await faults(fly, {"method": "POST", "path": "/machines$", "status": 408, "after": True, "times": 1})
    text = await fly.error("POST", MACHINES, 408, json={"config": {"image": "nginx"}})
    assert text.startswith("deadline_exceeded: ")
    assert len(await fly.get(MACHINES)) == 1


async def test_slow_answers(fly: Caller) -> None:
    """Latency alone is the whole fault."""
    await faults(fly, {"path": "/volumes", "latency": 12})
    before = anyio.current_time()
    await fly.get(VOLUMES)
    assert anyio.current_time() - before == pytest.approx(12)


@pytest.mark.parametrize("raw", ["", "<html>bad gateway</html>", '{"id": "78'])
async def test_an_answer_that_is_no_json(fly: Caller, raw: str) -> None:
    """Issue 2: a server that answers HTML, nothing, or half a JSON."""
    await faults(fly, {"status": 200, "body": raw})
    assert (await fly.http.get(VOLUMES)).text == raw


async def test_probability_is_decided_by_the_seed(fly: Caller) -> None:
    """Chance is injected."""
    await faults(fly, {"status": 500, "probability": 0.5})
    first = [(await fly.http.get(VOLUMES)).status_code for _ in range(40)]
    assert 8 < first.count(500) < 32
    await fly.post("http://fly.test/_emulator/reset")
    await faults(fly, {"status": 500, "probability": 0.5})
    assert [(await fly.http.get(VOLUMES)).status_code for _ in range(40)] == first


async def test_rules_are_listed_counted_and_dropped(fly: Caller) -> None:
    """GET and DELETE /_emulator/faults."""
    await fly.post("http://fly.test/_emulator/faults", 201, json={"status": 500, "times": 1})
    await fly.get(VOLUMES, 500)
    await fly.get(VOLUMES)
    (rule,) = (await fly.get("http://fly.test/_emulator/faults"))["faults"]
    assert rule == {"name": "fault-1", "times": 1, "status": 500, "seen": 2, "struck": 1}
    await fly.delete("http://fly.test/_emulator/faults", 204)
    assert (await fly.get("http://fly.test/_emulator/faults"))["faults"] == []


async def test_a_template_is_just_that_endpoint(emu: Emulator, fly: Caller) -> None:
    """Whatever the names in its braces; a regular expression may have braces of its own."""
    await fly.started()
    await faults(
        fly,
        {"name": "list", "path": "/v1/apps/{app_name}/machines", "status": 500},
        {"name": "one", "path": "/machines/[0-9a-f]{14}$", "status": 500},
    )
    machine = next(iter(emu.dump().apps[APP].machines))
    await fly.get(MACHINES, 500)
    await fly.get(f"{MACHINES}/{machine}", 500)
    await fly.get(f"{MACHINES}/{machine}/events")
    assert [record.fault for record in emu.requests[-3:]] == ["list", "one", ""]


async def test_app_machine_and_region_narrow_a_rule(emu: Emulator, fly: Caller) -> None:
    """All conditions must hold."""
    one, two = await fly.started(region="ams"), await fly.started(region="fra")
    await faults(
        fly,
        {"name": "a", "app": "catvet-web", "status": 500},
        {"name": "b", "app": APP, "machine": one["id"], "status": 500},
        {"name": "c", "region": "fra", "status": 500},
    )
    await fly.get("/apps/catvet-web", 500)
    await fly.get(f"{MACHINES}/{one['id']}", 500)
    await fly.get(f"{MACHINES}/{two['id']}", 500)
    await fly.get(f"{VOLUMES}/vol_xxx", 500)
    await fly.post(VOLUMES, 500, json={"name": "x"})
    await fly.post(VOLUMES, json={"name": "x", "region": "ams"})
    await fly.get(MACHINES)
    assert [record.fault for record in emu.requests[-7:]] == ["a", "b", "c", "c", "c", "", ""]


async def test_every_nth_request(fly: Caller) -> None:
    """Of those that match."""
    await faults(fly, {"path": "/volumes", "every": 3, "status": 500})
    assert [(await fly.http.get(VOLUMES)).status_code for _ in range(6)] == [200, 200, 500] * 2


async def test_a_request_meets_one_fault_at_most(emu: Emulator, fly: Caller) -> None:
    """The first rule wins; the others have seen it."""
    await faults(fly, {"name": "first", "status": 500, "times": 1}, {"name": "second", "status": 502})
    assert [(await fly.http.get(VOLUMES)).status_code for _ in range(2)] == [500, 502]
    assert [record.fault for record in emu.requests] == ["first", "second"]
    report = await fly.get("http://fly.test/_emulator/faults")
    assert [(rule["seen"], rule["struck"]) for rule in report["faults"]] == [(2, 1), (2, 1)]
    assert report["struck"] == {"answer": 2}


async def test_a_rules_dice_are_its_own(fly: Caller) -> None:
    """With a seed of its own it strikes the same requests wherever it stands."""
    rule = {"path": "/volumes", "status": 500, "probability": 0.3, "seed": 7}

    async def struck() -> list[int]:
        codes = [(await fly.http.get(VOLUMES)).status_code for _ in range(60)]
        await fly.delete("http://fly.test/_emulator/faults", 204)
        return [index for index, code in enumerate(codes) if code == 500]

    await faults(fly, rule)
    alone = await struck()
    assert 8 < len(alone) < 30
    await faults(fly, {"path": "/nothing", "status": 500, "probability": 0.5}, rule)
    assert await struck() == alone
    await faults(fly, rule | {"seed": 8})
    assert await struck() != alone


def test_every_kind_is_one_documented_rule() -> None:
    """Issue 3.4: each can be had by one JSON rule; rows and the names that rules take are the same."""
    assert tuple(KINDS) == get_args(FaultKind)
    for kind in KINDS.values():
        assert example(kind).kind == kind.name
        assert kind.says.endswith(".")


def test_every_kind_is_shown_from_outside() -> None:
    """Issue 3, shows 4."""
    here = Path(__file__)
    shown = "".join(path.read_text(encoding="utf-8") for path in here.parent.glob("test_faults_*.py"))
    assert [kind for kind in KINDS if f'"{kind}"' not in shown and kind != "answer"] == []


@pytest.mark.parametrize(
    "rule",
    [
        {"path": "("},
        {"status": 99},
        {"probability": 2},
        {"colour": "red"},
        {"nth": 0},
        {"every": 0},
        {"kind": "flood"},
        {"seconds": -1, "kind": "slow"},
        {"seconds": 1, "kind": "rate_limited"},
        {"body": "x", "kind": "slow"},
    ],
)
async def test_a_bad_rule_is_refused(fly: Caller, rule: dict[str, Any]) -> None:
    """With the field in it."""
    body = await fly.post("http://fly.test/_emulator/faults", 400, json={"faults": [rule]})
    assert next(iter(rule)) in body["problems"][0]
