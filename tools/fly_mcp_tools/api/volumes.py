"""Volumes."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue, ValidationError

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.wire import JsonObject, Snapshot, Volume, obj

from . import parse


async def get(call: Call, app_name: str, volume_id: str) -> Volume:
    """The volume. Raises NotFound."""
    answer = await call.send(fly.GET_VOLUME, {"app_name": app_name, "volume_id": volume_id})
    return parse.one(Volume, answer.data, endpoint=fly.GET_VOLUME, answer=answer)


async def list_of(call: Call, app_name: str, *, dying: bool = False, summary: bool = False) -> list[Volume]:
    """The app's volumes, in Fly's order.

    `dying`: those on their way out too, which Fly lists for a day. `summary`: without what is used of them.
    """
    query = {"summary": True} if summary else None
    answer = await call.send(fly.LIST_VOLUMES, {"app_name": app_name}, query=query)
    found = parse.many(Volume, answer.data, endpoint=fly.LIST_VOLUMES, answer=answer)
    return [volume for volume in found if dying or not volume.dying]


async def create(
    call: Call, app_name: str, name: str, region: str, size_gb: int | None, extra: JsonObject
) -> Volume:
    """Create one. The size is sent, since Fly's default, its CLI's and the seeds' differ; None: a snapshot's."""
    body: dict[str, JsonValue] = {"name": name, "region": region, **extra}
    if size_gb is not None:
        body["size_gb"] = size_gb
    answer = await call.send(fly.CREATE_VOLUME, {"app_name": app_name}, body=body, timeout=90)
    return parse.one(Volume, answer.data, endpoint=fly.CREATE_VOLUME, answer=answer)


async def delete(call: Call, app_name: str, volume_id: str) -> Volume:
    """Destroy it with all its data. Raises WrongState while a machine has it."""
    answer = await call.send(fly.DELETE_VOLUME, {"app_name": app_name, "volume_id": volume_id})
    return parse.one(Volume, answer.data, endpoint=fly.DELETE_VOLUME, answer=answer)


async def update(call: Call, app_name: str, volume_id: str, changes: JsonObject) -> Volume:
    """Change its backups: snapshot_retention (1 to 60 days), auto_backup_enabled. The volume afterwards."""
    ids = {"app_name": app_name, "volume_id": volume_id}
    answer = await call.send(fly.UPDATE_VOLUME, ids, body=changes)
    return parse.one(Volume, answer.data, endpoint=fly.UPDATE_VOLUME, answer=answer)


async def extend(call: Call, app_name: str, volume_id: str, size_gb: int) -> tuple[Volume, bool | None]:
    """Make it `size_gb` large in all: the volume, and whether its machine has to be restarted to see that."""
    ids = {"app_name": app_name, "volume_id": volume_id}
    answer = await call.send(fly.EXTEND_VOLUME, ids, body={"size_gb": size_gb}, timeout=90)
    data = parse.key(answer.data, "volume", endpoint=fly.EXTEND_VOLUME, answer=answer)
    needs_restart = obj(answer.data).get("needs_restart")
    volume = parse.one(Volume, data, endpoint=fly.EXTEND_VOLUME, answer=answer)
    return volume, needs_restart if isinstance(needs_restart, bool) else None


async def keep_snapshots(call: Call, app_name: str, volume_id: str, days: int) -> None:
    """Say for how long its snapshots are kept: 1 to 60 days."""
    body: JsonValue = {"snapshot_retention": days}
    await call.send(fly.UPDATE_VOLUME, {"app_name": app_name, "volume_id": volume_id}, body=body)


async def snapshots(call: Call, app_name: str, volume_id: str) -> list[Snapshot]:
    """Its snapshots, in Fly's order."""
    answer = await call.send(fly.LIST_SNAPSHOTS, {"app_name": app_name, "volume_id": volume_id})
    return parse.many(Snapshot, answer.data, endpoint=fly.LIST_SNAPSHOTS, answer=answer)


async def newest_snapshot(call: Call, app_name: str, volume_id: str) -> datetime | None:
    """When the newest snapshot was taken; None where there is none."""
    times = [one.created_at for one in await snapshots(call, app_name, volume_id)]
    return max((when for when in times if when is not None), default=None)


async def take_snapshot(call: Call, app_name: str, volume_id: str) -> Snapshot | None:
    """Begin to take one; None where Fly does not say which. Raises WrongState while another is being taken."""
    answer = await call.send(fly.CREATE_SNAPSHOT, {"app_name": app_name, "volume_id": volume_id})
    # The odd capitals are what Fly's documentation shows; its document types the answer otherwise.
    body = obj(answer.data)
    said = obj(obj(body.get("Msg")).get("backup")) or body
    try:
        return Snapshot.model_validate(said)
    except ValidationError:
        return None
