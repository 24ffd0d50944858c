"""What answers claim of a machine's cordon, memory, metadata and lease."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.history import History
from tests.chaos.lives import MachineLife
from tests.chaos.model import Told

from .common import Judge, has_all, machine_of, since, state_was_so


def cordoned(wanted: bool) -> Judge:
    """A machine is cordoned, or not."""

    def of(told: Told, history: History) -> Iterator[str]:
        life = machine_of(told, history)
        yield from state_was_so(told, life)
        if told.content.get("cordoned") is not wanted:
            yield f"done, and cordoned is said to be {told.content.get('cordoned')}"
        if life is not None and wanted not in [
            being.cordoned for being in life.beings.within(since(told), told.ended)
        ]:
            yield f"machine {life.id} was never {'' if wanted else 'un'}cordoned"

    return of


def signalled(told: Told, history: History) -> Iterator[str]:
    """The state after a signal. That it was sent, and once, is judged by the requests."""
    life = machine_of(told, history)
    if life is None or told.content.get("state") != "unknown":
        yield from state_was_so(told, life)


def memory_set(told: Told, history: History) -> Iterator[str]:
    """A limit was in force."""
    life, limit = _asked(told, history), told.content.get("limit_mb")
    wanted = told.intent.asked.arguments.get("limitMb")
    if wanted not in (None, limit):
        yield f"done with a limit of {limit} where {wanted} was asked for"
    if limit not in life.memory(told.began, told.ended):
        yield f"machine {life.id} never had a limit of {limit}"
    if "reclaimMb" in told.intent.asked.arguments and told.content.get("reclaimed_mb") is None:
        yield "done, and nothing is said of what was taken back"


def memory_read(told: Told, history: History) -> Iterator[str]:
    """A limit was in force."""
    machine = history.machines[told.arguments["machineId"]]
    limit = told.content["limit_mb"]
    if limit not in machine.memory(told.began, told.ended):
        yield f"machine {machine.id} never had a limit of {limit}"


def metadata_changed(told: Told, history: History) -> Iterator[str]:
    """The keys were as asked for."""
    life = _asked(told, history)
    wanted = told.intent.asked.metadata
    # Each for itself: between two looks of one call somebody else may change the other.
    for key, value in wanted.items():
        if not any(has_all(one, {key: value}) for one in life.metadata.within(since(told), told.ended)):
            yield f"{key} of machine {life.id} was never {value!r}"
    if told.content["changed"].keys() != wanted.keys():
        yield f"told is of {sorted(told.content['changed'])}, and asked was {sorted(wanted)}"


def metadata_read(told: Told, history: History) -> Iterator[str]:
    """What is shown was so at one moment."""
    life = history.machines[told.arguments["machineId"]]
    shown: dict[str, str | None] = (
        told.content["metadata"]
        if "metadata" in told.content
        else {told.content["key"]: told.content["value"]}
    )
    if not any(has_all(one, shown) for one in life.metadata.within(told.began, told.ended)):
        yield f"the metadata of machine {life.id} was never {shown}"


def lease_taken(told: Told, history: History) -> Iterator[str]:
    """The lease of this nonce was in force, and is the caller's."""
    life, nonce = _asked(told, history), told.content.get("nonce")
    given = told.intent.asked.arguments.get("nonce")
    held = [one for one in life.leases.within(since(told), told.ended) if one and one.nonce == nonce]
    if not nonce or not held:
        yield f"no lease with that nonce was on machine {life.id}"
    elif given is None and history.leases[str(nonce)].intent is not told.intent:
        yield f"the lease of machine {life.id} is somebody else's"
    elif given not in (None, nonce) and not told.content.get("note"):
        yield f"the lease of machine {life.id} was to be extended, and is another one, which is not said"


def lease_released(told: Told, history: History) -> Iterator[str]:
    """The lease of this nonce was not in force at some moment."""
    life, nonce = _asked(told, history), told.intent.asked.arguments["nonce"]
    values = life.leases.within(since(told), told.ended)
    if all(one is not None and one.nonce == nonce and one.expires_at > told.ended for one in values):
        yield f"the lease of machine {life.id} was there all the time"


def lease_read(told: Told, history: History) -> Iterator[str]:
    """Somebody held it, or nobody did."""
    life = history.machines[told.arguments["machineId"]]
    seen = life.leases.within(told.began, told.ended)
    held = {one is not None and one.expires_at > told.began for one in seen}
    free = {one is None or one.expires_at <= told.ended for one in seen}
    if True not in (held if told.content["held"] else free):
        yield f"machine {life.id} is said to be {'held' if told.content['held'] else 'free'}"


def _asked(told: Told, history: History) -> MachineLife:
    return history.machines[told.intent.asked.machine]
