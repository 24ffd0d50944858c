"""Releases (reference 8.3). flyctl writes one down for each deployment, secrets included.

The shapes are those that flyctl reads [C: internal/uiex/releases.go]: in an envelope from list and create,
bare from current and update.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError, app_not_found
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import moment_ms
from fly_mcp_emulator.world import App, Release
from fly_mcp_emulator.world.release import STATUSES, STRATEGIES

WordT = TypeVar("WordT", bound=str)
_USUAL, _MOST = 25, 200
_ID_LENGTH = 21


class CreateRelease(Body):
    """`definition` is the app's config as JSON."""

    app_name: str = ""
    build_id: int = 0
    definition: dict[str, Any] | None = None
    image: str = ""
    strategy: str = ""


class UpdateRelease(Body):
    """How far the deployment has come."""

    status: str | None = None
    metadata: dict[str, Any] | None = None


def list_releases(call: Call) -> Answer:
    """The newest first, `limit` of them."""
    limit = call.whole("limit")
    if limit is not None and limit < 1:
        raise FlyError(422, "limit must be positive")
    newest = call.app.releases[::-1]
    return Answer({"releases": [release_view(one) for one in newest[: min(limit or _USUAL, _MOST)]]})


def current_release(call: Call) -> Answer:
    """The newest one, however it went; 404 for an app without any."""
    if not call.app.releases:
        raise FlyError(404, "Not Found")
    return Answer(release_view(call.app.releases[-1]))


def current_everywhere(call: Call) -> Answer:
    """When each app that the token sees was last released."""
    apps = [app for app in call.state.world.apps.values() if call.principal.sees(app.org, app.name)]
    return Answer({app.name: moment_ms(app.releases[-1].created_at) for app in apps if app.releases})


def create_release(call: Call) -> Answer:
    """Begin a deployment. The machines are left to the caller."""
    body = call.read(CreateRelease)
    if not body.app_name:
        raise app_not_found("")
    call = replace(call, params={"app": body.app_name})
    call.require("w")
    strategy = _word(body.strategy or "ROLLING", STRATEGIES, "strategy")
    state, app = call.state, call.app
    release = Release(
        id=state.ids.base58(_ID_LENGTH),
        version=app.releases[-1].version + 1 if app.releases else 1,
        status="pending",
        strategy=strategy,
        image=body.image,
        user=call.principal.owner,
        definition=body.definition,
        created_at=state.now(),
        updated_at=state.now(),
    )
    app.releases.append(release)
    return Answer({"release": release_view(release)}, 201)


def update_release(call: Call) -> Answer:
    """Say how it goes on."""
    body = call.read(UpdateRelease)
    app, release = _find(call, call.params["id"])
    replace(call, params={"app": app.name}).require("w")
    if body.status is not None:
        release.status = _word(body.status, STATUSES, "status")
    if body.metadata is not None:
        release.metadata = body.metadata
    release.updated_at = call.state.now()
    return Answer(release_view(release))


def release_view(release: Release) -> dict[str, Any]:
    """Return a release as the web REST shows it."""
    return {
        "id": release.id,
        "version": release.version,
        "stable": release.status == "complete",
        "in_progress": release.status in ("pending", "running"),
        "status": release.status,
        "strategy": release.strategy,
        "user": release.user,
        "created_at": moment_ms(release.created_at),
        "image_ref": release.image,
    }


def _word(given: str, known: Iterable[WordT], what: str) -> WordT:
    for word in known:
        if word == given:
            return word
    raise FlyError(422, f"{what} is invalid")


def _find(call: Call, id_: str) -> tuple[App, Release]:
    for app in call.state.world.apps.values():
        for release in app.releases:
            if release.id == id_ and call.principal.sees(app.org, app.name):
                return app, release
    raise FlyError(404, "Not Found")


_APP = "/api/v1/apps/{app}/releases"
ENDPOINTS = (
    Endpoint("GET", _APP, list_releases, "r", shape="detail", rate="none", sure=("client", "inferred")),
    Endpoint(
        "GET",
        f"{_APP}/current",
        current_release,
        "r",
        shape="detail",
        rate="none",
        sure=("client", "inferred"),
    ),
    Endpoint(
        "GET",
        "/api/v1/releases/all_current",
        current_everywhere,
        shape="detail",
        rate="none",
        sure=("client", "inferred"),
    ),
    Endpoint(
        "POST", "/api/v1/releases", create_release, shape="detail", rate="none", sure=("client", "inferred")
    ),
    Endpoint(
        "PATCH",
        "/api/v1/releases/{id}",
        update_release,
        shape="detail",
        rate="none",
        sure=("client", "inferred"),
    ),
)
