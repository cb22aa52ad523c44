"""How good is this GGUF model, on this machine? Multiple-choice benchmarks, scored in process.

The numbers are lm-evaluation-harness's, and nothing is decoded twice.

Example:
    >>> from fastscore import evaluate
    >>> results = evaluate("demo", "mini")  # doctest: +SKIP
    >>> print(results)  # doctest: +SKIP

What is heavy (the engine, numpy, the benchmarks) is imported when it is first used.

"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastscore.errors import (
    DataError,
    DecodeError,
    DownloadError,
    EngineMismatchError,
    FastscoreError,
    MemoryLimitError,
    ModelError,
    QuantizeError,
    ResultsError,
    TokenizerError,
    UsageError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from fastscore.assistant import Assistant, Decision
    from fastscore.comparison import Candidate, Comparison, Difference, Flip
    from fastscore.comparison.compare import compare
    from fastscore.distance import Divergence
    from fastscore.distance.divergence import divergence
    from fastscore.evaluation.evaluate import UnsavedResultsError, evaluate
    from fastscore.evaluation.sample_files import evaluate_samples
    from fastscore.model import Model, QuantizedFile, quantize
    from fastscore.profiling import Profile
    from fastscore.profiling.measure import profile
    from fastscore.progress import Progress
    from fastscore.report import write_plots, write_report
    from fastscore.results import (
        GenerationSample,
        GroupResult,
        MetricValue,
        Results,
        Sample,
        SampleScores,
        TaskResult,
    )
    from fastscore.statistics.bootstrap import Bootstrap, bootstrap_mean, standard_error
    from fastscore.statistics.passk import g_pass_at_k, pass_at_k, pass_hat_k
    from fastscore.statistics.sequential import ConfidenceSequence, confidence_sequence
    from fastscore.tasks import GenerationTask, OpenQuestion, Question, Task
    from fastscore.types import Generation, Likelihood, Sampling

    __version__: str

__all__ = [
    "Assistant",
    "Bootstrap",
    "Candidate",
    "Comparison",
    "ConfidenceSequence",
    "DataError",
    "Decision",
    "DecodeError",
    "Difference",
    "Divergence",
    "DownloadError",
    "EngineMismatchError",
    "FastscoreError",
    "Flip",
    "Generation",
    "GenerationSample",
    "GenerationTask",
    "GroupResult",
    "Likelihood",
    "MemoryLimitError",
    "MetricValue",
    "Model",
    "ModelError",
    "OpenQuestion",
    "Profile",
    "Progress",
    "QuantizeError",
    "QuantizedFile",
    "Question",
    "Results",
    "ResultsError",
    "Sample",
    "SampleScores",
    "Sampling",
    "Task",
    "TaskResult",
    "TokenizerError",
    "UnsavedResultsError",
    "UsageError",
    "__version__",
    "bootstrap_mean",
    "compare",
    "confidence_sequence",
    "divergence",
    "evaluate",
    "evaluate_samples",
    "g_pass_at_k",
    "load",
    "pass_at_k",
    "pass_hat_k",
    "profile",
    "quantize",
    "standard_error",
    "write_plots",
    "write_report",
]

_HOME = {
    "Assistant": "fastscore.assistant",
    "Decision": "fastscore.assistant",
    "Bootstrap": "fastscore.statistics.bootstrap",
    "Candidate": "fastscore.comparison",
    "ConfidenceSequence": "fastscore.statistics.sequential",
    "Comparison": "fastscore.comparison",
    "Difference": "fastscore.comparison",
    "Flip": "fastscore.comparison",
    "Divergence": "fastscore.distance",
    "Generation": "fastscore.types",
    "GenerationSample": "fastscore.results",
    "GenerationTask": "fastscore.tasks",
    "GroupResult": "fastscore.results",
    "Likelihood": "fastscore.types",
    "MetricValue": "fastscore.results",
    "Model": "fastscore.model",
    "OpenQuestion": "fastscore.tasks",
    "Profile": "fastscore.profiling",
    "Progress": "fastscore.progress",
    "QuantizedFile": "fastscore.model",
    "Question": "fastscore.tasks",
    "Results": "fastscore.results",
    "Sample": "fastscore.results",
    "Sampling": "fastscore.types",
    "SampleScores": "fastscore.results",
    "Task": "fastscore.tasks",
    "TaskResult": "fastscore.results",
    "UnsavedResultsError": "fastscore.evaluation.evaluate",
    "bootstrap_mean": "fastscore.statistics.bootstrap",
    "confidence_sequence": "fastscore.statistics.sequential",
    "compare": "fastscore.comparison.compare",
    "divergence": "fastscore.distance",
    "evaluate": "fastscore.evaluation.evaluate",
    "evaluate_samples": "fastscore.evaluation.sample_files",
    "g_pass_at_k": "fastscore.statistics.passk",
    "pass_at_k": "fastscore.statistics.passk",
    "pass_hat_k": "fastscore.statistics.passk",
    "profile": "fastscore.profiling.measure",
    "quantize": "fastscore.model",
    "standard_error": "fastscore.statistics.bootstrap",
    "write_plots": "fastscore.report",
    "write_report": "fastscore.report",
}

# What cannot be imported without the compiled part.
_NATIVE = {
    "fastscore.assistant",
    "fastscore.statistics.sequential",
    "fastscore.comparison.compare",
    "fastscore.distance",
    "fastscore.statistics.bootstrap",
    "fastscore.evaluation.evaluate",
    "fastscore.model",
    "fastscore.profiling.measure",
    "fastscore.statistics.passk",
    "fastscore.evaluation.sample_files",
}


def load(path: str | Path) -> Results:
    """Read the results of a run back from its output directory; ResultsError where there are none.

    The same as ``Results.load``.
    """
    from fastscore.results import Results

    return Results.load(path)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("fastscore-gguf")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _HOME[name] in _NATIVE:
        from fastscore.native import require_core

        require_core()
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
