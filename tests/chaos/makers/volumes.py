"""Calls about volumes and their snapshots."""

from __future__ import annotations

from tests.chaos import ground
from tests.chaos.draw import CROWDED, Draw, Maker
from tests.chaos.lives import VolumeLife
from tests.chaos.model import Asked

_SHARED_LABELS = ("data", "logs", "cache")


def create_volume(draw: Draw) -> Asked | None:
    life = draw.history.apps[ground.DISKS]
    if sum(one.alive for one in life.volumes.values()) >= 3 * CROWDED:
        return None
    if draw.chance(0.15) and (again := _restore(draw)) is not None:
        return again
    if draw.chance(0.12) and (copied := _copy(draw)) is not None:
        return copied
    shared = draw.chance(0.5)
    label = draw.rng.choice(_SHARED_LABELS) if shared else f"u_{draw.number:06d}"
    arguments: dict[str, object] = {"appName": ground.DISKS, "name": label}
    arguments["region"] = draw.rng.choice(ground.REGIONS[:2])
    if draw.chance(0.3):
        arguments["sizeGb"] = 2
    return Asked(
        "flyCreateVolume",
        arguments,
        app=ground.DISKS,
        label="" if shared else label,
        shared=label if shared else "",
    )


def _restore(draw: Draw) -> Asked | None:
    """A volume that was deleted, made again from its last snapshot."""
    for told in draw.recent("flyDeleteVolume"):
        if told.undo and told.intent.asked.app == ground.DISKS and draw.chance(0.3):
            return _of(draw, {"snapshotId": told.undo})
    return None


def _copy(draw: Draw) -> Asked | None:
    """A fork of a volume, or a volume from a snapshot that somebody has taken."""
    source = draw.known_volume(ground.DISKS)
    if source is None:
        return None
    complete = [one.key for one in source.snapshots.all if one.value.now == "created"]
    if complete and draw.chance(0.5):
        return _of(draw, {"snapshotId": draw.rng.choice(complete)})
    return _of(draw, {"sourceVolumeId": source.id})


def _of(draw: Draw, source: dict[str, str]) -> Asked:
    label = f"u_{draw.number:06d}"
    arguments = {"appName": ground.DISKS, "name": label, "region": "fra", **source}
    return Asked("flyCreateVolume", arguments, app=ground.DISKS, label=label)


def delete_volume(draw: Draw) -> Asked | None:
    app = ground.CLONES if draw.chance(0.15) else ground.DISKS
    found = draw.volume(app, free=app == ground.CLONES or draw.chance(0.8))
    if found is None:
        return None
    arguments: dict[str, object] = {"appName": app, "volumeId": found.id}
    if draw.chance(0.3):
        arguments["snapshot"] = False
    return Asked("flyDeleteVolume", arguments, app=app, gated=True)


def update_volume(draw: Draw) -> Asked | None:
    found = _known(draw)
    if found is None:
        return None
    arguments: dict[str, object] = {"appName": found.app, "volumeId": found.id}
    which = draw.rng.choice(("days", "daily", "both"))
    if which != "daily":
        arguments["snapshotRetention"] = draw.rng.randint(1, 60)
    if which != "days":
        arguments["scheduledSnapshots"] = draw.chance(0.5)
    return Asked("flyUpdateVolume", arguments, app=found.app)


def extend_volume(draw: Draw) -> Asked | None:
    found = _known(draw)
    # Volumes whose label many share are told apart by their size, too.
    if found is None or found.volume.name in _SHARED_LABELS:
        return None
    size = found.shapes.now.size_gb
    size = max(1, size + draw.rng.choice((1, 1, 2, 0, -1)))
    return Asked(
        "flyExtendVolume", {"appName": found.app, "volumeId": found.id, "sizeGb": size}, app=found.app
    )


def of_volume(action: str) -> Maker:
    """A call that names a volume, and nothing besides."""

    def make(draw: Draw) -> Asked | None:
        found = _known(draw)
        return Asked(action, {"appName": found.app, "volumeId": found.id}, app=found.app) if found else None

    return make


def _known(draw: Draw) -> VolumeLife | None:
    return draw.known_volume(draw.rng.choice((ground.DISKS, ground.DISKS, ground.CLONES)))
