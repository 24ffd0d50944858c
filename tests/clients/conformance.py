"""What any client of Fly's Machines API can rely on, over plain HTTP: ten groups of numbered checks.

    EMULATOR=http://127.0.0.1:PORT python conformance.py

Knows nothing of the emulator but its address, so it could be pointed at anything that speaks the API. Prints
"ok N.M - what" or "not ok N.M - what: why" for each check. Run by tests/clients/run.py.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx2

APP = "conformance"
MACHINES = f"/apps/{APP}/machines"
VOLUMES = f"/apps/{APP}/volumes"
SECRETS = f"/apps/{APP}/secrets"
NOWHERE = "0123456789abcd"
REGION_KEYS = {
    "code",
    "name",
    "latitude",
    "longitude",
    "gateway_available",
    "requires_paid_plan",
    "deprecated",
    "capacity",
    "geo_region",
    "mpg_available",
}


class Wrong(Exception):
    """An answer is not what it should be."""


def equal(what: str, got: object, want: object) -> None:
    """Check a value."""
    if got != want:
        raise Wrong(f"{what} is {got!r} instead of {want!r}")


def holds(what: str, truth: object) -> None:
    """Check a condition."""
    if not truth:
        raise Wrong(f"not so: {what}")


class Fly:
    """Plain HTTP, with the status checked and every answer's request id looked for."""

    def __init__(self, base: str, token: str | None = "Bearer any-token") -> None:  # noqa: S107
        headers = {"authorization": token} if token else {}
        self.http = httpx2.Client(base_url=f"{base}/v1", headers=headers, timeout=30)

    def send(
        self,
        method: str,
        path: str,
        status: int,
        *,
        body: object = None,
        nonce: str | None = None,
        **query: Any,
    ) -> Any:
        """Send a request; return the JSON of the answer, None for an empty one."""
        headers = {"fly-machine-lease-nonce": nonce} if nonce else {}
        answer = self.http.request(method, path, json=body, params=query, headers=headers)
        if answer.status_code != status:
            raise Wrong(f"{method} {path}: {answer.status_code} instead of {status}: {answer.text[:200]}")
        holds("there is a fly-request-id", answer.headers.get("fly-request-id"))
        return answer.json() if answer.content else None

    def get(self, path: str, status: int = 200, **more: Any) -> Any:
        """GET."""
        return self.send("GET", path, status, **more)

    def post(self, path: str, status: int = 200, **more: Any) -> Any:
        """POST."""
        return self.send("POST", path, status, **more)

    def put(self, path: str, status: int = 200, **more: Any) -> Any:
        """PUT."""
        return self.send("PUT", path, status, **more)

    def patch(self, path: str, status: int = 200, **more: Any) -> Any:
        """PATCH."""
        return self.send("PATCH", path, status, **more)

    def delete(self, path: str, status: int = 200, **more: Any) -> Any:
        """DELETE."""
        return self.send("DELETE", path, status, **more)

    def refused(self, method: str, path: str, status: int, text: str, **more: Any) -> dict[str, Any]:
        """Send a request that is refused; check status and text."""
        answer: dict[str, Any] = self.send(method, path, status, **more)
        said = str(answer.get("error", answer.get("message")))
        holds(f"{said!r} has {text!r}", text in said)
        return answer


class Conformance:
    """The checks, in order: each goes on with what the ones before left."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.fly = Fly(base)
        self.failed = 0
        self._group = 0
        self._number = 0
        self.machine = ""

    def group(self) -> None:
        """Begin the next group."""
        self._group += 1
        self._number = 0

    def check(self, what: str, does: Callable[[], object]) -> None:
        """Carry out one check and say how it went."""
        self._number += 1
        name = f"{self._group}.{self._number}"
        try:
            does()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one more failed check
            self.failed += 1
            why = " ".join(str(error).split()) or type(error).__name__
            sys.stdout.write(f"not ok {name} - {what}: {why}\n")
        else:
            sys.stdout.write(f"ok {name} - {what}\n")
        sys.stdout.flush()

    # What checks have in common

    def create(self, name: str | None = None, config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Create a machine."""
        body = {"config": {"image": "nginx"} | (config or {}), "region": "fra"} | more
        made: dict[str, Any] = self.fly.post(MACHINES, body=body | ({"name": name} if name else {}))
        return made

    def started(self, name: str | None = None, config: dict[str, Any] | None = None) -> str:
        """Create a machine and wait until it is started."""
        made = self.create(name, config)
        self.wait(made["id"], "started")
        return str(made["id"])

    def wait(self, machine: str, state: str, **more: Any) -> dict[str, Any]:
        """Wait for a state."""
        answer: dict[str, Any] = self.fly.get(f"{MACHINES}/{machine}/wait", state=state, **more)
        return answer

    def run(self, machine: str, *command: str) -> dict[str, Any]:
        """Run a command."""
        answer: dict[str, Any] = self.fly.post(f"{MACHINES}/{machine}/exec", body={"command": list(command)})
        return answer

    def environment(self, machine: str, name: str) -> str:
        """Return a variable inside a machine."""
        return str(self.run(machine, "sh", "-c", f'echo "${name}"').get("stdout", "")).strip()

    def forget(self, machine: str) -> None:
        """Destroy a machine, and wait until it is gone."""
        self.fly.delete(f"{MACHINES}/{machine}", force="true")
        self.wait(machine, "destroyed")

    # 1. Apps

    def apps(self) -> None:
        """Create, list, get."""
        fly = self.fly
        self.group()

        def create(key: str, name: str) -> None:
            made = fly.post("/apps", 201, body={key: name, "org_slug": "personal"})
            holds("the answer has an id", made["id"])
            equal("name", made["name"], name)

        def listed() -> None:
            answer = fly.get("/apps", org_slug="personal")
            equal("total_apps", answer["total_apps"], len(answer["apps"]))
            holds("it is listed", APP in [app["name"] for app in answer["apps"]])

        def get() -> None:
            app = fly.get(f"/apps/{APP}")
            equal("app", (app["name"], app["status"], app["organization"]["slug"]), (APP, "pending", "personal"))

        body = {"app_name": APP, "org_slug": "personal"}
        self.check("an app by app_name", lambda: create("app_name", APP))
        self.check("an app by name", lambda: create("name", "conformance-2"))
        self.check(
            "422 for a name that is taken",
            lambda: fly.refused("POST", "/apps", 422, "Validation failed: Name has already been taken", body=body),
        )
        self.check("apps of an organisation", listed)
        self.check("one app", get)
        self.check(
            "404 that names the app",
            lambda: fly.refused("GET", "/apps/conformance-3", 404, 'Could not find App "conformance-3"'),
        )
        self.check("an app without machines has an empty list", lambda: equal("list", fly.get(MACHINES), []))

    # 2. The life of a machine

    def life(self) -> None:
        """Create without launch, start, exec, stop, suspend."""
        fly = self.fly
        self.group()

        def path(call: str) -> str:
            return f"{MACHINES}/{self.machine}/{call}"

        def create() -> None:
            made = self.create("life", skip_launch=True)
            self.machine = made["id"]
            event = made["events"][0]
            equal("event", (event["type"], event["status"], event["source"]), ("launch", "created", "user"))

        def too_early() -> None:
            fly.refused("POST", path("start"), 412, "failed_precondition: unable to start machine from current state")

        def start(was: str) -> None:
            equal("previous_state", fly.post(path("start"))["previous_state"], was)
            self.wait(self.machine, "started")

        def run() -> None:
            answer = self.run(self.machine, "sh", "-c", "echo out; echo err >&2; exit 3")
            got = (answer.get("stdout"), answer.get("stderr"), answer.get("exit_code"))
            equal("result", got, ("out\n", "err\n", 3))

        def split() -> None:
            answer = fly.post(path("exec"), body={"cmd": "echo 'two  words'"})
            equal("stdout", answer["stdout"], "two  words\n")

        def stop() -> None:
            equal("answer", fly.post(path("stop"), body={"signal": "SIGTERM", "timeout": "5s"}), {"ok": True})
            self.wait(self.machine, "stopped")
            exit_ = next(event for event in fly.get(path("events")) if event["type"] == "exit")
            holds("the exit was asked for", exit_["request"]["exit_event"]["requested_stop"])

        def suspend() -> None:
            equal("answer", fly.post(path("suspend")), {"ok": True})
            self.wait(self.machine, "suspended")
            start("suspended")

        def restart() -> None:
            before = fly.get(f"{MACHINES}/{self.machine}")["instance_id"]
            fly.post(path("restart"), timeout="10s")
            self.wait(self.machine, "started")
            equal("instance_id", fly.get(f"{MACHINES}/{self.machine}")["instance_id"], before)

        self.check("a machine that is not launched", create)
        self.check("412 for a start that is too early", too_early)
        self.check("it comes to rest in stopped", lambda: self.wait(self.machine, "stopped"))
        self.check("start says what it was", lambda: start("stopped"))
        self.check("start of a started machine is a 200", lambda: start("started"))
        self.check("exec: output, and an exit code that is no error", run)
        self.check("exec: cmd is split, not run by a shell", split)
        self.check("stop, with its exit event", stop)
        self.check(
            "412 for exec when stopped",
            lambda: fly.refused("POST", path("exec"), 412, "machine not running", body={"command": ["true"]}),
        )
        self.check("stop of a stopped machine is a 200", lambda: fly.post(path("stop")))
        self.check("412 for a suspend when stopped", lambda: fly.refused("POST", path("suspend"), 412, ""))
        self.check("start again", lambda: start("stopped"))
        self.check("suspend and resume", suspend)
        self.check("restart keeps the version", restart)
        self.check("processes", lambda: holds("some", fly.get(path("ps"))[0]["pid"]))
        self.check("memory", lambda: self._memory(path("memory")))

    def _memory(self, path: str) -> None:
        whole = self.fly.get(path)
        equal("limit_mb", whole["limit_mb"], 256)
        equal("limit_mb", self.fly.put(path, body={"limit_mb": 128})["limit_mb"], 128)
        holds("something is reclaimed", self.fly.post(f"{path}/reclaim", body={"amount_mb": 8})["actual_mb"] <= 8)

    # 3. Updates

    def updates(self) -> None:
        """The config is replaced whole; refusals change nothing."""
        fly = self.fly
        self.group()
        path = f"{MACHINES}/{self.machine}"

        def replace() -> None:
            before = fly.get(path)
            config = {"image": "nginx", "env": {"COLOUR": "green"}, "metadata": {"role": "web"}}
            fly.post(path, body={"config": config})
            self.wait(self.machine, "settled")
            after = fly.post(path, body={"config": {"image": "nginx", "env": {"SHAPE": "round"}}})
            holds("a new version", after["instance_id"] != before["instance_id"])
            equal("env", after["config"]["env"], {"SHAPE": "round"})
            holds("the metadata is gone", not after["config"].get("metadata"))
            self.wait(self.machine, "started", version=after["instance_id"])
            equal("inside", (self.environment(self.machine, "SHAPE"), self.environment(self.machine, "COLOUR")), ("round", ""))

        def versions() -> None:
            found = fly.get(f"{path}/versions")
            equal("newest", found[0]["version"], fly.get(path)["instance_id"])
            equal("its config", found[0]["user_config"]["env"], {"SHAPE": "round"})

        def under_a_lease() -> None:
            nonce = fly.post(f"{path}/lease", 201, body={"ttl": 600})["data"]["nonce"]
            fly.refused("POST", path, 409, "lease currently held by", body={"config": {"image": "nginx"}})
            fly.post(path, body={"config": {"image": "nginx"}}, nonce=nonce)
            self.wait(self.machine, "settled")
            fly.delete(f"{path}/lease", nonce=nonce)

        stale = {"config": {"image": "nginx"}, "current_version": "01HZZZZZZZZZZZZZZZZZZZZZZZ"}
        bad = {"config": {"image": "nginx", "guest": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 256}}}
        self.check("only what is sent is kept", replace)
        self.check("versions", versions)
        self.check(
            "409 for a stale current_version",
            lambda: fly.refused("POST", path, 409, "aborted: machine update failed due to concurrent update", body=stale),
        )
        self.check(
            "400 for a bad guest",
            lambda: fly.refused(
                "POST", path, 400, "invalid config.guest.memory_mb, minimum required 512 MiB", body=bad
            ),
        )
        self.check("409 under a lease, unless with its nonce", under_a_lease)
        self.check("there is no PUT on a machine", lambda: self._no_route("PUT", f"/v1{path}"))

    # 4. Waiting

    def waiting(self) -> None:
        """Already there, not in time, out of range, gone."""
        fly = self.fly
        self.group()
        path = f"{MACHINES}/{self.machine}/wait"
        out_of_range = "invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]"

        def there() -> None:
            answer = self.wait(self.machine, "started")
            equal("answer", (answer["ok"], answer.get("state")), (True, "started"))

        def several() -> None:
            equal("state", self.wait(self.machine, "stopped,settled")["state"], "started")
            answer = fly.http.get(f"{path}?state=stopped&state=started").json()
            equal("state", answer["state"], "started")

        def event() -> None:
            last = fly.get(f"{MACHINES}/{self.machine}/events", limit=1)[0]["id"]
            fly.refused("GET", path, 408, "", state="started", from_event_id=last, timeout=1)

        def destroyed() -> None:
            gone = self.started("gone")
            self.forget(gone)
            for _ in range(200):
                answer = fly.http.get(f"{MACHINES}/{gone}/wait", params={"state": "destroyed"})
                if answer.status_code == 404:
                    return
                equal("status", answer.status_code, 200)
                time.sleep(0.05)
            raise Wrong("it is never forgotten")

        self.check("a state that it is in already", there)
        self.check("any of several states, in a comma list or repeated", several)
        self.check(
            "408 with the states that are wanted and the one that is",
            lambda: fly.refused(
                "GET", path, 408,
                "deadline_exceeded: machine failed to reach desired state, stopped, currently started",
                state="stopped", timeout=1,
            ),
        )  # fmt: skip
        self.check("400 for timeout=0", lambda: fly.refused("GET", path, 400, out_of_range, timeout=0))
        self.check("400 for timeout=61", lambda: fly.refused("GET", path, 400, out_of_range, timeout=61))
        self.check("only events after a given one count", event)
        self.check("destroyed, then 404", destroyed)
        self.check(
            "404 for a machine that is nowhere",
            lambda: fly.refused("GET", f"{MACHINES}/{NOWHERE}/wait", 404, "not_found: machine not found"),
        )

    # 5. Leases

    def leases(self) -> None:
        """Acquire both ways, refresh, refuse, release."""
        fly = self.fly
        self.group()
        path = f"{MACHINES}/{self.machine}/lease"
        held: dict[str, Any] = {}

        def by_body() -> None:
            answer = fly.post(path, 201, body={"ttl": 600, "description": "first"})
            equal("status", answer["status"], "success")
            equal("keys", {"nonce", "expires_at", "owner", "description", "version"} - set(answer["data"]), set[str]())
            fly.delete(path, nonce=answer["data"]["nonce"])

        def by_query() -> None:
            held.update(fly.post(path, 201, ttl=600)["data"])

        def refresh() -> None:
            again = fly.post(path, 201, ttl=6000, nonce=held["nonce"])["data"]
            equal("nonce", again["nonce"], held["nonce"])
            holds("it lasts longer", again["expires_at"] > held["expires_at"])

        def another() -> None:
            text = f"machine ID {self.machine} lease currently held by {held['owner']}, expires at 20"
            fly.refused("POST", path, 409, text, body={"ttl": 10})
            fly.refused("POST", f"{MACHINES}/{self.machine}/start", 409, text)

        def unaffected() -> None:
            fly.get(f"{MACHINES}/{self.machine}")
            fly.post(f"{MACHINES}/{self.machine}/metadata/leased", 204, body={"value": "yes"})
            self.run(self.machine, "true")

        self.check("by body, and give it back", by_body)
        self.check("by query", by_query)
        self.check("the one that is held", lambda: equal("nonce", fly.get(path)["data"]["nonce"], held["nonce"]))
        self.check("refresh keeps the nonce", refresh)
        self.check("409 with owner and expiry for everybody else", another)
        self.check("get, metadata and exec go on", unaffected)
        self.check("400 for a release without nonce", lambda: fly.delete(path, 400))
        self.check("release", lambda: fly.delete(path, nonce=held["nonce"]))
        self.check("404 afterwards", lambda: fly.refused("GET", path, 404, "lease not found"))
        self.check("lease_ttl on create gives a nonce", self._leased_create)

    def _leased_create(self) -> None:
        made = self.create("leased", lease_ttl=600)
        self.fly.delete(f"{MACHINES}/{made['id']}/lease", nonce=made["nonce"])
        self.forget(made["id"])

    # 6. Metadata

    def metadata(self) -> None:
        """By key and in bulk; never a new version."""
        fly = self.fly
        self.group()
        path = f"{MACHINES}/{self.machine}/metadata"
        before = fly.get(f"{MACHINES}/{self.machine}")["instance_id"]

        def bulk() -> None:
            fly.put(path, 204, body={"metadata": {"a": "1", "b": "2"}})
            fly.patch(path, 204, body={"metadata": {"b": None, "c": "3"}})
            equal("metadata", fly.get(path), {"a": "1", "c": "3"})

        def stale() -> None:
            fly.patch(path, 412, body={"metadata": {"a": "2"}, "machine_version": "01HZZZZZZZZZZZZZZZZZZZZZZZ"})
            fly.patch(path, 204, body={"metadata": {"a": "2"}, "machine_version": before})

        def key() -> None:
            fly.post(f"{path}/with%2Fslash", 204, body={"value": "x"})
            equal("value", fly.get(f"{path}/with%2Fslash"), {"value": "x"})
            fly.delete(f"{path}/with%2Fslash", 204)
            fly.get(f"{path}/with%2Fslash", 404)

        def version() -> None:
            equal("instance_id", fly.get(f"{MACHINES}/{self.machine}")["instance_id"], before)

        def filtered() -> None:
            found = fly.http.get(MACHINES, params={"metadata.a": "2"}).json()
            equal("machines", [one["id"] for one in found], [self.machine])

        self.check("set, get and delete one key", key)
        self.check("replace and merge; null removes", bulk)
        self.check("412 for a stale version", stale)
        self.check("no new version", version)
        self.check("machines by metadata", filtered)

    # 7. Volumes

    def volumes(self) -> None:
        """One machine each, bound until a while after its end."""
        fly = self.fly
        self.group()
        volume = fly.post(VOLUMES, body={"name": "data", "region": "fra", "size_gb": 2})["id"]
        path = f"{VOLUMES}/{volume}"
        mount = {"mounts": [{"volume": volume, "path": "/data"}]}
        holder: list[str] = []

        def fresh() -> None:
            got = fly.get(path)
            equal("volume", (got["state"], got["attached_machine_id"], got["fstype"]), ("created", None, ""))

        def attach() -> None:
            holder.append(self.started("holder", mount))
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
            self.run(holder[0], "sh", "-c", "echo kept > /data/file; echo lost > /root/file")
            fly.post(f"{MACHINES}/{holder[0]}/restart")
            self.wait(holder[0], "started")
            equal("file on the volume", self.run(holder[0], "cat", "/data/file")["stdout"], "kept\n")

        def busy() -> None:
            self.forget(holder[0])
            for _ in range(200):
                answer = fly.http.delete(path)
                if answer.status_code == 200:
                    holds("it is dying", answer.json()["state"].endswith("destroy"))
                    return
                equal("status", answer.status_code, 412)
                time.sleep(0.05)
            raise Wrong("it is never let go")

        self.check("a fresh volume has no file system", fresh)
        self.check("a machine on it", attach)
        self.check("412 for a second machine on it", second)
        self.check(
            "412 for its deletion",
            lambda: fly.refused("DELETE", path, 412, f"volume is currently bound to machine: {holder[0]}"),
        )
        self.check("400 to make it smaller, 200 to make it larger", extend)
        self.check("what is on it outlives a restart", keep)
        self.check("a snapshot, and 412 for one at once", lambda: self._snapshots(path))
        self.check("bound for a moment after its machine, then deleted", busy)
        self.check(
            "still listed",
            lambda: equal("states", [one["state"] for one in fly.get(VOLUMES)], ["pending_destroy"]),
        )
        self.check("its snapshots too", lambda: equal("snapshots", len(fly.get(f"{path}/snapshots")), 1))
        self.check(
            "400 for a name with a dash",
            lambda: fly.refused("POST", VOLUMES, 400, "name", body={"name": "with-dash", "region": "fra"}),
        )
        self.check(
            "snapshot_retention can be changed",
            lambda: equal("days", self._other_volume({"snapshot_retention": 9})["snapshot_retention"], 9),
        )

    def _other_volume(self, change: dict[str, Any]) -> dict[str, Any]:
        volume = self.fly.post(VOLUMES, body={"name": "other", "region": "fra"})["id"]
        changed: dict[str, Any] = self.fly.put(f"{VOLUMES}/{volume}", body=change)
        self.fly.delete(f"{VOLUMES}/{volume}")
        return changed

    def _snapshots(self, path: str) -> None:
        self.fly.post(f"{path}/snapshots")
        self.fly.refused("POST", f"{path}/snapshots", 412, "snapshot is already scheduled at")
        equal("snapshots", len(self.fly.get(f"{path}/snapshots")), 1)

    # 8. Secrets

    def secrets(self) -> None:
        """Stored at once, in machines only with an update."""
        fly = self.fly
        self.group()
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
            machine = self.started("secretive")
            equal("TOKEN at first", self.environment(machine, "TOKEN"), "new")
            changed = fly.post(SECRETS, body={"values": {"TOKEN": "newer"}})["version"]
            equal("TOKEN at once", self.environment(machine, "TOKEN"), "new")
            fly.post(f"{MACHINES}/{machine}/restart")
            self.wait(machine, "started")
            equal("TOKEN after a restart", self.environment(machine, "TOKEN"), "new")
            body = {"config": fly.get(f"{MACHINES}/{machine}")["config"], "min_secrets_version": changed}
            fly.post(f"{MACHINES}/{machine}", body=body)
            self.wait(machine, "started")
            equal("TOKEN after an update", self.environment(machine, "TOKEN"), "newer")
            fly.post(f"{MACHINES}/{machine}", 412, body=body | {"min_secrets_version": changed + 1})
            self.forget(machine)

        self.check("set two", set_)
        self.check("list without values", listed)
        self.check("in bulk: null deletes, also what was never there", bulk)
        self.check("one by one", single)
        self.check("a restart does not apply them, an update does", restart)

    # 9. The end

    def end(self) -> None:
        """Machines that run are destroyed only by force; apps take all along."""
        fly = self.fly
        self.group()
        path = f"{MACHINES}/{self.machine}"
        text = "failed_precondition: unable to destroy machine, not currently stopped"

        def killed() -> None:
            other = self.started("killed")
            equal("answer", fly.delete(f"{MACHINES}/{other}", kill="true"), {"ok": True})
            self.wait(other, "destroyed")
            holds("include_deleted", other in [one["id"] for one in fly.get(MACHINES, include_deleted="true")])

        def app() -> None:
            self.started("left")
            answer = fly.http.delete(f"/apps/{APP}")
            equal("answer", (answer.status_code, answer.content), (202, b""))
            fly.refused("GET", f"/apps/{APP}", 404, f'Could not find App "{APP}"')
            fly.refused("GET", MACHINES, 404, f'Could not find App "{APP}"')

        self.check("412 for a machine that runs", lambda: fly.refused("DELETE", path, 412, text))
        self.check("force=true", lambda: equal("answer", fly.delete(path, force="true"), {"ok": True}))
        self.check("kill=true", killed)
        self.check("an organisation's machines", lambda: self._org_pages("machines"))
        self.check("an organisation's volumes", lambda: self._org_pages("volumes"))
        self.check("an app with machines", app)

    def _org_pages(self, what: str) -> None:
        query: dict[str, Any] = {"include_deleted": "true", "limit": 1}
        seen: list[str] = []
        while len(seen) < 50:
            page = self.fly.get(f"/orgs/personal/{what}", **query)
            seen += [one["id"] for one in page[what]]
            if not page["next_cursor"]:
                break
            query["cursor"] = page["next_cursor"]
        holds("several pages, nothing twice", len(seen) == len(set(seen)) > 1)

    # 10. What belongs to no app

    def platform(self) -> None:
        """Regions, routes, tokens."""
        fly = self.fly
        self.group()
        anonymous = Fly(self.base, None)

        def regions() -> None:
            answer = anonymous.get("/platform/regions")
            equal("keys", set(answer), {"Regions", "Nearest"})
            equal("keys of a row", REGION_KEYS - set(answer["Regions"][0]), set[str]())

        def token() -> None:
            answer = fly.get("/tokens/current")
            holds("a row", answer["tokens"][0]["org_slug"])
            anonymous.get("/tokens/current", 401)

        def placements() -> None:
            answer = fly.post("/platform/placements", body={"org_slug": "personal", "region": "fra", "count": 1})
            equal("keys", set(answer["Regions"][0]), {"Region", "Count", "Concurrency"})

        self.check("regions need no token and have the wire's keys", regions)
        self.check("placements", placements)
        self.check("an unknown route is a 404 in plain text", lambda: self._no_route("GET", "/v1/nonsense"))
        self.check(
            "401 of machines",
            lambda: anonymous.refused(
                "GET", "/apps/conformance-2/machines", 401, "Authenticate: token validation error"
            ),
        )
        self.check(
            "401 of certificates",
            lambda: equal(
                "body", anonymous.get("/apps/conformance-2/certificates", 401), {"message": "Unauthorized"}
            ),
        )
        self.check("what a token is", token)

    def _no_route(self, method: str, path: str) -> None:
        answer = self.fly.http.request(method, f"{self.base}{path}", json={})
        equal("answer", (answer.status_code, answer.text.strip()), (404, "404 page not found"))
        holds("plain text", answer.headers["content-type"].startswith("text/plain"))
        holds("there is a fly-request-id", answer.headers.get("fly-request-id"))

    def all(self) -> int:
        """Run everything; return 1 when something failed."""
        for part in (
            self.apps,
            self.life,
            self.updates,
            self.waiting,
            self.leases,
            self.metadata,
            self.volumes,
            self.secrets,
            self.end,
            self.platform,
        ):
            try:
                part()
            except Exception as error:  # noqa: BLE001 - a group that cannot begin
                self.failed += 1
                sys.stdout.write(f"not ok {self._group}.0 - {part.__doc__} {' '.join(str(error).split())}\n")
        return 1 if self.failed else 0


def main() -> int:
    """Run against the address in EMULATOR."""
    base = os.environ.get("EMULATOR", "")
    if not base:
        sys.stderr.write("EMULATOR is not set\n")
        return 2
    return Conformance(base).all()


if __name__ == "__main__":
    sys.exit(main())
