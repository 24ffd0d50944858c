"""What the demo plays: the documented use cases, call by call, each with what must come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import JsonValue

APP, SANDBOX, MACHINE = "catvet-records", "my-sandbox", "7846e45f27e218"

Answer = Mapping[str, Any]


class Stage(Protocol):
    """Where a chapter plays: it calls tools, and says what was expected of the answer."""

    async def call(self, tool: str, refused: str | None = None, **arguments: JsonValue) -> Answer:
        """Call a tool and show it. It must succeed, or fail with the code `refused`."""
        ...

    def expect(self, holds: bool, words: str) -> None:
        """End the demo where `holds` is false."""
        ...


@dataclass(frozen=True)
class Chapter:
    """A use case."""

    title: str
    says: str
    play: Callable[[Stage], Awaitable[None]]


async def lifecycle(at: Stage) -> None:
    """From the list of apps to a command on a machine that was not there before."""
    apps = await at.call("flyListApps")
    at.expect(APP in (app["name"] for app in apps["apps"]), f"{APP} is in the list")
    volume = await at.call("flyCreateVolume", appName=APP, name="catvet_data", region="fra", sizeGb=1)
    at.expect(volume["outcome"] == "done", "the volume is ready")
    machine = await at.call("flyCreateMachine", appName=APP, region="fra", volumeId=volume["id"])
    at.expect(machine["state"] == "started", "the machine runs")
    on_it = {"appName": APP, "machineId": machine["id"]}
    stored = await at.call("flySetSecrets", appName=APP, secrets={"API_KEY": "sk-demo"})
    at.expect(machine["id"] in stored["still_old"], "the machine is named as running without the new secret")
    restarted = await at.call("flyRestartMachine", **on_it)
    at.expect("API_KEY" in restarted["applied_secrets"], "the restart applied the secret")
    listed = await at.call("flyExecCommand", **on_it, command=["ls", "/data"])
    at.expect(listed["exit_code"] == 0, "the volume is mounted at /data")
    seen = await at.call("flyExecCommand", **on_it, command=["sh", "-c", 'test -n "$API_KEY" && echo set'])
    at.expect(seen["stdout"] == "set\n", "the machine has the secret")


async def sandbox(at: Stage) -> None:
    """The first machine of an app that has none."""
    volume = await at.call("flyCreateVolume", appName=SANDBOX, name="data", region="fra")
    machine = await at.call("flyCreateMachine", appName=SANDBOX, volumeId=volume["id"], autoStop="suspend")
    at.expect(machine["region"] == "fra", "the machine is where its volume is")
    done = await at.call(
        "flySetSecrets", appName=SANDBOX, secrets={"ANTHROPIC_API_KEY": "sk-demo"}, restartMachines=True
    )
    at.expect(not done["still_old"], "no machine runs without the secret")


async def debug(at: Stage) -> None:
    """What runs on a machine, and what it last complained about."""
    on_it = {"appName": APP, "machineId": MACHINE}
    processes = await at.call("flyExecCommand", **on_it, command=["ps", "aux"])
    at.expect("opencode" in processes["stdout"], "the app's process is there")
    log = await at.call("flyExecCommand", **on_it, command=["tail", "-n", "50", "/var/log/opencode-err.log"])
    at.expect("ERROR" in log["stdout"], "the log holds the error")


async def scale(at: Stage) -> None:
    """One machine more, with a volume of its own."""
    before = await at.call("flyListMachines", appName=APP)
    count = len(before["machines"]) + 1
    scaled = await at.call("flyScaleWithVolumes", appName=APP, count=count, region="fra")
    at.expect(scaled["count"] == count, f"there are {count} machines")
    at.expect(
        all(machine.get("volume_id") for machine in scaled["machines"]), "each new machine has its volume"
    )


async def delete(at: Stage) -> None:
    """A delete is refused until it is confirmed, and the refusal says what would be lost."""
    machines = (await at.call("flyListMachines", appName=APP))["machines"]
    newest = {"appName": APP, "machineId": machines[-1]["id"]}
    refused = await at.call("flyDeleteMachine", refused="confirmation_required", **newest)
    at.expect(refused["error"]["changed"] == "nothing", "nothing was changed")
    deleted = await at.call("flyDeleteMachine", **newest, confirm=True)
    at.expect(deleted["state"] == "destroyed", "the machine is gone")
    at.expect(bool(deleted.get("volume_kept")), "its volume stays")


CHAPTERS = (
    Chapter(
        "Full machine lifecycle",
        "Add a machine with a new volume to catvet-records, and give it the API key.",
        lifecycle,
    ),
    Chapter(
        "Deploy a new sandbox", "Set up my-sandbox: a volume, a machine that suspends, its key.", sandbox
    ),
    Chapter("Debug a running machine", "What is running on catvet-records, and why does it complain?", debug),
    Chapter(
        "Scale for high availability", "One machine more for catvet-records, with its own volume.", scale
    ),
    Chapter("Delete, asked and confirmed", "Remove the newest machine again.", delete),
)
