"""Whose a snapshot is, where the operator has fixed one app.

Every other thing is named in a path behind its app, and Fly itself holds it to that. A snapshot that a new volume is
to be filled from stands in a body alone, and Fly has no call that says of which app it is.
"""

from __future__ import annotations

from typing import Final

from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, NotFound

#: Volumes whose snapshots are read at most.
_SEARCHED: Final = 50


async def within_app(call: Call, app_name: str, snapshot_id: str | None) -> None:
    """Make sure that it is a snapshot of a volume of the app, where no other app may be touched.

    Volumes that were deleted count as well, for as long as Fly lists them: their last snapshot is the way back.

    Raises:
        NotFound: none of the app's volumes has it.
    """
    if snapshot_id is None or not call.one_app:
        return
    unread = 0
    for volume in (await volumes.list_of(call, app_name, dying=True, summary=True))[:_SEARCHED]:
        try:
            found = await volumes.snapshots(call, app_name, volume.id)
        except FlyError:
            unread += 1
            continue
        if any(one.id == snapshot_id for one in found):
            return
    missed = f" Those of {unread} volume(s) could not be read." if unread else ""
    raise NotFound(
        f"No volume of {app_name} has snapshot {snapshot_id}, and this server is for {app_name} alone. Nothing was "
        f"sent.{missed}",
        hint="flyListSnapshots shows a volume's. One of a volume that was deleted more than a day ago can be restored "
        "only by a server that is not fixed to one app.",
    )
