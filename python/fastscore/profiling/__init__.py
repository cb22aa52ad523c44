"""The device side of the choice of a model: how fast, in how much memory, for how much energy.

``measure.profile`` measures it in a process of its own, with the tests of llama.cpp's
``llama-bench``; here are the values that it returns, which need no engine.
"""

from fastscore.profiling.values import (
    Energy,
    FirstToken,
    Loading,
    Memory,
    Profile,
    Skipped,
    Speed,
)
from fastscore.profiling.workload import Workload

__all__ = [
    "Energy",
    "FirstToken",
    "Loading",
    "Memory",
    "Profile",
    "Skipped",
    "Speed",
    "Workload",
]
