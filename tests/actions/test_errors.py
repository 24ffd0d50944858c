"""Each status of Fly's, provoked: an agent is told a stable code and a next step (issue 5, 5; docs/errors.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_server.docs_errors import CASES, MEANS, Case
from fly_mcp_tools import endpoints
from fly_mcp_tools.errors import Code

from .fly import APP, MACHINE, Fly

_APP: Mapping[str, Any] = {"appName": APP}
_ONE: Mapping[str, Any] = {"appName": APP, "machineId": MACHINE}
#: A call that sends the endpoint.
CALLS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    endpoints.GET_MACHINE.name: ("flyGetMachine", _ONE),
    endpoints.GET_APP.name: ("flyGetApp", _APP),
    endpoints.EXEC_MACHINE.name: ("flyExecCommand", {**_ONE, "command": ["ls"]}),
    endpoints.STOP_MACHINE.name: ("flyStopMachine", _ONE),
    endpoints.UPDATE_MACHINE.name: ("flyUpdateMachineConfig", {**_ONE, "env": {"A": "b"}}),
    endpoints.CREATE_APP.name: ("flyCreateApp", {"appName": "new-app"}),
    endpoints.CREATE_MACHINE.name: ("flyCreateMachine", {"appName": APP, "region": "fra"}),
}
ALL = {400, 401, 403, 404, 408, 409, 412, 422, 429, 500, 503}


def provoke(fly: Fly, case: Case) -> None:
    """From now on Fly answers so."""
    fly.emulator.faults.add(
        FaultRule(
            method=case.endpoint.method,
            path=case.endpoint.path,
            status=case.status,
            error=case.says,
        )
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.status} {case.endpoint.name}")
async def test_a_status_has_its_code_and_its_next_step(fly: Fly, case: Case) -> None:
    """Issue 5, 5: through the MCP client; what docs/errors.md says of it is so."""
    provoke(fly, case)
    name, arguments = CALLS[case.endpoint.name]
    error = await fly.refused(name, arguments)
    assert error["code"] == case.error.code
    assert error["status"] == case.status
    assert error["hint"]
    assert error["retryable"] is case.error.retryable
    if not case.endpoint.writes:
        assert error["hint"] in (case.error.hint, case.error.hint.replace("APP", APP))
        assert error["changed"] == "nothing"


def test_every_status_of_the_issue_is_there() -> None:
    """Issue 5, 5."""
    assert {case.status for case in CASES} == ALL
    assert all(case.error.hint for case in CASES)


def test_every_code_has_a_meaning_and_each_of_flys_is_in_the_table() -> None:
    """Ours: a new code is written down."""
    assert MEANS.keys() == set(Code)
    ours = {Code.CONFIRMATION_REQUIRED, Code.NOT_ALLOWED, Code.NOT_CONFIGURED, Code.INTERNAL}
    assert {case.error.code for case in CASES} == set(Code) - ours
