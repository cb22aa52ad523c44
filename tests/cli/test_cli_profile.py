"""`fastscore profile`: options in, a profile out; what is measured is tested with the profile."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command import Command

from fastscore.profiling import Profile, Speed, Workload
from fastscore.profiling.values import Energy, Loading, Memory
from models.fixtures import TinyModel

MEASURED = Profile(
    model={"name": "Tiny", "fingerprint": "0", "n_params": 8, "file_bytes": 9, "weights_bytes": 8},
    loading=Loading(0.5, None),
    first_token=None,
    speeds=(Speed(Workload(512, 0), (100.0, 102.0)),),
    skipped=(),
    memory=Memory(None, None, 512, {}, {}, {}, {}, 64, 0, 0, 0),
    energy=Energy(None, "nobody says"),
    settings={"n_threads": 2, "flash_attention": "auto"},
    devices=("CPU",),
    warnings=(),
    versions={},
    machine={"cpu": "Some CPU"},
    seconds=1.0,
    date="2026-01-02T03:04:05+00:00",
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def profile(model: str, **options: Any) -> Profile:
        calls.append({"model": model, **options})
        return MEASURED

    module = SimpleNamespace(profile=profile)
    monkeypatch.setitem(sys.modules, "fastscore.profiling.measure", module)
    return calls


def test_the_defaults_are_the_functions(fastscore: Command, asked: list[dict[str, Any]]) -> None:
    done = fastscore("profile", "demo")
    assert done.code == 0
    assert done.out == MEASURED.table() + "\n"
    assert asked == [
        {
            "model": "demo",
            "n_prompt": None,
            "n_gen": None,
            "n_depth": None,
            "n_batch": [2048],
            "n_ubatch": [512],
            "n_parallel": None,
            "repetitions": None,
            "n_threads": None,
            "n_gpu_layers": -1,
            "flash_attention": "auto",
            "weights": "native",
            "quick": False,
            "seconds": 60.0,
            "progress": None,
        }
    ]


def test_llama_benchs_letters(fastscore: Command, asked: list[dict[str, Any]]) -> None:
    letters = "-p 64,128 -n 0 -d 0,4096 -b 128 -ub 32,64 -npl 1,8 -r 2 -t 3 -ngl 0 -fa off -q"
    assert (
        fastscore(
            "profile", "a.gguf", *letters.split(), "--quick", "--seconds", "0", "--weights", "fast"
        ).code
        == 0
    )
    assert asked[0] == {
        "model": "a.gguf",
        "n_prompt": [64, 128],
        "n_gen": [0],
        "n_depth": [0, 4096],
        "n_batch": [128],
        "n_ubatch": [32, 64],
        "n_parallel": [1, 8],
        "repetitions": 2,
        "n_threads": 3,
        "n_gpu_layers": 0,
        "flash_attention": "off",
        "weights": "fast",
        "quick": True,
        "seconds": None,
        "progress": False,
    }


def test_json_and_a_file(fastscore: Command, asked: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    done = fastscore("profile", "demo", "--json", "--output", file)
    assert json.loads(done.out) == MEASURED.to_dict()
    assert Profile.load(file) == MEASURED
    assert done.err == f"The profile is in {file}.\n"


@pytest.mark.parametrize(
    ("name", "said"), [("", "it is a directory"), ("file/profile.json", "choose another file")]
)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(
    fastscore: Command, asked: list[dict[str, Any]], tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "file").touch()
    done = fastscore("profile", "demo", "--output", tmp_path / name)
    assert done.code == 1
    assert f"the profile cannot be written to {tmp_path / name}" in done.err
    assert said in done.err
    assert asked == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "-p", "many"], "--n-prompt takes numbers such as 512 or 128,512, not 'many'"),
        (["demo", "-p", "128,"], "--n-prompt takes numbers"),
        (["no-such.gguf"], "there is no file no-such.gguf"),
        (["demo", "-fa", "maybe"], "Invalid value"),
    ],
)
def test_usage_errors(fastscore: Command, arguments: list[str], said: str) -> None:
    done = fastscore("profile", *arguments)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_tiny_model_from_end_to_end(fastscore: Command, tiny_model: TinyModel) -> None:
    done = fastscore(
        "profile", tiny_model("llama"), "-p", "16", "-n", "4", "-r", "1", "-t", "1", "--json"
    )
    assert done.code == 0
    assert [speed["name"] for speed in json.loads(done.out)["speeds"]] == ["pp16", "tg4"]
    assert "Measuring first token, pp16, tg4, once each: about" in done.err
