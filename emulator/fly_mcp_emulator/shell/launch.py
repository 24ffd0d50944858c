"""How a program that can't be started is refused: by a shell in its own words, by exec in Go's."""

from __future__ import annotations

from .session import Session

NOT_FOUND = 127
NOT_EXECUTABLE = 126
_SHEBANGS = ("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash", "#!/usr/bin/env sh", "#!/bin/dash")


def is_shell_script(text: str) -> bool:
    """Tell by its first line whether a file is a script for a shell."""
    return text.startswith(_SHEBANGS)


def refusal(name: str, reason: str, shell: Session | None) -> str:
    """Return the error line for a program that is not there, or no program."""
    if shell is None:
        # What Fly's guest agent says: it is Go's os/exec (reference 6.2 leaves the exact answer open).
        if reason == "Permission denied":
            return f'exec: "{name}": permission denied\n'
        where = "stat: no such file or directory" if "/" in name else "executable file not found in $PATH"
        return f'exec: "{name}": {where}\n'
    if shell.is_bash and reason == "not found":
        reason = "No such file or directory" if "/" in name else "command not found"
    return shell.complaint(f"{name}: {reason}")
