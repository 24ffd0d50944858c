"""Volumes and secrets: groups 7 and 8."""

from __future__ import annotations

import time
from typing import Any

from .check import MACHINES, SECRETS, VOLUMES, Checks, Wrong, equal, holds


def volumes(c: Checks) -> None:
    """One machine each, bound until a while after its end."""
    fly = c.fly
    volume = fly.post(VOLUMES, body={"name": "data", "region": "fra", "size_gb": 2})["id"]
    path = f"{VOLUMES}/{volume}"
    mount = {"mounts": [{"volume": volume, "path": "/data"}]}
    holder: list[str] = []

    def fresh() -> None:
        got = fly.get(path)
        equal("volume", (got["state"], got["attached_machine_id"], got["fstype"]), ("created", None, ""))

    def attach() -> None:
        holder.append(c.started("holder", mount))
        equal("attached", fly.get(path)["attached_machine_id"], holder[0])
        holds("it is formatted", fly.get(path)["blocks"] > 0)

    def second() -> None:
        text = f"failed_precondition: volume already claimed by machine {holder[0]}"
        body = {"config": {"image": "nginx"} | mount, "region": "fra"}
        fly.refused("POST", MACHINES, 412, text, body=body)

    def extend() -> None:
        fly.put(f"{path}/extend", 400, body={"size_gb": 1})
        answer = fly.put(f"{path}/extend", body={"size_gb": 5})
        equal("size", (answer["volume"]["size_gb"], answer["needs_restart"]), (5, False))

    def keep() -> None:
        c.run(holder[0], "sh", "-c", "echo kept > /data/file; echo lost > /root/file")
        fly.post(f"{MACHINES}/{holder[0]}/restart")
        c.wait(holder[0], "started")
        equal("file on the volume", c.run(holder[0], "cat", "/data/file")["stdout"], "kept\n")

    def busy() -> None:
        c.forget(holder[0])
        for _ in range(200):
            answer = fly.http.delete(path)
            if answer.status_code == 200:
                holds("it is dying", answer.json()["state"].endswith("destroy"))
                return
            equal("status", answer.status_code, 412)
            time.sleep(0.05)
        raise Wrong("it is never let go")

    c.check("a fresh volume has no file system", fresh)
    c.check("a machine on it", attach)
    c.check("412 for a second machine on it", second)
    c.check(
        "412 for its deletion",
        lambda: fly.refused("DELETE", path, 412, f"volume is currently bound to machine: {holder[0]}"),
    )
    c.check("400 to make it smaller, 200 to make it larger", extend)
    c.check("what is on it outlives a restart", keep)
    c.check("a snapshot, and 412 for one at once", lambda: _snapshots(c, path))
    c.check("bound for a moment after its machine, then deleted", busy)
    c.check(
        "still listed",
        lambda: equal("states", [one["state"] for one in fly.get(VOLUMES)], ["pending_destroy"]),
    )
    c.check("its snapshots too", lambda: equal("snapshots", len(fly.get(f"{path}/snapshots")), 1))
    c.check(
        "400 for a name with a dash",
        lambda: fly.refused("POST", VOLUMES, 400, "name", body={"name": "with-dash", "region": "fra"}),
    )
    c.check(
        "snapshot_retention can be changed",
        lambda: equal("days", _other_volume(c, {"snapshot_retention": 9})["snapshot_retention"], 9),
    )


def _other_volume(c: Checks, change: dict[str, Any]) -> dict[str, Any]:
    volume = c.fly.post(VOLUMES, body={"name": "other", "region": "fra"})["id"]
    changed: dict[str, Any] = c.fly.put(f"{VOLUMES}/{volume}", body=change)
    c.fly.delete(f"{VOLUMES}/{volume}")
    return changed


def _snapshots(c: Checks, path: str) -> None:
    c.fly.post(f"{path}/snapshots")
    c.fly.refused("POST", f"{path}/snapshots", 412, "snapshot is already scheduled at")
    equal("snapshots", len(c.fly.get(f"{path}/snapshots")), 1)


def secrets(c: Checks) -> None:
    """Stored at once, in machines only with an update."""
    fly = c.fly
    version: list[int] = []

    def set_() -> None:
        answer = fly.post(SECRETS, body={"values": {"TOKEN": "one", "OTHER": "two"}})
        version.append(answer["version"])
        equal("both spellings", answer["Version"], answer["version"])

    def listed() -> None:
        found = fly.get(SECRETS)["secrets"]
        equal("names", [one["name"] for one in found], ["OTHER", "TOKEN"])
        holds("no values", all("value" not in one for one in found))
        holds("digests differ", found[0]["digest"] != found[1]["digest"])

    def bulk() -> None:
        answer = fly.post(SECRETS, body={"values": {"TOKEN": "new", "OTHER": None, "NEVER_THERE": None}})
        holds("the version grows", answer["version"] > version[0])
        equal("names", [one["name"] for one in answer["secrets"]], ["TOKEN"])
        version.append(answer["version"])

    def single() -> None:
        fly.post(f"{SECRETS}/SINGLE", 201, body={"value": "x"})
        equal("name", fly.get(f"{SECRETS}/SINGLE")["name"], "SINGLE")
        holds("the version grows", fly.delete(f"{SECRETS}/SINGLE")["version"] > version[-1])
        fly.get(f"{SECRETS}/SINGLE", 404)

    def restart() -> None:
        machine = c.started("secretive")
        equal("TOKEN at first", c.environment(machine, "TOKEN"), "new")
        changed = fly.post(SECRETS, body={"values": {"TOKEN": "newer"}})["version"]
        equal("TOKEN at once", c.environment(machine, "TOKEN"), "new")
        fly.post(f"{MACHINES}/{machine}/restart")
        c.wait(machine, "started")
        equal("TOKEN after a restart", c.environment(machine, "TOKEN"), "new")
        body = {"config": fly.get(f"{MACHINES}/{machine}")["config"], "min_secrets_version": changed}
        fly.post(f"{MACHINES}/{machine}", body=body)
        c.wait(machine, "started")
        equal("TOKEN after an update", c.environment(machine, "TOKEN"), "newer")
        fly.post(f"{MACHINES}/{machine}", 412, body=body | {"min_secrets_version": changed + 1})
        c.forget(machine)

    c.check("set two", set_)
    c.check("list without values", listed)
    c.check("in bulk: null deletes, also what was never there", bulk)
    c.check("one by one", single)
    c.check("a restart does not apply them, an update does", restart)
