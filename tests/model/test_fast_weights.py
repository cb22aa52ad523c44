"""Weights re-encoded for speed: which types are allowed, which is chosen, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader
from gguf.quants import dequantize
from gguf.quants import quantize as encode

from fastscore.errors import ModelError, UsageError
from fastscore.model import EngineSettings, Model, fast_weights
from fastscore.model.fingerprint import fingerprint
from fastscore.model.quantise import quantize
from fastscore.model.stopwatch import Stopwatch
from fastscore.model.tensors import read_model
from fastscore.model.weight_types import bytes_as, holds, less_precise, types_that_hold
from fastscore.storage.block_store import space_key
from models.fixtures import TinyModel

from .engine import assorted_pairs, logprobs, open_tiny
from .reencoded import SPEEDS, cached, choice_of


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        ("F32", set()),
        ("F16", {"F32"}),
        ("BF16", {"F32"}),
        ("F64", set()),
        ("I32", set()),
        ("Q8_0", {"F32", "F16", "BF16"}),
        ("Q4_1", {"F32", "F16", "BF16", "Q8_0"}),
        ("Q6_K", {"F32", "F16", "BF16", "Q8_0"}),
        ("Q2_K", {"F32", "F16", "BF16", "Q8_0"}),
        ("IQ4_XS", {"F32", "F16", "BF16", "Q8_0"}),
        ("MXFP4", {"F32", "BF16"}),
        ("NVFP4", set()),
        ("type 99", set()),
    ],
)
def test_never_a_type_that_holds_less(source: str, targets: set[str]) -> None:
    possible = {"F32", "F16", "BF16", "Q8_0", "Q4_1", "Q6_K"} - {source}
    assert {target for target in possible if holds(target, source)} == targets
    assert holds(source, source)


@pytest.mark.parametrize("source", ["Q8_0", "Q6_K", "Q5_1", "Q4_1", "Q4_0", "Q4_K", "Q3_K"])
def test_rounding_is_small_beside_the_steps_of_the_source(source: str) -> None:
    """With random blocks, weights of every size: F16 loses nothing that counts, BF16 little."""
    kind = GGMLQuantizationType[source]
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, (2000, GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    scales = {"Q6_K": [208], "Q3_K": [108], "Q4_K": [0, 2], "Q4_1": [0, 2], "Q5_1": [0, 2]}
    for at in scales.get(source, [0]):
        raw[:, at + 1] &= 0xBF  # halves below 2, also the smallest; no NaN, no infinity
    exact = dequantize(raw, kind)
    largest = np.abs(exact).max(axis=1, keepdims=True)
    half = exact.astype(np.float16).astype(np.float32)
    assert (np.abs(half - exact) <= 2**-11 * largest).all()
    bf16 = dequantize(encode(exact, GGMLQuantizationType.BF16), GGMLQuantizationType.BF16)
    assert (np.abs(bf16 - exact) <= 2**-8 * largest).all()


def test_the_most_precise_matrix_decides(tiny_model: TinyModel, q8: Path, tmp_path: Path) -> None:
    f32, half = read_model(tiny_model("llama")), read_model(tiny_model("llama", half=True))
    assert types_that_hold(f32) == []
    assert types_that_hold(half) == ["F32"]
    assert types_that_hold(read_model(q8)) == ["BF16", "F16", "F32"]
    mixed = read_model(q8)
    tensors = list(mixed.tensors)
    tensors[0] = next(t for t in half.tensors if t.name == tensors[0].name)
    assert tensors[0].type == "F16"
    assert types_that_hold(type(mixed)(q8, mixed.metadata, tensors)) == ["F16", "F32"]
    for kind in ("BF16", "F32"):
        written = read_model(quantize(q8, kind, tmp_path)[0].path)
        assert less_precise(written, mixed) == []
        assert bytes_as(kind, mixed) == pytest.approx(
            sum(tensor.n_bytes for tensor in written.tensors), rel=0.01
        )
    halves = {tensor.name for tensor in half.tensors if tensor.type == "F16"}
    assert set(less_precise(mixed, half)) == halves != set()


def test_the_quickest_is_chosen_and_kept(q8: Path, measured: list[str]) -> None:
    with open_tiny(q8) as native:
        assert native.choice is None
        facts, settings = native.info, native.settings
        fingerprint_of_file = native.fingerprint
    with open_tiny(q8, weights="fast") as model:
        assert measured == ["Q8_0", "BF16", "F16", "F32"]
        choice = model.choice
        assert choice is not None
        assert (choice.type, choice.native_type, choice.speedup) == ("BF16", "Q8_0", 2.9)
        assert model.settings.weights == "BF16 (fast; file Q8_0)"
        # Everything but the weights is as it would be without.
        assert model.info == facts
        assert model.fingerprint == fingerprint_of_file
        assert model.settings.exact is settings.exact is False
        assert {t.tensor_type.name for t in GGUFReader(choice.path).tensors} == {"BF16", "F32"}
        assert model.weight_bytes == sum(t.n_bytes for t in GGUFReader(choice.path).tensors)
        (said,) = choice.sentences()
        assert said == (
            "Weights are re-encoded from Q8_0 into BF16, which decodes 2.9 times as fast here."
        )
    assert cached() == ["BF16"]
    written = choice.path.stat().st_mtime_ns
    with open_tiny(q8, weights="fast") as again:
        assert again.choice == choice
    assert len(measured) == 4
    assert choice.path.stat().st_mtime_ns == written
    # Speed depends on threads: they are measured apart.
    with open_tiny(q8, weights="fast", n_threads=2):
        assert len(measured) == 8


def test_what_an_older_version_remembered_without_a_fact_is_measured_anew(
    q8: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(fast_weights, "_FACTS", fast_weights._FACTS[:-1])
        open_tiny(q8, weights="fast").close()
    assert len(measured) == 4
    with open_tiny(q8, weights="fast") as model, open_tiny(q8) as native:
        assert model.info == native.info
    assert len(measured) == 8


def test_numbers_are_those_of_the_dequantised_weights(
    q8: Path, tmp_path: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = assorted_pairs(n_contexts=3)
    monkeypatch.setitem(SPEEDS, "F32", 1000.0)
    with open_tiny(q8, weights="fast", exact=True) as model:
        assert model.choice is not None
        assert model.choice.type == "F32"
        before = {t.name: dequantize(t.data, t.tensor_type) for t in GGUFReader(q8).tensors}
        for tensor in GGUFReader(model.choice.path).tensors:
            np.testing.assert_array_equal(
                tensor.data.reshape(-1), before[tensor.name].reshape(-1), tensor.name
            )
        exact = logprobs(model.loglikelihood(pairs))
    with open_tiny(q8, exact=True) as native:
        np.testing.assert_allclose(logprobs(native.loglikelihood(pairs)), exact, rtol=0.03)


def test_native_weights_stay_where_nothing_is_quicker(
    q8: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SPEEDS, "BF16", 109.0)  # not worth its memory
    monkeypatch.setitem(SPEEDS, "F16", 50.0)
    monkeypatch.setitem(SPEEDS, "F32", 50.0)
    with open_tiny(q8, weights="fast") as model, open_tiny(q8) as native:
        assert model.choice is not None
        assert model.choice.is_native
        assert model.settings == native.settings
        assert model.info == native.info
        assert list(model.choice.sentences()) == [
            "Weights stay Q8_0: no type that holds them decodes faster here."
        ]
    assert cached() == []


def test_nothing_is_measured_where_there_is_no_choice(
    tiny_model: TinyModel, measured: list[str]
) -> None:
    with open_tiny(tiny_model("llama"), weights="fast") as model:
        assert model.choice is not None
        assert model.choice.is_native
        assert model.settings.exact
        assert list(model.choice.sentences()) == [
            "Weights stay F32: no other type holds them and fits."
        ]
    assert measured == []


def test_what_does_not_fit_is_left_out_and_said(
    q8: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    size = bytes_as("F32", read_model(q8))
    monkeypatch.setattr(fast_weights, "available_memory", lambda: (200 << 20) + size - 1)
    choice = choice_of(q8)
    assert measured == ["Q8_0", "BF16", "F16"]
    assert list(choice.left_out) == ["F32"]
    assert "of memory are available" in list(choice.sentences())[1]
    # Less memory than when it was measured: down to what fits.
    monkeypatch.setattr(fast_weights, "available_memory", lambda: 1000)
    choice = choice_of(q8)
    assert choice.is_native
    assert list(choice.left_out) == ["BF16", "F16", "F32"]
    # And as before when it is there again.
    monkeypatch.setattr(fast_weights, "available_memory", lambda: (200 << 20) + size - 1)
    assert choice_of(q8).type == "BF16"
    assert len(measured) == 3


def test_a_part_of_a_split_model_that_is_missing(q8: Path, tmp_path: Path) -> None:
    first = tmp_path / "m-00001-of-00002.gguf"
    first.write_bytes(q8.read_bytes())
    with pytest.raises(ModelError, match=r"m-00002-of-00002\.gguf is missing"):
        open_tiny(first, weights="fast")


def test_on_a_busy_machine_one_thread_is_measured(
    q8: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_weights, "_watch", lambda model: SimpleNamespace(speed=1.0, share=0.4))
    seen: list[tuple[str, int]] = []
    one_thread = fast_weights._one_thread

    def spied(model: Model) -> float:
        speed = one_thread(model)
        seen.append((model.info.quantisation, model.settings.n_threads))
        assert speed > 0
        return SPEEDS[model.info.quantisation]

    monkeypatch.setattr(fast_weights, "_one_thread", spied)
    with open_tiny(q8, weights="fast", n_threads=2) as model:
        assert model.choice is not None
        assert (model.choice.type, model.choice.busy) == ("BF16", True)
        assert model.settings.n_threads == 2
        assert "The machine was busy" in list(model.choice.sentences())[1]
    assert seen == [(kind, 1) for kind in ("Q8_0", "BF16", "F16", "F32")]


def test_share_of_the_cores(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model:
        watch = Stopwatch(model, 1.0)
        assert watch.share > 0
        assert watch.speed > 0
        assert Stopwatch(model, 1.0, in_cpu_time=True).speed > 0


def test_the_key_of_native_results_stays_what_it_was() -> None:
    """Results that were stored before weights could be re-encoded are still found."""
    settings = EngineSettings(
        max_length=2048,
        n_batch=128,
        n_threads=2,
        n_gpu_layers=0,
        logits_mb=128,
        exact=False,
        tokenizer="gguf",
        bos="no BOS",
        backends=("CPU",),
        llama_cpp="0.5.0",
    )
    assert settings.affecting_numbers() == {
        "exact": False,
        "n_gpu_layers": 0,
        "backends": ["CPU"],
        "llama_cpp": "0.5.0",
    }
    key = space_key("f" * 64, settings.affecting_numbers(), "0.1.0")
    assert key.hex() == "49d152d1be5ba31ce781e66df4cf7604"
    keys = {
        space_key(
            "f" * 64,
            EngineSettings(**(vars(settings) | {"weights": w})).affecting_numbers(),
            "0.1.0",
        )
        for w in ("native", "BF16 (fast; file Q4_1)", "F16 (fast; file Q4_1)")
    }
    assert len(keys) == 3
    assert key in keys


def test_the_same_model_with_its_own_weights(q8: Path, measured: list[str]) -> None:
    pairs = assorted_pairs(n_contexts=1)
    with open_tiny(q8, weights="fast", n_ctx=100, n_batch=64) as model, model.native() as native:
        assert native.choice is None
        assert native.settings.weights == "native"
        assert (native.settings.max_length, native.settings.n_batch) == (100, 64)
        with open_tiny(q8, n_ctx=100, n_batch=64) as other:
            assert native.settings == other.settings
            assert native.loglikelihood(pairs) == other.loglikelihood(pairs)


def test_what_the_results_say_is_json(q8: Path, measured: list[str]) -> None:
    with open_tiny(q8, weights="fast") as model:
        assert model.choice is not None
        said = json.loads(json.dumps(model.choice.to_dict()))
    assert said["mode"] == "fast"
    assert said["tokens_per_second"] == {"native": 100, "BF16": 290, "F16": 120, "F32": 110}
    assert said["bytes"] == model.weight_bytes
    assert fingerprint(q8) in str(model.choice.path)


def test_a_mode_that_does_not_exist(q8: Path) -> None:
    with pytest.raises(UsageError, match="weights is 'quick'; it must be 'native'"):
        open_tiny(q8, weights="quick")
