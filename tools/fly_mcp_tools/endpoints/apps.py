"""Apps."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint, Rate

from .sources import APPS, FLYCTL

LIST_APPS = Endpoint(
    name="list_apps",
    says="list the apps of an organisation",
    method="GET",
    path="/v1/apps",
    idempotent=True,
    source=APPS,
)
CREATE_APP = Endpoint(
    name="create_app",
    says="create an app",
    method="POST",
    path="/v1/apps",
    idempotent=False,
    source=APPS,
)
GET_APP = Endpoint(
    name="get_app",
    says="read app {app_name}",
    method="GET",
    path="/v1/apps/{app_name}",
    idempotent=True,
    source=APPS,
)
DELETE_APP = Endpoint(
    name="delete_app",
    says="delete app {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}",
    idempotent=True,
    destroys=True,
    rate=Rate.APP_DELETE,
    source=APPS,
)
LAST_RELEASE = Endpoint(
    name="last_release",
    says="read the last release of an app",
    method="POST",  # GraphQL: a deployment of flyctl's is nothing that the Machines API knows
    path="/graphql",
    host="web",
    idempotent=True,
    asks=True,
    source=FLYCTL,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_APPS,
    CREATE_APP,
    GET_APP,
    DELETE_APP,
    LAST_RELEASE,
)
