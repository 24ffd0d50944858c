"""A whole pretend Fly as data: what a world file holds, and what the emulator works on."""

from .address import Certificate, IpAddress
from .app import App
from .base import Record
from .image import Image
from .log_line import LogLine
from .machine import Event, Exit, ImageRef, Lease, Machine, Version
from .release import Release
from .secret import BootSecrets, Secret, SecretKey
from .settings import Settings
from .task import Task
from .token import Token
from .volume import Snapshot, Volume
from .world import Org, World

__all__ = [
    "App",
    "BootSecrets",
    "Certificate",
    "Event",
    "Exit",
    "Image",
    "ImageRef",
    "IpAddress",
    "Lease",
    "LogLine",
    "Machine",
    "Org",
    "Record",
    "Release",
    "Secret",
    "SecretKey",
    "Settings",
    "Snapshot",
    "Task",
    "Token",
    "Version",
    "Volume",
    "World",
]
