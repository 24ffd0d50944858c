"""The ephemeral root file system, and what lies on it after a cold boot (reference 6.4)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, MutableMapping

from fly_mcp_emulator.state import State
from fly_mcp_emulator.world import App, Machine

from .history import image_of


def fresh_files(state: State, app: App, machine: Machine) -> dict[str, str]:
    """Return the root file system of a cold boot: the image's files, then those of the config."""
    if _persists(machine) and machine.files:
        return machine.files
    # Imported on first use: the interpreter is half of the emulator, and many runs never meet it.
    from fly_mcp_emulator.shell.samples import base_files

    files = dict(image_of(state, machine).files) or base_files(app.name, machine.id)
    for file in machine.config.files or []:
        encoded = machine.secrets.values.get(file.secret_name) if file.secret_name else file.raw_value
        if file.guest_path and encoded is not None:
            files[file.guest_path] = _decoded(encoded)
    return files


def _persists(machine: Machine) -> bool:
    rootfs = machine.config.rootfs
    return rootfs is not None and rootfs.persist in ("always", "restart")


def _decoded(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode(errors="replace")
    except binascii.Error:
        return ""


class MountedFiles(MutableMapping[str, str]):
    """A machine's files with its volume mounted: what is written under the mount point stays with the volume.

    An empty directory is an entry of its own, with a slash at the end, as the shell has it.
    """

    def __init__(self, root: dict[str, str], volume: dict[str, str] | None = None, mount: str = "") -> None:
        self._root = root
        self._volume = volume
        self._mount = mount.rstrip("/")
        if volume is not None:
            # The mount point is there even when nothing is on the volume.
            volume.setdefault("/", "")

    def _place(self, path: str) -> tuple[dict[str, str], str]:
        if self._volume is not None and self._mount and path.startswith(f"{self._mount}/"):
            return self._volume, path.removeprefix(self._mount)
        return self._root, path

    def __getitem__(self, path: str) -> str:
        files, key = self._place(path)
        return files[key]

    def __setitem__(self, path: str, text: str) -> None:
        files, key = self._place(path)
        files[key] = text

    def __delitem__(self, path: str) -> None:
        files, key = self._place(path)
        del files[key]

    def __iter__(self) -> Iterator[str]:
        if self._volume is None or not self._mount:
            yield from self._root
            return
        below = f"{self._mount}/"
        yield from (path for path in self._root if not path.startswith(below))
        yield from (f"{self._mount}{path}" for path in self._volume)

    def __len__(self) -> int:
        return sum(1 for _ in self)
