"""What all parts of a world have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A part of a world. Closed: a misspelt key in a world file is an error that names its path.

    Moments are epoch seconds (UTC), periods are seconds.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
