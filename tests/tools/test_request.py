"""The one maker of URLs, over every row of the table."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fly_mcp_tools.endpoint import Endpoint, Rate
from fly_mcp_tools.endpoints import (
    CREATE_MACHINE,
    DELETE_APP,
    DELETE_MACHINE,
    ENDPOINTS,
    GET_CERTIFICATE,
    GET_MACHINE,
    LIST_APPS,
    RELEASE_IP,
    SET_SECRETS,
    START_MACHINE,
)
from fly_mcp_tools.errors import Bug, FlyError, InvalidArguments
from fly_mcp_tools.request import build_request
from tests.tools.fakes import APP, HOSTS, MACHINE, Fly, client_of, ids_for

with_ids = pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if e.placeholders], ids=lambda endpoint: endpoint.name
)
every = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)

HOSTILE = [
    "",
    ".",
    "..",
    "...",
    "../..",
    "a/b",
    "a\\b",
    "%2e%2e",
    "a%2fb",
    "x?force=true",
    "x#y",
    "x y",
    " x",
    "x\n",
    "x\x00",
    "x\u202e",
    "ｘ",  # noqa: RUF001 - full-width, on purpose
    "é",
    "\ud800",
    "x;y",
    "x:y",
    "x@y",
    "{app_name}",
    "x" * 129,
    "x" * 10_000,
]


def test_names_and_calls_are_unique() -> None:
    """Ours: one row for one call, so that nothing about it is said twice."""
    assert len({e.name for e in ENDPOINTS}) == len(ENDPOINTS)
    calls = [
        (e.method, e.path) for e in ENDPOINTS if not e.graphql
    ]  # whose calls are told apart by documents
    assert len(set(calls)) == len(calls)


def test_buckets_are_those_that_fly_publishes() -> None:
    """Fly's docs: Get Machine and app deletions have rates of their own, all else the standard one."""
    special = {e.name: e.rate for e in ENDPOINTS if e.rate is not Rate.STANDARD}
    assert special == {"get_machine": Rate.GET_MACHINE, "delete_app": Rate.APP_DELETE}


@every
def test_good_ids_make_the_documented_path(endpoint: Endpoint) -> None:
    """Ours: an id goes into the path as it is."""
    request = build_request(endpoint, ids_for(endpoint))
    assert request.path == endpoint.path.format_map(ids_for(endpoint))
    assert "{" not in request.says


@with_ids
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_a_hostile_id_is_refused_and_not_repeated(endpoint: Endpoint, hostile: str) -> None:
    """Ours (house style C.4): quoting does not help against `..`, so no such id leaves the process."""
    for name in endpoint.placeholders:
        with pytest.raises(InvalidArguments) as refused:
            build_request(endpoint, ids_for(endpoint) | {name: hostile})
        assert [problem.path for problem in refused.value.problems] == [
            re.sub("_(.)", lambda m: m[1].upper(), name)
        ]
        if len(hostile) > 3:
            assert hostile not in refused.value.message + refused.value.problems[0].message


async def _send(endpoint: Endpoint, ids: dict[str, str]) -> Fly:
    fly = Fly()
    client = client_of(fly)
    try:
        await client.call(endpoint, ids)
    except FlyError:
        pass
    finally:
        await client.aclose()
    return fly


@with_ids
@example(ids=["..", "..", ".."])
@given(ids=st.lists(st.text(max_size=12) | st.sampled_from(HOSTILE), min_size=3, max_size=3))
async def test_any_ids_are_refused_with_nothing_sent_or_fill_exactly_the_template(
    endpoint: Endpoint, ids: list[str]
) -> None:
    """Issue 2, show 4: over all rows, for arbitrary strings as ids."""
    chosen = dict(zip(endpoint.placeholders, ids, strict=False))
    fly = await _send(endpoint, chosen)
    if not fly.seen:
        with pytest.raises(InvalidArguments):
            build_request(endpoint, chosen)
        return
    assert len(fly.seen) == 1
    assert fly.seen[0].method == endpoint.method
    assert fly.seen[0].url.host == HOSTS[endpoint.host]
    raw = fly.seen[0].url.raw_path.decode()
    assert raw == endpoint.path.format_map(chosen)
    assert len(raw.split("/")) == len(endpoint.path.split("/"))


@with_ids
async def test_plain_ids_do_reach_fly(endpoint: Endpoint) -> None:
    """Ours: the law above would also hold if nothing were ever sent."""
    assert len((await _send(endpoint, ids_for(endpoint))).seen) == 1


def test_all_bad_ids_are_named_at_once() -> None:
    """Architecture: all problems at once."""
    with pytest.raises(InvalidArguments) as refused:
        build_request(GET_MACHINE, {"app_name": "", "machine_id": ".."})
    assert [p.path for p in refused.value.problems] == ["appName", "machineId"]


@pytest.mark.parametrize("ids", [{}, {"app_name": APP}, {"app_name": APP, "machine_id": MACHINE, "x": "y"}])
def test_ids_that_are_not_the_templates_are_our_own_mistake(ids: dict[str, str]) -> None:
    """Ours: a missing id must never leave a shorter path behind."""
    with pytest.raises(Bug):
        build_request(GET_MACHINE, ids)


def test_query_values_are_encoded_and_booleans_are_flys() -> None:
    """Fly's docs: `force=true`; a value cannot add a parameter or leave the query."""
    request = build_request(
        LIST_APPS,
        {},
        query={"org_slug": "a&b=c#d/é ü", "force": True, "kill": False, "n": 3, "metadata.k": ""},
    )
    assert request.target == (
        "/v1/apps?org_slug=a%26b%3Dc%23d%2F%C3%A9%20%C3%BC&force=true&kill=false&n=3&metadata.k="
    )


def test_a_query_that_cannot_be_encoded_is_refused() -> None:
    """Ours: half a character has no bytes."""
    with pytest.raises(InvalidArguments) as refused:
        build_request(LIST_APPS, {}, query={"org_slug": "\ud800"})
    assert refused.value.problems[0].path == "org_slug"


@pytest.mark.parametrize("nonce", ["", "a b", "a\r\nX-Evil: 1", "é", "x" * 300])
def test_a_nonce_that_could_split_a_header_is_refused(nonce: str) -> None:
    """Ours: it came from Fly, which does not make it harmless."""
    with pytest.raises(InvalidArguments):
        build_request(START_MACHINE, ids_for(START_MACHINE), nonce=nonce)


@pytest.mark.parametrize("body", [{}, [], {"a": None, "ü": [1, 2.5, True]}, "text", 0, False])
def test_a_body_is_sent_as_json_even_when_it_is_empty(body: object) -> None:
    """Ours: only `None` means no body."""
    request = build_request(CREATE_MACHINE, {"app_name": APP}, body=body)  # type: ignore[arg-type]  # parametrised
    assert request.body is not None
    assert json.loads(request.body) == body
    assert build_request(CREATE_MACHINE, {"app_name": APP}).body is None


def test_a_body_that_is_not_json_is_a_bug_that_repeats_nothing() -> None:
    """Ours: a body may hold secrets."""
    for bad in (float("nan"), float("inf"), object(), b"secretword"):
        with pytest.raises(Bug) as bug:
            build_request(SET_SECRETS, {"app_name": APP}, body={"values": {"K": bad}})  # type: ignore[dict-item]  # the point
        assert "secretword" not in str(bug.value)


def test_repr_of_a_request_shows_neither_body_nor_nonce() -> None:
    """Ours: requests end up in tracebacks."""
    request = build_request(
        DELETE_MACHINE, ids_for(DELETE_MACHINE), body={"k": "hush-word"}, nonce="hush-nonce"
    )
    assert "hush" not in repr(request)


def test_app_deletion_counts_over_all_apps() -> None:
    """Fly's docs: 100 app deletions a minute, not per app."""
    assert DELETE_APP.rate is Rate.APP_DELETE


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("ip", "137.66.1.2"),
        ("ip", "fdaa:0:1234:0:1::2"),
        ("ip", "::1"),
        ("hostname", "*.catvet.example"),
        ("hostname", "xn--mnchen-3ya.example"),
    ],
)
def test_addresses_and_host_names_go_into_the_path_as_they_are(name: str, good: str) -> None:
    """RFC 3986, 3.3: `:` and `*` need no quoting in a path."""
    endpoint = RELEASE_IP if name == "ip" else GET_CERTIFICATE
    assert build_request(endpoint, ids_for(endpoint) | {name: good}).path.endswith(f"/{good}")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("ip", "1.2"),
        ("ip", "::"),
        ("ip", "..."),
        ("ip", "catvet.example"),
        ("hostname", "localhost"),
        ("hostname", "*"),
        ("hostname", "a.*.example"),
        ("hostname", "-a.example"),
        ("hostname", "a..example"),
        ("hostname", "a.example."),
        ("hostname", f"{'a.' * 130}example"),
        ("app_name", "a:b"),
        ("app_name", "*"),
    ],
)
def test_only_an_address_and_a_host_name_may_have_such_characters(name: str, bad: str) -> None:
    """Ours: what widens one id must not widen the others."""
    endpoint = RELEASE_IP if name == "ip" else GET_CERTIFICATE
    with pytest.raises(InvalidArguments):
        build_request(endpoint, ids_for(endpoint) | {name: bad})
