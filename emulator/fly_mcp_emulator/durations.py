"""How long things take, in seconds, before `pace` is applied."""

from __future__ import annotations

PENDING = 0.3
"""A machine that is not to be launched is `pending` before it is `created` (reference 5.1 [L])."""
PREPARE = 0.5
"""Image pull of a launched machine: create to started takes 1-2 s in all (reference 10 [I])."""
PREPARE_UNLAUNCHED = 8.7
"""With `PENDING`, about 9 s from a create with skip_launch to `stopped` (reference 5.1 [L])."""
PREPARE_UPDATE = 3.5
"""An update with skip_launch to `stopped` (reference 5.1 [L])."""
REPLACE = 0.2
"""From the old version's end to the new one's `starting` [I]."""
BOOT = 1.0
RESUME = 0.1
"""Some 100 ms (reference 5.2 [D])."""
SUSPEND = 1.0
"""1-3 s (reference 5.2 [L])."""
DESTROY = 0.5
KILL_TIMEOUT = 5.0
"""From the stop signal to SIGKILL when the config says nothing (reference 6.4)."""
RESTART_BACKOFF = 1.0
"""Between a crash and the next try. Not scaled: a crash loop must not spin when the pace is 0."""
VOLUME_READY = 3.0
"""A restore or a fork [I]."""
SNAPSHOT = 5.0
PENDING_DESTROY = 24 * 3600.0
"""So long a deleted volume stays listed (reference 4.6 [D]). A retention, not a transition: not scaled."""
LONGEST_STOP = 300.0
"""`stop_config.timeout` cannot exceed five minutes (reference 2.2 [F])."""
EXEC_TIMEOUT = 60.0
"""When the call names none; Fly's own default is not known (reference 12)."""
