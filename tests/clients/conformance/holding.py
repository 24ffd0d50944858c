"""Leases and metadata: groups 5 and 6."""

from __future__ import annotations

from typing import Any

from .check import MACHINES, Checks, equal, holds


def leases(c: Checks) -> None:
    """Acquire both ways, refresh, refuse, release."""
    fly = c.fly
    path = f"{MACHINES}/{c.machine}/lease"
    held: dict[str, Any] = {}

    def by_body() -> None:
        answer = fly.post(path, 201, body={"ttl": 600, "description": "first"})
        equal("status", answer["status"], "success")
        equal(
            "keys",
            {"nonce", "expires_at", "owner", "description", "version"} - set(answer["data"]),
            set[str](),
        )
        fly.delete(path, nonce=answer["data"]["nonce"])

    def by_query() -> None:
        held.update(fly.post(path, 201, ttl=600)["data"])

    def refresh() -> None:
        again = fly.post(path, 201, ttl=6000, nonce=held["nonce"])["data"]
        equal("nonce", again["nonce"], held["nonce"])
        holds("it lasts longer", again["expires_at"] > held["expires_at"])

    def another() -> None:
        text = f"machine ID {c.machine} lease currently held by {held['owner']}, expires at 20"
        fly.refused("POST", path, 409, text, body={"ttl": 10})
        fly.refused("POST", f"{MACHINES}/{c.machine}/start", 409, text)

    def unaffected() -> None:
        fly.get(f"{MACHINES}/{c.machine}")
        fly.post(f"{MACHINES}/{c.machine}/metadata/leased", 204, body={"value": "yes"})
        c.run(c.machine, "true")

    c.check("by body, and give it back", by_body)
    c.check("by query", by_query)
    c.check("the one that is held", lambda: equal("nonce", fly.get(path)["data"]["nonce"], held["nonce"]))
    c.check("refresh keeps the nonce", refresh)
    c.check("409 with owner and expiry for everybody else", another)
    c.check("get, metadata and exec go on", unaffected)
    c.check("400 for a release without nonce", lambda: fly.delete(path, 400))
    c.check("release", lambda: fly.delete(path, nonce=held["nonce"]))
    c.check("404 afterwards", lambda: fly.refused("GET", path, 404, "lease not found"))
    c.check("lease_ttl on create gives a nonce", lambda: _leased_create(c))


def _leased_create(c: Checks) -> None:
    made = c.create("leased", lease_ttl=600)
    c.fly.delete(f"{MACHINES}/{made['id']}/lease", nonce=made["nonce"])
    c.forget(made["id"])


def metadata(c: Checks) -> None:
    """By key and in bulk; never a new version."""
    fly = c.fly
    path = f"{MACHINES}/{c.machine}/metadata"
    before = fly.get(f"{MACHINES}/{c.machine}")["instance_id"]

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
        equal("instance_id", fly.get(f"{MACHINES}/{c.machine}")["instance_id"], before)

    def filtered() -> None:
        found = fly.http.get(MACHINES, params={"metadata.a": "2"}).json()
        equal("machines", [one["id"] for one in found], [c.machine])

    c.check("set, get and delete one key", key)
    c.check("replace and merge; null removes", bulk)
    c.check("412 for a stale version", stale)
    c.check("no new version", version)
    c.check("machines by metadata", filtered)
