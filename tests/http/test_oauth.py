"""What an OAuth client meets at the door: where to get a token, and no more."""

from __future__ import annotations

from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from .place import ALICE, MODERN, opened

AUTH = AuthSettings(
    issuer_url=AnyHttpUrl("https://issuer.example"),
    resource_server_url=AnyHttpUrl("https://fly.example.com/mcp"),
    required_scopes=["fly"],
    validate_token_resource=False,
)
METADATA = "/.well-known/oauth-protected-resource/mcp"


async def test_a_client_without_a_token_learns_where_to_get_one() -> None:
    """RFC 9728: the 401 names the document, and the document the issuer and the scopes."""
    async with opened(auth=AUTH) as place:
        for method, path in (("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages/")):
            answer = await place.http.request(method, place.url + path)
            assert answer.status_code == 401
            assert (
                f'resource_metadata="https://fly.example.com{METADATA}"' in answer.headers["www-authenticate"]
            )
        document = (await place.http.get(place.url + METADATA)).json()
        assert document["resource"] == "https://fly.example.com/mcp"
        assert [one.rstrip("/") for one in document["authorization_servers"]] == ["https://issuer.example"]
        assert document["scopes_supported"] == ["fly"]


async def test_a_token_without_the_scope_is_refused() -> None:
    """403, which says which one is missing."""
    async with opened(auth=AUTH) as place:
        answer = await place.post(MODERN, "tools/list")
        assert answer.status_code == 403
        assert "fly" in answer.json()["error_description"]
        assert (await place.http.get(f"{place.url}/sse", headers=ALICE)).status_code == 403
        assert place.wire.sent == []


async def test_the_document_is_not_for_foreign_names_or_pages() -> None:
    """The checks stand in front of it too."""
    async with opened(auth=AUTH) as place:
        for headers, status in (
            ({"host": "evil.example"}, 421),
            ({"origin": "https://evil.example"}, 403),
        ):
            assert (await place.http.get(place.url + METADATA, headers=headers)).status_code == status
