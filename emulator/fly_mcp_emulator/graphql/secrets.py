"""Secrets, as older clients set them (reference 8.2)."""

from __future__ import annotations

from fly_mcp_emulator.api import secrets as rest_secrets
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.world import App, Secret

from . import apps, releases
from .nodes import Args, Node, find_app, moment, rest, with_input


def fields(call: Call) -> Node:
    """Mutations."""
    return {
        "setSecrets": with_input(lambda given: _set(call, given)),
        "unsetSecrets": with_input(lambda given: _unset(call, given)),
    }


def node(app: App, secret: Secret) -> Node:
    """A secret, without its value."""
    return {
        "id": opaque("secret", f"{app.name}:{secret.name}"),
        "name": secret.name,
        "digest": secret.digest,
        "createdAt": moment(secret.created_at),
        "user": None,
    }


def _set(call: Call, given: Args) -> Node:
    app = find_app(call, given["appId"])
    values: dict[str, str | None] = {one["key"]: one["value"] for one in given["secrets"]}
    if given.get("replaceAll"):
        values |= {name: None for name in app.secrets if name not in values}
    return _store(call, app, values)


def _unset(call: Call, given: Args) -> Node:
    return _store(call, find_app(call, given["appId"]), dict.fromkeys(given["keys"]))


def _store(call: Call, app: App, values: dict[str, str | None]) -> Node:
    rest(call, rest_secrets.update_secrets, app, "w", {"values": values})
    # The machines are the caller's business, so no release is made; an app without any answers null [I].
    release = releases.node(call, app.releases[-1]) if app.releases else None
    return {"app": apps.node(call, app), "release": release}
