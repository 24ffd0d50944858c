"""Faults by rule: what goes wrong, when, and how often.

`rule` is what `POST /_emulator/faults` takes, `kinds` has a row for each kind, `conditions` those that change
the world; `hit` is a request as rules look at it, `faults` the rules in force, `dropped` an ended connection.
"""

from .dropped import Begun, ConnectionDropped, Phase
from .faults import Armed, Faults
from .hit import Hit, Incoming
from .kinds import KINDS, Kind, example
from .rule import FaultKind, FaultRule

__all__ = [
    "KINDS",
    "Armed",
    "Begun",
    "ConnectionDropped",
    "FaultKind",
    "FaultRule",
    "Faults",
    "Hit",
    "Incoming",
    "Kind",
    "Phase",
    "example",
]
