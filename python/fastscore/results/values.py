"""What a run says about each task, each group, and the work it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from fastscore.errors import UsageError
from fastscore.metrics import get_metric
from fastscore.nearest import did_you_mean
from fastscore.results.generation import GenerationSummary, GenerationWork
from fastscore.results.generation_sample import GenerationSample
from fastscore.results.sample import Sample
from fastscore.results.stopping import Stopping
from fastscore.statistics.means import MetricValue, pool, summarise
from fastscore.types import Origin

V = TypeVar("V")

AnySample = Sample | GenerationSample
"""An item of a task: a choice among given answers, or texts that the model wrote."""


class UnknownNameError(UsageError, KeyError):
    """A task, group or metric that these results do not hold; the message names the nearest."""

    def __str__(self) -> str:
        # KeyError would show the message in quotes.
        return str(self.args[0])


class Named(Mapping[str, V]):
    """Values by name, in order; asking for an unknown name says what there is."""

    def __init__(self, kind: str, values: Mapping[str, V]) -> None:
        self._kind = kind
        self._values = dict(values)

    def __getitem__(self, name: str) -> V:
        if name in self._values:
            return self._values[name]
        raise unknown_name(self._kind, name, list(self._values))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


def unknown_name(kind: str, name: object, known: Sequence[str]) -> UnknownNameError:
    """Return the error for a name that is not there."""
    hint = did_you_mean(name, known, "")
    listed = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    return UnknownNameError(
        f"these results have no {kind} {name!r}; {f'{hint} ' if hint else ''}"
        f"there are {listed or 'none'}"
    )


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task's scores.

    Attributes:
        metrics: Under the names that lm-eval reports.
        n: Items scored.
        num_fewshot: Solved examples shown before each question.
        version: lm-eval's version of the task.
        variant: What sets these scores apart from lm-eval's; None where nothing does.
        notices: What else a reader must know of the prompts, in whole sentences.
        origin: The rows that were scored.
        fewshot_origin: The rows that examples were drawn from; None where none were.
        truncated: Requests (one a choice) whose context was cut from the left to fit the window.
        boundary: Requests whose continuation had no token of its own, scored by the rule for it.
        samples: The items; read from disk on first use where the results were loaded.
        generation: How texts were generated and run; None for a task of given choices.
        stopping: Where the run was allowed to end before all items were scored: of how many items
            these are the first. Then each ``ci95`` is for the value that all items would give.

    """

    metrics: Mapping[str, MetricValue]
    n: int
    num_fewshot: int
    version: str
    variant: str | None
    notices: tuple[str, ...]
    origin: Origin
    fewshot_origin: Origin | None
    truncated: int
    boundary: int
    samples: Sequence[AnySample] = field(repr=False, compare=False)
    generation: GenerationSummary | None = None
    stopping: Stopping | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", Named("metric", self.metrics))

    @classmethod
    def from_samples(
        cls,
        samples: Sequence[Sample],
        metrics: Mapping[str, str],
        *,
        num_fewshot: int,
        version: str,
        variant: str | None = None,
        notices: Sequence[str] = (),
        origin: Origin,
        fewshot_origin: Origin | None = None,
        truncated: int = 0,
        boundary: int = 0,
    ) -> TaskResult:
        """Summarise scored items; ``metrics`` maps reported names to metrics, as they were scored.

        Raises:
            UsageError: there is no such metric.

        """
        return cls(
            metrics={
                name: summarise(
                    [sample.scores[name] for sample in samples], binary=get_metric(metric).binary
                )
                for name, metric in metrics.items()
            },
            n=len(samples),
            num_fewshot=num_fewshot,
            version=version,
            variant=variant,
            notices=tuple(notices),
            origin=origin,
            fewshot_origin=fewshot_origin,
            truncated=truncated,
            boundary=boundary,
            samples=samples,
        )

    def without_prompts(self) -> TaskResult:
        """Return the same with samples that hold no texts of prompts and choices."""
        if not any(sample.has_prompt for sample in self.samples):
            return self
        return replace(self, samples=[sample.without_prompt() for sample in self.samples])


@dataclass(frozen=True, slots=True)
class GroupResult:
    """Several tasks taken together, as lm-eval does: each counts by its number of items.

    ``members`` are the tasks and groups directly below, ``tasks`` all tasks at the leaves, ``n``
    their items. ``metrics`` are those that every one of the tasks reports. ``stopping`` is as that
    of a `TaskResult`; of a run that stopped early the standard errors are those of all items taken
    together, which were drawn from all tasks at once.
    """

    members: tuple[str, ...]
    tasks: tuple[str, ...]
    metrics: Mapping[str, MetricValue]
    n: int
    stopping: Stopping | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", Named("metric", self.metrics))

    @classmethod
    def from_tasks(
        cls, members: Sequence[str], tasks: Mapping[str, TaskResult], metrics: Mapping[str, str]
    ) -> GroupResult:
        """Pool the results of the tasks at the leaves, given by name.

        ``metrics`` maps reported names to metrics; one that a task lacks is left out.

        Raises:
            UsageError: there is no such metric.

        """
        sizes = [task.n for task in tasks.values()]
        shared = [name for name in metrics if all(name in t.metrics for t in tasks.values())]
        return cls(
            members=tuple(members),
            tasks=tuple(tasks),
            metrics={
                name: pool(
                    [task.metrics[name] for task in tasks.values()],
                    sizes,
                    binary=get_metric(metrics[name]).binary,
                )
                for name in shared
            },
            n=sum(sizes),
        )


@dataclass(frozen=True, slots=True)
class WorkReport:
    """What a run cost.

    Attributes:
        requests: Continuations that the scores of given choices needed.
        from_store: Those of them that an earlier run had left in the store. The counts of tokens
            and rows are about the others.
        tokens_decoded: Tokens that went through the model.
        tokens_minimal: Tokens that must, when everything shared is decoded once.
        tokens_naive: Tokens that one request at a time would have decoded.
        logit_rows: Rows of logits read, [n_vocab] each.
        seconds: Wall-clock time of ``tokenise``, ``plan``, ``decode``, ``log_softmax``, ``rest``,
            and of all together as ``total``.
        peak_memory_bytes: Largest resident set of the process; None where the system does not say.
        generation: The same for generated texts, whose times are no part of ``seconds`` but of
            its total; None where there were none.

    """

    requests: int
    from_store: int
    tokens_decoded: int
    tokens_minimal: int
    tokens_naive: int
    logit_rows: int
    seconds: Mapping[str, float]
    peak_memory_bytes: int | None
    generation: GenerationWork | None = None


PHASES = ("tokenise", "plan", "decode", "log_softmax", "rest", "total")
"""The keys of `WorkReport.seconds`."""
