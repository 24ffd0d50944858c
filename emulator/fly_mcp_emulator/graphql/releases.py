"""Releases."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator.call import Call
from fly_mcp_emulator.views import moment_ms
from fly_mcp_emulator.web import releases as rest_releases
from fly_mcp_emulator.world import App, Release

from . import apps, orgs
from .nodes import Args, Node, find_app, missing, on_demand, pages, with_args, with_body, with_input


def fields(call: Call) -> Node:
    """Mutations: what older versions of flyctl call instead of the web REST."""
    return {
        "createRelease": with_input(lambda given: _create(call, given)),
        "updateRelease": with_input(lambda given: _update(call, given)),
    }


def of_app(call: Call, app: App) -> Node:
    """What an app has of releases. "Unprocessed" concerns the config alone: both lists hold the same."""

    def one(args: Args) -> Node | None:
        found = (
            release
            for release in app.releases
            if args.get("id") in (None, release.id) and args.get("version") in (None, release.version)
        )
        release = next(found, None)
        return node(call, release) if release else None

    def many(args: Args) -> list[Node]:
        newest = reversed(app.releases)
        return [node(call, release) for release in newest if args.get("status") in (None, release.status)]

    current = on_demand(lambda: node(call, app.releases[-1]) if app.releases else None)
    return {
        "currentRelease": current,
        "currentReleaseUnprocessed": current,
        "release": with_args(one),
        "releases": pages(many),
        "releasesUnprocessed": pages(many),
    }


def node(call: Call, release: Release) -> Node:
    """A release. `configDefinition` null: flyctl rebuilds the config from the machines."""
    return {
        "id": release.id,
        "version": release.version,
        "status": release.status,
        "stable": release.status == "complete",
        "inProgress": release.status in ("pending", "running"),
        "description": release.description,
        "reason": release.reason,
        "deploymentStrategy": release.strategy,
        "evaluationId": None,
        "revertedTo": None,
        "image": None,
        "imageRef": release.image or None,
        "metadata": release.metadata,
        "config": on_demand(lambda: config_node(release)),
        "configDefinition": release.definition,
        "user": orgs.user_node(call, release.user) if release.user else None,
        "createdAt": moment_ms(release.created_at),
        "updatedAt": moment_ms(release.updated_at or release.created_at),
    }


def config_node(release: Release | None) -> Node:
    """The config of a release, or of an app that has none."""
    definition: dict[str, Any] = (release.definition if release else None) or {}
    return {"definition": definition, "errors": list[str](), "services": list[Node](), "valid": True}


def _create(call: Call, given: Args) -> Node:
    app = find_app(call, given["appId"])
    body: Node = {
        "app_name": app.name,
        "definition": given["definition"],
        "image": given["image"],
        "strategy": given["strategy"],
    }
    rest_releases.create_release(with_body(call, body))
    return {"app": apps.node(call, app), "release": node(call, app.releases[-1])}


def _update(call: Call, given: Args) -> Node:
    id_ = str(given["releaseId"])
    body = {"status": given.get("status"), "metadata": given.get("metadata")}
    rest_releases.update_release(with_body(call, body, id=id_))
    for app in call.state.world.apps.values():
        for release in app.releases:
            if release.id == id_:
                return {"release": node(call, release)}
    raise missing("Release")
