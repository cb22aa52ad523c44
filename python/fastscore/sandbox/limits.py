"""How much of the machine one untrusted program may use."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastscore.errors import UsageError


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What a program may use; each judgement starts from zero.

    ``cpu_seconds`` is processor time, so a busy machine does not change a verdict. ``wall_seconds``
    ends programs that wait instead of computing; None means ten times ``cpu_seconds``.
    ``memory_mb`` is address space, ``file_mb`` the size of a file and of all files together,
    ``processes`` the number of processes and threads at a time (the strong level lets a program
    start threads only). Megabytes are MiB.
    """

    cpu_seconds: float = 3.0
    wall_seconds: float | None = None
    memory_mb: int = 1024
    file_mb: int = 16
    open_files: int = 64
    processes: int = 32

    def __post_init__(self) -> None:
        for name in ("cpu_seconds", "wall_seconds"):
            value = getattr(self, name)
            if value is not None and not (0 < value <= 86400 and math.isfinite(value)):
                raise UsageError(f"{name} is {value!r}; give seconds above 0 and up to 86400")
        least = {"memory_mb": 128, "file_mb": 1, "open_files": 16, "processes": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not bound <= value <= 1 << 20:
                raise UsageError(f"{name} is {value!r}; give a whole number of at least {bound}")

    @property
    def deadline(self) -> float:
        """Wall-clock seconds after which a program is ended whatever it has computed."""
        return 10 * self.cpu_seconds if self.wall_seconds is None else self.wall_seconds
