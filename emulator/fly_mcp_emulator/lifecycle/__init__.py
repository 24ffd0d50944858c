"""What happens to machines and volumes in time (reference 5 and 6.4)."""

from .boot import create, start, update
from .halt import destroy, restart, signal, stop, suspend
from .transitions import perform

__all__ = ["create", "destroy", "perform", "restart", "signal", "start", "stop", "suspend", "update"]
