"""`fastscore compare`, with tiny models of random weights and with results on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command import Command

from fake_results import make_results
from fastscore import Comparison, Model
from models.broken import spoil_token
from models.fixtures import TinyModel


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "native", tmp_path / "Q2_K"
    for i, folder in enumerate(folders):
        results = make_results(folder.name, {"qa": 300}, seed=i, skill=1.5 - i)
        results.save(folder)
    return folders


def test_results_on_disk(fastscore: Command, runs: tuple[Path, Path], tmp_path: Path) -> None:
    done = fastscore("compare", *runs, "--margin", "0.02")
    assert done.code == 0
    assert done.out.startswith("Q2_K: worse on qa.\n")
    assert "qa, acc_norm: native" in done.out
    assert "qa, acc:" in fastscore("compare", *runs, "--verbose").out


def test_models_are_run_and_written(
    fastscore: Command, tiny_model: TinyModel, tmp_path: Path
) -> None:
    models = tiny_model("llama"), tiny_model("gemma3")
    arguments = ("-t", "mini_qa", "--limit", 3, "--threads", 1, "-o", tmp_path / "out")
    done = fastscore("compare", *models, *arguments)
    assert done.code == 0
    assert "model 1 of 2" in done.err
    assert f"The comparison is in {tmp_path / 'out'}" in done.err
    comparison = Comparison.load(tmp_path / "out")
    assert comparison.table() == done.out.rstrip("\n")
    again = fastscore("compare", *models, *arguments, "--quiet", "--json")
    assert again.err == ""
    assert json.loads(again.out)["candidates"][0]["differences"][0]["n"] == 3


@pytest.mark.parametrize("until", [(), ("--until", "decided")], ids=["all", "decided"])
def test_a_candidate_that_fails_is_left_out_and_the_exit_code_says_so(
    fastscore: Command, tiny_model: TinyModel, tmp_path: Path, until: tuple[str, ...]
) -> None:
    spoiled = Path(shutil.copy(tiny_model("llama"), tmp_path / "spoiled.gguf"))
    with Model(spoiled, n_threads=1) as model:
        letters = model.plain_ids("etaoin")
    for token in letters:
        spoil_token(spoiled, token)
    models = tiny_model("llama"), spoiled, tiny_model("gemma3")
    done = fastscore("compare", *models, "-t", "mini_qa", "--limit", 3, "--threads", 1, *until)
    assert done.code == 1
    assert "spoiled could not be scored, and is left out" in done.out
    assert done.out.startswith(f"{models[2].stem}: ")
    assert "Please report" not in done.err


def test_json_is_all_there_is_on_stdout(fastscore: Command, runs: tuple[Path, Path]) -> None:
    document = json.loads(fastscore("compare", *runs, "--json").out)
    assert document["margin"] == 0.01
    assert document["candidates"][0]["differences"][1]["verdict"] == "worse"


def test_markdown_report(fastscore: Command, runs: tuple[Path, Path], tmp_path: Path) -> None:
    done = fastscore("compare", *runs, "--report", tmp_path / "report.md")
    assert done.code == 0
    assert "Q2\\_K is worse" in (tmp_path / "report.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--limit", 3), "limit cannot be set"),
        (("--margin", 2), "margin is 2.0"),
        (("--tasks", "qb"), "no task or group 'qb'"),
        (("--divergence", "gone.txt"), "there is no file gone.txt"),
        (("--profile",), "profile takes models"),
        (("--rows", "qa"), "--rows takes TASK=FILE"),
    ],
)
def test_wrong_requests(
    fastscore: Command, runs: tuple[Path, Path], arguments: tuple[object, ...], words: str
) -> None:
    done = fastscore("compare", *runs, *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_candidate_is_needed(fastscore: Command, runs: tuple[Path, Path]) -> None:
    assert fastscore("compare", runs[0]).code == 2


def test_results_of_other_things_fail(
    fastscore: Command, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    make_results("x", {"other": 3}).save(tmp_path / "x")
    done = fastscore("compare", runs[0], tmp_path / "x")
    assert done.code == 1
    assert "no task in common" in done.err


def test_help_names_the_options_and_examples(fastscore: Command) -> None:
    done = fastscore("compare", "--help")
    assert done.code == 0
    for word in ("BASE", "CANDIDATE", "--margin", "--divergence", "--profile", "--report"):
        assert word in done.out
