"""PyPI `flaude` against the emulator: every call it has, with what comes back checked.

    EMULATOR=http://127.0.0.1:PORT python flaude_client.py

Prints "ok CALL - what" or "not ok CALL - what => why" for each. Run by tests/clients/run.py in an environment of
its own, with the packages of flaude-requirements.txt.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

# Not installed where the project is checked.
flaude: Any = importlib.import_module("flaude")
fly_client: Any = importlib.import_module("flaude.fly_client")

APP = "flaude-client"
TASK_IMAGE = "registry.fly.io/flaude-client:task"
FAILING_IMAGE = "registry.fly.io/flaude-client:failing"
LEFT_OUT = {
    "docker_build": "runs the docker program",
    "docker_login_fly": "runs the flyctl and docker programs",
    "docker_push": "runs the docker program",
    "ensure_image": "runs the docker program",
    "extract_exit_code_from_logs": "sends nothing",
    "extract_workspace_manifest_from_logs": "sends nothing",
}
_LONGEST = 60.0

called: set[str] = set()
failed = 0


class Wrong(Exception):
    """What came back is not what it should be."""


async def call(name: str, what: str, check: Callable[[], Awaitable[None]]) -> None:
    """Carry out one check of one of the functions and say how it went."""
    global failed
    called.add(name)
    try:
        await asyncio.wait_for(check(), _LONGEST)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is one more failed call
        failed += 1
        why = " ".join(str(error).split()) or type(error).__name__
        sys.stdout.write(f"not ok {name} - {what} => {why}\n")
    else:
        sys.stdout.write(f"ok {name} - {what}\n")
    sys.stdout.flush()


def equal(what: str, got: object, want: object) -> None:
    """Check a value."""
    if got != want:
        raise Wrong(f"{what} is {got!r} instead of {want!r}")


async def refused(awaitable: Awaitable[object], status: int, text: str) -> None:
    """Check that a call fails with a status and a text."""
    try:
        await awaitable
    except fly_client.FlyAPIError as error:
        equal("status", error.status_code, status)
        if text not in error.detail:
            raise Wrong(f"the text is {error.detail!r}, without {text!r}") from None
        return
    raise Wrong(f"was not refused, {status} expected")


def config(**more: Any) -> Any:
    """Return a config that the builder takes."""
    return flaude.MachineConfig(
        claude_code_oauth_token="not-a-token", prompt="say hello", region="iad", image=TASK_IMAGE, **more
    )


async def apps() -> None:
    """create_app, get_app, ensure_app."""

    async def create() -> None:
        made = await flaude.create_app(APP, org="personal")
        equal("name", made.name, APP)

    async def taken() -> None:
        await refused(flaude.create_app(APP, org="personal"), 422, "Name has already been taken")

    async def get() -> None:
        got = await flaude.get_app(APP)
        equal("app", (got.name, got.org), (APP, "personal"))
        equal("app in another organisation", (await flaude.get_app("lab-batch")).org, "lab-team")
        equal("missing app", await flaude.get_app("flaude-missing"), None)

    async def ensure() -> None:
        equal("app that is there", (await flaude.ensure_app(APP, region="fra")).region, "fra")
        equal("app that was not", (await flaude.ensure_app("flaude-client-2")).name, "flaude-client-2")

    await call("create_app", "with app_name", create)
    await call("create_app", "422 for a name that is taken", taken)
    await call("get_app", "the organisation's slug; None for a 404", get)
    await call("ensure_app", "made when it is missing", ensure)


async def machines() -> None:
    """All calls of one machine."""
    machine: Any = None

    async def create() -> None:
        nonlocal machine
        machine = await flaude.create_machine(
            APP,
            flaude.MachineConfig(
                claude_code_oauth_token="not-a-token", prompt="wait", image="nginx", auto_destroy=False
            ),
            name="flaude-one",
        )
        equal("machine", (machine.name, machine.state, machine.region), ("flaude-one", "created", "iad"))

    async def same_name() -> None:
        await refused(
            flaude.create_machine(APP, config(), name="flaude-one"), 409, "unique machine name violation"
        )

    async def get() -> None:
        for _ in range(100):
            got = await flaude.get_machine(APP, machine.id)
            if got.state == "started":
                equal("instance_id", got.instance_id, machine.instance_id)
                return
            await asyncio.sleep(0.05)
        raise Wrong("it never started")

    async def missing() -> None:
        await refused(flaude.get_machine(APP, "0123456789abcd"), 404, "machine not found")

    async def put() -> None:
        # The API has no PUT on a machine: that must not seem to succeed.
        await refused(flaude.update_machine(APP, machine.id, config()), 404, "404 page not found")
        equal("instance_id", (await flaude.get_machine(APP, machine.id)).instance_id, machine.instance_id)

    await call("create_machine", "performance cpus", create)
    await call("create_machine", "409 for a name that is taken", same_name)
    await call("get_machine", "until it is started", get)
    await call("get_machine", "404 for one that is nowhere", missing)
    await call("update_machine", "is a PUT, which the API does not have", put)
    await ends(machine, get)


async def ends(machine: Any, until_started: Callable[[], Awaitable[None]]) -> None:
    """Stop, start and destroy a machine."""

    async def stop() -> None:
        await flaude.stop_machine(APP, machine.id)
        for _ in range(100):
            if (await flaude.get_machine(APP, machine.id)).state == "stopped":
                # Taken as done: 404 and 409 are swallowed by the client, a 200 is what comes.
                await flaude.stop_machine(APP, machine.id)
                await flaude.stop_machine(APP, "0123456789abcd")
                return
            await asyncio.sleep(0.05)
        raise Wrong("it never stopped")

    async def start() -> None:
        await flaude.start_machine(APP, machine.id)
        await flaude.start_machine(APP, "0123456789abcd")
        await until_started()

    async def destroy() -> None:
        await refused(flaude.destroy_machine(APP, machine.id, force=False), 412, "not currently stopped")
        await flaude.destroy_machine(APP, machine.id)
        await flaude.destroy_machine(APP, machine.id)

    await call("stop_machine", "stopped already and not there are fine", stop)
    await call("start_machine", "not there is fine", start)
    await call("destroy_machine", "412 without force; not there is fine", destroy)


async def volumes() -> None:
    """All calls of volumes."""
    volume: Any = None

    async def create() -> None:
        nonlocal volume
        volume = await flaude.create_volume(APP, name="session_data", region="iad", size_gb=2)
        equal("volume", (volume.name, volume.size_gb, volume.state), ("session_data", 2, "created"))

    async def bad_name() -> None:
        await refused(flaude.create_volume(APP, name="session-data"), 400, "name")

    async def list_() -> None:
        equal("volumes", [one.id for one in await flaude.list_volumes(APP)], [volume.id])

    async def destroy() -> None:
        await flaude.destroy_volume(APP, volume.id)
        await flaude.destroy_volume(APP, "vol_nowhere")
        equal("volumes", [one.state for one in await flaude.list_volumes(APP)], ["pending_destroy"])

    await call("create_volume", "with a size", create)
    await call("create_volume", "400 for a name with a dash", bad_name)
    await call("list_volumes", "all", list_)
    await call("destroy_volume", "stays listed for a day", destroy)


async def runs() -> None:
    """The calls that run a task on a machine to its end."""

    async def run() -> None:
        result = await flaude.run_and_destroy(APP, config(auto_destroy=False))
        equal("result", (result.state, result.exit_code, result.destroyed), ("stopped", 0, True))

    async def run_failing() -> None:
        failing = config(auto_destroy=False)
        failing.image = FAILING_IMAGE
        try:
            await flaude.run_and_destroy(APP, failing)
        except flaude.MachineExitError as error:
            equal("exit", (error.state, error.exit_code), ("stopped", 7))
            return
        raise Wrong("a failing task did not fail")

    async def destroys_itself() -> None:
        result = await flaude.run_and_destroy(APP, config(auto_destroy=True))
        equal("result", (result.state, result.destroyed), ("destroyed", True))

    async def batch() -> None:
        executor = flaude.ConcurrentExecutor(APP, max_concurrency=2)
        requests = [
            flaude.ExecutionRequest(config=config(auto_destroy=False), name=f"task-{number}", tag=str(number))
            for number in range(3)
        ]
        result = await executor.run_batch(requests)
        equal("succeeded", (result.succeeded, [one.tag for one in result.results]), (3, ["0", "1", "2"]))

    async def with_logs() -> None:
        collector = flaude.LogCollector()
        server = flaude.LogDrainServer(collector, host="127.0.0.1")
        await server.start()
        try:
            async with await flaude.run_with_logs(
                APP, config(auto_destroy=False), collector=collector, server=server
            ) as running:
                equal("lines", [line async for line in running], [])
                equal("exit code", (await running.result()).exit_code, 0)
        finally:
            await server.stop()

    async def logs() -> None:
        machine = await flaude.create_machine(APP, config(auto_destroy=False))
        lines = await flaude.fetch_machine_logs(APP, machine.id)
        equal("types of lines", {type(line) for line in lines} <= {str}, True)
        await machine.cleanup()

    async def logs_of_nothing() -> None:
        await refused(flaude.fetch_machine_logs("flaude-missing", "0123456789abcd"), 401, "")

    await call("run_and_destroy", "exit code 0 of a task", run)
    await call("run_and_destroy", "exit code 7 of a task", run_failing)
    await call("run_and_destroy", "a machine that destroys itself", destroys_itself)
    await call("ConcurrentExecutor", "three tasks, two at a time", batch)
    await call("run_with_logs", "until the machine has exited", with_logs)
    await call("fetch_machine_logs", "the bare token, no scheme", logs)
    await call("fetch_machine_logs", "401 for an app that is nowhere", logs_of_nothing)


async def sessions() -> None:
    """Sessions: a machine and a volume over several turns."""

    async def create() -> None:
        # The client names its volume `session-...`; Fly takes no dash.
        await refused(flaude.create_session(APP, config()), 400, "name")

    async def turn_and_destroy() -> None:
        volume = await flaude.create_volume(APP, name="session", region="iad")
        task = config(auto_destroy=False, volume_id=volume.id, session_id="one")
        machine = await flaude.create_machine(APP, task)
        session = flaude.Session("one", machine.id, volume.id, APP, "iad", "2026-01-01T00:00:00+00:00")
        await refused(flaude.run_session_turn(APP, machine.id, task), 404, "404 page not found")
        # A volume is bound for a moment longer than its machine is there, and the client does not wait.
        try:
            await flaude.destroy_session(APP, session)
        except fly_client.FlyAPIError as error:
            equal("refusal", (error.status_code, "volume is currently bound" in error.detail), (412, True))
        for _ in range(100):
            try:
                await flaude.destroy_volume(APP, volume.id)
                return
            except fly_client.FlyAPIError:
                await asyncio.sleep(0.05)
        raise Wrong("the volume was never let go")

    called.add("run_session_turn")
    await call("create_session", "400: its volume's name has a dash", create)
    await call("destroy_session", "done, or 412: it does not wait for the volume", turn_and_destroy)


async def methods() -> None:
    """Compare what was called with what the package offers."""
    functions = {name for name in flaude.__all__ if not name[0].isupper()} | {"ConcurrentExecutor"}
    pure = {"build_machine_config"}
    missing = functions - called - set(LEFT_OUT) - pure
    equal("neither called nor left out with a reason", sorted(missing), [])
    equal("left out, and not there or called", sorted(set(LEFT_OUT) - functions | set(LEFT_OUT) & called), [])


def add_images(base: str) -> None:
    """Tell the emulator of two images whose process ends by itself."""
    with urllib.request.urlopen(f"{base}/_emulator/world") as answer:
        world = json.load(answer)
    world["images"] |= {
        TASK_IMAGE: {"crash_after": 2.0, "exit_code": 0},
        FAILING_IMAGE: {"crash_after": 2.0, "exit_code": 7},
    }
    request = urllib.request.Request(
        f"{base}/_emulator/world",
        json.dumps(world).encode(),
        {"content-type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request):
        pass


async def main() -> int:
    """Run everything; return 1 when something failed."""
    base = os.environ.get("EMULATOR", "")
    if not base:
        sys.stderr.write("EMULATOR is not set; this program is for the emulator alone\n")
        return 2
    add_images(base)
    os.environ["FLY_API_TOKEN"] = "any-token"
    fly_client.FLY_API_BASE = f"{base}/v1"
    fly_client.FLY_PLATFORM_API_BASE = base
    for part in (apps, machines, volumes, runs, sessions):
        await part()
    await call("(methods)", f"{len(called)} functions called", methods)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
