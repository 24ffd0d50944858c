"""Apps."""

from __future__ import annotations

from fly_mcp_emulator import images
from fly_mcp_emulator.api import apps as rest_apps
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.regions import REGIONS
from fly_mcp_emulator.views import app_status
from fly_mcp_emulator.world import App, Image, ImageRef

from . import addresses, certificates, machines, orgs, platform, releases, secrets, tokens, volumes
from .nodes import (
    Args,
    Node,
    find_app,
    missing,
    moment,
    on_demand,
    pages,
    rest,
    visible,
    with_args,
    with_body,
    with_input,
)


def fields(call: Call) -> Node:
    """Queries and mutations."""

    def one(args: Args) -> Node:
        if args.get("internalId") is not None:
            app = next((app for app in visible(call) if str(app.number) == args["internalId"]), None)
            if app is None:
                raise missing("App")
            return node(call, app)
        return node(call, find_app(call, args.get("name") or ""))

    def many(args: Args) -> list[Node]:
        org, role = args.get("organizationId"), args.get("role")
        slug = orgs.by_id(call, org).slug if org is not None else None
        found = [app for app in visible(call) if slug in (None, app.org) and role in (None, app.role)]
        return [node(call, app) for app in found]

    return {
        "app": with_args(one),
        "apps": pages(many),
        "appNameAvailable": with_args(lambda args: args["name"] not in call.state.world.apps),
        "createApp": with_input(lambda given: _create(call, given)),
        "deleteApp": with_args(lambda args: _delete(call, find_app(call, args["appId"]))),
    }


def node(call: Call, app: App) -> Node:
    """An app. Its id is its name, and statuses are upper or lower case by field (reference 8.2)."""
    status, release = app_status(app), app.releases[-1] if app.releases else None
    return {
        "id": app.name,
        "name": app.name,
        "internalId": str(app.number),
        "internalNumericId": app.number,
        "createdAt": moment(app.created_at),
        "status": status,
        "state": status.upper(),
        "deployed": status in ("deployed", "suspended"),  # as fly-go tells it [C: flaps_apps.go]
        "version": release.version if release else 0,
        "hostname": f"{app.name}.fly.dev",
        "appUrl": f"https://{app.name}.fly.dev",
        "cnameTarget": f"{app.id[:7]}.{app.name}.fly.dev",
        # Null for the default one: flyctl shows a column when any has a name [C: command/apps/list.go].
        "network": app.network if app.network != "default" else None,
        "networkId": None,
        "platformVersion": "machines",
        "role": {"__typename": "EmptyAppRole", "name": app.role} if app.role else None,
        "organization": on_demand(lambda: orgs.node(call, call.state.world.orgs[app.org])),
        "config": on_demand(lambda: releases.config_node(release)),
        "services": list[Node](),
        "regions": on_demand(lambda: _regions(app)),
        **releases.of_app(call, app),
        **machines.of_app(call, app),
        **addresses.of_app(call, app),
        **certificates.of_app(call, app),
        **tokens.of_app(call, app),
        "volumes": pages(lambda _: [volumes.node(call, app, volume) for volume in app.volumes.values()]),
        "secrets": on_demand(lambda: [secrets.node(app, secret) for secret in app.secrets.values()]),
        "addOns": pages(lambda _: []),
        "hostIssues": pages(lambda _: []),
        "image": with_args(lambda args: _image(call, args["ref"])),
        "imageDetails": on_demand(lambda: _running_image(app)),
        "latestImageDetails": None,
    }


def image_version(ref: ImageRef) -> Node:
    """A resolved image."""
    return {
        "registry": ref.registry,
        "repository": ref.repository,
        "tag": ref.tag,
        "digest": ref.digest,
        "version": ref.labels.get("fly.version"),
    }


def _create(call: Call, given: Args) -> Node:
    body = {
        "app_name": given.get("name") or call.state.ids.machine_name(),
        "org_slug": orgs.by_id(call, given["organizationId"]).slug,
        "network": given.get("network") or "",
        "app_role_id": given.get("appRoleId") or "",
    }
    rest_apps.create_app(with_body(call, body))
    return {"app": node(call, call.state.world.apps[body["app_name"]])}


def _delete(call: Call, app: App) -> Node:
    org = call.state.world.orgs[app.org]
    rest(call, rest_apps.delete_app, app, "d")
    return {"organization": orgs.node(call, org)}


def _regions(app: App) -> list[Node]:
    codes = dict.fromkeys(machine.region for machine in app.machines.values() if machine.alive)
    return [platform.region_node(REGIONS[code]) for code in codes if code in REGIONS]


def _running_image(app: App) -> Node | None:
    alive = [machine for machine in app.machines.values() if machine.alive]
    return image_version(alive[-1].image_ref) if alive else None


def _image(call: Call, name: str) -> Node | None:
    try:
        ref = images.resolve(name)
    except ValueError as error:
        raise FlyError(422, f"{error}: {name}") from None
    if call.state.world.images.get(name, Image()).missing:
        return None
    return {
        "id": opaque("image", name),
        "ref": name,
        "absoluteRef": f"{ref.registry}/{ref.repository}@{ref.digest}",
        "registry": ref.registry,
        "repository": ref.repository,
        "tag": ref.tag or None,
        "digest": ref.digest,
        "compressedSize": 0,
        "compressedSizeFull": "0",
        "manifest": {},
    }
