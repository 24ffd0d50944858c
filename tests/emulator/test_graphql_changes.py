"""GraphQL: mutations of fly-admin, of flyctl and of its older versions (`real-clients.md` 1 and 5.3)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import Caller, client
from tests.emulator.graphql_caller import ask, data, error

_RELEASE = """
fragment Made on Release { id version reason description user { id email name } evaluationId createdAt }
"""
SET = f"""
mutation ($input: SetSecretsInput!) {{ setSecrets(input: $input) {{ release {{ ...Made }} }} }} {_RELEASE}
"""
UNSET = f"""
mutation ($input: UnsetSecretsInput!) {{ unsetSecrets(input: $input) {{ release {{ ...Made }} }} }} {_RELEASE}
"""
ALLOCATE = """
mutation ($input: AllocateIPAddressInput!) {
  allocateIpAddress(input: $input) {
    clientMutationId app { sharedIpAddress } ipAddress { id address type region createdAt network { name } }
  }
}
"""
FREE = "mutation ($input: ReleaseIPAddressInput!) { releaseIpAddress(input: $input) { app { name } } }"
IPS = """
{ app(name: "my-sandbox") {
    sharedIpAddress ipAddresses { nodes { address type } } egressIpAddresses { nodes { ip version } } } }
"""
TOKEN = """
mutation ($name: String!, $organizationId: ID!, $profile: String!, $profileParams: JSON, $expiry: String!) {
  createLimitedAccessToken(input: {name: $name, organizationId: $organizationId, profile: $profile,
                                   profileParams: $profileParams, expiry: $expiry}) {
    limitedAccessToken { id tokenHeader profile profileParams }
  }
}
"""
_CERTIFICATE = """
fragment Shown on AppCertificate {
  hostname configured clientStatus isWildcard isApex issued { nodes { type expiresAt } }
  dnsValidationHostname dnsValidationTarget certificateAuthority validationErrors { errorCode message }
}
fragment Seen on HostnameCheck { aRecords aaaaRecords resolvedAddresses soa }
"""
ADD = f"""
mutation ($appId: ID!, $hostname: String!) {{
  addCertificate(appId: $appId, hostname: $hostname) {{
    certificate {{ ...Shown }} check {{ ...Seen }} errors
  }}
}} {_CERTIFICATE}
"""
CHECK = f"""
mutation ($input: CheckCertificateInput!) {{
  checkCertificate(input: $input) {{ certificate {{ ...Shown }} check {{ ...Seen }} }}
}} {_CERTIFICATE}
"""


async def secrets(fly: Caller, app: str = "my-sandbox") -> list[str]:
    return [secret["name"] for secret in (await fly.get(f"/apps/{app}/secrets"))["secrets"]]


async def test_secrets_are_those_of_rest(fly: Caller) -> None:
    """fly-admin's Secret; without a release the answer's is null [I]."""
    given = [{"key": "A", "value": "1"}, {"key": "B", "value": "2"}]
    made = await data(fly.http, SET, input={"appId": "my-sandbox", "secrets": given})
    assert made == {"setSecrets": {"release": None}}
    assert await secrets(fly) == ["A", "B"]
    await data(fly.http, UNSET, input={"appId": "my-sandbox", "keys": ["A", "UNKNOWN"]})
    assert await secrets(fly) == ["B"]
    replaced = {"appId": "my-sandbox", "secrets": given[:1], "replaceAll": True}
    await data(fly.http, SET, input=replaced)
    assert await secrets(fly) == ["A"]


async def test_an_app_with_a_release_answers_with_it(fly: Caller) -> None:
    """fly-admin's types."""
    given = {"appId": "catvet-web", "secrets": [{"key": "A", "value": "1"}]}
    release = (await data(fly.http, SET, input=given))["setSecrets"]["release"]
    assert (release["version"], release["user"]["email"]) == (1, "ada@example.com")


async def test_refusals_are_those_of_rest(emu: Emulator, fly: Caller) -> None:
    """A readonly token changes nothing; a bad name is refused (reference 1.3, 4.7)."""
    given = {"appId": "my-sandbox", "secrets": [{"key": "A=B", "value": "1"}]}
    assert (await error(fly.http, SET, input=given))["extensions"]["code"] == "INVALID_ARGUMENTS"
    good = {"appId": "my-sandbox", "secrets": [{"key": "A", "value": "1"}]}
    async with client(emu, "fm2_emulator_readonly") as http:
        refused = await error(http, SET, input=good)
    assert refused["extensions"]["code"] == "UNAUTHORIZED"
    assert refused["message"].startswith("permission_denied: ")
    assert await secrets(fly) == []


@pytest.mark.parametrize("type_", ["v4", "v6", "private_v6"])
async def test_an_address_comes_and_goes(fly: Caller, type_: str) -> None:
    """fly-admin's Network; the same addresses as REST's ip_assignments."""
    given = {"appId": "my-sandbox", "type": type_, "clientMutationId": "m1"}
    made = (await data(fly.http, ALLOCATE, input=given))["allocateIpAddress"]
    assert made["clientMutationId"] == "m1"
    address = made["ipAddress"]
    assert (address["type"], address["region"]) == (type_, "global")
    assert (address["network"] is not None) == (type_ == "private_v6")
    (listed,) = (await fly.get("/apps/my-sandbox/ip_assignments"))["ips"]
    assert listed["ip"] == address["address"]
    found = (await data(fly.http, IPS))["app"]
    assert found["ipAddresses"]["nodes"] == [{"address": address["address"], "type": type_}]
    one = await data(fly.http, "query ($id: ID!) { ipAddress(id: $id) { address } }", id=address["id"])
    assert one["ipAddress"]["address"] == address["address"]
    freed = await data(fly.http, FREE, input={"ipAddressId": address["id"]})
    assert freed["releaseIpAddress"]["app"]["name"] == "my-sandbox"
    assert (await fly.get("/apps/my-sandbox/ip_assignments"))["ips"] == []


async def test_the_shared_address_is_a_field_of_its_own(fly: Caller) -> None:
    """fly-go's GetIPAddresses adds it to the list itself."""
    made = await data(fly.http, ALLOCATE, input={"appId": "my-sandbox", "type": "shared_v4"})
    shared = made["allocateIpAddress"]["app"]["sharedIpAddress"]
    assert made["allocateIpAddress"]["ipAddress"] is None
    await fly.post("/apps/my-sandbox/ip_assignments", json={"type": "egress_v4"})
    found = (await data(fly.http, IPS))["app"]
    assert (found["sharedIpAddress"], found["ipAddresses"]["nodes"]) == (shared, [])
    assert [one["version"] for one in found["egressIpAddresses"]["nodes"]] == [4]
    await data(fly.http, FREE, input={"appId": "my-sandbox", "ip": shared})
    assert (await data(fly.http, IPS))["app"]["sharedIpAddress"] is None
    again = await error(fly.http, FREE, input={"appId": "my-sandbox", "ip": shared})
    assert again["message"] == "IP address not found"
    assert (await error(fly.http, FREE, input={}))["extensions"]["code"] == "UNPROCESSABLE"


async def test_an_address_of_an_unknown_type_never_reaches_the_app(fly: Caller) -> None:
    """The schema's enum."""
    whole = await ask(fly.http, ALLOCATE, input={"appId": "my-sandbox", "type": "v5"})
    assert "data" not in whole
    assert "'v5'" in whole["errors"][0]["message"]


async def test_a_deploy_token_is_good_for_its_app(emu: Emulator, fly: Caller) -> None:
    """`fly tokens create deploy` (reference 1.3): the id of an app is its name."""
    org = (await data(fly.http, '{ organization(slug: "personal") { id } }'))["organization"]["id"]
    variables = {"name": "ci", "organizationId": org, "expiry": "1h0m0s"}
    deploy = {"profile": "deploy", "profileParams": {"app_id": "catvet-web"}}
    made = (await data(fly.http, TOKEN, **variables, **deploy))["createLimitedAccessToken"]
    token = made["limitedAccessToken"]
    assert token["tokenHeader"].startswith("FlyV1 fm2_")
    async with client(emu, token["tokenHeader"]) as http:
        assert (await http.get("/apps/catvet-web")).status_code == 200
        assert (await http.get("/apps/my-sandbox")).status_code == 403
        wider = await error(http, TOKEN, **variables, profile="deploy_organization")
        assert wider["extensions"]["code"] == "UNAUTHORIZED"
        await anyio.sleep(3601)
        assert (await http.get("/apps/catvet-web")).status_code == 401
    unknown = await error(fly.http, TOKEN, **variables, profile="anything")
    assert "unknown profile" in unknown["message"]


async def test_a_token_is_revoked(emu: Emulator, fly: Caller) -> None:
    """`fly tokens list` and `revoke`."""
    query = (
        '{ app(name: "catvet-records") { limitedAccessTokens { nodes { id name token user { email } } } } }'
    )
    found = (await data(fly.http, query))["app"]["limitedAccessTokens"]["nodes"]
    assert {token["name"] for token in found} == {"deploy", "machine-exec"}
    revoke = "mutation ($id: ID) { deleteLimitedAccessToken(input: {id: $id}) { token } }"
    await data(fly.http, revoke, id=found[0]["id"])
    assert (await error(fly.http, revoke, id=found[0]["id"]))["extensions"]["code"] == "NOT_FOUND"
    left = (await data(fly.http, query))["app"]["limitedAccessTokens"]["nodes"]
    assert len(left) == len(found) - 1


async def test_apps_are_created_and_deleted(fly: Caller) -> None:
    """What older versions of flyctl did here."""
    org = (await data(fly.http, '{ organization(slug: "lab-team") { id } }'))["organization"]["id"]
    create = """mutation ($input: CreateAppInput!) { createApp(input: $input) {
                  app { id name organization { slug } config { definition } regions { code } } } }"""
    made = (await data(fly.http, create, input={"organizationId": org, "name": "made-here"}))["createApp"]
    assert (made["app"]["name"], made["app"]["organization"]["slug"]) == ("made-here", "lab-team")
    assert (await fly.get("/apps/made-here"))["organization"]["slug"] == "lab-team"
    taken = await error(fly.http, create, input={"organizationId": org, "name": "made-here"})
    assert taken["message"].endswith("Name has already been taken")
    available = 'query { a: appNameAvailable(name: "made-here") b: appNameAvailable(name: "free") }'
    assert await data(fly.http, available) == {"a": False, "b": True}
    delete = "mutation ($appId: ID!) { deleteApp(appId: $appId) { organization { slug } } }"
    gone = await data(fly.http, delete, appId="made-here")
    assert gone["deleteApp"]["organization"]["slug"] == "lab-team"
    await fly.get("/apps/made-here", 404)


async def test_releases_are_those_of_the_web_rest(fly: Caller) -> None:
    """What older versions of flyctl did here."""
    create = """mutation ($input: CreateReleaseInput!) {
                  createRelease(input: $input) { release { id version } } }"""
    given = {
        "appId": "catvet-web",
        "image": "nginx",
        "platformVersion": "machines",
        "strategy": "ROLLING",
        "definition": {"app": "catvet-web"},
    }
    made = (await data(fly.http, create, input=given))["createRelease"]["release"]
    assert made["version"] == 2
    update = """mutation ($input: UpdateReleaseInput!) {
                  updateRelease(input: $input) { release { status stable } } }"""
    done = await data(fly.http, update, input={"releaseId": made["id"], "status": "complete"})
    assert done["updateRelease"]["release"] == {"status": "complete", "stable": True}
    current = await fly.get("http://fly.test/api/v1/apps/catvet-web/releases/current")
    assert (current["id"], current["status"]) == (made["id"], "complete")


async def test_certificates_as_older_clients_see_them(fly: Caller) -> None:
    """The same ones as REST's; issued half a minute later."""
    names = {"appId": "my-sandbox", "hostname": "www.example.com"}
    made = (await data(fly.http, ADD, **names))["addCertificate"]
    assert (made["certificate"]["clientStatus"], made["certificate"]["isApex"]) == (
        "Awaiting configuration",
        False,
    )
    assert (await error(fly.http, ADD, **names))["extensions"]["code"] == "UNPROCESSABLE"
    await anyio.sleep(30)
    seen = (await data(fly.http, CHECK, input=names))["checkCertificate"]
    assert (seen["certificate"]["clientStatus"], seen["certificate"]["configured"]) == ("Ready", True)
    assert {one["type"] for one in seen["certificate"]["issued"]["nodes"]} == {"ecdsa", "rsa"}
    assert seen["check"]["aRecords"]
    query = """{ app(name: "my-sandbox") { certificates { nodes { hostname clientStatus createdAt } }
                 certificate(hostname: "nobody.example.com") { id } } }"""
    app: dict[str, Any] = (await data(fly.http, query))["app"]
    assert [one["hostname"] for one in app["certificates"]["nodes"]] == ["www.example.com"]
    assert app["certificate"] is None
    delete = """mutation ($appId: ID!, $hostname: String!) {
                  deleteCertificate(appId: $appId, hostname: $hostname) {
                    app { name } certificate { hostname id } } }"""
    assert (await data(fly.http, delete, **names))["deleteCertificate"]["app"]["name"] == "my-sandbox"
    assert (await error(fly.http, delete, **names))["message"] == "Certificate not found"


async def test_a_wireguard_peer_is_accepted(emu: Emulator, fly: Caller) -> None:
    """`fly apps restart` makes one first; nothing is behind it."""
    org = (await data(fly.http, '{ organization(slug: "personal") { id } }'))["organization"]["id"]
    add = """mutation ($input: AddWireGuardPeerInput!) {
               addWireGuardPeer(input: $input) { peerip endpointip pubkey } }"""
    given = {"organizationId": org, "name": "laptop", "pubkey": "AA==", "region": "fra", "nats": False}
    peer = (await data(fly.http, add, input=given))["addWireGuardPeer"]
    assert peer["peerip"].startswith("fdaa:")
    assert peer["endpointip"] == "127.0.0.1"
    validate = """mutation ($input: ValidateWireGuardPeersInput!) {
                    validateWireGuardPeers(input: $input) { invalidPeerIps validPeerIps } }"""
    valid = (await data(fly.http, validate, input={"peerIps": [peer["peerip"]]}))["validateWireGuardPeers"]
    assert valid == {"invalidPeerIps": [], "validPeerIps": [peer["peerip"]]}
    async with client(emu, "fm2_emulator_readonly") as http:
        assert (await error(http, add, input=given))["extensions"]["code"] == "UNAUTHORIZED"
    remove = """mutation ($input: RemoveWireGuardPeerInput!) {
                  removeWireGuardPeer(input: $input) { organization { id } } }"""
    gone = await data(fly.http, remove, input={"organizationId": org, "name": "laptop"})
    assert gone["removeWireGuardPeer"]["organization"]["id"] == org
