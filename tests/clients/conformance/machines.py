"""The life of a machine, its updates, and waiting: groups 2, 3 and 4."""

from __future__ import annotations

import time

from .check import MACHINES, NOWHERE, Checks, Wrong, equal, holds, no_route


def life(c: Checks) -> None:
    """Create without launch, start, exec, stop, suspend."""
    fly = c.fly

    def path(call: str) -> str:
        return f"{MACHINES}/{c.machine}/{call}"

    def create() -> None:
        made = c.create("life", skip_launch=True)
        c.machine = made["id"]
        event = made["events"][0]
        equal("event", (event["type"], event["status"], event["source"]), ("launch", "created", "user"))

    def too_early() -> None:
        fly.refused(
            "POST", path("start"), 412, "failed_precondition: unable to start machine from current state"
        )

    def start(was: str) -> None:
        equal("previous_state", fly.post(path("start"))["previous_state"], was)
        c.wait(c.machine, "started")

    def run() -> None:
        answer = c.run(c.machine, "sh", "-c", "echo out; echo err >&2; exit 3")
        got = (answer.get("stdout"), answer.get("stderr"), answer.get("exit_code"))
        equal("result", got, ("out\n", "err\n", 3))

    def split() -> None:
        answer = fly.post(path("exec"), body={"cmd": "echo 'two  words'"})
        equal("stdout", answer["stdout"], "two  words\n")

    def stop() -> None:
        equal("answer", fly.post(path("stop"), body={"signal": "SIGTERM", "timeout": "5s"}), {"ok": True})
        c.wait(c.machine, "stopped")
        exit_ = next(event for event in fly.get(path("events")) if event["type"] == "exit")
        holds("the exit was asked for", exit_["request"]["exit_event"]["requested_stop"])

    def suspend() -> None:
        equal("answer", fly.post(path("suspend")), {"ok": True})
        c.wait(c.machine, "suspended")
        start("suspended")

    def restart() -> None:
        before = fly.get(f"{MACHINES}/{c.machine}")["instance_id"]
        fly.post(path("restart"), timeout="10s")
        c.wait(c.machine, "started")
        equal("instance_id", fly.get(f"{MACHINES}/{c.machine}")["instance_id"], before)

    c.check("a machine that is not launched", create)
    c.check("412 for a start that is too early", too_early)
    c.check("it comes to rest in stopped", lambda: c.wait(c.machine, "stopped"))
    c.check("start says what it was", lambda: start("stopped"))
    c.check("start of a started machine is a 200", lambda: start("started"))
    c.check("exec: output, and an exit code that is no error", run)
    c.check("exec: cmd is split, not run by a shell", split)
    c.check("stop, with its exit event", stop)
    c.check(
        "412 for exec when stopped",
        lambda: fly.refused("POST", path("exec"), 412, "machine not running", body={"command": ["true"]}),
    )
    c.check("stop of a stopped machine is a 200", lambda: fly.post(path("stop")))
    c.check("412 for a suspend when stopped", lambda: fly.refused("POST", path("suspend"), 412, ""))
    c.check("start again", lambda: start("stopped"))
    c.check("suspend and resume", suspend)
    c.check("restart keeps the version", restart)
    c.check("processes", lambda: holds("some", fly.get(path("ps"))[0]["pid"]))
    c.check("memory", lambda: _memory(c, path("memory")))


def _memory(c: Checks, path: str) -> None:
    whole = c.fly.get(path)
    equal("limit_mb", whole["limit_mb"], 256)
    equal("limit_mb", c.fly.put(path, body={"limit_mb": 128})["limit_mb"], 128)
    holds("something is reclaimed", c.fly.post(f"{path}/reclaim", body={"amount_mb": 8})["actual_mb"] <= 8)


def updates(c: Checks) -> None:
    """The config is replaced whole; refusals change nothing."""
    fly = c.fly
    path = f"{MACHINES}/{c.machine}"

    def replace() -> None:
        before = fly.get(path)
        config = {"image": "nginx", "env": {"COLOUR": "green"}, "metadata": {"role": "web"}}
        fly.post(path, body={"config": config})
        c.wait(c.machine, "settled")
        after = fly.post(path, body={"config": {"image": "nginx", "env": {"SHAPE": "round"}}})
        holds("a new version", after["instance_id"] != before["instance_id"])
        equal("env", after["config"]["env"], {"SHAPE": "round"})
        holds("the metadata is gone", not after["config"].get("metadata"))
        c.wait(c.machine, "started", version=after["instance_id"])
        equal(
            "inside", (c.environment(c.machine, "SHAPE"), c.environment(c.machine, "COLOUR")), ("round", "")
        )

    def versions() -> None:
        found = fly.get(f"{path}/versions")
        equal("newest", found[0]["version"], fly.get(path)["instance_id"])
        equal("its config", found[0]["user_config"]["env"], {"SHAPE": "round"})

    def under_a_lease() -> None:
        nonce = fly.post(f"{path}/lease", 201, body={"ttl": 600})["data"]["nonce"]
        fly.refused("POST", path, 409, "lease currently held by", body={"config": {"image": "nginx"}})
        fly.post(path, body={"config": {"image": "nginx"}}, nonce=nonce)
        c.wait(c.machine, "settled")
        fly.delete(f"{path}/lease", nonce=nonce)

    def autostop() -> None:
        # Words or booleans on the way in; false, true and "suspend" on the way out.
        for sent, kept in (
            ("off", False),
            (False, False),
            ("stop", True),
            (True, True),
            ("suspend", "suspend"),
        ):
            service = {"protocol": "tcp", "internal_port": 8080, "autostop": sent}
            after = fly.post(path, body={"config": {"image": "nginx", "services": [service]}})
            equal(f"autostop {sent!r}", after["config"]["services"][0].get("autostop", False), kept)
            c.wait(c.machine, "settled")

    def containers() -> None:
        config = {
            "image": "nginx",
            "containers": [{"name": "web", "image": "nginx"}, {"name": "db", "image": "redis"}],
        }
        found = fly.get(f"{MACHINES}/{c.started('several', config)}")
        equal("names", [one["name"] for one in found["containers"]], ["web", "db"])
        holds("states", all(one["state"] for one in found["containers"]))
        c.forget(found["id"])

    stale = {"config": {"image": "nginx"}, "current_version": "01HZZZZZZZZZZZZZZZZZZZZZZZ"}
    bad = {"config": {"image": "nginx", "guest": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 256}}}
    c.check("only what is sent is kept", replace)
    c.check("versions", versions)
    c.check(
        "409 for a stale current_version",
        lambda: fly.refused(
            "POST", path, 409, "aborted: machine update failed due to concurrent update", body=stale
        ),
    )
    c.check(
        "400 for a bad guest",
        lambda: fly.refused(
            "POST", path, 400, "invalid config.guest.memory_mb, minimum required 512 MiB", body=bad
        ),
    )
    c.check("409 under a lease, unless with its nonce", under_a_lease)
    c.check("autostop in all its spellings", autostop)
    c.check("states of containers", containers)
    c.check("there is no PUT on a machine", lambda: no_route(c, "PUT", f"/v1{path}"))


def waiting(c: Checks) -> None:
    """Already there, not in time, out of range, gone."""
    fly = c.fly
    path = f"{MACHINES}/{c.machine}/wait"
    out_of_range = (
        "invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]"
    )

    def there() -> None:
        answer = c.wait(c.machine, "started")
        equal("answer", (answer["ok"], answer.get("state")), (True, "started"))

    def several() -> None:
        equal("state", c.wait(c.machine, "stopped,settled")["state"], "started")
        answer = fly.http.get(f"{path}?state=stopped&state=started").json()
        equal("state", answer["state"], "started")

    def event() -> None:
        last = fly.get(f"{MACHINES}/{c.machine}/events", limit=1)[0]["id"]
        fly.refused("GET", path, 408, "", state="started", from_event_id=last, timeout=1)

    def destroyed() -> None:
        gone = c.started("gone")
        c.forget(gone)
        for _ in range(200):
            answer = fly.http.get(f"{MACHINES}/{gone}/wait", params={"state": "destroyed"})
            if answer.status_code == 404:
                return
            equal("status", answer.status_code, 200)
            time.sleep(0.05)
        raise Wrong("it is never forgotten")

    c.check("a state that it is in already", there)
    c.check("any of several states, in a comma list or repeated", several)
    c.check(
        "408 with the states that are wanted and the one that is",
        lambda: fly.refused(
            "GET", path, 408,
            "deadline_exceeded: machine failed to reach desired state, stopped, currently started",
            state="stopped", timeout=1,
        ),
    )  # fmt: skip
    c.check("400 for timeout=0", lambda: fly.refused("GET", path, 400, out_of_range, timeout=0))
    c.check("400 for timeout=61", lambda: fly.refused("GET", path, 400, out_of_range, timeout=61))
    c.check("only events after a given one count", event)
    c.check("destroyed, then 404", destroyed)
    c.check(
        "404 for a machine that is nowhere",
        lambda: fly.refused("GET", f"{MACHINES}/{NOWHERE}/wait", 404, "not_found: machine not found"),
    )
