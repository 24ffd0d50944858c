"""`python -m tests.chaos`: a run, its report, and 1 where a law did not hold.

    ground.py      the world it begins in
    generators.py  one maker of random calls for each action; they are in makers/, and choose from draw.py
    actor.py       an agent: calls, is cancelled, repeats itself
    foreign.py     a person with another client, at work in the same apps
    faults.py      which fifth of the requests meets what
    line.py        the way from the tools to the emulator; knows which request belongs to which call
    history.py     what was true in the world, and when; lives.py what is kept of each thing
    model.py       what was asked, and what each answer claimed
    claims.py      an answer against the history: was it true? One judge for each action, in judges/
    laws.py        what must hold after each answer, and for each change of the world
    ending.py      what must hold of the world at the end; needs no history
    switches.py    safeguards that can be switched off, so that the judge is seen to find what is missing then
    run.py         all of it together; report.py says what came of it

The story is in docs/chaos.md.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import time

from .report import lines, unmet
from .run import Plan, run
from .switches import SAFEGUARDS


def main() -> int:
    """Run it once, or with other seeds until the minutes are over."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Random calls, faults, and a judge."
    )
    parser.add_argument("--seed", type=int, help="decides everything; default 1, with --minutes a random one")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument(
        "--without", choices=SAFEGUARDS, help="switch a safeguard off, and stop at what is found"
    )
    parser.add_argument("--minutes", type=float, default=0.0, help="go on with the next seeds for so long")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    seed = given.seed if given.seed is not None else secrets.randbelow(10**9) if given.minutes else 1
    until = time.monotonic() + given.minutes * 60
    while True:
        report = run(Plan(seed, given.calls, given.agents, given.without, 1 if given.without else 0))
        sys.stdout.write("\n".join(lines(report)) + "\n\n")
        sys.stdout.flush()
        if report.violations or any(unmet(report)):
            return 1
        if time.monotonic() >= until:
            return 0
        seed += 1


if __name__ == "__main__":
    sys.exit(main())
