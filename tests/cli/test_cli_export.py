"""`fastscore export`."""

from __future__ import annotations

from pathlib import Path

from command import Command

from fake_model import FakeModel
from fake_run import capitals, score


def test_files_of_lm_eval_are_written(fastscore: Command, tmp_path: Path) -> None:
    score(FakeModel(), log_prompts=True).save(tmp_path)
    done = fastscore("export", tmp_path)
    assert done.code == 0, done.err
    (main,) = (tmp_path / "lm-eval").glob("*/results_*.json")
    assert str(main) in done.err
    assert len(list(main.parent.glob("samples_mini_*.jsonl"))) == 3
    assert "no prompts" not in done.err


def test_a_run_without_prompts_is_exported_with_a_word_about_it(
    fastscore: Command, tmp_path: Path
) -> None:
    score(FakeModel()).save(tmp_path / "run")
    done = fastscore("export", tmp_path / "run", "--format", "lm-eval", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert list((tmp_path / "out").glob("*/results_*.json"))
    assert "--log-prompts" in done.err


def test_a_directory_without_results_is_an_error(fastscore: Command, tmp_path: Path) -> None:
    done = fastscore("export", tmp_path)
    assert done.code == 1
    assert "Traceback" not in done.err


def test_interactions_for_deepchecks_are_written(fastscore: Command, tmp_path: Path) -> None:
    score(FakeModel(), log_prompts=True).save(tmp_path)
    for options, name in (((), "interactions.jsonl"), (("--csv",), "interactions.csv")):
        done = fastscore("export", tmp_path, "--format", "deepchecks", *options)
        assert done.code == 0, done.err
        assert (tmp_path / "deepchecks" / name).is_file()
        assert f"{name} holds 108 interactions" in done.err


def test_interactions_need_the_prompts_of_the_run(fastscore: Command, tmp_path: Path) -> None:
    score(FakeModel()).save(tmp_path)
    done = fastscore("export", tmp_path, "--format", "deepchecks")
    assert done.code == 2
    assert "--log-prompts" in done.err
    assert not (tmp_path / "deepchecks").exists()


def test_a_csv_is_for_deepchecks_only(fastscore: Command, tmp_path: Path) -> None:
    done = fastscore("export", tmp_path, "--csv")
    assert done.code == 2
    assert "--csv is for --format deepchecks, not lm-eval" in done.err


def test_cells_that_a_spreadsheet_would_compute_are_told(
    fastscore: Command, tmp_path: Path
) -> None:
    task, rows = capitals(3)
    for row in rows:
        row["cities"] = [f"={city}" for city in row["cities"]]
    score(FakeModel(), task, rows={"capitals": rows}, log_prompts=True).save(tmp_path)
    done = fastscore("export", tmp_path, "--format", "deepchecks", "--csv")
    assert "take 6 of its cells for formulas" in done.err
