"""GraphQL: queries (reference 8.2; selections of real clients, `real-clients.md` 1 and 5.3)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import MACHINES, Caller, client
from tests.emulator.graphql_caller import GRAPHQL, ask, data, error

COMPACT = """
query ($appName: String!) {
  appcompact: app(name: $appName) {
    id internalNumericId name hostname cnameTarget deployed network status appUrl platformVersion
    organization { id internalNumericId slug paidPlan }
    postgresAppRole: role { name }
  }
}
"""
RELEASES = """
query ($appName: String!, $limit: Int!) {
  app(name: $appName) {
    currentReleaseUnprocessed { configDefinition version }
    releases: releasesUnprocessed(first: $limit) {
      nodes { id version description reason status imageRef stable user { id email name } createdAt }
    }
  }
}
"""
APPS = """
query ($org: ID, $after: String, $first: Int) {
  apps(type: "container", first: $first, after: $after, organizationId: $org) {
    pageInfo { hasNextPage endCursor hasPreviousPage }
    totalCount
    nodes { id name deployed hostname platformVersion network organization { slug name }
            currentRelease { createdAt status } status state }
  }
}
"""
DETAILED = """
query ($name: String!) {
  app(name: $name) {
    version imageDetails { registry repository tag digest version }
    machines { nodes { id name config state region app { name } host { id }
                       ips { nodes { family kind ip maskSize } } } }
    config { definition } services { description } sharedIpAddress
    secrets { name digest } regions { code } addOns(type: tigris) { nodes { id } }
    egressIpAddresses { nodes { ip } } hostIssues { nodes { message } }
    volumes { nodes { id attachedMachine { id } usedBytes } }
  }
}
"""


async def test_answers_are_keyed_by_the_aliases_of_the_query(fly: Caller) -> None:
    """real-clients 5.3: flyctl reads `appcompact`, not `app`."""
    app = (await data(fly.http, COMPACT, appName="catvet-web"))["appcompact"]
    assert app.pop("organization")["slug"] == "personal"
    assert isinstance(app.pop("internalNumericId"), int)
    assert app.pop("cnameTarget").endswith(".catvet-web.fly.dev")
    assert app == {
        "id": "catvet-web",
        "name": "catvet-web",
        "hostname": "catvet-web.fly.dev",
        "appUrl": "https://catvet-web.fly.dev",
        "deployed": True,
        "status": "deployed",
        "network": None,
        "platformVersion": "machines",
        "postgresAppRole": None,
    }


async def test_an_app_that_is_nowhere_is_an_error_with_http_200(fly: Caller) -> None:
    """real-clients 5.3; the code is what Fly's own GraphQL client looks for."""
    whole = await ask(fly.http, COMPACT, appName="nowhere")
    assert whole["data"] == {"appcompact": None}
    assert whole["errors"] == [
        {
            "message": 'Could not find App "nowhere"',
            "path": ["appcompact"],
            "extensions": {"code": "NOT_FOUND"},
        }
    ]


@pytest.mark.parametrize("token", [None, "fm2_emulator_expired", ""])
async def test_without_a_good_token_nothing_is_shown(emu: Emulator, token: str | None) -> None:
    """fly-admin issue 12: this text, for the regions too; HTTP 200 (reference 8.2)."""
    async with client(emu, token) as http:
        whole = await ask(http, "{ platform { regions { code } } }")
    (one,) = whole["errors"]
    assert one["message"] == "You must be authenticated to view this."
    assert one["extensions"] == {"code": "UNAUTHORIZED"}
    assert "data" not in whole


async def test_a_token_sees_its_own_organisation_only(emu: Emulator) -> None:
    """Reference 1.3; hidden apps are "not found" here [I]."""
    async with client(emu, "fm2_emulator_other_org") as http:
        found = await data(http, APPS)
        assert [app["name"] for app in found["apps"]["nodes"]] == ["lab-batch"]
        orgs = await data(http, "{ organizations { nodes { slug } } viewer { __typename email } }")
        assert orgs["organizations"]["nodes"] == [{"slug": "lab-team"}]
        assert orgs["viewer"]["__typename"] == "Macaroon"
        assert (await error(http, COMPACT, appName="catvet-web"))["extensions"]["code"] == "NOT_FOUND"
        machine = "query ($id: String!) { machine(machineId: $id) { id } }"
        assert "Could not find" in (await error(http, machine, id="2874d1ea0f5e38"))["message"]


async def test_all_apps_come_in_pages(fly: Caller) -> None:
    """fly-go's GetApps: an empty cursor is the first page, and `endCursor` leads on."""
    first = (await data(fly.http, APPS, first=3, after=""))["apps"]
    assert [app["name"] for app in first["nodes"]] == ["catvet-records", "my-sandbox", "lab-batch"]
    assert [app["status"] for app in first["nodes"]] == ["deployed", "pending", "suspended"]
    assert [app["state"] for app in first["nodes"]] == ["DEPLOYED", "PENDING", "SUSPENDED"]
    assert first["totalCount"] == 4
    assert first["pageInfo"]["hasNextPage"] is True
    rest = (await data(fly.http, APPS, first=3, after=first["pageInfo"]["endCursor"]))["apps"]
    assert [app["name"] for app in rest["nodes"]] == ["catvet-web"]
    assert rest["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "endCursor": rest["pageInfo"]["endCursor"],
    }
    assert (await error(fly.http, APPS, after="!"))["message"].endswith("invalid cursor")
    last = await data(fly.http, "{ apps(last: 1) { nodes { name } edges { cursor } } }")
    assert [app["name"] for app in last["apps"]["nodes"]] == ["catvet-web"]


async def test_apps_of_one_organisation(fly: Caller) -> None:
    """`fly apps list -o`: the id is that of the organisation, opaque."""
    found = await data(fly.http, 'query { organization(slug: "lab-team") { id rawSlug type viewerRole } }')
    org = found["organization"]
    assert (org["rawSlug"], org["type"], org["viewerRole"]) == ("lab-team", "SHARED", "admin")
    apps = (await data(fly.http, APPS, org=org["id"]))["apps"]
    assert [app["name"] for app in apps["nodes"]] == ["lab-batch"]
    assert (await error(fly.http, APPS, org="unknown"))["message"] == "Could not find Organization"


async def test_a_release_tells_what_was_deployed(fly: Caller) -> None:
    """`fly scale count` needs a complete release; a null definition makes flyctl rebuild it (5.3)."""
    app = (await data(fly.http, RELEASES, appName="catvet-web", limit=1))["app"]
    assert app["currentReleaseUnprocessed"] == {"configDefinition": None, "version": 1}
    (release,) = app["releases"]["nodes"]
    assert (release["version"], release["status"], release["stable"]) == (1, "complete", True)
    assert release["imageRef"].startswith("registry.fly.io/catvet-web:")
    assert release["user"]["email"] == "ada@example.com"
    none = (await data(fly.http, RELEASES, appName="my-sandbox", limit=1))["app"]
    assert none == {"currentReleaseUnprocessed": None, "releases": {"nodes": []}}


async def test_the_newest_release_is_the_first(fly: Caller) -> None:
    """The status filter of `releasesUnprocessed`, and the single release by version."""
    body = {"app_name": "catvet-web", "image": "nginx", "definition": {"app": "catvet-web"}}
    made = await fly.post("http://fly.test/api/v1/releases", 201, json=body)
    found = await data(
        fly.http,
        """query { app(name: "catvet-web") {
             currentRelease { id inProgress config { definition } }
             releasesUnprocessed(status: "complete") { nodes { version } }
             releases { nodes { version } }
             release(version: 1) { status } none: release(version: 9) { status } } }""",
    )
    assert found["app"] == {
        "currentRelease": {
            "id": made["release"]["id"],
            "inProgress": True,
            "config": {"definition": {"app": "catvet-web"}},
        },
        "releasesUnprocessed": {"nodes": [{"version": 1}]},
        "releases": {"nodes": [{"version": 2}, {"version": 1}]},
        "release": {"status": "complete"},
        "none": None,
    }


async def test_an_app_in_full(fly: Caller) -> None:
    """`fly apps destroy` asks for all of this; nulls and empty lists are accepted (5.3)."""
    app = (await data(fly.http, DETAILED, name="catvet-records"))["app"]
    (machine,) = app["machines"]["nodes"]
    assert (machine["id"], machine["state"], machine["app"]) == (
        "7846e45f27e218",
        "started",
        {"name": "catvet-records"},
    )
    assert machine["config"]["guest"]["memory_mb"] == 1024
    assert machine["ips"]["nodes"][0]["ip"] == "fdaa:0:1234::1"
    assert app["imageDetails"]["repository"] == "catvet-records"
    assert app["regions"] == [{"code": "fra"}]
    assert [volume["attachedMachine"] for volume in app["volumes"]["nodes"]] == [{"id": machine["id"]}, None]
    assert len(app["secrets"]) == 3
    assert app["addOns"]["nodes"] == app["egressIpAddresses"]["nodes"] == app["hostIssues"]["nodes"] == []


async def test_a_machine_or_a_volume_leads_to_its_app(fly: Caller) -> None:
    """A command without `-a` (5.3): gqlmachine, and the app of a volume."""
    found = await data(
        fly.http,
        """query ($machineId: String!, $id: ID!) {
             gqlmachine: machine(machineId: $machineId) { id name app { name organization { id slug } } }
             volume: volume(id: $id) { ... on Volume { app { name } state snapshots { nodes { id } } } }
           }""",
        machineId="3d8d9a2b64e189",
        id="vol_xxx",
    )
    assert found["gqlmachine"]["app"]["name"] == "lab-batch"
    assert found["gqlmachine"]["app"]["organization"]["slug"] == "lab-team"
    assert found["volume"] == {"app": {"name": "my-sandbox"}, "state": "created", "snapshots": {"nodes": []}}
    assert (await error(fly.http, '{ volume(id: "vol_1") { id } }'))["message"] == "Could not find Volume"


async def test_a_machine_that_is_gone_is_not_found(fly: Caller) -> None:
    """The same world as REST."""
    machine = await fly.started()
    await fly.delete(f"{MACHINES}/{machine['id']}?force=true")
    await fly.wait(machine, "destroyed")
    query = '{ app(name: "my-sandbox") { machines { nodes { id } } } }'
    assert (await data(fly.http, query))["app"]["machines"]["nodes"] == []


async def test_regions_as_flyctl_and_fly_admin_ask_for_them(fly: Caller) -> None:
    """real-clients 1 and 5.3."""
    found = await data(
        fly.http,
        """query { platform { requestRegion
             regions { name code latitude longitude gatewayAvailable requiresPaidPlan deprecated } }
           nearestRegion(wireguardGateway: true) { code gatewayAvailable } }""",
    )
    assert found["platform"]["requestRegion"] == "fra"
    regions = {region["code"]: region for region in found["platform"]["regions"]}
    assert regions["bom"]["requiresPaidPlan"] is True
    assert regions["atl"]["deprecated"] is True
    assert found["nearestRegion"] == {"code": "fra", "gatewayAvailable": True}


async def test_who_is_asking(fly: Caller) -> None:
    """`fly auth whoami`, and the name of a WireGuard peer."""
    found = await data(
        fly.http,
        """query { viewer { ... on User { id email enablePaidHobby } ... on Macaroon { email } }
           currentUser { email personalOrganization { slug } } personalOrganization { slug } }""",
    )
    assert found["viewer"]["email"] == found["currentUser"]["email"] == "ada@example.com"
    assert (
        found["personalOrganization"] == found["currentUser"]["personalOrganization"] == {"slug": "personal"}
    )


async def test_an_organisation_with_its_members(fly: Caller) -> None:
    """fly-admin's getOrganization, `fly orgs show`."""
    found = await data(
        fly.http,
        """query ($slug: String!) { organization(slug: $slug) { id internalNumericId slug name type viewerRole
             billable paidPlan billingStatus
             members { edges { cursor node { name email } joinedAt role } }
             limitedAccessTokens { nodes { name expiresAt } } apps { nodes { name } } } }""",
        slug="personal",
    )
    org = found["organization"]
    assert (org["type"], org["viewerRole"], org["billable"]) == ("PERSONAL", "admin", True)
    assert isinstance(org["internalNumericId"], str)  # BigInt: fly-go reads a string
    assert org["members"]["edges"][0]["role"] == "ADMIN"
    assert {token["name"] for token in org["limitedAccessTokens"]["nodes"]} == {"org", "readonly", "expired"}
    assert "catvet-web" in {app["name"] for app in org["apps"]["nodes"]}
    missing = await error(fly.http, '{ organization(slug: "nobody") { id } }')
    assert missing["message"] == "Could not find Organization"


async def test_images(fly: Caller) -> None:
    """`fly machine update --image`, and `fly status`, which takes "Unknown repository" for no news."""
    found = await data(
        fly.http,
        'query { app(name: "catvet-web") { image(ref: "nginx") { id ref digest compressedSizeFull manifest } } }',
    )
    assert found["app"]["image"]["digest"].startswith("sha256:")
    unknown = await error(fly.http, '{ latestImageDetails(image: "library/nginx:latest") { tag } }')
    assert unknown["message"] == 'Unknown repository "library/nginx"'


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "Unexpected <EOF>"),
        ("{", "Expected Name"),
        ("{ app(name: 1) { id } }", "String cannot represent"),
        ("{ nonsense }", "Cannot query field 'nonsense'"),
        ("query ($a: String!) { app(name: $a) { id } }", "'$a'"),
        ('{ app(name: "catvet-web") ' + "{ organization " * 70 + "}" * 71, "too complex"),
        ("{ apps(first: -1) { totalCount } }", "must not be negative"),
    ],
)
async def test_a_bad_document_is_an_error_with_http_200(fly: Caller, query: str, text: str) -> None:
    """A real executor: no document that is not understood gets an answer of ours."""
    whole = await ask(fly.http, query)
    assert any(text in one["message"] for one in whole["errors"])


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"query": 1}', b'{"query": "{a}", "variables": []}'])
async def test_what_is_no_request_is_refused(fly: Caller, body: bytes) -> None:
    """Not a 500."""
    answer = await fly.http.post(GRAPHQL, content=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]


async def test_the_schema_can_be_asked_for(fly: Caller) -> None:
    """What is modelled can be read off."""
    found: dict[str, Any] = await data(fly.http, "{ __schema { queryType { name } mutationType { name } } }")
    assert found["__schema"] == {"queryType": {"name": "Queries"}, "mutationType": {"name": "Mutations"}}


async def test_requests_are_logged_like_any_other(emu: Emulator, fly: Caller) -> None:
    """Issue 3.3: the log is what tests judge by."""
    await data(fly.http, "{ viewer { email } }")
    assert (emu.requests[-1].method, emu.requests[-1].endpoint) == ("POST", "/graphql")


def test_the_executor_is_imported_on_first_use() -> None:
    """The emulator's start-up does not pay for it."""
    script = "import sys, fly_mcp_emulator as e; e.Emulator(); sys.exit('graphql' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
