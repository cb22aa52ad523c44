"""Nobody pays for tools that are not used, and who lacks one is told what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

TOOLS = {
    "lm_eval",
    "datasets",
    "transformers",
    "torch",
    "deepeval",
    "mlflow",
    "ragas",
    "phoenix",
    "opentelemetry",
    "openinference",
    "deepchecks",
    "deepchecks_llm_client",
}


@pytest.mark.parametrize("module", ["fastscore", "fastscore.cli", "fastscore.integrations"])
def test_importing_fastscore_imports_no_tool(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {module}"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "fastscore" in imported
    assert imported & TOOLS == set()


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("lm_eval", "lm-eval"),
        ("mlflow", "MLflow"),
        ("deepeval", "DeepEval"),
        ("ragas", "RAGAs"),
        ("opentelemetry", "OpenTelemetry"),
        ("phoenix", "phoenix.evals"),
    ],
)
def test_a_missing_tool_is_named_with_its_extra(tool: str, said: str) -> None:
    code = (
        f"import sys; sys.modules[{tool!r}] = None\n"
        f"try:\n    import fastscore.integrations.{tool}\n"
        "except ImportError as error:\n    print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"MissingToolError {said} cannot be imported")
    assert f"pip install 'fastscore-gguf[{tool.replace('_', '-')}]'" in done.stdout
