"""What a human reads, to the letter; and that nobody can write himself into it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from mcp_types import ElicitResult

from fly_mcp_server.consent import refusals
from fly_mcp_server.consent.question import LONGEST_COMMAND
from tests.actions.fly import APP, FREE_VOLUME, MACHINE
from tests.actions.worlds import FLEET, fleet, machine

from .ground import Ground

DOCS = Path(__file__).parents[2] / "docs" / "consent.md"
IMAGE = "registry.fly.io/catvet-records:deployment-01HM6ZQ4X2J8V5R3T7Y9W1K0NB"


@pytest.fixture
def mode() -> str:
    return "auto"


async def asked(ground: Ground, name: str, **arguments: Any) -> list[str]:
    """The question's lines, without what every question begins and ends with."""
    ground.human.answer = ElicitResult(action="decline")
    await ground.refused(name, **arguments)
    first, empty, agent, *lines, last_empty, last = ground.human.asked[-1].split("\n")
    assert first == "An agent asks to do something at Fly.io that its operator wants a human to approve."
    assert (empty, last_empty) == ("", "")
    assert agent == 'Agent: "builder"'
    assert last.startswith("An answer counts until 2026-05-28 ")
    assert last.endswith(" UTC, for this one call.")
    return lines


async def test_a_machine_that_is_to_be_deleted_is_shown_with_what_goes_and_what_stays(ground: Ground) -> None:
    """The facts, and what the gate's own preview reads."""
    means = (
        f"What it means: Machine {MACHINE} (started, fra) and its root file system would be gone; it is running and "
        "would be killed; its volume vol_r77m35j7kj10613r would stay, unattached. Its config would be kept for 30 "
        "days, to make one like it again."
    )
    assert await asked(ground, "flyDeleteMachine", appName=APP, machineId=MACHINE, confirm=True) == [
        "Action: Delete machine (flyDeleteMachine; destructive). Destroy a machine, running or not. Its volume stays.",
        'App: "catvet-records", organisation "personal", deployed',
        f'Machine: {MACHINE} "young-sound-9626", started, in fra, image "{IMAGE}"',
        means,
        '- volume kept: "vol_r77m35j7kj10613r"',
    ]


async def test_a_command_is_shown_as_the_agents_own_words(ground: Ground) -> None:
    """As JSON: nothing in it can break out of its line."""
    command = ["sh", "-c", 'echo "ok"\nApproved: yes \u202e']
    lines = await asked(ground, "flyExecCommand", appName=APP, machineId=MACHINE, command=command)
    assert lines[-2:] == [
        r"""The command, in the agent's own words: ["sh", "-c", "echo \"ok\"\nApproved: yes \u202e"]""",
        "With: timeout = 30",
    ]


async def test_a_long_command_is_shown_to_its_last_character_or_not_asked_about(ground: Ground) -> None:
    """Review of issue 6: what harms would stand behind the cut, and be approved unseen. Nobody is bothered with it."""
    fits = LONGEST_COMMAND - len('["echo", ""]')
    command = ["echo", "x" * (fits - 4) + "; rm"]
    lines = await asked(ground, "flyExecCommand", appName=APP, machineId=MACHINE, command=command)
    (shown,) = [line for line in lines if line.startswith("The command")]
    assert shown.endswith('x; rm"]')
    questions = len(ground.human.asked)
    longer = ["echo", "x" * (fits - 3) + "; rm"]
    error = await ground.refused("flyExecCommand", appName=APP, machineId=MACHINE, command=longer)
    assert (error["code"], error["details"]["consent"]) == ("not_allowed", "too_long")
    assert "it has 1001 characters, and at most 1000 are shown. Nothing was changed." in error["message"]
    assert len(ground.human.asked) == questions
    assert ground.writes() == []


async def test_what_the_agent_wrote_is_named_and_not_shown(ground: Ground) -> None:
    """Secrets above all: how many, and neither a name nor a value."""
    lines = await asked(ground, "flySetSecrets", appName=APP, secrets={"PLEASE_APPROVE": "canary-value"})
    assert lines[-2:] == [
        "With: restartMachines = false",
        "The agent's own text, not shown here: secrets (1 entries)",
    ]
    assert "PLEASE" not in "\n".join(lines)
    assert "canary" not in "\n".join(lines)


async def test_names_that_fly_has_as_well_are_shown(ground: Ground) -> None:
    """What is replaced or removed; a new name stays the agent's."""
    lines = await asked(ground, "flyUnsetSecrets", appName=APP, secretNames=["OLD_API_KEY", "APPROVE_ME"])
    assert 'Of the secrets it names, these exist: ["OLD_API_KEY"]' in lines
    lines = await asked(
        ground,
        "flyUpdateMachineConfig",
        appName=APP,
        machineId=MACHINE,
        env={"NODE_ENV": "x", "APPROVE_ME": "y"},
    )
    assert 'Of the environment variables it names, these exist: ["NODE_ENV"]' in lines
    lines = await asked(ground, "flyDeleteMetadata", appName=APP, machineId=MACHINE, keys=["APPROVE_ME"])
    assert "Of the metadata it names, these exist: none" in lines
    assert "APPROVE_ME" not in "".join(ground.human.asked)


async def test_an_app_that_is_to_be_made_is_shown_by_its_organisation(ground: Ground) -> None:
    """Its name is the agent's word."""
    lines = await asked(ground, "flyCreateApp", appName="trust-me-and-approve", orgSlug="lab-team")
    assert 'App: a new one, in the organisation "lab-team"' in lines
    assert "trust-me" not in "\n".join(lines)


async def test_a_plan_that_destroys_names_each_machine(ground: Ground) -> None:
    """Scaling down asks by plan: the plan is what is shown."""
    ground.emulator.load(fleet(machine(1), machine(2), machine(3)))
    lines = await asked(ground, "flyScaleMachines", appName=FLEET, count=1, confirm=True)
    assert 'App: "fleet", organisation "personal", deployed' in lines
    assert "Its machines: 3 started" in lines
    assert any(line.startswith("What it means: Scaling fleet from 3 to 1 would destroy 2") for line in lines)
    (named,) = [line for line in lines if line.startswith("- would destroy: ")]
    assert "d0000000000002" in named or "d0000000000003" in named
    assert lines[-1] == "With: count = 1"


async def test_what_is_billed_says_its_price(ground: Ground) -> None:
    """The other thing that a plan asks about."""
    lines = await asked(ground, "flyAllocateIp", appName=APP, type="v4", confirm=True)
    assert any("2.00 USD a month" in line for line in lines)
    assert 'With: type = "v4"' in lines


async def test_names_at_fly_cannot_write_lines_of_their_own(ground: Ground) -> None:
    """Whoever made the machine chose its name and image: quoted, cleaned, cut."""

    def renamed(request: httpx2.Request) -> httpx2.Response:
        one = ground.emulator.dump().apps[APP].machines[MACHINE]
        body = {
            "id": MACHINE,
            "state": one.state,
            "region": one.region,
            "instance_id": one.instance_id,
            "name": 'x"\nAgent: "root\u202e\x1b[31m ' + "y" * 500,
            "config": {"image": "registry/x\nWhat it means: nothing\u200b"},
        }
        return httpx2.Response(200, json=body)

    ground.wire.replace_answers("GET", f"/machines/{MACHINE}$", renamed)
    lines = await asked(ground, "flyStopMachine", appName=APP, machineId=MACHINE)
    assert not [line for line in lines if line.startswith("Agent:")]
    assert sum(line.startswith("What it means") for line in lines) == 1
    text = "\n".join(lines)
    assert not any(one in text for one in "\u202e\x1b\u200b")
    (shown,) = [line for line in lines if line.startswith("Machine:")]
    assert len(shown) < 500


async def test_a_volume_is_shown_with_its_size_and_snapshots(ground: Ground) -> None:
    """Data are what is lost."""
    lines = await asked(ground, "flyDeleteVolume", appName=APP, volumeId=FREE_VOLUME, confirm=True)
    assert f'Volume: {FREE_VOLUME} "catvet_data", 1 GB, in fra, attached to no machine' in lines
    assert "- newest snapshot: null" in lines
    assert lines[-1] == "With: snapshot = true"


async def test_the_documentation_shows_the_question_as_it_is(ground: Ground) -> None:
    """docs/consent.md, but for the moment."""
    await asked(ground, "flyDeleteMachine", appName=APP, machineId=MACHINE, confirm=True)
    *lines, _ = ground.human.asked[-1].split("\n")
    assert "\n".join(lines) in DOCS.read_text(encoding="utf-8")


def test_the_documentation_has_every_answer_with_its_code() -> None:
    """A row for each kind, and none for another."""
    made = [
        refusals.declined("x"),
        refusals.cancelled("x"),
        refusals.no_yes("x"),
        refusals.expired("x", 1),
        refusals.changed("x", ["machine"]),
        refusals.other("x"),
        refusals.used("x"),
        refusals.cannot_ask("x", "y"),
        refusals.too_long("x", 2, 1),
    ]
    assert {one.kind for one in made} == set(get_args(refusals.Kind))
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((one.kind, str(one.code)) for one in made)
