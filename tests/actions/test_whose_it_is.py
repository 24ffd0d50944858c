"""Addresses and secret keys carry no mark: none is taken for that of another call (found by the chaos run)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import IpAddress, World

from .fly import APP, Fly

V6 = {"appName": APP, "type": "v6"}
KEY = {"appName": APP, "name": "cookies-v1", "type": "hs256"}
GENERATE = "/secretkeys/cookies-v1/generate$"


async def _together(fly: Fly, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    answers: dict[int, dict[str, Any]] = {}

    async def one(number: int, name: str, arguments: dict[str, Any]) -> None:
        answers[number] = await fly.either(name, **arguments)

    async with anyio.create_task_group() as tasks:
        for number, (name, arguments) in enumerate(calls):
            tasks.start_soon(one, number, name, arguments)
    return [answers[number] for number in range(len(calls))]


class TestAddresses:
    """flyAllocateIp."""

    async def test_one_that_another_call_got_is_not_taken_on_repeating(self, fly: Fly) -> None:
        """The finding: the first request was lost, and somebody else allocated before the retry."""
        fly.wire.lose_requests("POST", "/ip_assignments$", times=1)
        error = await fly.refused("flyAllocateIp", V6, requestId="first")
        assert error["outcome"] == "unclear"
        other = await fly.call("flyAllocateIp", **V6, requestId="second")
        answer = await fly.call("flyAllocateIp", **V6, requestId="first")
        assert answer["outcome"] == "done"
        assert answer["ip"] != other["ip"]
        assert set(fly.app().ips) == {answer["ip"], other["ip"]}

    async def test_neither_half_of_a_pair_of_another_call_is(self, fly: Fly) -> None:
        """Ours: Fly's answer names one of them."""
        pair: list[IpAddress] = [
            IpAddress(ip="2a09:8280:e::1:0:0", egress=True),
            IpAddress(ip="2a09:8280:e::2:0:0", egress=True),
        ]

        def second(_: object) -> None:
            fly.edit(lambda world: world.apps[APP].ips.update({pair[1].ip: pair[1]}))

        fly.wire.lose_requests("POST", "/ip_assignments$", times=1)
        await fly.refused("flyAllocateIp", V6, requestId="first")
        fly.wire.tap("POST", "/ip_assignments$", second)
        other = await fly.call("flyAllocateIp", appName=APP, type="egress_pair", confirm=True)
        assert other["also"] == [pair[1].ip]
        answer = await fly.call("flyAllocateIp", **V6, requestId="first")
        assert answer["ip"] not in (other["ip"], pair[1].ip)

    async def test_its_own_is_found_again_after_an_answer_that_was_unclear(self, fly: Fly) -> None:
        """Ours: what is known to be another's is not one's own."""
        looks = fly.wire.lose_requests("GET", "/ip_assignments$", times=0)

        def silent(_: object) -> None:
            looks.times = 999

        fly.wire.tap("POST", "/ip_assignments$", silent)
        first = await fly.call("flyAllocateIp", **V6, requestId="one")
        assert (first["outcome"], "could not be read" in first["note"]) == ("unclear", True)
        fly.wire.mend()
        answer = await fly.call("flyAllocateIp", **V6, requestId="one")
        assert (answer["outcome"], answer["ip"]) == ("done", first["ip"])
        assert list(fly.app().ips) == [first["ip"]]

    async def test_one_that_was_given_back_may_be_allocated_again(self, fly: Fly) -> None:
        """Ours: Fly may give the same one to whoever asks next."""

        def same(_: object) -> None:
            fly.edit(lambda world: world.apps[APP].ips.update({ip: IpAddress(ip=ip)}))

        ip = (await fly.call("flyAllocateIp", **V6))["ip"]
        await fly.call("flyReleaseIp", appName=APP, ip=ip, confirm=True)
        fly.wire.tap("GET", "/ip_assignments$", lambda _: None)
        fly.wire.tap("GET", "/ip_assignments$", same)
        fly.wire.lose_requests("POST", "/ip_assignments$", times=1)
        answer = await fly.call("flyAllocateIp", **V6)
        assert (answer["outcome"], answer["ip"]) == ("done", ip)

    async def test_of_two_at_the_same_moment_neither_takes_the_others(self, fly: Fly) -> None:
        """Found by the chaos run: with both answers lost, each saw two, or the other's."""
        fly.emulator.faults.add(FaultRule(method="POST", path="/ip_assignments$", latency=1.0))
        fly.wire.lose_answers("POST", "/ip_assignments$", times=2)
        answers = await _together(fly, ("flyAllocateIp", V6), ("flyAllocateIp", V6))
        assert [answer.get("outcome") for answer in answers] == ["done", "done"], answers
        assert {answer["ip"] for answer in answers} == set(fly.app().ips)
        assert len(fly.app().ips) == 2

    @pytest.mark.parametrize(
        ("type_", "theirs"), [("egress_v4", "66.241.124.9"), ("egress_v6", "137.66.9.9")]
    )
    async def test_no_egress_address_is_found_in_another_kind(
        self, fly: Fly, type_: str, theirs: str
    ) -> None:
        """Found by the chaos run: a shared IPv4 passed for one after a lost answer."""

        def shared(world: World) -> None:
            world.apps[APP].ips[theirs] = IpAddress(ip=theirs, shared=theirs.startswith("66."))

        fly.wire.lose_requests("POST", "/ip_assignments$", times=1)
        fly.wire.tap("GET", "/ip_assignments$", lambda _: None)
        fly.wire.tap("GET", "/ip_assignments$", lambda _: fly.edit(shared))
        error = await fly.refused("flyAllocateIp", appName=APP, type=type_, confirm=True)
        assert (error["code"], error["details"]["found"]) == ("unclear", "nothing")


class TestSecretKeys:
    """flyGenerateSecretKey."""

    async def test_one_that_another_call_made_is_not_taken_on_repeating(self, fly: Fly) -> None:
        """The finding: of the same name and type."""
        fly.wire.lose_requests("POST", GENERATE, times=1)
        error = await fly.refused("flyGenerateSecretKey", KEY, requestId="first")
        assert error["outcome"] == "unclear"
        await fly.call("flyGenerateSecretKey", **KEY, requestId="second")
        made = fly.app().secret_keys["cookies-v1"]
        error = await fly.refused("flyGenerateSecretKey", KEY, requestId="first")
        assert (error["code"], error["changed"]) == ("conflict", "nothing")
        assert fly.app().secret_keys["cookies-v1"] == made

    async def test_one_that_is_deleted_since_was_nobodys(self, fly: Fly) -> None:
        """Ours: the next of that name is whose it is."""
        await fly.call("flyGenerateSecretKey", **KEY, requestId="first")
        await fly.call("flyDeleteSecretKey", appName=APP, name="cookies-v1", confirm=True)
        fly.wire.lose_answers("POST", GENERATE, times=1)
        looks = fly.wire.lose_requests("GET", "/secretkeys$", times=0)
        fly.wire.tap("GET", "/secretkeys$", lambda _: setattr(looks, "times", 999))
        error = await fly.refused("flyGenerateSecretKey", KEY, requestId="second")
        assert error["outcome"] == "unclear"
        fly.wire.mend()
        answer = await fly.call("flyGenerateSecretKey", **KEY, requestId="second")
        assert (answer["outcome"], "had made it" in answer["note"]) == ("done", True)

    async def test_a_request_that_comes_late_is_waited_for(self, fly: Fly) -> None:
        """The finding: it would replace the key that the repeated call makes meanwhile."""
        fly.wire.lose_requests("POST", GENERATE, times=1)
        error = await fly.refused("flyGenerateSecretKey", KEY, requestId="one")
        assert error["outcome"] == "unclear"
        fly.emulator.requests.clear()
        # Fifteen seconds after it was given up: the same as a request of this intent that arrives then.
        answers: list[dict[str, Any]] = []

        async def again() -> None:
            answers.append(await fly.call("flyGenerateSecretKey", **KEY, requestId="one"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(again)
            await fly.clock.sleep(9.0)
            assert not answers
            fly.edit(_late)
        assert (answers[0]["outcome"], "had made it" in answers[0]["note"]) == ("done", True)
        assert fly.writes() == []

    async def test_one_that_never_comes_is_waited_for_twenty_seconds_and_made(self, fly: Fly) -> None:
        """The finding: as for a volume."""
        fly.wire.lose_requests("POST", GENERATE, times=1)
        await fly.refused("flyGenerateSecretKey", KEY, requestId="one")
        began = fly.clock.monotonic()
        answer = await fly.call("flyGenerateSecretKey", **KEY, requestId="one")
        assert answer["outcome"] == "done"
        assert 10 < fly.clock.monotonic() - began <= 20
        assert any("cookies-v1" in (words or "") for _, _, words in fly.progress)

    async def test_two_at_the_same_moment_do_not_replace_one_another(self, fly: Fly) -> None:
        """Found by the chaos run: both looked, and both found the name free."""
        fly.emulator.faults.add(FaultRule(method="POST", path=GENERATE, latency=1.0))
        answers = await _together(fly, ("flyGenerateSecretKey", KEY), ("flyGenerateSecretKey", KEY))
        assert sorted(one.get("outcome") or one["error"]["code"] for one in answers) == ["conflict", "done"]
        assert len(fly.requests_to("/generate")) == 1


def _late(world: World) -> None:
    """What a request leaves that arrives when everybody has given it up."""
    key = world.apps["catvet-web"].secret_keys["sessions-v1"]
    made = key.model_copy(update={"name": "cookies-v1", "type": "hs256"})
    world.apps[APP].secret_keys["cookies-v1"] = made
