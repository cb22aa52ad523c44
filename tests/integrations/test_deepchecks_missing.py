"""Who has a Deepchecks that does not run here is told what to install, and nobody else is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os
try:
    import fastscore.integrations.{module}
except ImportError as error:
    print(type(error).__name__, error)
print(os.environ.get("DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY"))
"""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        # What 0.19.1 does with scikit-learn 1.8 and later, and with setuptools 81 and later.
        ("raise ValueError(\"'max_error' is not a valid scoring value\")", "'max_error' is not"),
        ("import a_module_that_is_gone", "No module named 'a_module_that_is_gone'"),
    ],
)
def test_a_deepchecks_that_does_not_run_is_said_with_its_extra(
    tmp_path: Path, fault: str, said: str
) -> None:
    (tmp_path / "deepchecks.py").write_text(fault)
    (tmp_path / "pandas.py").touch()
    lines = _run(CODE.format(module="deepchecks"), tmp_path)
    assert lines[0].startswith("MissingToolError Deepchecks cannot be imported")
    assert said in lines[0]
    assert "pip install 'fastscore-gguf[deepchecks]'" in lines[0]
    assert lines[1] == "True", "its import tells its makers"


def test_a_missing_client_is_said_with_its_extra(tmp_path: Path) -> None:
    (tmp_path / "deepchecks_llm_client.py").write_text("import a_module_that_is_gone")
    lines = _run(CODE.format(module="deepchecks_llm"), tmp_path)
    assert "pip install 'fastscore-gguf[deepchecks-llm]'" in lines[0]


def _run(code: str, modules: Path) -> list[str]:
    # First of all places: the real packages may be installed.
    environment = {**os.environ, "PYTHONPATH": str(modules)}
    environment.pop("DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY", None)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.splitlines()
