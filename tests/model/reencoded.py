"""What re-encoded weights are tested with."""

from __future__ import annotations

from pathlib import Path

from fastscore.machine import cache_directory
from fastscore.model.weight_choice import WeightChoice

from .engine import open_tiny

# Tokens a second by type of the file that is open.
SPEEDS = {"Q8_0": 100.0, "BF16": 290.0, "F16": 120.0, "F32": 110.0, "Q4_1": 100.0}


def choice_of(path: Path, **options: object) -> WeightChoice:
    """What is chosen for a file that is opened with ``weights="fast"``."""
    with open_tiny(path, weights="fast", **options) as model:
        assert model.choice is not None
        return model.choice


def cached() -> list[str]:
    """Types of the weights in the files."""
    return sorted(
        file.stem.partition("-")[2] for file in (cache_directory() / "weights").glob("*.gguf")
    )
