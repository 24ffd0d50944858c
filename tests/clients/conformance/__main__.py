"""What any client of Fly's Machines API can rely on, over plain HTTP: eleven groups of numbered checks.

    EMULATOR=http://127.0.0.1:PORT python -m tests.clients.conformance

Could be pointed at anything that speaks the API, but for the last group, which uses the emulator's tokens. Prints
"ok N.M - what" or "not ok N.M - what => why" for each check. Run by tests/clients/run.py.
"""

from __future__ import annotations

import os
import sys

from .apps import apps, end, platform, tokens
from .check import Checks
from .holding import leases, metadata
from .machines import life, updates, waiting
from .storage import secrets, volumes


def main() -> int:
    """Run against the address in EMULATOR; return 1 when something failed."""
    base = os.environ.get("EMULATOR", "")
    if not base:
        sys.stderr.write("EMULATOR is not set\n")
        return 2
    checks = Checks(base)
    # In this order: each group goes on with what the ones before left.
    for group in (apps, life, updates, waiting, leases, metadata, volumes, secrets, end, platform, tokens):
        checks.group(group)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
