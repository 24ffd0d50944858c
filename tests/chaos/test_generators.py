"""Nothing that can be called, and nothing that can go wrong, is left out of the run."""

from __future__ import annotations

from fly_mcp_emulator.faults import KINDS
from fly_mcp_tools.catalogue import ACTIONS
from tests.chaos.claims import CLAIMS
from tests.chaos.faults import COMMON
from tests.chaos.generators import GENERATORS
from tests.chaos.run import Plan, run


def test_every_action_has_a_maker_of_random_calls() -> None:
    """Issue 4: a new action takes part in the chaos run."""
    assert GENERATORS.keys() == ACTIONS.keys()


def test_every_write_has_a_judge_of_its_claims() -> None:
    """But commands: that they run once at most is judged by the requests."""
    writes = {name for name, action in ACTIONS.items() if action.writes}

    assert writes - CLAIMS.keys() == {"flyExecCommand"}


def test_the_common_kinds_of_fault_are_kinds() -> None:
    """Every other kind is armed by itself, new ones included."""
    assert set(COMMON) <= KINDS.keys()


def test_a_run_is_the_same_again_for_its_seed() -> None:
    """Else nothing that it finds could be looked into."""
    first, again = (run(Plan(seed=5, calls=60)) for _ in range(2))

    assert [(told.arguments, told.ending) for told in first.model.calls] == [
        (told.arguments, told.ending) for told in again.model.calls
    ]
    assert len(first.emulator.requests) == len(again.emulator.requests)
