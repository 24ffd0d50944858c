"""flyAcquireLease with the nonce of a lease that has run out: Fly gives another one (reference 4.4)."""

from __future__ import annotations

import pytest

from .fly import APP, MACHINE, Fly

ONE = {"appName": APP, "machineId": MACHINE}


async def _over(fly: Fly) -> str:
    """The nonce of a lease that has run out."""
    answer = await fly.call("flyAcquireLease", **ONE, ttl=60)
    await fly.clock.sleep(61)
    return str(answer["nonce"])


async def test_that_it_is_another_one_is_said(fly: Fly) -> None:
    """Found by the chaos run: whoever holds it has to know that others may have changed the machine between."""
    nonce = await _over(fly)
    answer = await fly.call("flyAcquireLease", **ONE, nonce=nonce)
    assert answer["nonce"] != nonce
    assert "had run out, so this is another one" in answer["note"]


async def test_one_that_is_extended_in_time_is_the_same_and_nothing_is_said(fly: Fly) -> None:
    """Ours: the other way round."""
    nonce = (await fly.call("flyAcquireLease", **ONE, ttl=60))["nonce"]
    answer = await fly.call("flyAcquireLease", **ONE, nonce=nonce)
    assert (answer["nonce"], "note" in answer) == (nonce, False)


@pytest.mark.parametrize("description", [None, "maintenance"])
async def test_another_one_whose_answer_was_lost_is_found_by_its_mark(
    fly: Fly, description: str | None
) -> None:
    """The finding: it had neither the old nonce nor a mark, and kept its taker out until it ran out."""
    nonce = await _over(fly)
    more = {"description": description} if description else {}
    fly.wire.lose_answers("POST", "/lease$", times=1)
    answer = await fly.call("flyAcquireLease", **ONE, **more, nonce=nonce)
    lease = fly.machine().lease
    assert lease is not None
    assert answer["nonce"] == lease.nonce != nonce
    assert "found by its mark" in answer["note"]
    assert "this is another one" in answer["note"]


async def test_another_one_is_given_again_to_its_request_id(fly: Fly) -> None:
    """Ours: it is known by its mark alone."""
    nonce = await _over(fly)
    first = await fly.call("flyAcquireLease", **ONE, nonce=nonce, requestId="one")
    again = await fly.call("flyAcquireLease", **ONE, nonce=nonce, requestId="one")
    assert (again["nonce"], again["already_done"]) == (first["nonce"], True)
