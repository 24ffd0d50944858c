"""The pretend file system: a mapping from absolute path to text.

Directories are implied by the paths below them; an empty one is an entry of its own, `"/dir/": ""`.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from .budget import MAX_TEXT, Budget
from .errors import NO_SUCH_FILE, FileError

_ALWAYS_THERE = ("/", "/dev", "/tmp", "/root")  # noqa: S108 - a name in the pretend machine, not the host's /tmp
_MAX_ENTRIES = 5_000
_MAX_PATH = 4096
_MAX_NAME = 255
_NO_SPACE = "No space left on device"


def absolute(path: str, cwd: str = "/") -> str:
    """Return `path` with `.`, `..` and doubled slashes resolved, without a slash at the end."""
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{cwd}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def parent(path: str) -> str:
    """Return the directory that holds the absolute `path`."""
    return path.rpartition("/")[0] or "/"


def name_of(path: str) -> str:
    """Return the last part of `path`."""
    return path.rstrip("/").rpartition("/")[2]


class Files:
    """Reads and changes the mapping by a real file system's rules. Paths are absolute and resolved."""

    def __init__(self, entries: MutableMapping[str, str], budget: Budget) -> None:
        self._entries = entries
        self._budget = budget

    def is_file(self, path: str) -> bool:
        """Tell whether a file is there; `/dev/null` is."""
        return path == "/dev/null" or path in self._entries

    def is_dir(self, path: str) -> bool:
        """Tell whether a directory is there, by itself or because of what lies in it."""
        if path in _ALWAYS_THERE or f"{path}/" in self._entries:
            return True
        return any(True for _ in self._below(path))

    def exists(self, path: str) -> bool:
        """Tell whether anything is there."""
        return self.is_file(path) or self.is_dir(path)

    def read(self, path: str, shown: str = "") -> str:
        """Return a file's text. Raises: `FileError`, naming the path as `shown`."""
        if path == "/dev/null":
            return ""
        text = self._entries.get(path)
        if text is None:
            raise FileError(shown or path, "Is a directory" if self.is_dir(path) else NO_SUCH_FILE)
        self._budget.charge_text(len(text))
        return text

    def size(self, path: str) -> int:
        """Return a file's size in bytes; a directory's is 4096."""
        text = self._entries.get(path)
        if text is None:
            return 0 if path == "/dev/null" else 4096
        self._budget.charge_text(len(text))
        return len(text.encode("utf-8", "surrogatepass"))

    def write(self, path: str, text: str, shown: str = "") -> None:
        """Create or replace a file. Raises: `FileError`."""
        if path == "/dev/null":
            return
        shown = shown or path
        if self.is_dir(path):
            raise FileError(shown, "Is a directory")
        self._check_new(path, shown)
        if len(text) > MAX_TEXT:
            raise FileError(shown, _NO_SPACE)
        self._budget.charge_text(len(text))
        self._entries[path] = text

    def append(self, path: str, text: str, shown: str = "") -> None:
        """Add to the end of a file, creating it. Raises: `FileError`."""
        self.write(path, self._entries.get(path, "") + text, shown)

    def make_dir(self, path: str, shown: str = "") -> None:
        """Create one directory. Raises: `FileError`."""
        shown = shown or path
        if self.exists(path):
            raise FileError(shown, "File exists")
        self._check_new(path, shown)
        self._entries[f"{path}/"] = ""

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with all that is in it; what held it stays, empty or not."""
        for entry in [entry for entry in (path, f"{path}/", *self._below(path)) if entry in self._entries]:
            del self._entries[entry]
        above = parent(path)
        if not self.is_dir(above):
            self._entries[f"{above}/"] = ""

    def children(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        start = len(path.rstrip("/")) + 1
        names = {entry[start:].partition("/")[0] for entry in self._below(path)}
        if path == "/":
            names |= {name_of(always) for always in _ALWAYS_THERE}
        return sorted(names - {""})

    def walk(self, path: str) -> list[str]:
        """Return `path` and everything under it, parents before what they hold, names in order."""
        start = len(path.rstrip("/"))
        found = {path}
        for entry in self._below(path):
            entry = entry.rstrip("/")
            while len(entry) > start and entry not in found:
                found.add(entry)
                self._budget.charge_text(len(entry))
                entry = entry.rpartition("/")[0]
        return sorted(found, key=lambda each: each.split("/"))

    def total_size(self) -> int:
        """Return the characters of all files together."""
        self._budget.charge(len(self._entries))
        return sum(len(text) for text in list(self._entries.values()))

    def _below(self, path: str) -> Iterator[str]:
        prefix = path.rstrip("/") + "/"
        self._budget.charge(len(self._entries) // 8 + 1)
        return (entry for entry in list(self._entries) if entry.startswith(prefix) and entry != prefix)

    def _check_new(self, path: str, shown: str) -> None:
        if path in self._entries:
            return
        above = parent(path)
        if not self.is_dir(above):
            raise FileError(shown, "Not a directory" if self.is_file(above) else NO_SUCH_FILE)
        if len(path) > _MAX_PATH or len(name_of(path)) > _MAX_NAME:
            raise FileError(shown, "File name too long")
        if len(self._entries) >= _MAX_ENTRIES:
            raise FileError(shown, _NO_SPACE)
