"""Fly's successes: as data, or as what cannot be read."""

from __future__ import annotations

import pytest

from fly_mcp_tools.decode import Answer, RawAnswer, decode
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.endpoints import (
    CREATE_APP,
    DELETE_APP,
    DELETE_MACHINE,
    ENDPOINTS,
    GET_MACHINE,
    LIST_MACHINES,
    OIDC_TOKEN,
)
from fly_mcp_tools.errors import (
    Code,
    MaybeDone,
)
from fly_mcp_tools.request import build_request
from tests.tools.answers import NOW, read, refused
from tests.tools.fakes import JWT, ids_for

every = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_is_its_data_with_flys_request_id(status: int) -> None:
    """Reference 4: 200 and 201 carry JSON, 202 may."""
    assert read(CREATE_APP, status, '{"id": "x", "n": [1, null]}') == Answer(
        status, {"id": "x", "n": [1, None]}, "01REQ-fra"
    )
    assert read(LIST_MACHINES, status, "[]").data == []


@pytest.mark.parametrize("status", [202, 204])
def test_an_accepted_call_may_say_nothing(status: int) -> None:
    """Reference 4.1: deleting an app is answered with 202 and no body."""
    assert read(DELETE_APP, status).data is None


UNREADABLE = {
    "html": b"<!doctype html><html><body>Sign in</body></html>",
    "nothing": b"",
    "blank": b" \n",
    "half": b'[{"id": "7846e45f27e218", "sta',
    "latin1": b'{"name": "\xe9"}',
    "number": b"17",
    "null": b"null",
    "string": b'"ok"',
    "nan": b'{"n": NaN}',
    "deep": b"[" * 200_000,
    "two": b"{}{}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@every
def test_a_success_that_cannot_be_read_is_unclear_for_writes_and_repeatable_for_reads(
    endpoint: Endpoint, body: bytes
) -> None:
    """Issue 2, bad input: a server that answers HTML, nothing, or half a JSON."""
    error = refused(endpoint, 200, body)
    assert isinstance(error, MaybeDone)
    assert "could not be read" in error.message
    if endpoint.writes:
        assert (error.code, error.changed, error.retryable) == (Code.UNCLEAR, "unknown", False)
        assert "may or may not have happened" in error.message
    else:
        assert (error.code, error.changed, error.retryable) == (Code.FLY_UNAVAILABLE, "nothing", True)
    assert (error.status, error.request_id) == (200, "01REQ-fra")
    assert error.hint


def test_a_body_that_broke_off_is_not_read_though_it_looks_whole() -> None:
    """Ours: `[]` may be the beginning of a list."""
    request = build_request(LIST_MACHINES, ids_for(LIST_MACHINES))
    with pytest.raises(MaybeDone, match="to its end"):
        decode(request, RawAnswer(200, {}, b"[]", complete=False), now=NOW, redact=str)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@every
def test_a_redirect_is_an_error_for_every_call(endpoint: Endpoint, status: int) -> None:
    """Issue 2, section 4: redirects are never followed."""
    error = refused(endpoint, status, "", location="https://evil.example/v1/apps")
    assert error.code is Code.FLY_UNAVAILABLE
    assert not error.retryable
    assert endpoint.setting in error.hint
    assert "evil" not in error.message + error.hint


@pytest.mark.parametrize("body", [b"<html>Not Found</html>", b"", b"not here", b"{}", b"[]", b'{"error": 1}'])
@pytest.mark.parametrize("status", [404, 410])
def test_a_404_that_is_not_flys_never_means_gone(status: int, body: bytes) -> None:
    """Found by the chaos run: a gateway's 404 during a delete was taken for "destroyed"."""
    for endpoint, changed in ((GET_MACHINE, "nothing"), (DELETE_MACHINE, "unknown")):
        ids = {"app_name": "shop", "machine_id": "7846e45f27e218"}
        with pytest.raises(MaybeDone) as caught:
            decode(build_request(endpoint, ids), RawAnswer(status, {}, body), now=0.0, redact=str)
        assert (caught.value.changed, caught.value.status) == (changed, status)


@pytest.mark.parametrize(
    "body", [b"a.b", b"a.b.c.d", b"a b.c.d", b"{}.e30.x", b".e30.x", b"a.b.\xc3\xa9", b"a.b.c\nx", b"<a.b.c>"]
)
def test_what_is_no_signed_token_is_not_taken_for_one(body: bytes) -> None:
    """Ours: a proxy's words must not be handed on as who somebody is."""
    assert refused(OIDC_TOKEN, 200, body).code is Code.FLY_UNAVAILABLE


def test_a_signed_token_is_read_and_not_shown() -> None:
    """Ours: an answer ends up in tracebacks."""
    answer = read(OIDC_TOKEN, 200, f" {JWT}\n")
    assert answer.data == JWT
    assert JWT not in repr(answer)
