"""Where Fly's behaviour is not settled, or varies: switches of a world."""

from __future__ import annotations

from pydantic import Field

from .base import Record


class Settings(Record):
    """Choices between observed behaviours. The defaults are what the reference trusts most."""

    nearest_region: str = "fra"
    """Where the caller seems to be: the region of machines created without one."""
    still_active_seconds: float = 0.0
    """So long after a stop, a start is refused with "machine still active" (reference 5.3: up to about 8)."""
    volume_release_seconds: float = 2.0
    """So long after its machine is destroyed, a volume stays bound (reference 6.4: seconds to minutes)."""
    gone_seconds: float = 5.0
    """So long a destroyed machine is still readable, before 404 (reference 4.3)."""
    new_app_hidden_seconds: float = 0.0
    """So long after its creation an app answers 404 (reference 4.1: a moment)."""
    lease_refuses_stop_and_delete: bool = False
    """True: stop and delete under another's lease answer 409 (docs). False: they block (6.6 [L])."""
    skip_launch_rests_in_created: bool = False
    """True: a machine that was not launched stays in `created` (docs). False: `stopped` (5.1 [L])."""
    exec_reads_stdin: bool = False
    """Whether `stdin` of exec reaches the process: reported not to (reference 6.2 [L])."""
    full_regions: list[str] = Field(default_factory=list[str])
    """Regions where no machine and no volume finds room."""
    zones_per_region: int = 8
    """How many hardware zones a region has: a volume with a unique zone beyond them finds no capacity."""
