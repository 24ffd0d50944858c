"""What of a call lies on the disk (issue 4, section 2)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.state.intents import Intents
from fly_mcp_tools.state.store import Store
from tests.actions.fly import APP, MACHINE
from tests.tools.place import Answer, Place, opened, said


@pytest.fixture
async def fly(tmp_path: Path) -> AsyncGenerator[Place]:
    async with opened(tmp_path / "state") as fly:
        yield fly


#: What must not be written down; each in a place of its own.
CANARIES = {
    word: f"c4n4ry-{word}-5f3a9c" for word in ("secret", "env", "command", "output", "content", "stdin")
}


class TestSecrets:
    """Secret values are never stored; configs are, in one place alone."""

    @pytest.mark.parametrize("how", ["answered", "lost", "cut"])
    async def test_no_value_lies_on_the_disk_but_in_the_undo_store(self, fly: Place, how: str) -> None:
        """The issue: whether the calls were done, are unclear, or were cancelled in the middle."""
        tools = fly.server()
        shown: list[Answer] = []

        async def call(name: str, **arguments: Any) -> None:
            found: Answer | FlyError = {}
            number = len(shown)
            with anyio.move_on_after(3.0 if how == "cut" else 600.0):
                found = await said(tools, name, **arguments, requestId=f"{name}-{number}")
            shown.append(found if isinstance(found, dict) else {"error": vars(found)})

        if how == "lost":
            fly.wire.lose_answers("POST", "/(secrets|exec)$|/machines/[^/]*$", times=6)
        if how == "cut":
            fly.emulator.faults.add(FaultRule(path="/v1/apps", latency=1.0))
        one = {"appName": APP, "machineId": MACHINE}
        secret, env = CANARIES["secret"], CANARIES["env"]
        await call("flySetSecrets", appName=APP, secrets={"A": secret, "B": secret * 2}, restartMachines=True)
        await call("flyUpdateMachineConfig", **one, env={"DSN": env, "PORT": env + "2"})
        await call("flyUpdateMachineConfig", **one, env={"DSN": env + "3"})
        await call("flyExecCommand", **one, command=["test", "-n", CANARIES["command"]])
        await call("flyExecCommand", **one, command=["sh", "-c", "printf 'c4n4ry-%s-5f3a9c' output"])
        await call("flyExecCommand", **one, command=["sh", "-c", f"echo {CANARIES['content']} > /data/x"])
        await call("flyUnsetSecrets", appName=APP, secretNames=["B"], restartMachines=True)
        printed = [one for one in shown if CANARIES["output"] in repr(one)]
        assert len(printed) <= 1  # a command's own output is what it is for
        shown = [one for one in shown if one not in printed]
        files = {path.name: path.read_bytes() for path in fly.directory.iterdir()}
        assert files["state.sqlite3-wal"]
        assert not [
            (name, word)
            for name, held in files.items()
            for word in CANARIES.values()
            if word.encode() in held
        ]

        fly.wire.mend()
        fly.emulator.faults.clear()
        how = "answered"
        world = fly.world
        machine = world.apps[APP].machines[MACHINE]
        machine.config.env = {"DSN": env}
        fly.emulator.load(world)
        await call("flyDeleteMachine", **one, confirm=True)
        assert shown[-1]["outcome"] == "done"
        held_in = {
            table: [word for word in CANARIES.values() if word in repr(fly.rows(table))]
            for table in ("keys", "intents", "undo")
        }
        assert held_in == {"keys": [], "intents": [], "undo": [env]}
        fly.store.close()
        files = {path.name: path.read_bytes() for path in fly.directory.iterdir()}
        assert list(files) == ["state.sqlite3"]
        words = [word for word in CANARIES.values() if word.encode() in files["state.sqlite3"]]
        assert words == [env]
        assert not [word for word in CANARIES.values() if word in repr(shown)]

    async def test_arguments_are_known_by_a_digest_with_the_stores_own_key(
        self, fly: Place, tmp_path: Path
    ) -> None:
        """Ours: a bare hash of a short secret could be guessed with a table made once for all."""
        other = Store(tmp_path / "other")
        digests: list[str] = []
        for store in (fly.store, other):
            intents = Intents(store, fly.clock, Random(1))
            await intents.begin("me", "id", "flySetSecrets", {"secrets": {"PIN": "1234"}})
            with store.transaction() as db:
                digests += [row[0] for row in db.execute("SELECT digest FROM intents")]
        assert len(set(digests)) == 2
        other.close()
