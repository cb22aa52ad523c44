"""What a run found: scores with their uncertainty, where they came from, and what they cost."""

from fastscore.results.generation import ExecutionSummary, GenerationSummary, GenerationWork
from fastscore.results.generation_sample import GenerationSample
from fastscore.results.results import Results
from fastscore.results.sample import Sample
from fastscore.results.sample_scores import SampleScores
from fastscore.results.values import GroupResult, TaskResult, WorkReport
from fastscore.statistics.means import MetricValue

__all__ = [
    "ExecutionSummary",
    "GenerationSample",
    "GenerationSummary",
    "GenerationWork",
    "GroupResult",
    "MetricValue",
    "Results",
    "Sample",
    "SampleScores",
    "TaskResult",
    "WorkReport",
]
