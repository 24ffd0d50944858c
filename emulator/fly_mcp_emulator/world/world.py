"""The whole."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .app import App
from .base import Record
from .image import Image
from .settings import Settings
from .task import Task
from .token import Token


class Org(Record):
    """An organisation."""

    slug: str
    name: str
    number: int = 0
    type: Literal["PERSONAL", "SHARED"] = "SHARED"


class World(Record):
    """Everything that the emulator remembers.

    `ids_made` counts the identifiers handed out, `order` the tasks scheduled. A world that is dumped and
    loaded is the same world.
    """

    format: Literal[1] = 1
    """The version of this shape."""
    user: str = "ada@example.com"
    """Whose login an unknown token is taken for."""
    orgs: dict[str, Org]
    """By slug; the first one of type PERSONAL is what `personal` means."""
    apps: dict[str, App] = Field(default_factory=dict[str, App])
    """By name, in the order of creation."""
    images: dict[str, Image] = Field(default_factory=dict[str, Image])
    """By the image string of a config."""
    tokens: list[Token] = Field(default_factory=list[Token])
    settings: Settings = Settings()
    tasks: list[Task] = Field(default_factory=list[Task])
    """By due time."""
    ids_made: int = 0
    order: int = 0
