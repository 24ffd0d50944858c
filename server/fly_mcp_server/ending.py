"""What is said on stderr when the process ends, whatever transport it served."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from contextlib import suppress

from fly_mcp_tools.api.leases import TTL


def report(
    by: signal.Signals | None, *, unclear: Iterable[str], cut: Iterable[str], still_running: bool
) -> None:
    """Say why it ended and what is left unclear; nothing where there is nothing to say.

    `unclear`: writes that were sent and not answered, in words. `cut`: actions whose calls were cut short.
    `still_running`: of these one has not come to its end, so that it may hold a lease.
    """
    lines = [f"ended by {by.name}."] if by is not None else []
    lines += [f"unclear: {words} was sent and not answered; look before repeating it." for words in unclear]
    names = sorted(cut)
    if names:
        lines.append(f"cut short: {', '.join(names)}; look before repeating it.")
    if still_running:
        lines.append(f"a lease that is still held ends by itself within {TTL} s.")
    with suppress(OSError):  # nobody may be listening any more
        sys.stderr.write("".join(f"fly-mcp: {line}\n" for line in lines))
        sys.stderr.flush()
