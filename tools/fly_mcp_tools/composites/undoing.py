"""What a deletion says of the way back: how, until when, and what does not come back."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from pydantic import Field

from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.models import Result
from fly_mcp_tools.state.undo import Kept
from fly_mcp_tools.wire import Machine

_log = logging.getLogger("fly_mcp_tools")
#: What no copy of a machine has.
LOST_WITH_A_MACHINE = "its id, address and root file system"


class Undo(Result):
    """The way back."""

    how: str = Field(description="what makes it again")
    reference: str | None = None
    until: str | None = Field(default=None, description="for how long")
    lost: str = Field(description="what does not come back")


def keep(call: Call, app_name: str, machine: Machine) -> Undo:
    """Keep a machine's config before it is destroyed. No answer shows the config: it may hold secrets.

    Raises:
        NotConfigured: it cannot be kept; then it is not to be destroyed either.
    """
    if machine.config is None:
        return Undo(
            how=f"Not possible: its config cannot be read, since its host does not answer ({machine.host_status}).",
            lost="all of it but its volume",
        )
    kept = Kept(app_name, machine.id, machine.config, machine.region, machine.name)
    reference, until = call.undo.keep(call.caller, call.mark(f"undo:{machine.id}"), kept)
    lasting = "" if call.undo.lasting else " while this server runs"
    return Undo(
        how=f"flyCreateMachine with undo: {reference}{lasting}",
        reference=reference,
        until=day(datetime.fromtimestamp(until, UTC)),
        lost=LOST_WITH_A_MACHINE,
    )


def forget(call: Call, *undos: Undo) -> None:
    """The machines were not destroyed after all. Never fails: a refusal is told, whatever the store does."""
    for undo in undos:
        if undo.reference is not None:
            try:
                call.undo.drop(undo.reference)
            except FlyError as error:
                _log.warning("a config that is not needed could not be dropped: %s", error.message)


def day(moment: datetime) -> str:
    """A moment as an agent reads it, to the minute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
