"""Machines: read, create, update, delete, and the calls that change their state."""

from __future__ import annotations

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.config import secret_values
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import NotFound, RefusedByFly, WrongState
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.wire import JsonObject, Machine

from . import parse


def ids(app_name: str, machine_id: str) -> dict[str, str]:
    """The ids in a machine's path."""
    return {"app_name": app_name, "machine_id": machine_id}


async def get(call: Call, app_name: str, machine_id: str) -> Machine:
    """The machine. Raises NotFound."""
    answer = await call.send(fly.GET_MACHINE, ids(app_name, machine_id))
    return parse.one(Machine, answer.data, endpoint=fly.GET_MACHINE, answer=answer)


async def there(call: Call, app_name: str, machine_id: str) -> Machine:
    """The machine, to do something with. Raises NotFound also where it is destroyed and still shown."""
    machine = await get(call, app_name, machine_id)
    if machine.gone:
        raise NotFound(
            f"Machine {machine.id} is {machine.state} already.",
            hint="flyListMachines shows what is there.",
            facts={"state": machine.state},
        )
    return machine


async def list_of(
    call: Call, app_name: str, *, destroyed: bool = False, summary: bool = False
) -> list[Machine]:
    """The app's machines, in Fly's order.

    Args:
        destroyed: those on their way out and gone too.
        summary: without config, checks, events and host status.
    """
    query: dict[str, str | int | bool] = {"include_deleted": True} if destroyed else {}
    if summary:
        query["summary"] = True
    answer = await call.send(fly.LIST_MACHINES, {"app_name": app_name}, query=query)
    found = parse.many(Machine, answer.data, endpoint=fly.LIST_MACHINES, answer=answer)
    return [machine for machine in found if destroyed or not machine.gone]


async def create(
    call: Call,
    app_name: str,
    config: JsonObject,
    *,
    name: str | None = None,
    region: str | None = None,
    min_secrets_version: int | None = None,
) -> Machine:
    """Create and start one. Raises MaybeDone or TimedOut where it may exist nevertheless."""
    body: dict[str, JsonValue] = {"config": config}
    if name:
        body["name"] = name
    if region:
        body["region"] = region
    if min_secrets_version is not None:
        body["min_secrets_version"] = min_secrets_version
    try:
        answer = await call.send(
            fly.CREATE_MACHINE, {"app_name": app_name}, body=body, timeout=90, hide=secret_values(config)
        )
    except RefusedByFly as error:
        _learn(call, app_name, config, error)
        raise
    call.memory.image_taken(app_name)
    return parse.one(Machine, answer.data, endpoint=fly.CREATE_MACHINE, answer=answer)


async def update(
    call: Call,
    app_name: str,
    machine: Machine,
    config: JsonObject,
    *,
    nonce: str,
    skip_launch: bool,
    min_secrets_version: int | None = None,
) -> Machine:
    """Replace the whole config, if the machine is still at the version that was read."""
    body: dict[str, JsonValue] = {
        "config": config,
        "region": machine.region,
        "current_version": machine.instance_id,
        "skip_launch": skip_launch,
    }
    if machine.name:
        body["name"] = machine.name
    if min_secrets_version is not None:
        body["min_secrets_version"] = min_secrets_version
    try:
        answer = await call.send(
            fly.UPDATE_MACHINE,
            ids(app_name, machine.id),
            body=body,
            nonce=nonce,
            timeout=90,
            hide=secret_values(config),
        )
    except RefusedByFly as error:
        _learn(call, app_name, config, error)
        raise
    call.memory.image_taken(app_name)
    return parse.one(Machine, answer.data, endpoint=fly.UPDATE_MACHINE, answer=answer)


def _learn(call: Call, app_name: str, config: JsonObject, error: RefusedByFly) -> None:
    """Remember what a refusal tells, and Fly does not tell again."""
    if "min_secrets_version" in error.fly_says and isinstance(error, WrongState):
        # Fly does not know the version of the secrets that we remember: late, or another app of that name.
        call.memory.forget_version(app_name)
    if "MANIFEST_UNKNOWN" in error.fly_says:
        call.memory.image_refused(app_name, str(config.get("image") or ""), call.clock.now())


async def delete(call: Call, app_name: str, machine_id: str, *, nonce: str, force: bool) -> None:
    """Destroy it; asynchronous at Fly's."""
    query: dict[str, str | int | bool] = {"force": True} if force else {}
    await call.send(fly.DELETE_MACHINE, ids(app_name, machine_id), query=query, nonce=nonce)


async def change_state(
    call: Call, endpoint: Endpoint, app_name: str, machine_id: str, *, nonce: str
) -> JsonObject:
    """Start, stop, suspend or restart: accepted, not done."""
    answer = await call.send(endpoint, ids(app_name, machine_id), nonce=nonce)
    return answer.data if isinstance(answer.data, dict) else {}


async def signal(call: Call, app_name: str, machine_id: str, name: str, *, nonce: str) -> None:
    """Send a signal to its main process. Raises WrongState where it is not started."""
    await call.send(fly.SIGNAL_MACHINE, ids(app_name, machine_id), body={"signal": name}, nonce=nonce)


async def wait(
    call: Call, app_name: str, machine_id: str, states: tuple[str, ...], seconds: int, version: str = ""
) -> str:
    """Hang on Fly until one of `states` is reached: which one, or "" where this Fly does not say.

    Args:
        seconds: 1 to 60, Fly's own bounds.
        version: wait for this version of the machine.

    Raises:
        TimedOut: not reached in time, or never to be reached from where it ended.
        NotFound: it is gone.
    """
    query: dict[str, str | int | bool] = {"state": ",".join(states), "timeout": max(1, min(60, seconds))}
    if version:
        query["instance_id"] = version
    answer = await call.send(
        fly.WAIT_MACHINE, ids(app_name, machine_id), query=query, timeout=query_seconds(seconds)
    )
    state = answer.data.get("state") if isinstance(answer.data, dict) else None
    return clean(state, 60) if isinstance(state, str) else ""


def query_seconds(seconds: int) -> float:
    """Our own time-out for a call that Fly ends after `seconds`: Fly is to answer first."""
    return seconds + 15.0
