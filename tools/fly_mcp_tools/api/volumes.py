"""Volumes."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue, TypeAdapter, ValidationError

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.wire import JsonObject, Volume, objects

from . import parse

_WHEN = TypeAdapter(datetime)


async def get(call: Call, app_name: str, volume_id: str) -> Volume:
    """The volume. Raises NotFound."""
    answer = await call.send(fly.GET_VOLUME, {"app_name": app_name, "volume_id": volume_id})
    return parse.one(Volume, answer.data, endpoint=fly.GET_VOLUME, answer=answer)


async def list_of(call: Call, app_name: str) -> list[Volume]:
    """The app's volumes, in Fly's order, without those on their way out."""
    answer = await call.send(fly.LIST_VOLUMES, {"app_name": app_name})
    found = parse.many(Volume, answer.data, endpoint=fly.LIST_VOLUMES, answer=answer)
    return [volume for volume in found if not volume.dying]


async def create(
    call: Call, app_name: str, name: str, region: str, size_gb: int, extra: JsonObject | None = None
) -> Volume:
    """Create one. The size is always sent: Fly's default, its CLI's and the seeds' differ."""
    body: dict[str, JsonValue] = {"name": name, "region": region, "size_gb": size_gb, **(extra or {})}
    answer = await call.send(fly.CREATE_VOLUME, {"app_name": app_name}, body=body, timeout=90)
    return parse.one(Volume, answer.data, endpoint=fly.CREATE_VOLUME, answer=answer)


async def delete(call: Call, app_name: str, volume_id: str) -> Volume:
    """Destroy it with all its data. Raises WrongState while a machine has it."""
    answer = await call.send(fly.DELETE_VOLUME, {"app_name": app_name, "volume_id": volume_id})
    return parse.one(Volume, answer.data, endpoint=fly.DELETE_VOLUME, answer=answer)


async def newest_snapshot(call: Call, app_name: str, volume_id: str) -> datetime | None:
    """When the newest snapshot was taken; None where there is none."""
    answer = await call.send(fly.LIST_SNAPSHOTS, {"app_name": app_name, "volume_id": volume_id})
    times: list[datetime] = []
    for snapshot in objects(answer.data):
        try:
            times.append(_WHEN.validate_python(snapshot.get("created_at")))
        except ValidationError:
            continue  # a snapshot that does not say when is no help
    return max(times, default=None)
