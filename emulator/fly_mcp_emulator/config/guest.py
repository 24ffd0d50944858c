"""What machines can be: CPU kinds, counts, memory, presets, and the texts of refusals (reference 2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .base import GoStruct

Persist = Literal["never", "always", "restart", "none", ""]


class Guest(GoStruct):
    """CPU and memory of a machine. Memory in MiB."""

    cpu_kind: str | None = None
    cpus: int | None = None
    memory_mb: int | None = None
    max_memory_mb: int | None = None
    gpus: int | None = None
    gpu_kind: str | None = None
    host_dedication_id: str | None = None
    persist_rootfs: Persist | None = None
    kernel_args: list[str] | None = None


@dataclass(frozen=True)
class CpuKind:
    """One row of the table in reference 2.4; memory in MiB."""

    counts: tuple[int, ...]
    least_per_cpu: int
    most_per_cpu: int
    step: int


KINDS = {
    "shared": CpuKind((1, 2, 4, 6, 8), 256, 2048, 256),
    # The documented step is 2048, flyctl checks 1024: the client that people use wins [C over D].
    "performance": CpuKind((1, 2, 4, 6, 8, 10, 12, 14, 16, 32, 64, 128), 2048, 8192, 1024),
}
_GPUS = {"a100-40gb": "a100-pcie-40gb", "a100-80gb": "a100-sxm4-80gb", "l40s": "l40s", "a10": "a10"}
_OFFERED = {"shared": (1, 2, 4, 6, 8), "performance": (1, 2, 4, 6, 8, 10, 12, 14, 16)}


def _presets() -> dict[str, Guest]:
    table: dict[str, Guest] = {}
    for kind, counts in _OFFERED.items():
        stem = "shared-cpu" if kind == "shared" else "performance"
        for count in counts:
            memory = count * KINDS[kind].least_per_cpu
            table[f"{stem}-{count}x"] = Guest(cpu_kind=kind, cpus=count, memory_mb=memory)
    for size, gpu_kind in _GPUS.items():
        table[size] = Guest(cpu_kind="performance", cpus=8, memory_mb=32768, gpus=1, gpu_kind=gpu_kind)
    return table


PRESETS = _presets()


def completed(guest: Guest | None, size: str | None) -> Guest:
    """Return the guest that a request means, omissions filled in: shared, 1 cpu, 256 MiB [D].

    Raises: `ValueError` with Fly's text when both are given, or when either is not for sale.
    """
    if guest is not None and size:
        # That both is an error is documented, its text is not known (reference 12).
        raise ValueError("invalid config.guest, cannot be set together with config.size")
    if size:
        preset = PRESETS.get(size)
        if preset is None:
            raise ValueError(f"invalid config.size, unknown machine size '{size}'")
        return preset.model_copy()
    filled = (guest or Guest()).model_copy()
    filled.cpu_kind = filled.cpu_kind or "shared"
    filled.cpus = filled.cpus or 1
    filled.memory_mb = filled.memory_mb or 256
    _check(filled.cpu_kind, filled.cpus, filled.memory_mb)
    return filled


def _check(cpu_kind: str, cpus: int, memory_mb: int) -> None:
    kind = KINDS.get(cpu_kind)
    if kind is None:
        raise ValueError("invalid config.guest.cpu_kind")
    if cpus not in kind.counts:
        counts = ", ".join(str(count) for count in kind.counts)
        raise ValueError(f"invalid config.guest.cpus, must be one of: {counts}")
    if memory_mb < cpus * kind.least_per_cpu:
        least = cpus * kind.least_per_cpu
        raise ValueError(f"invalid config.guest.memory_mb, minimum required {least} MiB")
    if memory_mb > cpus * kind.most_per_cpu:
        most = cpus * kind.most_per_cpu
        raise ValueError(f"invalid config.guest.memory_mb, cannot exceed {most} MiB")
    if memory_mb % kind.step:
        raise ValueError(f"invalid config.guest.memory_mb, must be a multiple of {kind.step} MiB")
