"""A row that contradicts itself is refused where it is written: at import."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ConfigDict, Field

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, AnyAction, Example, Gate, Loss, table
from fly_mcp_tools.call import Call
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.composites.listing import OfApp
from fly_mcp_tools.models import Params

#: A plain read, a composite write, and one behind the gate.
READ, WRITE, GATED = ACTIONS["flyGetMachine"], ACTIONS["flyStartMachine"], ACTIONS["flyDeleteVolume"]


async def _preview(call: Call, params: Params) -> Loss:
    raise NotImplementedError


class _Open(Params):
    model_config = ConfigDict(extra="ignore")
    app_name: str = Field(description="App name")


class _Silent(Params):
    app_name: str


class _Confirming(Params):
    app_name: str = Field(description="App name")
    confirm: bool = Field(description="Yes")


_EXAMPLE = Example("do it", {"appName": "x"})

CONTRADICTIONS: list[tuple[str, AnyAction, dict[str, Any], str]] = [
    ("a name without a verb", READ, {"name": "fly"}, "the name must be"),
    ("a name with an underscore", READ, {"name": "fly_get_machine"}, "the name must be"),
    ("no title", READ, {"title": ""}, "no title"),
    ("a summary without an end", READ, {"summary": "Get it"}, "ends with a full stop"),
    ("a summary of two lines", READ, {"summary": "Get\nit."}, "one line"),
    ("a long summary", READ, {"summary": "x" * 120 + "."}, "at most 120"),
    ("no source", READ, {"source": "hearsay"}, "the source must be a page"),
    ("a read that writes", READ, {"calls": (fly.STOP_MACHINE,)}, "must not send stop_machine"),
    ("a write that writes nothing", WRITE, {"calls": (fly.GET_MACHINE,)}, "sends nothing that writes"),
    ("a write that only takes a lease", WRITE, {"calls": (fly.ACQUIRE_LEASE,)}, "sends nothing that writes"),
    ("a purpose that lasts", WRITE, {"purpose": fly.START_MACHINE}, "`purpose` is a passing write"),
    ("a purpose that is not sent", WRITE, {"purpose": fly.CREATE_SNAPSHOT}, "`purpose` is a passing write"),
    ("a command that sends none", WRITE, {"access": Access.EXEC}, "EXEC"),
    ("a command that is no exec", ACTIONS["flyExecCommand"], {"access": Access.WRITE}, "EXEC"),
    ("a read that loses something", READ, {"additive": False}, "additive and idempotent"),
    ("a read that cannot be repeated", READ, {"idempotent": False}, "additive and idempotent"),
    ("a destruction without a gate", GATED, {"gate": Gate.NEVER, "preview": None}, "the gate must ask"),
    ("a gate where nothing is destroyed", WRITE, {"gate": Gate.BY_PLAN}, "the gate must ask"),
    ("a gate on what is called a write", GATED, {"access": Access.WRITE}, "go together"),
    ("a destruction that adds", GATED, {"additive": True}, "is not additive"),
    ("a plain call of two endpoints", WRITE, {"run": None}, "exactly one endpoint"),
    ("a wrap around a composite", WRITE, {"wrap": "machines"}, "`wrap` is for plain calls"),
    ("a gate that cannot say what is lost", GATED, {"preview": None}, "`preview` and gate ALWAYS"),
    ("a preview that nobody asks for", READ, {"preview": _preview}, "`preview` and gate ALWAYS"),
    ("params that take anything", WRITE, {"params": _Open, "examples": (_EXAMPLE,)}, "must be closed"),
    (
        "a param without words",
        WRITE,
        {"params": _Silent, "examples": (_EXAMPLE,)},
        "no description: app_name",
    ),
    ("a confirm of its own", WRITE, {"params": _Confirming}, "belongs to the gate"),
    ("a secret that is no param", WRITE, {"secret_params": frozenset({"nowhere"})}, "is not there"),
    ("a path without its ids", READ, {"params": OfApp, "examples": (_EXAMPLE,)}, "the path needs machine_id"),
    ("no example", READ, {"examples": ()}, "no example"),
    ("an example that does not fit", READ, {"examples": (Example("x", {"app": 1}),)}, "does not fit"),
    (
        "an example that confirms for nothing",
        WRITE,
        {"examples": (Example("x", {**WRITE.examples[0].arguments, "confirm": True}),)},
        "confirms what is not asked for",
    ),
]


@pytest.mark.parametrize(
    ("row", "change", "told"),
    [case[1:] for case in CONTRADICTIONS],
    ids=[case[0].replace(" ", "-") for case in CONTRADICTIONS],
)
def test_a_contradiction_is_refused(row: AnyAction, change: dict[str, Any], told: str) -> None:
    """Ours: the table cannot be imported with it."""
    with pytest.raises(ValueError, match=told) as caught:
        replace(row, **change)
    assert str(caught.value).startswith(f"row {change.get('name', row.name)}: ")


def test_all_contradictions_of_a_row_are_named_at_once() -> None:
    """Ours: one import tells all there is to mend."""
    with pytest.raises(ValueError, match=r"no title; no example"):
        replace(READ, title="", examples=())


def test_two_rows_of_one_name_are_refused() -> None:
    """Ours: a name is a row's only key."""
    with pytest.raises(ValueError, match="two rows are called flyGetMachine"):
        table(READ, WRITE, READ)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"path": "/apps/{app_name}"}, "must start with /v1/"),
        ({"idempotent": False}, "a GET is idempotent"),
        ({"says": "read {machine_id}"}, "placeholders of the path"),
        ({"says": ""}, "placeholders of the path"),
        ({"source": ""}, "must be a page"),
        ({"destroys": True}, "a GET destroys nothing"),
        ({"passing": True}, "a GET leaves nothing to pass"),
        ({"bills": True}, "a GET bills nothing"),
    ],
    ids=["path", "idempotent", "says-other-ids", "says-nothing", "source", "destroys", "passing", "bills"],
)
def test_an_endpoint_that_contradicts_itself_is_refused(change: dict[str, Any], told: str) -> None:
    """Ours: endpoints are rows too."""
    with pytest.raises(ValueError, match=told):
        replace(fly.GET_APP, **change)


def test_a_destruction_passes_by_itself_never() -> None:
    """Ours: what is lost stays lost."""
    with pytest.raises(ValueError, match="cannot pass"):
        replace(fly.DELETE_APP, passing=True)


def test_a_write_may_be_for_what_passes_by_itself() -> None:
    """Ours: taking a lease or a snapshot can be the purpose, and is then counted as what is done."""
    calls = (fly.GET_MACHINE, fly.ACQUIRE_LEASE)
    taking = replace(WRITE, calls=calls, purpose=fly.ACQUIRE_LEASE)
    assert taking.counts(fly.ACQUIRE_LEASE)
    assert not WRITE.counts(fly.ACQUIRE_LEASE)


def test_the_rows_there_are_pass() -> None:
    """Ours: a copy of each row is as good as the row."""
    assert table(*(replace(action) for action in ACTIONS.values())) == ACTIONS
