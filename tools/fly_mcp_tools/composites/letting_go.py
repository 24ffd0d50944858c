"""A volume whose machine is destroyed, and whose host has not let go of it yet (reference 6.4).

There is no detach: destroying the machine frees its volume, some seconds or minutes later. Until then Fly names
an owner that is not there any more, and refuses to delete the volume or to give it to another machine.
"""

from __future__ import annotations

from fly_mcp_tools.api import machines, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import NotFound, WrongState
from fly_mcp_tools.wire import Volume

#: Seconds until it is let go of.
FREE_WITHIN = 45.0
_LOOK_EVERY = 2.0


async def owner(call: Call, app_name: str, volume: Volume) -> str | None:
    """The machine that has the volume; None where none has, or the one named is gone."""
    if not volume.attached_machine_id:
        return None
    try:
        machine = await machines.get(call, app_name, volume.attached_machine_id)
    except NotFound:
        return None
    return None if machine.gone else machine.id


def attached(
    volume: Volume,
    machine_id: str,
    so: str = "",
    hint: str = "There is no detach: only deleting that machine (flyDeleteMachine) frees the volume.",
) -> WrongState:
    """The refusal for a volume that a machine has; `so`: what follows from that, as the end of the sentence."""
    return WrongState(
        f"Volume {volume.id} is attached to machine {machine_id}{so}.",
        hint=hint,
        facts={"volume_id": volume.id, "attached_machine_id": machine_id},
    )


async def freed(call: Call, app_name: str, volume: Volume) -> Volume:
    """The volume, once its destroyed machine has let go of it. For one whose `owner` is None.

    Raises:
        WrongState: it has not within FREE_WITHIN seconds.
    """
    began = call.clock.monotonic()
    while volume.attached_machine_id:
        if call.clock.monotonic() - began >= FREE_WITHIN:
            raise WrongState(
                f"Machine {volume.attached_machine_id} is destroyed, and Fly has not let go of its volume "
                f"{volume.id} yet.",
                hint="That takes up to some minutes: try again then.",
                retryable=True,
                facts={"volume_id": volume.id, "attached_machine_id": volume.attached_machine_id},
            )
        await call.clock.sleep(_LOOK_EVERY)
        volume = await volumes.get(call, app_name, volume.id)
        if machine_id := await owner(call, app_name, volume):
            # A machine that is new can be 404 for a moment (reference 9.20): it was not gone.
            raise attached(volume, machine_id)
    return volume
