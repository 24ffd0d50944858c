"""What holds for every row of the action table, whichever rows there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_tools import endpoints
from fly_mcp_tools.action import Access, AnyAction, Gate
from fly_mcp_tools.call import Call
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.describe import description
from fly_mcp_tools.errors import Bug
from fly_mcp_tools.schema import input_schema, output_schema
from fly_mcp_tools.state.journal import Journal
from fly_mcp_tools.state.store import Store
from fly_mcp_tools.state.undo import Undo

from .fly import Fly
from .schemas import sound

_DATA = Path(__file__).parent.parent / "data"
DOCUMENTED: dict[str, dict[str, Any]] = json.loads((_DATA / "seeds_actions.json").read_text())
#: Parameters beyond the documented ones, each without which the job can't be done (the issue, 2).
EXTRAS = {
    "flyListApps": {"orgSlug", "limit", "cursor"},
    "flyListMachines": {"state", "region", "processGroup", "metadata", "detail", "limit", "cursor"},
    "flyCreateMachine": {"image", "undo", "metadata", "config"},
    "flyUpdateMachineConfig": {"image", "metadata", "config", "nonce"},
    "flyStartMachine": {"nonce"},
    "flyStopMachine": {"nonce"},
    "flySuspendMachine": {"nonce"},
    "flyRestartMachine": {"nonce"},
    "flyDeleteMachine": {"nonce"},
    "flyCreateVolume": {"snapshotId", "sourceVolumeId", "uniqueZone", "encrypted"},
    "flyListVolumes": {"state", "region", "attached", "detail", "limit", "cursor"},
    "flyListSecrets": {"limit", "cursor"},
    "flyDeleteVolume": {"snapshot"},
    "flyWaitForMachine": {"timeout"},
}
#: Actions that the documentation lacks.
ADDED = {
    "flyGetAppStatus": {"appName"},
    "flyGetLogs": {"appName", "lines", "since", "machineId", "region", "level", "search", "cursor"},
    "flyListRegions": set[str](),
    "flyListMachineSizes": {"region", "cpuKind"},
    "flyPlanPlacement": {
        "orgSlug",
        "region",
        "count",
        "cpuKind",
        "cpus",
        "memoryMb",
        "volumeName",
        "volumeSizeGb",
    },
    "flyListOrgs": set[str](),
    "flyListOrgMachines": {"orgSlug", "region", "state", "updatedAfter", "detail", "limit", "cursor"},
    "flyListOrgVolumes": {"orgSlug", "region", "state", "updatedAfter", "limit", "cursor"},
    "flyListUnattachedVolumes": {"orgSlug", "limit", "cursor"},
    "flyCreateApp": {"appName", "orgSlug", "network", "enableSubdomains"},
    "flyDeleteApp": {"appName"},
    "flyCloneMachine": {"appName", "machineId", "region", "name", "volume", "snapshotId"},
    "flySignalMachine": {"appName", "machineId", "signal", "nonce"},
    "flyCordonMachine": {"appName", "machineId", "nonce"},
    "flyUncordonMachine": {"appName", "machineId", "nonce"},
    "flyListProcesses": {"appName", "machineId", "sortBy", "limit"},
    "flyListEvents": {"appName", "machineId", "limit"},
    "flyListVersions": {"appName", "machineId", "limit"},
    "flyGetMemory": {"appName", "machineId"},
    "flySetMemory": {"appName", "machineId", "limitMb", "reclaimMb", "nonce"},
    "flyGetLease": {"appName", "machineId"},
    "flyAcquireLease": {"appName", "machineId", "ttl", "description", "nonce"},
    "flyReleaseLease": {"appName", "machineId", "nonce"},
    "flyListMetadata": {"appName", "machineId", "limit", "cursor"},
    "flyGetMetadata": {"appName", "machineId", "key"},
    "flySetMetadata": {"appName", "machineId", "metadata", "nonce"},
    "flyDeleteMetadata": {"appName", "machineId", "keys", "nonce"},
    "flyGetVolume": {"appName", "volumeId"},
    "flyUpdateVolume": {"appName", "volumeId", "snapshotRetention", "scheduledSnapshots"},
    "flyExtendVolume": {"appName", "volumeId", "sizeGb"},
    "flyListSnapshots": {"appName", "volumeId", "limit", "cursor"},
    "flyCreateSnapshot": {"appName", "volumeId"},
    "flyGetSecret": {"appName", "name"},
    "flyListSecretKeys": {"appName", "type", "limit", "cursor"},
    "flyGenerateSecretKey": {"appName", "name", "type"},
    "flyDeleteSecretKey": {"appName", "name"},
    "flyListCertificates": {"appName", "filter", "limit", "cursor"},
    "flyCheckCertificate": {"appName", "hostname"},
    "flyRequestCertificate": {"appName", "hostname"},
    "flyRemoveCertificate": {"appName", "hostname", "keepCustom"},
    "flyListIps": {"appName"},
    "flyAllocateIp": {"appName", "type", "region", "network"},
    "flyReleaseIp": {"appName", "ip"},
    "flyGetTokenInfo": set[str](),
    "flyGetOidcToken": {"audience", "awsPrincipalTags"},
}
_TYPES = {"number": "integer"}

every = pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: str(action.name))
documented = pytest.mark.parametrize("name", DOCUMENTED)


def test_the_documented_actions_are_there_and_two_more() -> None:
    """The issue, 2."""
    assert set(ACTIONS) == DOCUMENTED.keys() | ADDED.keys()
    assert len(DOCUMENTED) == 21


@documented
def test_parameters_are_the_documented_ones(name: str) -> None:
    """The seeds' tables: same names, same types, same required."""
    schema = input_schema(ACTIONS[name])
    wanted = {one["name"]: _TYPES.get(one["type"], one["type"]) for one in DOCUMENTED[name]["parameters"]}
    extras = set(EXTRAS.get(name, ()))
    if ACTIONS[name].gate is not Gate.NEVER:
        extras.add("confirm")
    if ACTIONS[name].writes:
        extras.add("requestId")

    assert schema["properties"].keys() - wanted.keys() == extras
    assert {key: _type(schema["properties"][key]) for key in wanted} == wanted
    required = [one["name"] for one in DOCUMENTED[name]["parameters"] if one["required"]]
    assert schema.get("required", []) == required


@documented
def test_documented_values_and_bounds_are_taken(name: str) -> None:
    """The seeds' tables: the values named there, and the largest number."""
    properties = input_schema(ACTIONS[name])["properties"]
    for one in DOCUMENTED[name]["parameters"]:
        allowed = properties[one["name"]].get("enum")
        if "values" in one:
            assert set(one["values"]) <= set(allowed)
        if "maximum" in one:
            assert properties[one["name"]]["maximum"] == one["maximum"]


@documented
def test_defaults_are_the_documented_ones(name: str) -> None:
    """The seeds' tables; but volumeSizeGb is the template's size, and 1 only where that is unknown (the issue)."""
    fields = {field.alias: field for field in ACTIONS[name].params.model_fields.values()}
    for one in DOCUMENTED[name]["parameters"]:
        if "default" not in one or one["name"] == "volumeSizeGb":
            continue
        field = fields[one["name"]]
        if field.default is None:  # the path of a volume that is not asked for is no path
            assert f"default {one['default']}" in (field.description or "")
        else:
            assert field.default == one["default"]


@pytest.mark.parametrize("name", ADDED)
def test_the_two_added_actions_take_no_more_than_they_need(name: str) -> None:
    """The issue, 2."""
    properties = input_schema(ACTIONS[name])["properties"]
    assert properties.keys() - {"confirm", "requestId"} == ADDED[name]


async def test_tools_are_listed_with_all_four_hints_and_true_ones(
    fly: Fly, subtests: pytest.Subtests
) -> None:
    """The issue, 5; where a hint is missing, the protocol assumes the worst."""
    for name, action in ACTIONS.items():
        with subtests.test(action=name):
            hints = fly.listed[name].annotations
            assert hints is not None
            assert hints.read_only_hint is action.only_looks
            assert hints.destructive_hint is (not action.additive)
            assert hints.idempotent_hint is action.idempotent
            assert hints.open_world_hint is True
            assert not (hints.read_only_hint and hints.destructive_hint)
            assert not action.destroys or hints.destructive_hint


async def test_the_list_is_the_table_in_its_order(fly: Fly) -> None:
    """The issue, 2: rows are the one place where an action is written."""
    assert list(fly.listed) == list(ACTIONS)
    for name, tool in fly.listed.items():
        assert tool.description == description(ACTIONS[name])
        assert tool.input_schema == input_schema(ACTIONS[name])
        told = tool.output_schema or {}
        assert told["properties"] == {**told["properties"], **output_schema(ACTIONS[name])["properties"]}
        assert told["anyOf"][0]["required"] == output_schema(ACTIONS[name])["required"]


@every
def test_schemas_are_plain_objects_without_noise(action: AnyAction) -> None:
    """Ours: every client of every age reads them, and a model pays for each word."""
    given, told = input_schema(action), output_schema(action)
    sound(given)
    sound(told)
    assert given["type"] == told["type"] == "object"
    assert given["additionalProperties"] is False
    assert told.get("additionalProperties") is not False, "a later version may add keys"
    for node in (*_nodes(given), *_nodes(told)):
        assert not node.keys() & {"title", "$ref", "$defs"}
        assert {"type": "null"} not in node.get("anyOf", [])


@every
def test_only_a_gate_brings_confirm(action: AnyAction) -> None:
    """The architecture: the schema gains `confirm: boolean` there and nowhere else."""
    confirm = input_schema(action)["properties"].get("confirm")
    assert (confirm is not None) is (action.gate is not Gate.NEVER)
    if confirm is not None:
        assert confirm["type"] == "boolean"
        assert "confirm" not in input_schema(action).get("required", [])


@every
def test_words_are_few(action: AnyAction) -> None:
    """The issue, Shows 8: 23 tools in 3,200 tokens."""
    assert len(description(action)) <= 200
    for name, schema in input_schema(action)["properties"].items():
        assert len(schema.get("description", "")) <= 100, name


@every
def test_every_call_of_a_row_is_known_to_the_emulator(action: AnyAction) -> None:
    """Ours: what the client can send, the emulator can answer."""
    modelled = {(row.method, _shape(row.path)) for row in Emulator().endpoints}
    for endpoint in action.calls:
        assert (endpoint.method, _shape(endpoint.path)) in modelled


def test_every_endpoint_belongs_to_a_row() -> None:
    """Ours: what no action sends is not written down."""
    sent = {endpoint.name for action in ACTIONS.values() for endpoint in action.calls}
    assert {endpoint.name for endpoint in endpoints.ENDPOINTS} == sent


async def test_what_a_row_does_not_declare_it_cannot_send(fly: Fly, subtests: pytest.Subtests) -> None:
    """Ours: that is how a READ action is known to write nothing."""
    for name, action in ACTIONS.items():
        call = Call(
            action=action,
            client=fly.tools.client,
            clock=fly.clock,
            rng=Random(1),
            journal=Journal(b""),
            undo=Undo(Store(None), fly.clock),
        )
        for endpoint in endpoints.ENDPOINTS:
            if endpoint in action.calls:
                continue
            with subtests.test(action=name, endpoint=endpoint.name), pytest.raises(Bug, match=endpoint.name):
                await call.send(endpoint, dict.fromkeys(endpoint.placeholders, "x"))
    assert not fly.wire.sent


@every
def test_reads_declare_no_write_and_writes_no_destruction(action: AnyAction) -> None:
    """Ours: access, gate and endpoints say the same."""
    assert (action.access is Access.READ) is not any(action.counts(one) for one in action.calls)
    assert action.access is not Access.READ or not any(one.writes for one in action.calls)
    assert any(one.destroys or one.bills for one in action.calls) is (action.gate is not Gate.NEVER)
    assert action.destroys is (action.access is Access.DESTRUCTIVE)


def _type(schema: dict[str, Any]) -> str:
    found = schema.get("type", "string" if "enum" in schema else "")
    assert isinstance(found, str)
    return found


def _shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def _nodes(schema: object) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema. A property may be called "title"; what it holds is a schema again."""
    if isinstance(schema, list):
        for item in cast("list[object]", schema):
            yield from _nodes(item)
    elif isinstance(schema, dict):
        node = cast("dict[str, Any]", schema)
        yield node
        for key, value in node.items():
            for child in value.values() if key == "properties" else [value]:
                yield from _nodes(child)
