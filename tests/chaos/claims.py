"""An answer against the history: was what it claims true at some moment between the call and its answer?

One judge for each action that claims something that can be held against the world. Only `done` is held against
it, and reads; of `pending` just that the thing it names is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .history import History
from .judges import apps, machines, states, volumes
from .judges.common import Judge, final, of_new
from .lives import AppLife
from .model import Intent, Told


def before(told: Told, history: History) -> Any:
    """What has to be kept at the beginning of a call: how often a machine had booted."""
    life = history.machines.get(told.intent.asked.machine)
    return life.beings.now.booted if life else None


def differs(first: Told, again: Told) -> str:
    """The keys in which a kept answer is another one than the first. Neither output nor a nonce is kept."""
    aside = {"already_done", "note"}
    if first.intent.asked.token:
        aside |= {"stdout", "stderr", "truncated"}
    if first.intent.asked.action == "flyAcquireLease":
        aside |= {"nonce"}
    keys = (first.content.keys() | again.content.keys()) - aside
    return ", ".join(sorted(key for key in keys if first.content.get(key) != again.content.get(key)))


def made_too_many(intent: Intent, machines_asked: int, history: History) -> Iterator[str]:
    """More of something than was asked for: known by names that no other intent uses, else by who sent it."""
    asked = intent.asked
    found = history.by_image.get(asked.image, []) if asked.image else []
    if len(found) > machines_asked:
        yield f"{len(found)} machines of image {asked.image}: {', '.join(one.id for one in found)}"
    if asked.label:
        disks = [one for one in history.volumes.values() if one.volume.name == asked.label]
        if len(disks) > 1:
            yield f"{len(disks)} volumes {asked.label}: {', '.join(one.id for one in disks)}"
    if asked.action in ("flyScaleMachines", "flyScaleWithVolumes"):
        yield from _scaled_too_far(intent, history.apps.get(asked.app))
    elif asked.action in _MADE:
        life = history.apps.get(asked.app)
        for what, made in _made(intent, life) if life else ():
            if len(made) > 1:
                yield f"{len(made)} {what} for one call: {', '.join(made)}"


#: Actions that make one thing, which has no name of its own.
_MADE = frozenset({"flyCloneMachine", "flyAllocateIp", "flyCreateSnapshot"})


def _made(intent: Intent, life: AppLife) -> Iterator[tuple[str, list[str]]]:
    yield "addresses", [one.key for one in life.ips.made_by(intent)]
    yield "machines", [one.id for one in life.machines.values() if one.by and one.by.intent is intent]
    yield "volumes", [one.id for one in life.volumes.values() if one.by and one.by.intent is intent]
    for disk in life.volumes.values():
        yield f"snapshots of {disk.id}", [one.key for one in disk.snapshots.made_by(intent)]


def _scaled_too_far(intent: Intent, life: AppLife | None) -> Iterator[str]:
    if life is None:
        return
    made = [one for one in life.machines.values() if one.by is not None and one.by.intent is intent]
    # What is on a host that does not answer is not counted, and answers say so.
    fewest = min(life.readable.within(intent.began, max(one.beings.began for one in made))) if made else 0
    # A machine that Fly hides for a moment is not counted by anybody.
    hidden = sum(
        one.machine.hidden_until >= intent.began for one in life.machines.values() if one not in made
    )
    allowed = max(0, intent.asked.arguments["count"] - fewest) + hidden
    if len(made) > allowed:
        yield f"{len(made)} machines made where {allowed} were missing: {', '.join(one.id for one in made)}"


CLAIMS: dict[str, Judge] = {
    "flyCreateApp": final(apps.created),
    "flyDeleteApp": final(apps.deleted),
    "flyListMachines": machines.read_many,
    "flyGetMachine": machines.read_one,
    "flyCreateMachine": of_new(machines.created),
    "flyDeleteMachine": final(machines.deleted),
    "flyStartMachine": final(machines.reached("started")),
    "flyStopMachine": final(machines.reached(*machines.DOWN)),
    "flyRestartMachine": final(machines.restarted),
    "flySuspendMachine": final(machines.reached("suspended", "stopped")),
    "flyWaitForMachine": machines.waited,
    "flyUpdateMachineConfig": final(machines.updated),
    "flyCloneMachine": of_new(machines.cloned),
    "flySignalMachine": final(states.signalled),
    "flyCordonMachine": final(states.cordoned(True)),
    "flyUncordonMachine": final(states.cordoned(False)),
    "flyGetMemory": states.memory_read,
    "flySetMemory": final(states.memory_set),
    "flyGetLease": states.lease_read,
    "flyAcquireLease": final(states.lease_taken),
    "flyReleaseLease": final(states.lease_released),
    "flyListMetadata": states.metadata_read,
    "flyGetMetadata": states.metadata_read,
    "flySetMetadata": final(states.metadata_changed),
    "flyDeleteMetadata": final(states.metadata_changed),
    "flySetSecrets": final(apps.secrets_changed),
    "flyUnsetSecrets": final(apps.secrets_changed),
    "flyListSecretKeys": apps.listed("secret_keys", "name", lambda life: life.keys),
    "flyGenerateSecretKey": final(apps.key_generated),
    "flyDeleteSecretKey": final(apps.key_deleted),
    "flyScaleMachines": final(machines.scaled),
    "flyScaleWithVolumes": final(machines.scaled),
    "flyListVolumes": volumes.read_many,
    "flyGetVolume": volumes.read_one,
    "flyCreateVolume": of_new(volumes.created),
    "flyUpdateVolume": final(volumes.updated),
    "flyExtendVolume": final(volumes.extended),
    "flyDeleteVolume": final(volumes.deleted),
    "flyListSnapshots": volumes.read_snapshots,
    "flyCreateSnapshot": of_new(volumes.snapshot_taken),
    "flyListCertificates": apps.listed("certificates", "hostname", lambda life: life.certificates),
    "flyRequestCertificate": final(apps.certificate_requested),
    "flyRemoveCertificate": final(apps.certificate_removed),
    "flyListIps": apps.listed("ips", "ip", lambda life: life.ips),
    "flyAllocateIp": final(apps.ip_allocated),
    "flyReleaseIp": final(apps.ip_released),
    "flyListOrgMachines": machines.read_many,
    "flyListOrgVolumes": volumes.read_many,
    "flyListUnattachedVolumes": volumes.read_unattached,
}
"""The judges. Reads that are not here claim nothing that can be held against the world."""
