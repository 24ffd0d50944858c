"""A process that becomes an emulator on demand: forked from one that has imported everything, so in no time.

Each line of its input is a JSON object of `Options`. It prints `pid N`, then what the emulator prints, and
`exit CODE` when that has ended.
"""

from __future__ import annotations

import json
import os
import sys

from fly_mcp_server.emulator_command import Options, run


def main() -> None:
    for line in sys.stdin:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os._exit(run(Options(**json.loads(line))))
        print(f"pid {child}", flush=True)  # noqa: T201 - what the test reads
        _, status = os.waitpid(child, 0)
        print(f"exit {os.waitstatus_to_exitcode(status)}", flush=True)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
