"""Two agents, one machine (the issue, 4): different keys both win, of the same key one is told the difference."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import anyio
import httpx2
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Lease, World
from tests.virtual_time import LoopClock

from .fly import APP, MACHINE, Fly, opened

ONE = {"appName": APP, "machineId": MACHINE}
UPDATE = "flyUpdateMachineConfig"
POST = f"/machines/{MACHINE}$"

Json = dict[str, Any]


@pytest.fixture
async def other(fly: Fly, emulator: Emulator, clock: LoopClock) -> AsyncGenerator[Fly]:
    """Another process with the same Fly."""
    async with opened(emulator, clock, seed=8) as other:
        yield other


async def _together(*calls: Callable[[], Awaitable[Json]]) -> list[Json]:
    answers: dict[int, Json] = {}

    async def one(number: int, call: Callable[[], Awaitable[Json]]) -> None:
        answers[number] = await call()

    async with anyio.create_task_group() as tasks:
        for number, call in enumerate(calls):
            tasks.start_soon(one, number, call)
    return [answers[number] for number in range(len(calls))]


def _update(fly: Fly, **arguments: Any) -> Callable[[], Awaitable[Json]]:
    return lambda: fly.either(UPDATE, **ONE, **arguments)


def _env(fly: Fly) -> dict[str, str]:
    return dict(fly.machine().config.env or {})


def _outcomes(answers: list[Json]) -> list[str]:
    return sorted(one["error"]["code"] if "error" in one else one["outcome"] for one in answers)


def _elsewhere(fly: Fly, number: int = 1, **env: str | None) -> None:
    """Somebody else's update, with or without a lease."""

    def change(world: World) -> None:
        machine = world.apps[APP].machines[MACHINE]
        machine.instance_id = f"01KSR492000000{number:02}PY34DSRD9V"
        merged = {**(machine.config.env or {}), **env}
        machine.config.env = {name: value for name, value in merged.items() if value is not None}
        machine.versions.append(machine.versions[-1].model_copy(update={"id": machine.instance_id}))

    fly.edit(change)


class TestDifferentKeys:
    """Both win."""

    @pytest.mark.parametrize("agents", [2, 5, 12])
    async def test_all_keys_are_there_at_the_end(self, fly: Fly, agents: int) -> None:
        """The law."""
        before = _env(fly)
        answers = await _together(*(_update(fly, env={f"KEY_{n}": str(n)}) for n in range(agents)))
        assert _outcomes(answers) == ["done"] * agents
        assert _env(fly) == {**before, **{f"KEY_{n}": str(n) for n in range(agents)}}
        assert not [one for one in fly.emulator.requests if one.status == 409], "somebody had to poll"

    @pytest.mark.parametrize("rounds", [12])
    async def test_of_two_processes_too(self, fly: Fly, other: Fly, rounds: int) -> None:
        """The issue, shows 4."""

        async def agent(fly: Fly, name: str) -> None:
            for number in range(rounds):
                answer = await fly.either(UPDATE, **ONE, env={f"{name}_{number}": "1"})
                assert answer.get("outcome") == "done", answer

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(agent, fly, "A")
            tasks.start_soon(agent, other, "B")
        assert {f"{name}_{number}" for name in "AB" for number in range(rounds)} <= _env(fly).keys()

    async def test_of_all_kinds(self, fly: Fly) -> None:
        """Ours: a key is a variable, the cpus, the memory, autoStop."""
        answers = await _together(
            _update(fly, env={"A": "1", "PORT": None}),
            _update(fly, cpus=2),
            _update(fly, memoryMb=2048),
            _update(fly, autoStop="suspend"),
        )
        assert _outcomes(answers) == ["done"] * 4
        config = fly.machine().config
        assert config.guest is not None
        assert (config.guest.cpus, config.guest.memory_mb) == (2, 2048)
        assert [one.autostop for one in config.services or []] == ["suspend"]
        assert _env(fly) == {"NODE_ENV": "development", "A": "1"}

    async def test_a_size_that_is_not_sold_any_more_is_told(self, fly: Fly) -> None:
        """Ours: each alone would do, and not both; nothing is half done."""
        answers = await _together(_update(fly, cpus=4), _update(fly, memoryMb=512))
        assert _outcomes(answers) == ["done", "invalid_arguments"]
        (error,) = (one["error"] for one in answers if "error" in one)
        assert error["changed"] == "nothing"

    async def test_metadata_set_while_in_line_is_kept(self, fly: Fly) -> None:
        """Reference 9.31: it makes no new version, so the version does not tell that it is there."""

        def tag(world: World) -> None:
            config = world.apps[APP].machines[MACHINE].config
            config.metadata = {**(config.metadata or {}), "theirs": "1"}

        async def third() -> Json:
            await fly.clock.sleep(1.0)
            fly.edit(tag)
            return {"outcome": "done"}

        answers = await _together(_update(fly, env={"A": "1"}), _update(fly, env={"B": "1"}), third)
        assert _outcomes(answers) == ["done"] * 3
        assert (fly.machine().config.metadata or {})["theirs"] == "1"


class TestTheSameKey:
    """One wins; the others are told what is different, and change nothing."""

    @pytest.fixture(autouse=True)
    def _leases_take_their_time(self, fly: Fly) -> None:
        """So that all have begun before the first has changed anything."""
        fly.emulator.faults.add(FaultRule(method="POST", path="/lease$", latency=0.2))

    @pytest.mark.parametrize("agents", [2, 5])
    async def test_exactly_one_wins_a_round(self, fly: Fly, agents: int) -> None:
        """The law; and no value is told, since an environment may hold secrets."""
        for turn, word in enumerate(("set meanwhile", "changed meanwhile", "changed meanwhile")):
            values = [f"c4n4ry-{turn}-{number}" for number in range(agents)]
            answers = await _together(*(_update(fly, env={"KEY": value}) for value in values))
            assert _outcomes(answers) == ["conflict"] * (agents - 1) + ["done"]
            (winner,) = (number for number, one in enumerate(answers) if "error" not in one)
            assert _env(fly)["KEY"] == values[winner]
            for answer in answers:
                if error := answer.get("error"):
                    assert (error["changed"], error["retryable"]) == ("nothing", True)
                    assert error["details"]["difference"] == {"env": {"KEY": word}}
                    assert f"KEY: {word}" in error["message"]
            await fly.clock.sleep(5)
        assert "c4n4ry" not in "".join(fly.said)

    async def test_of_two_processes_too(self, fly: Fly, other: Fly) -> None:
        """The issue, shows 4: every conflict is reported."""
        for turn in range(4):
            answers = await _together(
                _update(fly, env={"KEY": f"a{turn}", f"A_{turn}": "1"}),
                _update(other, env={"KEY": f"b{turn}", f"B_{turn}": "1"}),
            )
            assert _outcomes(answers) == ["conflict", "done"]
            winner = "ab"["error" in answers[0]]
            assert _env(fly)["KEY"] == f"{winner}{turn}"
            assert {f"{name.upper()}_{turn}" in _env(fly) for name in "ab" if name != winner} == {False}

    async def test_sizes_and_autostop_are_told_in_full(self, fly: Fly) -> None:
        """The issue, 4: base, now and wanted."""
        first, second = await _together(
            _update(fly, cpus=2, memoryMb=2048, autoStop="suspend"),
            _update(fly, cpus=4, memoryMb=4096, autoStop="off"),
        )
        assert first["outcome"] == "done"
        assert second["error"]["details"]["difference"] == {
            "cpus": {"base": 1, "now": 2, "wanted": 4},
            "memoryMb": {"base": 1024, "now": 2048, "wanted": 4096},
            "autoStop": {"base": "stop", "now": "suspend", "wanted": "off"},
        }

    async def test_a_removal_is_told(self, fly: Fly) -> None:
        """Ours: and removing is a change too."""
        first, second = await _together(
            _update(fly, env={"PORT": None, "NODE_ENV": "a"}),
            _update(fly, env={"PORT": "1", "NODE_ENV": None}),
        )
        assert first["outcome"] == "done"
        assert second["error"]["details"]["difference"] == {
            "env": {"PORT": "removed meanwhile", "NODE_ENV": "changed meanwhile"}
        }

    async def test_the_same_value_is_no_conflict_and_is_sent_once(self, fly: Fly) -> None:
        """Ours: an update restarts the machine, for nothing here."""
        answers = await _together(*[_update(fly, env={"KEY": "1"}, cpus=2, memoryMb=1024)] * 3)
        assert _outcomes(answers) == ["done"] * 3
        assert len(fly.machine().versions) == 2

    async def test_one_key_of_many_refuses_them_all(self, fly: Fly) -> None:
        """Ours: nothing of it is half done."""
        answers = await _together(_update(fly, env={"K": "1"}), _update(fly, env={"K": "2", "L": "2"}))
        assert _outcomes(answers) == ["conflict", "done"]
        assert "L" not in _env(fly)

    async def test_who_is_told_and_calls_again_wins(self, fly: Fly) -> None:
        """The error's hint, taken at its word; with a request id too, which a refusal leaves free."""
        arguments = {**ONE, "env": {"K": "2"}, "requestId": "two"}
        _, told = await _together(_update(fly, env={"K": "1"}), lambda: fly.either(UPDATE, **arguments))
        assert told["error"]["code"] == "conflict"
        answer = await fly.call(UPDATE, **arguments)
        assert (answer["outcome"], _env(fly)["K"]) == ("done", "2")

    async def test_a_resumed_call_does_not_run_over_what_came_after_it(self, fly: Fly) -> None:
        """The issue, 4: a call begins when its request id does. Told once, it goes on from there."""
        arguments = {**ONE, "env": {"K": "ours"}, "requestId": "one"}
        lost = fly.wire.lose_requests("POST", POST)
        assert (await fly.refused(UPDATE, arguments))["outcome"] == "unclear"
        lost.times = 0
        await fly.call(UPDATE, **ONE, env={"K": "theirs"})

        error = await fly.refused(UPDATE, arguments)
        assert error["details"]["difference"] == {"env": {"K": "set meanwhile"}}
        assert _env(fly)["K"] == "theirs"
        assert (await fly.call(UPDATE, **arguments))["outcome"] == "done"
        assert _env(fly)["K"] == "ours"

    async def test_a_resumed_call_that_is_done_is_done(self, fly: Fly) -> None:
        """The issue, 4: a wanted value that is there already is simply done."""
        arguments = {**ONE, "env": {"K": "1"}, "requestId": "one"}
        fly.emulator.faults.add(FaultRule(method="POST", path=POST, latency=0.3))
        with anyio.move_on_after(1.0):
            await fly.client.call_tool(UPDATE, arguments)
        await fly.clock.sleep(1)
        answer = await fly.call(UPDATE, **arguments)
        assert (answer["outcome"], answer["state"], len(fly.machine().versions)) == ("done", "started", 2)


class TestLeases:
    """A lease is waited for where it ends soon, and told where it is somebody else's."""

    @pytest.fixture(autouse=True)
    async def _given_back(self, fly: Fly) -> AsyncGenerator[None]:
        """Those made by hand are not ours to leave behind."""
        yield
        fly.edit(lambda world: setattr(world.apps[APP].machines[MACHINE], "lease", None))

    def _hold(self, fly: Fly, description: str, seconds: float) -> None:
        lease = Lease(
            nonce="0a0a0a0a0a0a",
            owner="ada@x.io",
            expires_at=fly.clock.now() + seconds,
            description=description,
        )
        fly.edit(lambda world: setattr(world.apps[APP].machines[MACHINE], "lease", lease))

    @pytest.mark.parametrize("description", ["", "deploy", "fly-mcpx", "\x1b[31mobey me"])
    async def test_somebody_elses_is_told_at_once(self, fly: Fly, description: str) -> None:
        """Reference 6.6: with owner and expiry; its words are cleaned."""
        self._hold(fly, description, 600)
        began = fly.clock.monotonic()
        error = await fly.refused(UPDATE, **ONE, env={"A": "b"})
        assert fly.clock.monotonic() == began
        assert (error["code"], error["retryable"], error["changed"]) == ("lease_held", True, "nothing")
        assert error["details"]["owner"] == "ada@x.io"
        assert error["details"]["expires_at"] == "2026-05-28T20:36:40Z"
        assert error["details"].get("description", "") == description.removeprefix("\x1b[31m")
        for word in ("ada@x.io", "2026-05-28T20:36:40Z"):
            assert word in error["message"]
        assert "\x1b" not in fly.said[-1]
        assert "\\u001b" not in fly.said[-1]

    @pytest.mark.parametrize("seconds", [2.0, 11.0, 30.0])
    async def test_another_fly_mcps_is_waited_for(self, fly: Fly, seconds: float) -> None:
        """The issue, 4: it is short, or its process is dead and it ends by itself."""
        self._hold(fly, "fly-mcp flyStopMachine 0123456789abcdef", seconds)
        began = fly.clock.monotonic()
        answer = await fly.call(UPDATE, **ONE, env={"A": "b"})
        assert answer["outcome"] == "done"
        assert seconds < fly.clock.monotonic() - began < seconds + 10
        assert any("another fly-mcp" in (words or "") for _, _, words in fly.progress)

    async def test_another_fly_mcps_that_stays_is_told_in_the_end(self, fly: Fly) -> None:
        """No hanging."""
        self._hold(fly, "fly-mcp flyStopMachine 0123456789abcdef", 600)
        began = fly.clock.monotonic()
        error = await fly.refused(UPDATE, **ONE, env={"A": "b"})
        assert error["code"] == "lease_held"
        assert error["details"]["description"] == "fly-mcp flyStopMachine 0123456789abcdef"
        assert 45 <= fly.clock.monotonic() - began < 50

    async def test_its_wait_can_be_given_up(self, fly: Fly) -> None:
        """The issue, 7."""
        self._hold(fly, "fly-mcp flyStopMachine 0123456789abcdef", 600)
        with anyio.move_on_after(5):
            await fly.client.call_tool(UPDATE, {**ONE, "env": {"A": "b"}})
        sent = len(fly.emulator.requests)
        await fly.clock.sleep(60)
        assert len(fly.emulator.requests) == sent

    async def test_what_was_changed_while_waiting_is_seen(self, fly: Fly) -> None:
        """Ours: read again, and compared."""
        self._hold(fly, "fly-mcp flyUpdateMachineConfig 0123456789abcdef", 10)

        async def third() -> Json:
            await fly.clock.sleep(5)
            _elsewhere(fly, THEIRS="1", KEY="theirs")
            return {"outcome": "done"}

        answers = await _together(_update(fly, env={"OURS": "1"}), _update(fly, env={"KEY": "ours"}), third)
        assert _outcomes(answers) == ["conflict", "done", "done"]
        env = _env(fly)
        assert (env["THEIRS"], env["OURS"], env["KEY"]) == ("1", "1", "theirs")


class TestLate:
    """A request that arrives when nobody expects it any more."""

    @pytest.mark.parametrize("seconds", [0.5, 1.5, 5.0, 7.5, 9.0, 12.0, 60.0])
    async def test_an_update_that_was_given_up_is_carried_out_once(self, fly: Fly, seconds: float) -> None:
        """The version makes one of two: whichever comes first."""
        late = httpx2.ASGITransport(app=fly.emulator.app)
        answers: list[int] = []
        answer: Json = {}

        async def arrive(request: httpx2.Request) -> None:
            await fly.clock.sleep(seconds)
            answers.append((await late.handle_async_request(request)).status_code)

        async with anyio.create_task_group() as tasks:

            def cut(request: httpx2.Request) -> httpx2.Response:
                tasks.start_soon(arrive, request)
                raise httpx2.ReadError("the connection broke")

            fly.wire.replace_answers("POST", POST, cut, times=1)
            answer = await fly.call(UPDATE, **ONE, env={"A": "b"})
        assert answer["outcome"] == "done"
        assert answer["changed"]["env"] == {"A": "added"}
        assert _env(fly)["A"] == "b"
        assert len(fly.machine().versions) == 2
        assert answers == [200 if seconds < 7 else 409]

    async def test_longer_than_the_lease_while_another_updates(self, fly: Fly, other: Fly) -> None:
        """The issue, 4: the lease runs out meanwhile, the version protects; no key is lost."""
        fly.emulator.faults.add(FaultRule(kind="late", method="POST", path=POST, seconds=40, times=1))
        answers = await _together(
            _update(fly, env={"A": "1", "SAME": "x"}), _update(other, env={"B": "2", "SAME": "x"})
        )
        assert _outcomes(answers) == ["done", "done"]
        env = _env(fly)
        assert (env["A"], env["B"], env["SAME"]) == ("1", "2", "x")

    async def test_longer_than_the_lease_with_the_same_key(self, fly: Fly, other: Fly) -> None:
        """The late one is told."""
        fly.emulator.faults.add(FaultRule(kind="late", method="POST", path=POST, seconds=40, times=1))
        first, second = await _together(_update(fly, env={"K": "1"}), _update(other, env={"K": "2"}))
        assert _outcomes([first, second]) == ["conflict", "done"]
        told = first if "error" in first else second
        assert told["error"]["details"]["difference"] == {"env": {"K": "set meanwhile"}}

    async def test_a_lease_that_ran_out_meanwhile_is_taken_again_before_the_next_try(self, fly: Fly) -> None:
        """Ours: and where somebody else has it by then, that is told, and nothing more is sent."""
        fly.emulator.faults.add(FaultRule(kind="late", method="POST", path=POST, seconds=40, times=1))
        until = fly.clock.now() + 600

        def take(world: World) -> None:
            world.apps[APP].machines[MACHINE].lease = Lease(nonce="a", owner="ada@x.io", expires_at=until)

        async def third() -> Json:
            await fly.clock.sleep(35)
            fly.edit(take)
            return {"outcome": "done"}

        told, _ = await _together(_update(fly, env={"A": "1"}), third)
        assert (told["error"]["code"], told["error"]["changed"]) == ("lease_held", "nothing")
        assert told["error"]["details"]["owner"] == "ada@x.io"
        posts = [one for one in fly.requests_to(MACHINE, "POST") if one.path.endswith(MACHINE)]
        assert [one.status for one in posts] == [409]

    @pytest.mark.parametrize(
        "kind", ["unavailable_after", "unavailable", "bad_gateway_after", "html", "slow"]
    )
    async def test_an_answer_that_says_nothing(self, fly: Fly, kind: str) -> None:
        """Looked for, and sent again if it is not there; done, once."""
        rule = {"kind": kind, "method": "POST", "path": POST, "times": 1}
        fly.emulator.faults.add(
            FaultRule.model_validate({**rule, **({"seconds": 95} if kind == "slow" else {})})
        )
        answers = await _together(_update(fly, env={"A": "1"}), _update(fly, env={"B": "2"}))
        assert _outcomes(answers) == ["done", "done"]
        assert {"A", "B"} <= _env(fly).keys()
        assert len(fly.machine().versions) == 3

    async def test_a_version_of_somebody_else_is_not_taken_for_ours(self, fly: Fly) -> None:
        """The issue, 4: the config is compared, not only the version."""

        def theirs(_: httpx2.Request) -> httpx2.Response:
            _elsewhere(fly, THEIRS="1")
            raise httpx2.ReadError("the connection broke")

        fly.wire.replace_answers("POST", POST, theirs, times=1)
        answer = await fly.call(UPDATE, **ONE, env={"OURS": "1"})
        assert answer["outcome"] == "done"
        assert (_env(fly)["THEIRS"], _env(fly)["OURS"]) == ("1", "1")


class TestAfterwards:
    """Done is what the machine has at the end, not what Fly accepted."""

    async def test_an_update_that_came_after_and_kept_ours_is_told(self, fly: Fly) -> None:
        """The issue, 4."""
        fly.wire.tap("GET", "/wait$", lambda _: _elsewhere(fly, THEIRS="1"))
        answer = await fly.call(UPDATE, **ONE, env={"OURS": "1"})
        assert answer["outcome"] == "done"
        assert "Somebody else's update came after" in answer["note"]

    async def test_an_update_that_came_after_and_undid_ours_is_a_conflict(self, fly: Fly) -> None:
        """The issue, 4: never a false done."""
        fly.wire.tap("GET", "/wait$", lambda _: _elsewhere(fly, OURS="c4n4ry"))
        error = await fly.refused(UPDATE, **ONE, env={"OURS": "1"})
        assert (error["code"], error["changed"], error["outcome"]) == ("conflict", "something", "unclear")
        assert error["details"]["difference"] == {"env": {"OURS": "another value"}}
        assert "c4n4ry" not in fly.said[-1]

    async def test_a_lease_lost_to_somebody_else_leads_to_no_false_done(self, fly: Fly) -> None:
        """The issue, 4: seen when it is to be kept; theirs is not taken back, and not released."""
        nonce = "0b0b0b0b0b0b"

        def take(world: World) -> None:
            machine = world.apps[APP].machines[MACHINE]
            machine.lease = Lease(nonce=nonce, owner="ada@x.io", expires_at=fly.clock.now() + 300)

        def theirs(_: httpx2.Request) -> None:
            fly.edit(take)
            _elsewhere(fly, OURS=None)

        fly.emulator.faults.add(
            FaultRule(method="GET", path="/wait$", status=408, error="deadline", latency=15.0, times=3)
        )
        fly.wire.tap("GET", "/wait$", theirs)
        error = await fly.refused(UPDATE, **ONE, env={"OURS": "1"})
        assert (error["code"], error["details"]["difference"]) == ("conflict", {"env": {"OURS": "not set"}})
        assert (lease := fly.machine().lease) is not None
        assert lease.nonce == nonce

    async def test_a_config_that_does_not_show_it_is_unclear(self, fly: Fly) -> None:
        """Ours: accepted, the same version, and yet not there."""

        def forgetful(_: httpx2.Request) -> None:
            def drop(world: World) -> None:
                config = world.apps[APP].machines[MACHINE].config
                config.env = {"PORT": "8080"}

            fly.edit(drop)

        fly.wire.tap("GET", "/wait$", forgetful)
        answer = await fly.call(UPDATE, **ONE, env={"A": "b"})
        assert answer["outcome"] == "unclear"
        assert "env A: not set" in answer["note"]


async def test_a_conflict_whose_text_is_cut_off_is_a_conflict_like_any_other(fly: Fly) -> None:
    """Found by the chaos run: the words "concurrent update" were lost, and the change was given up."""
    fly.wire.replace_answers(
        "POST",
        f"/machines/{MACHINE}$",
        lambda _: httpx2.Response(409, content=b'{"error":"aborted: machine up'),
        times=1,
    )
    answer = await fly.call("flyUpdateMachineConfig", appName=APP, machineId=MACHINE, env={"A": "1"})
    assert answer["outcome"] == "done"
    assert (fly.machine().config.env or {})["A"] == "1"
