"""What a comparison of models says, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fastscore.results import Results
from fastscore.results.primary import primary_metric
from fastscore.results.values import Named
from fastscore.statistics.means import MetricValue

if TYPE_CHECKING:
    from fastscore.distance import Divergence
    from fastscore.profiling import Profile

Verdict = Literal["better", "worse", "equivalent", "no difference found", "undefined"]

ALPHA = 0.05
"""The share of false claims that is put up with, over all comparisons of a family together."""


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that base and candidate score differently.

    Attributes:
        doc_id: Index of the row among the rows of the task.
        gold: The right choices by index, or the reference texts of a task with generated answers.
        base_score: The item's value of the metric, base's and candidate's.
        candidate_score: As above.
        base_pred: The choice that the metric judged; None where it is not known (results of an
            older fastscore say it for ``acc`` only) or where there is none, as for texts.
        candidate_pred: As above.
        base_probabilities: Softmax of the choices' log-likelihoods, one a choice; None for texts,
            and where every choice has probability zero.
        candidate_probabilities: As above.
        contexts: The prompt, or one a choice where they differ, if prompts were logged.
        continuations: The choices as scored, if prompts were logged.
        base_output: The text that was judged, of a task with generated answers: the first sample.
        candidate_output: As above.

    """

    doc_id: int
    gold: tuple[int, ...] | tuple[str, ...]
    base_score: float
    candidate_score: float
    base_pred: int | None = None
    candidate_pred: int | None = None
    base_probabilities: tuple[float, ...] | None = None
    candidate_probabilities: tuple[float, ...] | None = None
    contexts: tuple[str, ...] | None = None
    continuations: tuple[str, ...] | None = None
    base_output: str | None = None
    candidate_output: str | None = None

    @property
    def gained(self) -> bool:
        """Whether the candidate does better here than the base."""
        return self.candidate_score > self.base_score


@dataclass(frozen=True, slots=True)
class Difference:
    """One candidate against the base on one task or group, in one metric.

    Everything is paired: about the same ``n`` items in both. What is undefined is NaN, and
    ``reason`` says why. Numbers are in the metric's own unit (0.01 is one point of accuracy).

    Attributes:
        task: Name of the task or group.
        metric: As the task reports it.
        n: Items that both scored.
        base: Mean over these items, base's and candidate's.
        candidate: As above.
        difference: ``candidate - base``.
        stderr: Standard error of the difference: sample standard deviation of the items'
            differences over the root of n.
        ci95: 95 % interval of the difference: Tango's score interval where every score is 0 or 1,
            else Student's.
        p_value: Of no difference, two-sided: McNemar's exact test where every score is 0 or 1,
            else the paired t test.
        p_holm: The same after Holm's correction over the comparisons of the family.
        margin: Differences smaller than this are held for none.
        equivalence_p: Of a difference of at least the margin: the larger of two one-sided tests.
        equivalence_holm: The same after Holm's correction.
        n_gained: Items where the candidate scores higher, and lower.
        n_lost: As above.
        verdict: What follows, see `spoken`.
        gold_change: Mean change of the log-likelihood of the right choice (the likeliest one of
            several), candidate minus base. Without an interval where a run stopped early.
        margin_change: Mean change of what the right choice is ahead of the best wrong one.
        family: Whether this is one of the comparisons that were asked for: the primary metric of
            a task or group asked for. The others are corrected among themselves.
        reason: Why something is undefined, and of a run that stopped early what it is about.
        n_total: Items there are, where a run stopped early; None where all were scored. Then the
            difference is about these, there are no p-values, and ``ci95`` and verdict come from a
            confidence sequence, which stays valid however often one looked.
        alpha: The chance of a miss of that interval: 0.05 shared out evenly over the family.

    """

    task: str
    metric: str
    n: int
    base: float
    candidate: float
    difference: float
    stderr: float
    ci95: tuple[float, float]
    p_value: float
    p_holm: float
    margin: float
    equivalence_p: float
    equivalence_holm: float
    n_gained: int
    n_lost: int
    verdict: Verdict
    gold_change: MetricValue
    margin_change: MetricValue
    family: bool
    reason: str | None = None
    n_total: int | None = None
    alpha: float | None = None

    @property
    def within_margin(self) -> bool:
        """Whether the difference is shown to be smaller than the margin, whatever its sign."""
        if self.n_total is not None:
            return max(-self.ci95[0], self.ci95[1]) < self.margin
        return self.equivalence_holm < ALPHA

    @property
    def spoken(self) -> str:
        """The verdict in words, with what could have been missed where nothing was found."""
        if self.verdict == "equivalent":
            return f"equivalent within {self.margin:g}"
        if self.verdict in ("better", "worse") and self.within_margin:
            return f"{self.verdict}, but by less than {self.margin:g}"
        if self.verdict == "no difference found" and not math.isnan(self.ci95[0]):
            low, high = self.possible
            return f"no difference found; {low:+.3f} to {high:+.3f} are possible"
        return self.verdict

    @property
    def interval_name(self) -> str:
        """What ``ci95`` is: of a run that stopped early it holds with another chance."""
        share = 0.95 if self.alpha is None else 1 - self.alpha
        return f"{100 * share:.4g} % interval"

    @property
    def possible(self) -> tuple[float, float]:
        """The interval, and 0 where that was not excluded: the tests are stricter than it is.

        They are corrected for the number of comparisons, and McNemar's is exact.
        """
        low, high = self.ci95
        if self.verdict == "no difference found":
            return min(low, 0.0), max(high, 0.0)
        return low, high


@dataclass(frozen=True)
class Contender:
    """A model in a comparison: what it is called there, and its results.

    ``profile`` is what it costs on this machine, where that was measured.
    """

    label: str
    results: Results = field(repr=False)
    profile: Profile | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Candidate(Contender):
    """A model that is held against the base.

    Attributes:
        differences: One for each task or group and metric that both have, in the order of tables.
        flips: By task, the items that the two score differently in the task's primary metric;
            for metrics that are not 0 or 1, the largest changes.
        divergence: How far its distributions are from the base's, where that was measured.

    """

    differences: tuple[Difference, ...] = ()
    flips: Mapping[str, tuple[Flip, ...]] = field(default_factory=dict, repr=False)
    divergence: Divergence | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "flips", Named("task", self.flips))

    def __getitem__(self, task: str) -> Difference:
        """Return a task's or group's difference in its primary metric."""
        of_task = {one.metric: one for one in self.differences if one.task == task}
        if not of_task:
            tasks = {one.task: one for one in self.differences}
            return Named("task or group", tasks)[task]  # the error names the nearest
        return of_task[primary_metric(of_task)]
