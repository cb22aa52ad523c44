"""Tasks of lm-eval of every kind, as ``lm_eval_cases.yaml`` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Case:
    """A task, its rows, what is changed in its configuration, and how it is run."""

    task: str
    rows: list[dict[str, Any]]
    changes: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.task, *self.run])


def cases(*kinds: str) -> list[Case]:
    """The cases of these kinds: ``choices``, ``likelihoods``, ``rolling``, ``texts``."""
    listed = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return [Case(**case) for kind in kinds for case in listed[kind]]
