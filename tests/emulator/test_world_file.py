"""Worlds as JSON that people write, and that the emulator dumps (issue 3.3; docs/world.md)."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator, default_world
from fly_mcp_emulator.problems import BadWorld, place
from fly_mcp_emulator.world_file import read_world
from tests.emulator.caller import MACHINES, VOLUMES, Caller, client
from tests.emulator.faulty import add
from tests.virtual_time import LoopClock

DOCS = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documented(language: str) -> str:
    """The only block of a language in docs/world.md."""
    text = (DOCS / "world.md").read_text(encoding="utf-8")
    (found,) = (body for kind, body in _FENCE.findall(text) if kind == language)
    return str(found)


def refused(world: object) -> list[str]:
    """What is wrong with a world."""
    with pytest.raises(BadWorld) as error:
        read_world(world if isinstance(world, str) else json.dumps(world))
    return error.value.problems


async def test_the_documented_world_is_one() -> None:
    """House style 18: an example nobody runs is fiction."""
    async with client(Emulator(read_world(documented("json")), clock=LoopClock(), limits=False)) as http:
        fly = Caller(http)
        (machine,) = await fly.get("/apps/shop/machines")
        assert (machine["state"], machine["config"]["guest"]["memory_mb"]) == ("started", 256)
        assert (await fly.get("/apps/shop/volumes/vol_shop"))["attached_machine_id"] == machine["id"]
        config = {"config": {"image": "registry.fly.io/shop:gone"}}
        assert "MANIFEST_UNKNOWN" in await fly.error("POST", "/apps/shop/machines", 400, json=config)


def test_the_documented_mistakes_are_found_all_at_once() -> None:
    """Issue 3.3: errors with the path in the file."""
    text = documented("json").replace('"personal",\n      "volumes"', '"personl",\n      "volumes"')
    text = text.replace('"web",\n          "region": "ams"', '"web",\n          "region": "asm"')
    text = text.replace('{"volume": "vol_shop"', '{"volume": "vol_shp"')
    assert [f"fly-mcp: shop.json: {line}" for line in refused(text)] == documented("text").splitlines()


def test_mistakes_of_shape_are_found_all_at_once() -> None:
    """Unknown keys too, also inside a config, where Fly ignores them."""
    machine: dict[str, Any] = {"id": "m", "name": "n", "region": "fra", "state": "asleep"}
    machines: list[dict[str, Any]] = [
        machine | {"config": {"image": "nginx", "enviroment": {}}},
        machine | {"config": {"image": "nginx", "mounts": [{"volume": 7, "path": "/data"}]}},
    ]
    world: dict[str, Any] = {
        "org": {},
        "apps": {"a": {"name": "a", "org": "o", "machines": {"m": machines[0], "n": machines[1]}}},
        "images": {"nginx:1.27": {"crash_after": "soon"}},
        "tokens": [{"text": "x", "name": "x"}, {"text": ["hunter2"]}],
    }
    problems = refused(world)
    assert sorted(line.split(": ")[0] for line in problems) == [
        "apps.a.machines.m.config",
        "apps.a.machines.m.state",
        "apps.a.machines.n.config.mounts[0].volume",
        "apps.a.machines.n.state",
        'images["nginx:1.27"].crash_after',
        "org",
        "orgs",
        "tokens[1].name",
        "tokens[1].text",
    ]
    assert "apps.a.machines.m.config: there is no enviroment" in problems
    assert not any("hunter2" in line for line in problems), "there are secrets among the values"


def test_contradictions_are_found_all_at_once() -> None:
    """Keys that differ from what they name, things that are not there, names that are there twice."""
    world = json.loads(default_world().model_dump_json())
    app = world["apps"]["catvet-records"]
    machine = app["machines"]["7846e45f27e218"]
    app["machines"]["1"] = machine
    app["volumes"]["vol_abc123"] |= {"size_gb": 0, "name": "has-dash", "attached_machine_id": "nobody"}
    app["secrets"]["OTHER"] = app["secrets"].pop("OLD_API_KEY")
    world["settings"]["full_regions"] = ["fra", "mars"]
    world["apps"]["Bad"] = {"name": "bad", "org": "personal"}
    found = {line.split(": ")[0] for line in refused(world)}
    at = "apps.catvet-records"
    assert found == {
        "apps.Bad",
        "apps.Bad.name",
        f"{at}.machines.1.id",
        f"{at}.machines.1.name",
        f"{at}.secrets.OTHER.name",
        f"{at}.volumes.vol_abc123.attached_machine_id",
        f"{at}.volumes.vol_abc123.name",
        f"{at}.volumes.vol_abc123.size_gb",
        "settings.full_regions[1]",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "(whole): not JSON: line 1 column 1"),
        ('{"orgs": {},}', "(whole): not JSON: line 1 column 13"),
        ("[1]", "(whole): "),
        ('{"orgs": NaN}', "(whole): not JSON: NaN"),
        ('{"orgs": {}, "apps": {"a": 1, "a": 2}}', "a: this key is there twice"),
        ("[" * 100_000, "(whole): not JSON"),
        ("\ufeff{}", "(whole): not JSON"),
    ],
)
def test_what_is_no_json_is_refused_in_words(text: str, problem: str) -> None:
    """Never a traceback."""
    assert refused(text)[0].startswith(problem)
    with pytest.raises(BadWorld):
        read_world(b"\xff\xfe{")


def test_a_place_is_written_as_one_would() -> None:
    """Names in dots, positions in brackets, anything else in quotes."""
    assert place(["apps", "my-app", "machines", 0, "x y"]) == 'apps.my-app.machines[0]["x y"]'
    assert place([]) == "(whole)"


def test_the_schema_takes_what_the_emulator_takes() -> None:
    """docs/world.schema.json: generated, and true of dumps and of what people write."""
    jsonschema: Any = pytest.importorskip("jsonschema")
    schema = json.loads((DOCS / "world.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    dump = json.loads(Emulator(clock=None).dump().model_dump_json())
    assert list(validator.iter_errors(dump)) == []
    assert list(validator.iter_errors(json.loads(documented("json")))) == []
    dump["apps"]["my-sandbox"]["colour"] = "red"
    dump["apps"]["lab-batch"]["machines"]["3d8d9a2b64e189"]["config"]["imagee"] = "x"
    assert len(list(validator.iter_errors(dump))) == 2


async def _live(fly: Caller, rng: random.Random) -> None:
    """Do something, somewhere, at some time. Refusals are part of life."""
    listed = (await fly.http.get(MACHINES)).json()
    some = rng.choice(listed)["id"] if listed else "none"
    one = f"{MACHINES}/{some}"
    volumes = [volume["id"] for volume in (await fly.http.get(VOLUMES)).json()]
    volume = f"{VOLUMES}/{rng.choice(volumes)}"
    mounts = [{"volume": rng.choice(volumes), "path": "/data"}] if rng.random() < 0.3 else []
    config: dict[str, Any] = {"image": "nginx", "mounts": mounts, "checks": {"a": {"type": "tcp", "port": 1}}}
    todo: list[tuple[str, str, Any]] = [
        ("POST", MACHINES, {"config": config, "lease_ttl": rng.choice([0, 3])}),
        ("POST", MACHINES, {"config": config, "skip_launch": True}),
        ("POST", one, {"config": config}),
        ("POST", f"{one}/{rng.choice(['start', 'stop', 'suspend', 'restart', 'cordon'])}", None),
        ("DELETE", f"{one}?force=true", None),
        ("POST", f"{one}/lease", {"ttl": 5}),
        ("POST", f"{one}/exec", {"command": ["sh", "-c", "echo x >> /data/log"]}),
        ("POST", VOLUMES, {"name": "data", "require_unique_zone": False}),
        ("POST", f"{volume}/snapshots", None),
        ("DELETE", volume, None),
        ("POST", "/apps/my-sandbox/secrets", {"values": {"A": str(rng.random())}}),
    ]
    method, path, body = rng.choice(todo)
    with anyio.move_on_after(rng.choice([0.05, 20])):
        await fly.http.request(method, path, json=body)
    await anyio.sleep(rng.choice([0, 0.3, 1.0, 7.0]))


@pytest.mark.parametrize("seed", range(12))
async def test_dump_load_dump_is_identical_at_any_moment(seed: int) -> None:
    """Issue 3, shows 3. And the twin goes on as the first one does, for an hour."""
    rng, clocks = random.Random(seed), (LoopClock(), LoopClock())
    assert clocks[0].now() == clocks[1].now()
    emulator = Emulator(clock=clocks[0], limits=False, seed=seed)
    async with client(emulator) as http:
        fly = Caller(http)
        conditions = ("crash_at_boot", "failing_check", "unreachable_host", "still_active", "lease_held")
        await add(fly, *({"kind": kind, "probability": 0.1} for kind in conditions))
        for _ in range(40):
            await _live(fly, rng)
        first = (await http.get("http://fly.test/_emulator/world")).text
        twin = Emulator(read_world(first), clock=clocks[1], limits=False, seed=seed)
        assert twin.dump().model_dump_json(indent=2) == first
        assert (await http.put("http://fly.test/_emulator/world", content=first)).status_code == 200
        assert (await http.get("http://fly.test/_emulator/world")).text == first
        await anyio.sleep(3600)
        assert twin.dump() == emulator.dump()
        assert emulator.dump().model_dump_json(indent=2) != first
