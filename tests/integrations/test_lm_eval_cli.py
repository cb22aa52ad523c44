"""The command fastscore-lm-eval: which model it runs, and what it says where lm-eval is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fastscore.integrations.lm_eval_cli import with_model


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["--tasks", "x"], ["run", "--model", "fastscore", "--tasks", "x"]),
        (["run", "--tasks", "x"], ["run", "--model", "fastscore", "--tasks", "x"]),
        (["--model", "hf", "--tasks", "x"], None),
        (["run", "--model=hf"], None),
        (["run", "-C", "run.yaml"], None),
        (["ls", "tasks"], None),
        (["--help"], None),
        ([], None),
    ],
)
def test_the_command_runs_our_model_unless_told_otherwise(
    given: list[str], made: list[str] | None
) -> None:
    assert with_model(given) == (given if made is None else made)


def test_the_command_says_what_is_missing_in_one_line() -> None:
    code = (
        "import sys; sys.modules['lm_eval'] = None; "
        "from fastscore.integrations.lm_eval_cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("fastscore-lm-eval: lm-eval cannot be imported")
    assert "Traceback" not in done.stderr
