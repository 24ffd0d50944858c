"""A pretend Fly.io: the Machines API with its own state, routes and clock. Shares no code with the client."""

from .clock import Clock, SystemClock
from .default_world import default_world
from .emulator import Emulator
from .log import RequestRecord
from .world import World

__all__ = ["Clock", "Emulator", "RequestRecord", "SystemClock", "World", "default_world"]
