"""What lm-eval calls the metrics and the files of tasks, where that is not what fastscore does."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r'["<>:/|\\?*\[\]]+')
# The same measure is pass@1 in lm-eval's humaneval. Its mbpp knows no other k.
_METRICS = {"mbpp": {"pass@1": "pass_at_1"}}
# What makes programs of the texts there is a filter by this name.
_FILTERS = {
    "humaneval": {"none": "create_test"},
    "humaneval_instruct": {"until_fence": "create_test"},
}
_PASS_AT = re.compile(r"^pass_at_(\d+)(?=,|$)")


def safe(name: str) -> str:
    """Return a name as part of a path, as lm-eval makes one of the name of a model."""
    return _UNSAFE.sub("__", name)


def exported_metric(task: str, metric: str) -> str:
    """Return lm-eval's name of one of a task's metrics, which has no filter in it."""
    return _METRICS.get(task, {}).get(metric, metric)


def exported_filter(task: str, name: str) -> str:
    """Return lm-eval's name of one of the ways to find a task's answers in texts."""
    return _FILTERS.get(task, {}).get(name, name)


def imported(metric: str) -> str:
    """Return fastscore's name of one of lm-eval's metrics: ``pass@1`` for ``pass_at_1``."""
    return _PASS_AT.sub(r"pass@\1", metric)
