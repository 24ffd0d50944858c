"""What Fly says when it refuses (reference 1.5 and 11).

    FlyError            an answer with a status and a text, in one of two shapes
      bad_request ...   one function per kind of refusal; the texts are matched by clients, so they are Fly's

The shape is chosen at the door: `{"error": ...}` from machines, volumes and secrets, `{"message": ...}`
from the service behind certificates and addresses (reference 1.1), `{"errors": {"detail": ...}}` from the web
REST [C: internal/uiex/error.go].
"""

from __future__ import annotations

from typing import Literal

Shape = Literal["error", "message", "detail"]


class FlyError(Exception):
    """A refusal. `code` is the `status` field that a few of them carry."""

    def __init__(self, status: int, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.code = code

    def body(self, shape: Shape) -> dict[str, object]:
        """Return the JSON body."""
        if shape == "message":
            return {"message": self.text}
        if shape == "detail":
            return {"errors": {"detail": self.text}}
        body: dict[str, object] = {"error": self.text}
        return body | ({"status": self.code} if self.code else {})


def bad_request(text: str) -> FlyError:
    """400 with the rpc prefix that flaps puts before its own texts."""
    return FlyError(400, f"invalid_argument: {text}")


def bad_config(text: str) -> FlyError:
    """400 of a config check. Recorded without the rpc prefix (reference 2.4 [L])."""
    return FlyError(400, text)


def unauthenticated(shape: Shape) -> FlyError:
    """401, a different text for each shape (reference 1.2 [L])."""
    return FlyError(401, "Authenticate: token validation error" if shape == "error" else "Unauthorized")


def forbidden(what: str) -> FlyError:
    """403. The text after the prefix is inferred (reference 11)."""
    return FlyError(403, f"permission_denied: {what}")


def app_not_found(name: str) -> FlyError:
    """404 for an app that is nowhere (reference 4.1)."""
    return FlyError(404, f'Could not find App "{name}"')


def not_found(what: str) -> FlyError:
    """404 of flaps: `not_found: machine not found`."""
    return FlyError(404, f"not_found: {what} not found")


def deadline(text: str) -> FlyError:
    """408."""
    return FlyError(408, f"deadline_exceeded: {text}")


def aborted(text: str) -> FlyError:
    """409."""
    return FlyError(409, f"aborted: {text}")


def precondition(text: str, code: str | None = None) -> FlyError:
    """412: the object is not in a state for that."""
    return FlyError(412, f"failed_precondition: {text}", code)


def rate_limited() -> FlyError:
    """429; no `Retry-After` was ever seen (reference 1.6)."""
    return FlyError(429, "rate limit exceeded")
