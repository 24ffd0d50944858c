"""A server that answers HTML, nothing, or half a JSON (the issue, Bad input): over all rows."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from fly_mcp_emulator.world import App
from fly_mcp_tools.action import Access, AnyAction
from fly_mcp_tools.catalogue import ACTIONS

from .fly import APP, MACHINE, Fly

ROWS = list(ACTIONS.values())
#: Rows that write, and such as need nothing of what they read.
WRITES = [row for row in ROWS if row.access is not Access.READ]
READS = [row for row in ROWS if row.access is not Access.EXEC]
#: Rows that take "there is none" for an answer; regions are a help and not a need.
NEED_NO_GET = {
    "flyCreateVolume",
    "flyRequestCertificate",
    "flyGetOidcToken",
    "flyAcquireLease",
    "flyReleaseLease",
}
HTML = "<!DOCTYPE html><html><body><script>alert(1)</script>Sign in to the hotel's network</body></html>"
ANSWERS: dict[str, Callable[[httpx2.Request], httpx2.Response]] = {
    "html": lambda _: httpx2.Response(200, html=HTML),
    "nothing": lambda _: httpx2.Response(200),
    "half-a-json": lambda _: httpx2.Response(200, text='{"id": "7846e45f27e218", "state": "star'),
    "a-word": lambda _: httpx2.Response(200, text="OK"),
    "a-number": lambda _: httpx2.Response(200, json=5),
    "null": lambda _: httpx2.Response(200, json=None),
    "nan": lambda _: httpx2.Response(200, text='{"id": NaN}'),
    "latin-1": lambda _: httpx2.Response(200, content=b'{"id": "\xe9"}'),
    "deep": lambda _: httpx2.Response(200, text="[" * 100_000),
    "nonsense": lambda _: httpx2.Response(200, json={"hello": ["world"]}),
    "other-shape": lambda _: httpx2.Response(200, json=[{"id": 5, "config": "x", "events": "y"}]),
    "500-html": lambda _: httpx2.Response(500, html=HTML),
    "502-nothing": lambda _: httpx2.Response(502),
    "404-text": lambda _: httpx2.Response(404, text="404 page not found"),
    "302": lambda _: httpx2.Response(302, headers={"location": "https://evil.example/v1/apps"}),
    "418": lambda _: httpx2.Response(418, json={"error": "I am a teapot"}),
}


@pytest.mark.parametrize("action", READS, ids=lambda action: str(action.name))
async def test_a_read_of_it_is_a_clear_error(fly: Fly, action: AnyAction, subtests: pytest.Subtests) -> None:
    """The issue: each a clear isError answer, and nothing sent that should not be."""
    asks = {one.method for one in action.calls} if action.access is Access.READ else set[str]()
    methods = {"GET"} | asks
    for name, answer in ANSWERS.items():
        fly.begin_again()
        for method in methods:
            fly.wire.replace_answers(method, ".*", answer, times=10_000)
        with subtests.test(answer=name):
            result = await fly.either(action.name, **action.examples[0].arguments)

            error = result.get("error")
            if error is None:
                assert action.name in NEED_NO_GET
                continue
            assert error["code"] not in ("internal", "confirmation_required")
            assert "alert(1)" not in fly.said[-1]
            assert "evil.example" not in " ".join(fly.wire.sent)
            assert fly.changes() == [] or error["changed"] != "nothing"


@pytest.mark.parametrize("action", WRITES, ids=lambda action: str(action.name))
@pytest.mark.parametrize("arrives", [True, False], ids=["carried-out", "lost"])
async def test_a_write_of_it_never_says_that_nothing_changed_when_it_may_have(
    fly: Fly, action: AnyAction, arrives: bool, subtests: pytest.Subtests
) -> None:
    """Ours: the dangerous half. What Fly did with it is not known, and an answer must not pretend."""
    for name, answer in ANSWERS.items():
        fly.begin_again()
        for method in ("POST", "PUT", "DELETE"):
            fly.wire.replace_answers(method, ".*", answer, times=10_000, arrives=arrives)
        before = _lasting(fly)
        with subtests.test(answer=name):
            result = await fly.either(action.name, **action.examples[0].arguments)
            await fly.clock.sleep(40)  # leases whose answer was broken have ended

            error = result.get("error")
            if error is None:
                assert result["outcome"] in ("done", "pending", "unclear")
                continue
            assert error["code"] != "internal"
            refused = 300 <= error.get("status", 0) < 500
            if _lasting(fly) != before and not refused:  # a gateway that says no after doing it lies
                assert error["changed"] != "nothing"


def _lasting(fly: Fly) -> dict[str, App]:
    """The apps without what passes: leases."""
    apps = fly.emulator.dump().apps
    for app in apps.values():
        for machine in app.machines.values():
            machine.lease = None
    return apps


class TestLists:
    """Fly's lists, as Go writes them."""

    async def test_a_list_of_null_is_empty(self, fly: Fly) -> None:
        """Ours: a nil slice is null."""
        fly.wire.replace_answers("GET", "/(machines|volumes)$", lambda _: httpx2.Response(200, text="null"))
        fly.wire.replace_answers("GET", "/secrets$", lambda _: httpx2.Response(200, json={"secrets": None}))
        error = await fly.refused("flyListMachines", appName=APP)
        assert error["code"] == "fly_unavailable"  # null alone is no answer of Fly's

        assert (await fly.call("flyListSecrets", appName=APP))["secrets"] == []

    async def test_nulls_inside_a_machine_are_nothing(self, fly: Fly) -> None:
        """Reference 3.2: a client must treat every field as optional."""
        nulls = dict.fromkeys(
            ("name", "state", "region", "instance_id", "private_ip", "config", "host_status", "cordoned",
             "created_at", "updated_at", "events", "checks", "image_ref")
        )  # fmt: skip
        fly.wire.replace_answers(
            "GET", "/machines$", lambda _: httpx2.Response(200, json=[{"id": MACHINE, **nulls}])
        )
        fly.wire.replace_answers(
            "GET", f"{MACHINE}$", lambda _: httpx2.Response(200, json={"id": MACHINE, **nulls})
        )
        (listed,) = (await fly.call("flyListMachines", appName=APP))["machines"]
        assert listed == {"id": MACHINE, "name": "", "state": "", "region": "", "private_ip": ""}
        seen = await fly.call("flyGetMachine", appName=APP, machineId=MACHINE)
        assert (seen["env_names"], seen["events"], seen["image"]) == ([], [], "")

    async def test_config_parts_of_other_shapes_are_passed_over(self, fly: Fly) -> None:
        """Ours: what cannot be read is not shown, and nothing breaks."""
        config = {
            "image": 5, "guest": [], "env": "x", "services": {"a": 1}, "mounts": "y", "metadata": [1], "restart": 7
        }  # fmt: skip
        machine = {"id": MACHINE, "state": "started", "config": config}
        fly.wire.replace_answers("GET", f"{MACHINE}$", lambda _: httpx2.Response(200, json=machine))
        seen = await fly.call("flyGetMachine", appName=APP, machineId=MACHINE)
        assert (seen["state"], seen["env_names"]) == ("started", [])
