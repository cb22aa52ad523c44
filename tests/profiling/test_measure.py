"""Profiles of tiny models, measured in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import fastscore
from fastscore import DecodeError, Model, ModelError, Profile, UsageError
from fastscore.model.weight_choice import WeightChoice
from fastscore.profiling import child, measure
from fastscore.progress import Progress
from models.fixtures import BrokenModel, TinyModel

SMALL = {"n_prompt": 20, "n_gen": 4, "repetitions": 2, "n_threads": 1}


def _profile(path: Path | Model, **options: object) -> Profile:
    return fastscore.profile(path, **{**SMALL, "progress": False, **options})  # type: ignore[arg-type]


def test_a_model_is_measured_and_described(tiny_model: TinyModel) -> None:
    path = tiny_model("llama")
    seen: list[Progress] = []
    profile = _profile(path, n_depth=[0, 30], n_parallel=[1, 3], progress=seen.append)
    names = ["pp20", "tg4", "3 x tg4", "pp20 @ d30", "tg4 @ d30", "3 x tg4 @ d30"]
    assert sorted(speed.name for speed in profile.speeds) == sorted(names)
    assert all(len(speed.samples) == 2 for speed in profile.speeds)
    assert all(min(speed.samples) > 0 for speed in profile.speeds)
    assert profile.first_token is not None
    assert (profile.first_token.n_prompt, len(profile.first_token.samples)) == (20, 2)
    with Model(path) as model:
        assert profile.model["fingerprint"] == model.fingerprint
        assert profile.model["n_params"] == model.info.n_params
    assert profile.file_bytes == path.stat().st_size
    assert 0 < profile.model["weights_bytes"] < profile.file_bytes
    assert profile.settings["n_threads"] == 1
    assert profile.devices == ("CPU",)
    assert "tokens/s" in profile.table()
    assert Profile.from_dict(profile.to_dict()) == profile
    # Every token was counted, and the last event says that all is done.
    assert (seen[-1].tokens_done, seen[-1].n_tasks) == (seen[-1].tokens_total, 7)


def test_peak_memory_is_of_the_process_that_ran_the_model(tiny_model: TinyModel) -> None:
    ballast = bytearray(700_000_000)  # of this process, not of the one that measures
    memory = _profile(tiny_model("llama")).memory
    assert memory.peak_bytes is not None
    assert memory.before_load_bytes is not None
    assert memory.before_load_bytes < memory.peak_bytes < len(ballast) / 2


@pytest.mark.parametrize(
    ("family", "full", "windowed", "window", "has_state"),
    [
        # layers x heads of keys and values x (key + value) x 2 bytes
        ("llama", 2 * 2 * 32 * 2, 0, 0, False),
        ("gemma3", None, None, 16, False),
        ("mamba", 0, 0, 0, True),
        ("lfm2", None, 0, 0, True),
    ],
)
def test_memory_by_family(
    tiny_model: TinyModel,
    family: str,
    full: int | None,
    windowed: int | None,
    window: int,
    has_state: bool,
) -> None:
    memory = _profile(tiny_model(family)).memory
    if full is not None:
        assert memory.kv_bytes_per_token == full
    if windowed is not None:
        assert memory.window_bytes_per_token == windowed
    else:
        assert memory.window_bytes_per_token > 0
    assert memory.window_tokens == window
    assert (memory.state_bytes > 0) == has_state
    assert bool(memory.states) == has_state


def test_tests_beyond_the_window_are_left_out_and_said(tiny_model: TinyModel) -> None:
    profile = _profile(tiny_model("llama"), n_depth=[0, 1000])
    assert [speed.name for speed in profile.speeds] == ["pp20", "tg4"]
    assert [skip.name for skip in profile.skipped] == ["pp20 @ d1000", "tg4 @ d1000"]
    assert "it needs 1,020 tokens, and the model reads at most 256" in profile.table()
    with pytest.raises(UsageError, match="no test can be run"):
        _profile(tiny_model("llama"), n_depth=1000)


def test_sizes_that_nobody_asked_for_fit_the_window(tiny_model: TinyModel) -> None:
    profile = fastscore.profile(tiny_model("llama"), n_threads=1, repetitions=1, progress=False)
    assert profile.prefill is not None
    assert profile.prefill.name == "pp256"
    assert profile["4 x tg128"].samples


def test_an_open_model_is_named_by_its_file_and_threads(tiny_model: TinyModel) -> None:
    with Model(tiny_model("llama"), n_threads=1) as model:
        profile = _profile(model, n_threads=None)
    assert profile.settings["n_threads"] == 1
    assert profile.model["path"] == str(tiny_model("llama"))


def test_errors_of_the_model_are_those_of_loading_it(broken_model: BrokenModel) -> None:
    with pytest.raises(ModelError, match="is empty"):
        _profile(broken_model("empty"))
    with pytest.raises(UsageError, match="there is no file"):
        _profile(Path("no-such-model.gguf"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import os; os.write(2, b'GGML_ASSERT(x) failed'); os.abort()",
            r"ended with SIGABRT while it loaded the model:\nGGML_ASSERT\(x\) failed",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "most likely the memory ran"),
        ("raise SystemExit(3)", "ended with exit status 3"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_process_that_dies_takes_nobody_along(
    tiny_model: TinyModel, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    monkeypatch.setattr(child, "_COMMAND", (sys.executable, "-c", code))
    with pytest.raises(DecodeError, match=said):
        _profile(tiny_model("llama"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows stops programs otherwise")
def test_ctrl_c_ends_the_measuring_process_too(
    tiny_model: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def remembered(*args: object, **kwargs: object) -> subprocess.Popen[str]:
        started.append(popen(*args, **kwargs))  # type: ignore[call-overload]
        return started[-1]

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(child.subprocess, "Popen", remembered)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        _profile(tiny_model("llama"), repetitions=10**6, progress=stop)
    assert started[0].poll() is not None
    assert time.monotonic() - began < 30


def test_other_weights_are_measured_and_the_file_is_described(
    tiny_model: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tiny_model("llama"), tiny_model("llama", 1)
    facts = {"name": "the file's own", "file_bytes": 123, "weights_bytes": 100}
    choice = WeightChoice("BF16", "Q4_1", other, 10, {}, {"native": 1.0, "BF16": 2.0}, False, facts)

    class Opened(Model):
        def __init__(self, file: Path, **options: object) -> None:
            assert options == {"n_gpu_layers": -1, "n_threads": 1, "weights": "fast"}
            super().__init__(file, n_threads=1)
            self.choice = choice

    monkeypatch.setattr(measure, "Model", Opened)
    profile = _profile(path, weights="fast")
    assert profile.model["path"] == str(other)  # what ran
    assert profile.model["name"] == "the file's own"
    assert profile.file_bytes == 123
    assert profile.bits_per_weight == 8 * 100 / profile.model["n_params"]
    assert profile.model["weights"]["type"] == "BF16"
    assert profile.settings["weights"] == "BF16 (fast; file Q4_1)"
    assert "BF16 (fast; file Q4_1): CPU_Mapped" in profile.table()
    with pytest.raises(UsageError, match="choose 'native' or 'fast'"):
        _profile(path, weights="slow")
