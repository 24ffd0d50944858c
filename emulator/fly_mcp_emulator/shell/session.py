"""What a running shell remembers: variables, directory, options. A subshell works on a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .errors import LimitError

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL_PID = 8
MAX_VARIABLES = 1_000


@dataclass(slots=True)
class Session:
    """One shell's state. `name` is `$0`; the interactive names of dash and bash differ in error texts."""

    variables: dict[str, str]
    exported: set[str]
    name: str = "sh"
    cwd: str = "/"
    arguments: list[str] = field(default_factory=list[str])
    status: int = 0
    options: set[str] = field(default_factory=set[str])
    """Of `errexit`, `nounset`, `pipefail`."""
    tested: int = 0
    """How many conditions are around: a failure in one does not end the shell under `set -e`."""
    loops: int = 0
    line: int = 1

    @classmethod
    def of(cls, env: Mapping[str, str], name: str = "sh") -> Session:
        """Start a session that passes on all of `env`."""
        return cls(dict(env), set(env), name)

    @property
    def is_bash(self) -> bool:
        """Tell whether messages are bash's."""
        return self.name.rpartition("/")[2] == "bash"

    def assign(self, name: str, value: str) -> None:
        """Set a variable. Raises: `LimitError` when there are too many."""
        if name not in self.variables and len(self.variables) >= MAX_VARIABLES:
            raise LimitError(f"a shell of more than {MAX_VARIABLES} variables")
        self.variables[name] = value

    def environment(self) -> dict[str, str]:
        """Return what a child process would see."""
        return {name: value for name, value in self.variables.items() if name in self.exported}

    def copy(self) -> Session:
        """Return what a subshell starts with."""
        return replace(
            self,
            variables=dict(self.variables),
            exported=set(self.exported),
            arguments=list(self.arguments),
            options=set(self.options),
        )

    def complaint(self, message: str) -> str:
        """Return an error line as this shell words it."""
        place = f"line {self.line}" if self.is_bash else f"{self.line}"
        return f"{self.name}: {place}: {message}\n"

    def lookup(self, name: str) -> str | None:
        """Return a parameter's value; `None` when it is not set. `$@` and `$*` are the caller's."""
        match name:
            case "?":
                return str(self.status)
            case "$":
                return str(SHELL_PID)
            case "!" | "-":
                return ""
            case "#":
                return str(len(self.arguments))
            case "0":
                return self.name
            case "PWD":
                return self.cwd
            case _ if name.isdecimal():
                index = int(name[:6]) - 1
                return self.arguments[index] if index < len(self.arguments) else None
            case _:
                return self.variables.get(name)
