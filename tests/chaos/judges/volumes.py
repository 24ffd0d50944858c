"""What answers claim of volumes and snapshots."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.history import History
from tests.chaos.lives import VolumeLife
from tests.chaos.model import Told

from .common import since


def created(told: Told, history: History) -> Iterator[str]:
    """A volume is there; a copy has what its source had."""
    life = history.volumes.get(str(told.content.get("id")))
    asked = told.intent.asked
    if life is None:
        yield f"volume {told.content.get('id')} was never there"
        return
    if life.volume.name != (asked.label or asked.shared):
        yield f"volume {life.id} is called {life.volume.name}"
    if told.ending != "done":
        return
    if told.content["state"] not in life.states.within(told.began, told.ended):
        yield f"volume {life.id} was not {told.content['state']}"
    source = history.volumes.get(str(asked.arguments.get("sourceVolumeId")))
    if source is not None and (
        life.volume.files != source.volume.files
        or life.volume.size_gb < min(one.size_gb for one in source.shapes.within(since(told), told.ended))
    ):
        yield f"volume {life.id} is no fork of {source.id}"
    if (snapshot := asked.arguments.get("snapshotId")) and told.content.get("restored_from") != snapshot:
        yield f"volume {life.id} is said to be from {told.content.get('restored_from')}"


def deleted(told: Told, history: History) -> Iterator[str]:
    """A volume is gone, and the snapshot that is named is complete."""
    life = history.volumes.get(str(told.content.get("id")))
    if life is None:
        yield f"volume {told.content.get('id')} was never there"
    elif life.alive:
        yield f"volume {life.id} is said to be {told.content.get('state')}, and is {life.states.now}"
    elif told.undo and told.undo not in [one.id for one in life.volume.snapshots if one.status == "created"]:
        yield f"snapshot {told.undo} of volume {life.id} is not there, or not complete"


def updated(told: Told, history: History) -> Iterator[str]:
    """Snapshots are kept so long, and taken daily or not."""
    life, asked = _asked(told, history), told.intent.asked.arguments
    days, daily = asked.get("snapshotRetention"), asked.get("scheduledSnapshots")
    if not any(
        days in (None, one.retention) and daily in (None, one.scheduled)
        for one in life.shapes.within(since(told), told.ended)
    ):
        yield f"volume {life.id} was never as it is said to be"
    for said, wanted in (("snapshot_retention", days), ("scheduled_snapshots", daily)):
        if wanted not in (None, told.content.get(said)):
            yield f"done, and {said} is said to be {told.content.get(said)}"


def extended(told: Told, history: History) -> Iterator[str]:
    """The volume has this size."""
    life, size = _asked(told, history), told.intent.asked.arguments["sizeGb"]
    if told.content.get("size_gb") != size:
        yield f"done with {told.content.get('size_gb')} GB where {size} were asked for"
    if size not in [one.size_gb for one in life.shapes.within(since(told), told.ended)]:
        yield f"volume {life.id} never had {size} GB"


def snapshot_taken(told: Told, history: History) -> Iterator[str]:
    """The snapshot is there, complete, and no older than what was asked."""
    life, made = _asked(told, history), str(told.content.get("id"))
    found = next((one for one in life.snapshots.all if one.key == made), None)
    if found is None:
        yield f"snapshot {made} was never there"
    elif told.ending == "done" and "created" not in found.values(since(told), told.ended):
        yield f"snapshot {made} was not complete"
    elif told.ending == "done" and found.value.began < since(told):
        yield f"snapshot {made} is older than the call"


def read_one(told: Told, history: History) -> Iterator[str]:
    """The state, size and backups of one volume."""
    life = history.volumes.get(str(told.content.get("id")))
    if life is None or told.content["state"] not in life.states.within(told.began, told.ended):
        yield f"volume {told.content.get('id')} is said to be {told.content['state']}"
        return
    shown = told.content["size_gb"], told.content.get("snapshot_retention")
    shapes = life.shapes.within(told.began, told.ended)
    if shown not in [(one.size_gb, one.retention) for one in shapes]:
        yield f"volume {life.id} never had {shown[0]} GB and snapshots for {shown[1]} days"


def read_many(told: Told, history: History) -> Iterator[str]:
    """The state of each volume of a list."""
    for row in told.content["volumes"]:
        life = history.volumes.get(row["id"])
        if life is None or row["state"] not in life.states.within(told.began, told.ended):
            yield f"volume {row['id']} is listed as {row['state']}"


def read_unattached(told: Told, history: History) -> Iterator[str]:
    """No machine had any of them."""
    for row in told.content["volumes"]:
        life = history.volumes.get(row["id"])
        if life is None or None not in life.owner.within(told.began, told.ended):
            yield f"volume {row['id']} is listed as unattached"


def read_snapshots(told: Told, history: History) -> Iterator[str]:
    """The status of each snapshot."""
    life = history.volumes[told.arguments["volumeId"]]
    shown = {row["id"]: row["status"] for row in told.content["snapshots"]}
    for key, status in shown.items():
        if status not in life.snapshots.values(key, told.began, told.ended):
            yield f"snapshot {key} is listed as {status}"


def _asked(told: Told, history: History) -> VolumeLife:
    return history.volumes[told.intent.asked.arguments["volumeId"]]
