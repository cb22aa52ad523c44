"""What re-encoded weights are tested with."""

from __future__ import annotations

from fastscore.machine import cache_directory

# Tokens a second by type of the file that is open.
SPEEDS = {"Q8_0": 100.0, "BF16": 290.0, "F16": 120.0, "F32": 110.0, "Q4_1": 100.0}


def cached() -> list[str]:
    """Types of the weights in the files."""
    return sorted(
        file.stem.partition("-")[2] for file in (cache_directory() / "weights").glob("*.gguf")
    )
