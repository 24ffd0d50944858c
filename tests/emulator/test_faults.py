"""Faults by rule: the first small set (issue 2; the whole list comes with issue 3)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import MACHINES, VOLUMES, Caller


async def faults(fly: Caller, *rules: dict[str, Any]) -> None:
    await fly.post("http://fly.test/_emulator/faults", 201, json={"faults": list(rules)})


async def test_a_rule_strikes_what_it_matches(emu: Emulator, fly: Caller) -> None:
    """Method and path; the log names the rule."""
    await faults(fly, {"name": "down", "method": "GET", "path": "/volumes$", "status": 503})
    body = await fly.get(VOLUMES, 503)
    assert body == {"error": "internal: injected fault"}
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


@pytest.mark.parametrize(
    "rule", [{"path": "("}, {"status": 99}, {"probability": 2}, {"colour": "red"}, {"nth": 0}]
)
async def test_a_bad_rule_is_refused(fly: Caller, rule: dict[str, Any]) -> None:
    """With the field in it."""
    body = await fly.post("http://fly.test/_emulator/faults", 400, json={"faults": [rule]})
    assert next(iter(rule)) in body["problems"][0]
