"""Tasks of all kinds."""

from __future__ import annotations

from fastscore.tasks.generation import GenerationTask
from fastscore.tasks.task import Task

AnyTask = Task | GenerationTask
"""A benchmark, whatever its answers are."""
