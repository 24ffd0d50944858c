"""A small shell over a pretend machine: its environment, its files, its processes, never the host's.

It reads enough of `sh` for what people type into an exec. What it does not know it says, with exit code 2
and `emulator: ... is not modelled` on stderr. It imports nothing that reaches the host (a test reads the
syntax tree to be sure), and every run is bounded in steps, depth, output and sleep.
"""

from .model import Clock, ExecResult, ListenSocket, Process
from .shell import Shell

__all__ = ["Clock", "ExecResult", "ListenSocket", "Process", "Shell"]
