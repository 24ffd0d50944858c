"""Secrets of an app. Storing them changes no running machine (reference 4.7, 6.5)."""

from __future__ import annotations

import hashlib

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError, bad_request, precondition
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import secret_view
from fly_mcp_emulator.world import App, Secret

_LARGEST_VALUE = 64 * 1024


class Values(Body):
    """A string sets, null deletes; deleting an unknown name is fine."""

    values: dict[str, str | None] | None = None


class Value(Body):
    """One value."""

    value: str | None = None


def digest(app: App, value: str) -> str:
    """Return 16 hex digits, salted: equal digests mean equal values within an app only (reference 2.1)."""
    return hashlib.blake2b(
        value.encode(errors="replace"), key=app.id.encode()[:64], digest_size=8
    ).hexdigest()


def list_secrets(call: Call) -> Answer:
    """Names and digests; values only with `show_secrets` and a token allowed to."""
    show = _may_show(call)
    check_version(call)
    secrets = sorted(call.app.secrets.values(), key=lambda secret: secret.name)
    return Answer({"secrets": [secret_view(secret, value=show) for secret in secrets]})


def update_secrets(call: Call) -> Answer:
    """Set and delete many at once. Any call makes a new version, also one that changes nothing."""
    values = call.read(Values).values
    if values is None:
        raise bad_request("missing values")
    for name in values:
        _check_name(name)
    app = call.app
    for name, value in values.items():
        if value is None:
            app.secrets.pop(name, None)
        else:
            _store(call, app, name, value)
    app.secrets_version += 1
    secrets = sorted(app.secrets.values(), key=lambda secret: secret.name)
    return Answer({"secrets": [secret_view(secret) for secret in secrets], **version_view(app)})


def get_secret(call: Call) -> Answer:
    """One secret."""
    show = _may_show(call)
    check_version(call)
    return Answer(secret_view(_find(call), value=show))


def set_secret(call: Call) -> Answer:
    """Set one."""
    value, app, name = call.read(Value).value, call.app, call.params["name"]
    if value is None:
        raise bad_request("missing value")
    _check_name(name)
    _store(call, app, name, value)
    app.secrets_version += 1
    return Answer(secret_view(app.secrets[name]) | version_view(app), 201)


def delete_secret(call: Call) -> Answer:
    """Delete one; 404 for a name that is not there."""
    app = call.app
    del app.secrets[_find(call).name]
    app.secrets_version += 1
    return Answer(version_view(app))


def version_view(app: App) -> dict[str, int]:
    """The version that every change of secrets and secret keys counts up."""
    # `Version` is a deprecated duplicate that is still sent (reference 4.7 [S]).
    return {"version": app.secrets_version, "Version": app.secrets_version}


def _find(call: Call) -> Secret:
    secret = call.app.secrets.get(call.params["name"])
    if secret is None:
        raise FlyError(404, "not_found: secret not found")
    return secret


def _store(call: Call, app: App, name: str, value: str) -> None:
    if len(value.encode(errors="replace")) > _LARGEST_VALUE:
        raise bad_request(f"secret {name} is too large")
    now, old = call.state.now(), app.secrets.get(name)
    app.secrets[name] = Secret(
        name=name,
        value=value,
        digest=digest(app, value),
        created_at=old.created_at if old else now,
        updated_at=now,
    )


def _check_name(name: str) -> None:
    # Fly's rule is not published (reference 2.1, 12); what no environment could carry is refused.
    if not name or "=" in name or "\0" in name or len(name) > 256:
        raise bad_request("invalid secret name")


def check_version(call: Call) -> None:
    """Refuse a version of secrets and secret keys that is not there yet. Raises: `FlyError` 412."""
    # The document says `min_version`, fly-go sends `version` (reference 9, trap 5).
    wanted = call.whole("min_version") or call.whole("version")
    if wanted is not None and wanted > call.app.secrets_version:
        raise precondition(f"secrets version {wanted} is not yet available")


def _may_show(call: Call) -> bool:
    if not call.flag("show_secrets"):
        return False
    call.require("w")
    # "needs a special right" (reference 6.5): only a user's login has it here.
    return any(grant.token is None or grant.token.kind == "user" for grant in call.principal.grants)


_PATH = "/v1/apps/{app}/secrets"
ENDPOINTS = (
    Endpoint(
        "GET",
        _PATH,
        list_secrets,
        "r",
        sure=("client", "document"),
        lacks="Waiting for a version: one that is not there yet is refused with 412.",
    ),
    Endpoint("POST", _PATH, update_secrets, "w", sure=("client", "document")),
    Endpoint("GET", f"{_PATH}/{{name}}", get_secret, "r", sure=("document",)),
    Endpoint("POST", f"{_PATH}/{{name}}", set_secret, "w", sure=("document",)),
    Endpoint("DELETE", f"{_PATH}/{{name}}", delete_secret, "w", sure=("document", "inferred")),
)
