"""The command fastscore-lm-eval: which model it runs, and what it says where lm-eval is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastscore.cli.lm_eval import with_model
from fastscore.formats.lm_eval.reading import read_lm_eval
from models.fixtures import TinyModel


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["--tasks", "x"], ["run", "--model", "fastscore", "--tasks", "x"]),
        (["--tasks=x"], ["run", "--model", "fastscore", "--tasks=x"]),
        (["run", "--tasks=x"], ["run", "--model", "fastscore", "--tasks=x"]),
        (["run", "--tasks", "x"], ["run", "--model", "fastscore", "--tasks", "x"]),
        (["--model", "hf", "--tasks", "x"], None),
        (["run", "--model=hf"], None),
        (["-Mhf", "--tasks", "x"], None),
        (["--tasks", "x", "--model"], None),
        (["run", "-C", "no_such.yaml"], None),
        (["ls", "tasks"], None),
        (["--help"], None),
        (["-h"], None),
        (["run", "--help"], None),
        (["run"], None),
        ([], None),
    ],
)
def test_the_command_runs_our_model_unless_told_otherwise(
    given: list[str], made: list[str] | None
) -> None:
    assert with_model(given) == (given if made is None else made)


@pytest.mark.parametrize(
    ("text", "names_one"),
    [
        ("model: hf\ntasks: [x]", True),
        ("model_args:\n  pretrained: model.gguf\ntasks: [x]", False),
        ("- x", True),  # not as lm-eval has it, and so for lm-eval to refuse
        ("model: [", True),
    ],
)
def test_a_file_of_arguments_may_name_a_model(text: str, names_one: bool, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(text, "utf-8")
    for given in (["run", "--config", str(config)], [f"--config={config}"], [f"-C{config}"]):
        made = with_model(given)
        assert (made == given) is names_one
        assert names_one or made[:3] == ["run", "--model", "fastscore"]


def test_the_command_runs_a_task_and_writes_lm_evals_files(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")
    rows = [{"q": f"What is {i}?", "answers": ["the sun", "the moon"], "gold": i} for i in (0, 1)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    task = {
        "task": "own_task",
        "dataset_path": "json",
        "dataset_kwargs": {
            "data_files": {"test": str(tmp_path / "rows.jsonl")},
            "cache_dir": str(tmp_path / "datasets"),
        },
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{q}}",
        "doc_to_choice": "{{answers}}",
        "doc_to_target": "gold",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    (tmp_path / "own_task.yaml").write_text(json.dumps(task), "utf-8")  # JSON is YAML
    command = [str(Path(sys.executable).with_name("fastscore-lm-eval"))]
    command += ["--model_args", f"pretrained={tiny_model('llama')},n_threads=1"]
    command += ["--tasks", "own_task", "--include_path", str(tmp_path), "--log_samples"]
    command += ["--output_path", str(tmp_path / "out")]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_DATASETS_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "own_task" in done.stdout
    read = read_lm_eval(tmp_path / "out")
    assert read.tasks["own_task"].n == 2
    assert read.model["backend"] == "fastscore"


def test_the_command_says_what_is_missing_in_one_line() -> None:
    code = (
        "import sys; sys.modules['lm_eval'] = None; from fastscore.cli.lm_eval import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("fastscore-lm-eval: lm-eval cannot be imported")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tasks", "no_such_task"), "Tasks not found: no_such_task"),
        (("--config", "no-such-file.yaml"), "no-such-file.yaml"),
        (("--model", "no_such_model", "--tasks", "arc_easy"), "no_such_model"),
        (("--tasks", "arc_easy", "--limit", "2", "--samples", '{"arc_easy": [1]}'), "limit"),
    ],
)
def test_lm_evals_refusals_are_a_line(arguments: tuple[str, ...], said: str) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")
    # By itself: lm-eval's command line sets variables and loggers of the whole process.
    command = [sys.executable, "-c", "from fastscore.cli.lm_eval import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("fastscore-lm-eval: ")
    assert said in line


def test_an_error_on_the_way_keeps_its_traceback() -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")
    code = """
import lm_eval
def fail(**_): raise ValueError("in the middle")
lm_eval.simple_evaluate = fail
from fastscore.cli.lm_eval import main
main()
"""
    command = [sys.executable, "-c", code, "--tasks", "arc_easy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "lm_eval/_cli/run.py" in done.stderr
    assert done.stderr.splitlines()[-1] == "ValueError: in the middle"


def test_the_command_says_in_a_line_that_it_was_stopped() -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")
    code = (
        "import lm_eval.__main__ as cli, signal; "
        "cli.cli_evaluate = lambda: signal.raise_signal(signal.SIGINT); "
        "from fastscore.cli.lm_eval import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Stopped. With --use_cache" in done.stderr
    assert "Traceback" not in done.stderr
