"""The names of callers that are no agents, which no agent may have.

An agent of such a name would be taken for that caller in the trail, and would share with it what is kept by name:
request ids and undo references.
"""

from __future__ import annotations

from typing import Final

#: The caller on stdio where no policy names one.
LOCAL: Final = "local"
#: The caller over a network whose token is no agent's of the policy.
NOBODY: Final = "nobody"


def reserved(name: str) -> bool:
    """Whether it is one of them, in whatever case: people read it too."""
    return name.casefold() in (LOCAL, NOBODY)
