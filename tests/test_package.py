"""The front door: what ``import fastscore`` offers, whole or half installed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import fastscore
from fake_model import FakeModel
from fastscore import Results, evaluate, load


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )


def test_evaluate_is_the_function_whatever_was_imported_before() -> None:
    done = _python(
        """
        import fastscore.evaluation.evaluate, fastscore.cli.run
        from fastscore import evaluate
        assert callable(evaluate)
        """
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_extension_is_explained() -> None:
    done = _python(
        """
        import sys
        sys.modules["fastscore._core"] = None  # as if it had never been built
        import fastscore
        for use in (lambda: fastscore.Model, lambda: fastscore.evaluate("demo", "mini")):
            try:
                use()
            except fastscore.EngineMismatchError as error:
                print(error)
        """
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "fastscore._core" in line
        assert "pip install" in line


def test_results_are_loaded(tmp_path: Path) -> None:
    evaluate(FakeModel(), "mini_qa", output=tmp_path, progress=False)  # type: ignore[arg-type]
    results = load(tmp_path)
    assert isinstance(results, Results)
    assert results["mini_qa"].n == 36


def test_there_is_a_version() -> None:
    assert fastscore.__version__[0].isdigit()
