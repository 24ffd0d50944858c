"""A machine's configuration as Fly reads and echoes it (reference 3.3), and the rules it checks (2.4)."""

from .duration import Duration, seconds_of
from .guest import Guest
from .machine_config import MachineConfig, Mount
from .services import Check, Service

__all__ = ["Check", "Duration", "Guest", "MachineConfig", "Mount", "Service", "seconds_of"]
