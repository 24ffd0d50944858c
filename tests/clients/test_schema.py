"""The check of answers against Fly's document has to find what is wrong with them (issue 3, section 1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients import defects
from tests.clients.schema import Document, Findings, unreached

VOLUME = {"id": "vol_1", "name": "data", "size_gb": 1, "state": "created", "encrypted": True}
VOLUMES = "GET /apps/{app_name}/volumes"


@pytest.fixture(scope="module")
def document() -> Document:
    return Document()


def exchange(method: str, path: str, status: int, body: object = None, **headers: str) -> dict[str, Any]:
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    usual = {"fly-request-id": "01", "content-type": "application/json; charset=utf-8"}
    return {"method": method, "path": path, "status": status, "body": text, "headers": usual | headers}


def check(document: Document, *exchanges: dict[str, Any]) -> Findings:
    return document.check(exchanges)


def test_an_answer_as_described_is_fine(document: Document) -> None:
    """Keys may be missing: the document requires none."""
    found = check(document, exchange("GET", "/v1/apps/a/volumes", 200, [VOLUME]))
    assert found.problems == {}
    assert found.answered == {VOLUMES: {200}}


@pytest.mark.parametrize(
    ("volume", "problem"),
    [
        (VOLUME | {"colour": "green"}, "Volume.colour: the document does not have it"),
        (VOLUME | {"size_gb": "1"}, "Volume.size_gb: '1' is not of type 'integer'"),
        (VOLUME | {"host_status": "fine"}, "Volume.host_status: 'fine' is not one of"),
        ("vol_1", "Volume: 'vol_1' is not of type 'object'"),
    ],
)
def test_what_is_not_as_described_is_found(document: Document, volume: object, problem: str) -> None:
    """Unknown keys too: they would be inventions."""
    (found,) = check(document, exchange("GET", "/v1/apps/a/volumes", 200, [volume])).problems
    assert found.startswith(f"{VOLUMES} 200: {problem}")


def test_known_defects_are_allowed_and_noted(document: Document) -> None:
    """An unattached volume has null where the document has a string."""
    found = check(
        document, exchange("GET", "/v1/apps/a/volumes", 200, [VOLUME | {"attached_machine_id": None}])
    )
    assert found.problems == {}
    assert found.needed == {"Volume.attached_machine_id"}


def test_shapes_of_the_wire_are_what_is_checked(document: Document) -> None:
    """Reference 9: the lease's envelope and the capital keys of regions."""
    lease = {"status": "success", "data": {"nonce": "1", "expires_at": 1, "owner": "a", "description": ""}}
    path = "/v1/apps/a/machines/1/lease"
    assert check(document, exchange("GET", path, 200, lease)).problems == {}
    assert check(document, exchange("GET", path, 200, lease["data"])).problems != {}
    regions: dict[str, Any] = {"Nearest": "fra", "Regions": [{"code": "fra", "capacity": 1}]}
    assert check(document, exchange("GET", "/v1/platform/regions", 200, regions)).problems == {}
    small: dict[str, Any] = {"nearest": "fra", "regions": []}
    assert check(document, exchange("GET", "/v1/platform/regions", 200, small)).problems != {}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (exchange("GET", "/v1/apps/a", 404, {"error": "gone", "reason": "x"}), "ErrorResponse.reason"),
        (exchange("GET", "/v1/apps/a", 404, "404 page not found"), "no JSON"),
        (exchange("GET", "/v1/apps/a", 404, "{}", **{"content-type": "text/plain"}), "the content type"),
        (exchange("GET", "/v1/apps/a", 201, {}), "the document has 200"),
        (exchange("DELETE", "/v1/apps/a", 202, {"ok": True}), "the document has no body"),
        (exchange("POST", "/v1/apps/a/machines/1/stop", 200, {}), "answer: 'ok' is a required property"),
        (exchange("PUT", "/v1/apps/a/machines/1", 200, {}), "no such operation"),
        (exchange("GET", "/v1/apps", 200, {}) | {"headers": {"content-type": "application/json"}}, "no fly-"),
    ],
)
def test_statuses_bodies_and_headers_are_looked_at(
    document: Document, answer: dict[str, Any], problem: str
) -> None:
    """Also of refusals, and of answers that the document leaves open."""
    assert problem in " ".join(check(document, answer).problems)


def test_an_unknown_route_is_plain_text(document: Document) -> None:
    """Reference 1.1 [L]."""
    assert check(document, exchange("GET", "/v1/nonsense", 404, "404 page not found")).problems == {}


def test_lists_that_are_out_of_date_are_found(document: Document) -> None:
    """A run that needs a row no more, or reaches more than it says, has to say so."""
    everything = Findings(
        answered={name: {200} for name in document.operations if name not in defects.NOT_ANSWERED},
        needed=set(defects.UNKNOWN_KEYS),
    )
    assert unreached(everything, document) == []
    everything.needed.discard("Machine.version")
    everything.answered["POST /tokens/kms"] = {200}
    everything.answered[VOLUMES] = {404}
    assert {line.split(":")[0] for line in unreached(everything, document)} == {
        "Machine.version",
        "POST /tokens/kms",
        VOLUMES,
    }
