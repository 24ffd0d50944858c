"""What clients see, kept: a change is a visible difference, and one that breaks somebody fails (issue 5, 6)."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from fly_mcp_tools.catalogue import ACTIONS

from .contract import CONTRACT, TOOLS, Contract, breaks, contract, recorded, seen, written

_HOW = "if that is meant: python -m tests.docs.contract"


def test_no_change_breaks_a_caller() -> None:
    """Issue 5, 6: no tool, argument or key is gone, nothing new is required, nothing is narrower."""
    assert not breaks(recorded(), contract()), f"{_HOW} --breaking, and a breaking entry in the change log"


def test_the_contract_is_written_down() -> None:
    """Ours: an addition is seen in a review too."""
    assert CONTRACT.read_text(encoding="utf-8") == written(contract()), _HOW


async def test_every_row_has_a_snapshot_of_what_clients_see(subtests: pytest.Subtests) -> None:
    """Issue 5, Shows 3; house rule 17: one file a tool."""
    texts = await seen()
    assert {path.stem for path in TOOLS.glob("*.json")} == texts.keys() == ACTIONS.keys(), _HOW
    for name, text in texts.items():
        with subtests.test(tool=name):
            assert (TOOLS / f"{name}.json").read_text(encoding="utf-8") == text, _HOW


def _no_tool(now: Contract) -> None:
    del now["flyGetApp"]


def _no_argument(now: Contract) -> None:
    del now["flyListMachines"]["takes"]["region"]


def _renamed(now: Contract) -> None:
    takes = now["flyGetApp"]["takes"]
    takes["app"] = takes.pop("appName")


def _required(now: Contract) -> None:
    now["flyListMachines"]["takes"]["region"]["required"] = True


def _new_and_required(now: Contract) -> None:
    now["flyGetApp"]["takes"]["why"] = {"types": ["string"], "required": True}


def _narrower_type(now: Contract) -> None:
    now["flyUpdateMachineConfig"]["takes"]["env{}"]["types"] = ["string"]


def _other_type(now: Contract) -> None:
    now["flyScaleMachines"]["takes"]["count"]["types"] = ["string"]


def _fewer_values(now: Contract) -> None:
    now["flyWaitForMachine"]["takes"]["state"]["values"].pop()


def _values_at_all(now: Contract) -> None:
    now["flyGetApp"]["takes"]["appName"]["values"] = ["shop"]


def _lower_maximum(now: Contract) -> None:
    now["flyListMachines"]["takes"]["limit"]["maximum"] -= 1


def _higher_minimum(now: Contract) -> None:
    now["flyListMachines"]["takes"]["limit"]["minimum"] += 1


def _no_key(now: Contract) -> None:
    del now["flyListApps"]["gives"]["apps[].url"]


def _key_may_be_missing(now: Contract) -> None:
    now["flyListApps"]["gives"]["apps[].url"]["required"] = False


def _key_may_be_null(now: Contract) -> None:
    now["flyListApps"]["gives"]["apps[].url"]["types"] = ["null", "string"]


@pytest.mark.parametrize(
    "change",
    [
        _no_tool,
        _no_argument,
        _renamed,
        _required,
        _new_and_required,
        _narrower_type,
        _other_type,
        _fewer_values,
        _values_at_all,
        _lower_maximum,
        _higher_minimum,
        _no_key,
        _key_may_be_missing,
        _key_may_be_null,
    ],
    ids=lambda change: str(change.__name__),
)
def test_a_breaking_change_is_seen(change: Callable[[Contract], None]) -> None:
    """Ours: a judge that never says no is none."""
    now = copy.deepcopy(contract())
    change(now)
    assert breaks(contract(), now)


def _more(now: Contract) -> None:
    now["flyNewTool"] = {"takes": {"a": {"types": ["string"], "required": True}}, "gives": {}}
    now["flyGetApp"]["takes"]["detail"] = {"types": ["string"], "required": False, "values": ["full"]}
    now["flyListMachines"]["takes"]["limit"]["maximum"] += 1
    now["flyListMachines"]["takes"]["region"]["types"] = ["array", "string"]
    now["flyWaitForMachine"]["takes"]["state"]["values"].append("cordoned")
    now["flyGetApp"]["takes"]["appName"]["required"] = False
    now["flyListApps"]["gives"]["apps[].region"] = {"types": ["string"], "required": True}


def test_an_addition_is_no_breaking_change() -> None:
    """Ours: a judge that always says no is none either."""
    now = copy.deepcopy(contract())
    _more(now)
    assert breaks(contract(), now) == []
