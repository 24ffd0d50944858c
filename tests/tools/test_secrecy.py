"""What is never shown: the token, and the values of secrets."""

from __future__ import annotations

import logging
import traceback

import httpx2
import pytest

from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.endpoints import (
    CREATE_APP,
    LIST_APPS,
    LIST_REGIONS,
    SET_SECRETS,
)
from fly_mcp_tools.errors import FlyError, RefusedByFly
from tests.tools.fakes import CANARY, MAYBE, NOT_SENT, Fly, answer, client_of, error_of, ids_for

VALUE = "hunter22" * 2
FAILURES: list[Exception | httpx2.Response] = [
    *NOT_SENT,
    *MAYBE,
    httpx2.ConnectError(f"authorization: FlyV1 {CANARY}"),
    answer(200, {"token": "x"}),
    answer(200),
    *(answer(status, {"error": f"bad token {CANARY}"}) for status in (400, 401, 403, 404, 408, 409, 412)),
    *(answer(status, {"message": f"bad token FlyV1 {CANARY}"}) for status in (422, 429, 500, 503)),
    httpx2.Response(500, content=CANARY.encode()),
    httpx2.Response(404, headers={"fly-request-id": "x\x1b[31m"}),
]


@pytest.mark.parametrize("endpoint", [LIST_APPS, CREATE_APP, SET_SECRETS], ids=lambda e: e.name)
@pytest.mark.parametrize("number", range(len(FAILURES)))
async def test_the_token_and_the_secrets_are_in_no_error_and_no_log(
    number: int, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 2, show 6."""
    caplog.set_level(logging.DEBUG)
    client = client_of(Fly(FAILURES[number]))
    shown = [repr(client), repr(vars(client))]
    try:
        await client.call(endpoint, ids_for(endpoint), body={"values": {"KEY": VALUE}})
    except FlyError as error:
        shown += [str(error), repr(error), error.message, error.hint, repr(error.facts)]
        shown += ["".join(traceback.format_exception(error)), repr(vars(error))]
        if isinstance(error, RefusedByFly):
            shown.append(error.fly_says)
    shown += [record.getMessage() for record in caplog.records] + [caplog.text]
    everything = "\n".join(shown)
    assert "canary" not in everything
    assert VALUE not in everything
    assert any("POST" in line or "GET" in line for line in shown)


async def test_a_log_line_names_method_path_status_time_and_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Ours: enough to ask Fly's support, nothing that was written by anybody."""
    caplog.set_level(logging.DEBUG, "fly_mcp_tools")
    client = client_of(Fly(answer(200, {}), seconds=0.25))
    await client.call(LIST_APPS, {}, query={"org_slug": "hush-hush"})
    (line,) = [record.getMessage() for record in caplog.records if record.name == "fly_mcp_tools"]
    assert line == "GET /v1/apps -> 200 in 250 ms (request 01TESTREQUEST-fra)"


async def test_a_token_of_several_pieces_is_hidden_piece_by_piece() -> None:
    """Ours: Fly's text may repeat a part."""
    fly = Fly(answer(401, {"error": "no: fm2_secondsecond"}))
    client = client_of(fly, token="FlyV1 fm2_firstfirst,fm2_secondsecond")
    error = await error_of(client, LIST_REGIONS)
    assert "secondsecond" not in error.message
    assert repr(Credentials("fm2_firstfirst")) == "Credentials([hidden])"
