from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from fastscore.model import Model, fast_weights
from fastscore.model.quantise import quantize
from models.fixtures import TinyModel

from .reencoded import SPEEDS


@pytest.fixture(scope="session")
def q8(tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quantize(tiny_model("llama"), "Q8_0", tmp_path_factory.mktemp("q8"))[0].path


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let SPEEDS decide; what was measured, one after the other."""
    seen: list[str] = []

    def watch(model: Model) -> SimpleNamespace:
        seen.append(model.info.quantisation)
        return SimpleNamespace(speed=SPEEDS[model.info.quantisation], share=1.0)

    monkeypatch.setattr(fast_weights, "_watch", watch)
    return seen
