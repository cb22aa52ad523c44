from __future__ import annotations

from dataclasses import replace

import pytest

from fake_model import FakeModel
from fastscore.evaluation import estimate
from fastscore.model import Limits
from fastscore.model.context import context_bytes
from fastscore.progress import Meter

LIMITS = Limits(n_batch=512, n_cells=1000, n_seqs=8, n_rows=10, sharing="prefix")


def test_a_speed_is_remembered_for_model_and_settings() -> None:
    model = FakeModel()
    assert estimate.remembered_speed(model) is None  # type: ignore[arg-type]
    estimate.remember_speed(model, 7.0, 2000)  # type: ignore[arg-type]
    assert estimate.remembered_speed(model) is None  # type: ignore[arg-type]  # too few tokens
    estimate.remember_speed(model, 123.5, 2048)  # type: ignore[arg-type]
    assert estimate.remembered_speed(FakeModel()) == 123.5  # type: ignore[arg-type]
    assert estimate.remembered_speed(FakeModel(fingerprint="other")) is None  # type: ignore[arg-type]
    model.settings = replace(model.settings, n_threads=2)
    assert estimate.remembered_speed(model) is None  # type: ignore[arg-type]


def test_what_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "available_memory", lambda: 5_000_000_000)
    model = FakeModel()
    model.info = replace(model.info, file_bytes=200_000_000)
    meter = Meter({"a": 493_000}, expected_speed=100)
    said = estimate.spoken_estimate(model, LIMITS, meter.now())  # type: ignore[arg-type]
    assert said.startswith("About 120,000 tokens to decode: roughly 21 min at the speed of")
    # The file, 1,000 cells of 4 bytes, ten rows of 50,000 floats twice, a mask of 512 by 1,000, and
    # 100 MB for the process.
    assert "about 307 MB of memory (5,000 MB are available)." in said


def test_an_unknown_speed_is_no_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "available_memory", lambda: None)
    said = estimate.spoken_estimate(FakeModel(), LIMITS, Meter({"a": 400}).now())  # type: ignore[arg-type]
    assert said.startswith("About 100 tokens to decode: the time will be known after")
    assert said.endswith("MB of memory.")


def test_states_and_scores_of_heads_are_part_of_the_memory() -> None:
    info, settings = FakeModel().info, FakeModel().settings
    plain = context_bytes(info, settings, LIMITS)
    assert (
        context_bytes(info, settings, replace(LIMITS, state_bytes=7_000_000)) - plain == 7_000_000
    )
    exact = replace(settings, exact=True)
    two, one = (context_bytes(replace(info, n_heads=n), exact, LIMITS) for n in (2, 1))
    assert two - one == 4 * LIMITS.n_batch * LIMITS.n_cells


def test_texts_are_announced_with_their_memory() -> None:
    model = FakeModel()
    limits = Limits(n_batch=512, n_cells=512, n_seqs=8, n_rows=8, sharing="prefix")
    said = estimate.spoken_text_estimate(model, limits, 1200, 256)  # type: ignore[arg-type]
    assert said.startswith("1,200 texts of at most 256 tokens to write: the time will be known")
    assert "MB of memory" in said
