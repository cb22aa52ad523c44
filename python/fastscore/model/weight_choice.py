"""Which weights a model runs with, and what spoke for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastscore.machine import cache_directory
from fastscore.model.info import ModelInfo
from fastscore.model.settings import NATIVE


@dataclass(frozen=True)
class WeightChoice:
    """The weights that run, and what spoke for them.

    ``type`` is the type they were re-encoded into, or ``native``; ``native_type`` that of the file;
    ``path`` and ``n_bytes`` the file that is loaded. ``left_out`` says of other types why they were
    not tried or do not fit. Where there was a choice, ``speeds`` are tokens a second by type,
    ``native`` among them; on a ``busy`` machine those of one thread, in CPU time. ``native_facts``
    is what `ModelInfo` says of the file as the user has it.
    """

    type: str
    native_type: str
    path: Path
    n_bytes: int
    left_out: dict[str, str]
    speeds: dict[str, float] = field(default_factory=dict)
    busy: bool = False
    native_facts: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_native(self) -> bool:
        """Whether the file itself is run."""
        return self.type == NATIVE

    @property
    def speedup(self) -> float:
        """How many times as fast as native it decoded, where both were measured."""
        if self.is_native:
            return 1.0
        return self.speeds[self.type] / self.speeds[NATIVE]

    def sentences(self) -> Iterator[str]:
        """Say what was chosen, and what was not for want of room."""
        if self.is_native and not self.speeds:
            yield f"Weights stay {self.native_type}: no other type holds them and fits."
        elif self.is_native:
            yield f"Weights stay {self.native_type}: no type that holds them decodes faster here."
        else:
            yield (
                f"Weights are re-encoded from {self.native_type} into {self.type}, which decodes "
                f"{self.speedup:.1f} times as fast here."
            )
        if self.busy:
            yield (
                "The machine was busy, so that was measured with one thread, in CPU time; delete "
                f"{cache_directory() / 'weights'} to have it measured anew."
            )
        for kind, why in self.left_out.items():
            yield f"{kind} weights were left out: {why}."

    @property
    def label(self) -> str:
        """As in `EngineSettings.weights`: ``BF16 (fast; file Q4_1)``, or ``native``."""
        return NATIVE if self.is_native else f"{self.type} (fast; file {self.native_type})"

    def described(self, info: ModelInfo) -> ModelInfo:
        """The facts about the user's file, where those of the loaded one differ."""
        return replace(info, **self.native_facts)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``results.json``."""
        return {
            "mode": "fast",
            "type": self.type,
            "native_type": self.native_type,
            "speedup": self.speedup,
            "tokens_per_second": dict(self.speeds),
            "left_out": dict(self.left_out),
            "busy": self.busy,
            "bytes": self.n_bytes,
        }
