"""`python -m tests.chaos.real`: what takes real processes, and 1 where a law did not hold.

    stdio   random calls of eight agents over three server processes, a fifth of the requests with a fault
    kill    kill -9 in the middle of composites; the same requestId finishes them in another process
    two     two processes that update the same machine at the same time

    fly.py         a pretend Fly on a socket, behind a door that can keep answers back
    servers.py     `fly-mcp` processes, and what they answer
    composites.py  what is killed, and what each must have come to
    wire.py        whose request it is that comes over a socket

Without arguments: all three at once, in the sizes of CI, with a fixed seed. The story is in docs/chaos.md.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
from collections.abc import Awaitable, Callable

import anyio

from .kill import kill
from .stdio import stdio
from .two import two
from .verdict import Verdict

_ABOUT = "What takes real processes; 1 where a law did not hold."
#: The seed of CI.
_SEED = 1


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.real", description=_ABOUT)
    parser.add_argument("part", nargs="?", choices=("stdio", "kill", "two", "all"), default="all")
    parser.add_argument("--seed", type=int, help=f"default {_SEED}, with --long a random one")
    parser.add_argument("--calls", type=int, help="of stdio; default 300")
    parser.add_argument("--kills", type=int, help="of kill; default 20")
    parser.add_argument("--rounds", type=int, help="of two; default 200")
    parser.add_argument("--long", action="store_true", help="1500 calls, 200 kills, 1000 rounds")
    parser.add_argument("--only", type=int, help="of kill: the point with this number alone")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    seed = given.seed if given.seed is not None else secrets.randbelow(10**9) if given.long else _SEED
    parts: dict[str, Callable[[], Awaitable[Verdict]]] = {
        "stdio": lambda: stdio(given.calls or (1500 if given.long else 300), seed),
        "kill": lambda: kill(given.kills or (200 if given.long else 20), seed, given.only),
        "two": lambda: two(given.rounds or (1000 if given.long else 200), seed),
    }
    chosen = [run for name, run in parts.items() if given.part in ("all", name)]
    sys.stdout.write(f"seed {seed}\n")
    return anyio.run(_run, chosen)


async def _run(parts: list[Callable[[], Awaitable[Verdict]]]) -> int:
    """Run them side by side: they wait more than they work. Each is told of as it ends."""
    verdicts: list[Verdict] = []

    async def one(part: Callable[[], Awaitable[Verdict]]) -> None:
        verdict = await part()
        verdicts.append(verdict)
        sys.stdout.write(f"\n{verdict.text()}\n")
        sys.stdout.flush()

    async with anyio.create_task_group() as group:
        for part in parts:
            group.start_soon(one, part)
    return 1 if any(verdict.violations for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
