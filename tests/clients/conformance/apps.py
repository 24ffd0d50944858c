"""What belongs to apps and to no app: groups 1, 9 and 10."""

from __future__ import annotations

import functools
from typing import Any

from .check import APP, MACHINES, Checks, Fly, equal, holds, no_route

REGION_KEYS = {
    "code",
    "name",
    "latitude",
    "longitude",
    "gateway_available",
    "requires_paid_plan",
    "deprecated",
    "capacity",
    "geo_region",
    "mpg_available",
}


def apps(c: Checks) -> None:
    """Create, list, get."""
    fly = c.fly

    def create(key: str, name: str) -> None:
        made = fly.post("/apps", 201, body={key: name, "org_slug": "personal"})
        holds("the answer has an id", made["id"])
        equal("name", made["name"], name)

    def listed() -> None:
        answer = fly.get("/apps", org_slug="personal")
        equal("total_apps", answer["total_apps"], len(answer["apps"]))
        holds("it is listed", APP in [app["name"] for app in answer["apps"]])

    def get() -> None:
        app = fly.get(f"/apps/{APP}")
        equal("app", (app["name"], app["status"], app["organization"]["slug"]), (APP, "pending", "personal"))

    body = {"app_name": APP, "org_slug": "personal"}
    c.check("an app by app_name", lambda: create("app_name", APP))
    c.check("an app by name", lambda: create("name", "conformance-2"))
    c.check(
        "422 for a name that is taken",
        lambda: fly.refused(
            "POST", "/apps", 422, "Validation failed: Name has already been taken", body=body
        ),
    )
    c.check("apps of an organisation", listed)
    c.check("one app", get)
    c.check(
        "404 that names the app",
        lambda: fly.refused("GET", "/apps/conformance-3", 404, 'Could not find App "conformance-3"'),
    )
    c.check("an app without machines has an empty list", lambda: equal("list", fly.get(MACHINES), []))


def end(c: Checks) -> None:
    """Machines that run are destroyed only by force; apps take all along."""
    fly = c.fly
    path = f"{MACHINES}/{c.machine}"
    text = "failed_precondition: unable to destroy machine, not currently stopped"

    def killed() -> None:
        other = c.started("killed")
        equal("answer", fly.delete(f"{MACHINES}/{other}", kill="true"), {"ok": True})
        c.wait(other, "destroyed")
        holds("include_deleted", other in [one["id"] for one in fly.get(MACHINES, include_deleted="true")])

    def app() -> None:
        c.started("left")
        answer = fly.http.delete(f"/apps/{APP}")
        equal("answer", (answer.status_code, answer.content), (202, b""))
        fly.refused("GET", f"/apps/{APP}", 404, f'Could not find App "{APP}"')
        fly.refused("GET", MACHINES, 404, f'Could not find App "{APP}"')

    c.check("412 for a machine that runs", lambda: fly.refused("DELETE", path, 412, text))
    c.check("force=true", lambda: equal("answer", fly.delete(path, force="true"), {"ok": True}))
    c.check("kill=true", killed)
    c.check("an organisation's machines", lambda: _org_pages(c, "machines"))
    c.check("an organisation's volumes", lambda: _org_pages(c, "volumes"))
    c.check("an app with machines", app)


def _org_pages(c: Checks, what: str) -> None:
    query: dict[str, Any] = {"include_deleted": "true", "limit": 1}
    seen: list[str] = []
    while len(seen) < 50:
        page = c.fly.get(f"/orgs/personal/{what}", **query)
        seen += [one["id"] for one in page[what]]
        if not page["next_cursor"]:
            break
        query["cursor"] = page["next_cursor"]
    holds("several pages, nothing twice", len(seen) == len(set(seen)) > 1)


def platform(c: Checks) -> None:
    """Regions, routes, tokens."""
    fly = c.fly
    anonymous = Fly(c.base, None)

    def regions() -> None:
        answer = anonymous.get("/platform/regions")
        equal("keys", set(answer), {"Regions", "Nearest"})
        equal("keys of a row", REGION_KEYS - set(answer["Regions"][0]), set[str]())

    def token() -> None:
        answer = fly.get("/tokens/current")
        holds("a row", answer["tokens"][0]["org_slug"])
        anonymous.get("/tokens/current", 401)

    def placements() -> None:
        answer = fly.post("/platform/placements", body={"org_slug": "personal", "region": "fra", "count": 1})
        equal("keys", set(answer["Regions"][0]), {"Region", "Count", "Concurrency"})

    c.check("regions need no token and have the wire's keys", regions)
    c.check("placements", placements)
    c.check("an unknown route is a 404 in plain text", lambda: no_route(c, "GET", "/v1/nonsense"))
    c.check(
        "401 of machines",
        lambda: anonymous.refused(
            "GET", "/apps/conformance-2/machines", 401, "Authenticate: token validation error"
        ),
    )
    c.check(
        "401 of certificates",
        lambda: equal(
            "body", anonymous.get("/apps/conformance-2/certificates", 401), {"message": "Unauthorized"}
        ),
    )
    c.check("what a token is", token)


def tokens(c: Checks) -> None:
    """What tokens are and may do."""
    fly = c.fly

    def deploy_token() -> None:
        token = fly.post("/apps/conformance-2/deploy_token", body={"expiry": "1h"})["token"]
        holds("it has its scheme", token.startswith("FlyV1 fm2_"))
        narrow = Fly(c.base, token)
        narrow.get("/apps/conformance-2")
        narrow.get("/apps/catvet-records", 403)
        narrow.refused("GET", "/orgs/lab-team/machines", 403, "permission_denied")

    def authenticate() -> None:
        (token,) = fly.post("/tokens/authenticate", body={"header": "FlyV1 fm2_emulator_readonly"})
        holds("caveats and a nonce", {"caveats", "nonce", "permission_token"} <= set(token))
        fly.post("/tokens/authenticate", 400, body={"header": "FlyV1 fm2_emulator_expired"})

    def authorize() -> None:
        reading = {"header": "FlyV1 fm2_emulator_readonly", "access": {"action": 1, "org_slug": "personal"}}
        equal("action", fly.post("/tokens/authorize", body=reading)["access"]["action"], 1)
        writing = reading | {"access": {"action": 2, "org_slug": "personal"}}
        fly.refused("POST", "/tokens/authorize", 403, "permission_denied", body=writing)

    c.check("a token for one app", deploy_token)
    c.check("which tokens of a header are good", authenticate)
    c.check("what a header may do", authorize)
    for kind in ("oidc", "kms"):
        refused = functools.partial(fly.refused, "POST", f"/tokens/{kind}", 403, "from within a machine")
        c.check(f"{kind} is for machines", refused)
