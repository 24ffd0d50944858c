"""Apps (reference 4.1)."""

from __future__ import annotations

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.config import seconds_of
from fly_mcp_emulator.errors import FlyError, bad_request
from fly_mcp_emulator.names import good_app_name
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import app_view
from fly_mcp_emulator.world import App, Token


class CreateApp(Body):
    """`app_name` is the docs' key, `name` the document's and fly-go's: both are taken."""

    app_name: str = ""
    name: str = ""
    org_slug: str = ""
    network: str = ""
    app_role_id: str = ""
    enable_subdomains: bool = False


class DeployToken(Body):
    """How long the token lives, as a Go duration."""

    expiry: str = ""


def list_apps(call: Call) -> Answer:
    """All apps of an organisation that the token sees. No pagination."""
    # Without org_slug: 404 (reference 4.1 [L]).
    org = call.org(call.first("org_slug"), "r")
    role = call.first("app_role")
    apps = [app for app in call.state.world.apps.values() if app.org == org]
    apps = [app for app in apps if call.principal.sees(app.org, app.name) and (not role or app.role == role)]
    return Answer({"total_apps": len(apps), "apps": [app_view(call.state.world, app) for app in apps]})


def create_app(call: Call) -> Answer:
    """A new app. Its name is unique over all of Fly, not per organisation."""
    body = call.read(CreateApp)
    name = body.app_name or body.name
    if not name:
        raise bad_request("missing app name")
    org = call.org(body.org_slug, "c")
    if not good_app_name(name):
        raise FlyError(
            422,
            "Validation failed: Name under 63 chars using numbers, lowercase letters and dashes",
            "unknown",
        )
    if name in call.state.world.apps:
        raise FlyError(422, "Validation failed: Name has already been taken", "name_taken")
    state = call.state
    app = App(
        name=name,
        org=org,
        id=state.ids.app(),
        number=state.ids.number(),
        network=body.network or "default",
        role=body.app_role_id,
        created_at=state.now(),
    )
    state.world.apps[name] = app
    # flyctl reads `name` from the answer, the docs show `id` and `created_at` in ms: all of them (4.1).
    view = app_view(state.world, app, full=True) | {"created_at": int(app.created_at * 1000)}
    return Answer(view, 201)


def get_app(call: Call) -> Answer:
    """One app."""
    return Answer(app_view(call.state.world, call.app, full=True))


def delete_app(call: Call) -> Answer:
    """Delete an app with all that belongs to it.

    Running machines do not stop it: flyctl never sends `force` and still destroys apps that run [C over D].
    """
    del call.state.world.apps[call.app.name]
    return Answer(status=202)


def create_deploy_token(call: Call) -> Answer:
    """Make a token for this app alone."""
    body = call.read(DeployToken, optional=True)
    expires_at = None
    if body.expiry:
        try:
            expires_at = call.state.now() + seconds_of(body.expiry)
        except ValueError as error:
            raise bad_request(str(error)) from None
    app = call.app
    secret = "fm2_" + call.state.ids.base58(43)
    call.state.world.tokens.append(
        Token(
            text=secret,
            name=f"deploy:{app.name}",
            kind="deploy",
            org=app.org,
            app=app.name,
            expires_at=expires_at,
        )
    )
    return Answer({"token": f"FlyV1 {secret}"})


ENDPOINTS = (
    Endpoint("GET", "/v1/apps", list_apps, sure=("client", "document", "report")),
    Endpoint(
        "POST",
        "/v1/apps",
        create_app,
        sure=("client", "docs", "inferred"),
        lacks="`enable_subdomains` is taken and ignored.",
    ),
    Endpoint("GET", "/v1/apps/{app}", get_app, "r", sure=("client", "document", "docs")),
    Endpoint(
        "DELETE",
        "/v1/apps/{app}",
        delete_app,
        "d",
        rate="delete_app",
        sure=("client", "docs"),
        lacks="`force`: the app goes in any case, with all at once.",
    ),
    Endpoint(
        "POST",
        "/v1/apps/{app}/deploy_token",
        create_deploy_token,
        "w",
        sure=("document",),
        lacks="The token is no macaroon: no client can take it apart.",
    ),
)
