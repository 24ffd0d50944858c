"""What the checks have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import httpx2

APP = "conformance"
MACHINES = f"/apps/{APP}/machines"
VOLUMES = f"/apps/{APP}/volumes"
SECRETS = f"/apps/{APP}/secrets"
NOWHERE = "0123456789abcd"


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

    def __init__(self, base: str, token: str | None = "Bearer any-token") -> None:
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


class Checks:
    """The checks, in order: each goes on with what the ones before left."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.fly = Fly(base)
        self.failed = 0
        self._group = 0
        self._number = 0
        self.machine = ""

    def group(self, checks: Callable[[Checks], None]) -> None:
        """Carry out a group of checks."""
        self._group += 1
        self._number = 0
        try:
            checks(self)
        except Exception as error:  # noqa: BLE001 - a group that could not begin or go on
            self._say(f"{checks.__name__}: {checks.__doc__}", error)

    def check(self, what: str, does: Callable[[], object]) -> None:
        """Carry out one check and say how it went."""
        self._number += 1
        try:
            does()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one more failed check
            self._say(what, error)
        else:
            self._say(what, None)

    def _say(self, what: str, error: Exception | None) -> None:
        line = f"ok {self._group}.{self._number} - {what}"
        if error is not None:
            self.failed += 1
            line = f"not {line} => {' '.join(str(error).split()) or type(error).__name__}"
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    # What checks have in common

    def create(
        self, name: str | None = None, config: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
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


def no_route(c: Checks, method: str, path: str) -> None:
    answer = c.fly.http.request(method, f"{c.base}{path}", json={})
    equal("answer", (answer.status_code, answer.text.strip()), (404, "404 page not found"))
    holds("plain text", answer.headers["content-type"].startswith("text/plain"))
    holds("there is a fly-request-id", answer.headers.get("fly-request-id"))
