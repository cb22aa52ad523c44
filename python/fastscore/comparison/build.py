"""From the results of several models to what differs between them."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from fastscore.comparison import agreement
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.early import Drawn, drawn_items, verdict_of
from fastscore.comparison.flips import find_flips
from fastscore.comparison.measuring import Changes, Pairs, measure, measure_changes
from fastscore.comparison.pairing import Pairing, pair_items
from fastscore.comparison.values import ALPHA, Candidate, Contender, Difference, Flip, Verdict
from fastscore.errors import ResultsError, UsageError
from fastscore.results import Results
from fastscore.results.primary import primary_metric
from fastscore.results.rows import by_text
from fastscore.results.values import unknown_name
from fastscore.statistics.multiplicity import holm
from fastscore.statistics.paired import Paired


@dataclass(slots=True)
class _Row:
    """One task or group and metric of one candidate, measured but not yet judged."""

    name: str
    metric: str
    paired: Paired
    changes: Changes
    family: bool
    drawn: Drawn | None  # where runs stopped early


@dataclass(slots=True)
class _Held:
    """A candidate held against the base, before the corrections over all candidates."""

    contender: Contender
    rows: list[_Row] = field(default_factory=list)
    flips: dict[str, tuple[Flip, ...]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def compare_results(
    base: Contender,
    candidates: Sequence[Contender],
    *,
    margin: float,
    tasks: Sequence[str] | None = None,
) -> Comparison:
    """Hold the results of candidates against those of a base, item by item.

    ``tasks`` are names of tasks or groups; None compares all that the runs have in common.

    Raises:
        UsageError: the margin is not between 0 and 1, or there is no such task.
        ResultsError: scores are not about the same thing; the message says in what they differ.

    """
    check_margin(margin)
    known = dict.fromkeys(name for one in (base, *candidates) for name in one.results)
    for name in tasks or ():
        if name not in known:
            raise unknown_name("task or group", name, list(known))
    held = [_Held(contender) for contender in candidates]
    refusals: list[tuple[str, str]] = []
    for one in held:
        refusals += [
            (one.contender.label, text) for text in _hold(base.results, one, margin, tasks)
        ]
    if refusals:
        listed = "\n".join(f"  {text}" for text in by_text(refusals))
        raise ResultsError(f"these results cannot be held against {base.label}:\n{listed}")
    warnings = by_text((one.contender.label, text) for one in held for text in one.warnings)
    return Comparison(
        base=base,
        candidates=tuple(_judge(held, margin)),
        margin=margin,
        tasks=None if tasks is None else tuple(tasks),
        warnings=tuple(warnings),
    )


def check_margin(margin: float) -> None:
    """Raise UsageError for a margin that is no difference between two scores."""
    if isinstance(margin, bool) or not isinstance(margin, (int, float)) or not 0 < margin < 1:
        raise UsageError(
            f"margin is {margin!r}; it must lie between 0 and 1, in the metric's own unit: 0.01 is "
            "one point of accuracy"
        )


def _hold(base: Results, held: _Held, margin: float, wanted: Sequence[str] | None) -> list[str]:
    """Pair and measure all tasks of one candidate; return why that cannot be done."""
    candidate = held.contender.results
    names = _shared_tasks(base, candidate, wanted)
    if not names:
        here, there = ", ".join(candidate.tasks), ", ".join(base.tasks)
        return [f"no task in common: the base has {there}; here are {here}"]
    missing = [name for name in _asked(base, wanted) if name not in names]
    missing += [name for name in _asked(candidate, wanted) if name not in names + missing]
    if missing:
        held.warnings.append(f"not in both, and so left out: {', '.join(missing)}")
    pairings: dict[str, Pairing] = {}
    refusals: list[tuple[str, str]] = []
    warnings: list[tuple[str, str]] = []
    for name in names:
        templates = agreement.same_rows(base, candidate, name)
        pairing = pair_items(base.tasks[name], candidate.tasks[name], own_templates=templates)
        pairings[name] = pairing
        refusals += [(name, t) for t in agreement.task_refusals(base, candidate, name, pairing)]
        warnings += [(name, t) for t in agreement.task_warnings(base, candidate, name, pairing)]
    apart = [(name, text) for name in names if (text := _nothing_shared(base, candidate, name))]
    if len(apart) == len(names):
        refusals += [(name, f"no metric in common: {text}") for name, text in apart]
    else:
        warnings += [
            (name, f"no metric in common, and so left out: {text}") for name, text in apart
        ]
    held.warnings += [*by_text(warnings), *agreement.run_warnings(base, candidate)]
    if refusals:
        return list(by_text(refusals))
    for name, pairs, metrics, is_asked in _entries(base, candidate, pairings, wanted):
        changes = measure_changes(pairs)
        first = primary_metric(metrics)
        tasks = (name,) if name in pairings else base.groups[name].tasks
        drawn = drawn_items(base, candidate, tasks, pairings)
        for metric in metrics:
            paired = measure(pairs, metric, margin)
            counts = is_asked and metric == first
            held.rows.append(_Row(name, metric, paired, changes, counts, drawn))
            if metric == first and name in pairings:
                held.flips[name] = find_flips(pairs, metric, binary=paired.binary)
    return []


def _shared_tasks(base: Results, candidate: Results, wanted: Sequence[str] | None) -> list[str]:
    shared = [name for name in base.tasks if name in candidate.tasks]
    if wanted is None:
        return shared
    inside = set(_asked(base, wanted))
    return [name for name in shared if name in inside]


def _asked(results: Results, wanted: Sequence[str] | None) -> list[str]:
    """Name the tasks of these results that are asked for, those of groups among them."""
    if wanted is None:
        return list(results.tasks)
    names: dict[str, None] = {}
    for name in wanted:
        if name in results.groups:
            names |= dict.fromkeys(results.groups[name].tasks)
        elif name in results.tasks:
            names[name] = None
    return list(names)


def _entries(
    base: Results,
    candidate: Results,
    pairings: dict[str, Pairing],
    wanted: Sequence[str] | None,
) -> Iterator[tuple[str, Pairs, list[str], bool]]:
    """Yield name, pairs, metrics of groups and tasks, and whether it is one that was asked for.

    A group whose tasks are all there comes before them, and counts in their place.
    """
    groups = {
        name: group.tasks
        for name, group in base.groups.items()
        if name in candidate.groups
        and set(group.tasks) == set(candidate.groups[name].tasks)
        and all(task in pairings for task in group.tasks)
    }
    covered: set[str] = set()
    for name, tasks in groups.items():
        inner = any(set(tasks) < set(others) for others in groups.values())
        metrics = _shared_metrics(base.groups[name].metrics, candidate.groups[name].metrics)
        if metrics:
            pairs = [pair for task in tasks for pair in pairings[task].pairs]
            yield name, pairs, metrics, name in wanted if wanted else not inner
            covered.update(tasks)
    for name, pairing in pairings.items():
        metrics = _shared_metrics(base.tasks[name].metrics, candidate.tasks[name].metrics)
        if metrics:
            is_asked = name not in covered or (wanted is not None and name in wanted)
            yield name, pairing.pairs, metrics, is_asked


def _nothing_shared(base: Results, candidate: Results, name: str) -> str | None:
    """Return what each run measured of a task, where they have no metric in common."""
    here, there = candidate.tasks[name].metrics, base.tasks[name].metrics
    if _shared_metrics(there, here):
        return None
    return f"{', '.join(there) or 'none'} in the base, {', '.join(here) or 'none'} here"


def _shared_metrics(base: Iterable[str], candidate: Container[str]) -> list[str]:
    return [metric for metric in base if metric in candidate]


def _judge(held: Sequence[_Held], margin: float) -> Iterator[Candidate]:
    """Correct for the number of comparisons, over all candidates together, and give verdicts."""
    rows = [row for one in held for row in one.rows]
    judged: dict[int, Difference] = {}
    for family in (True, False):
        members = [row for row in rows if row.family is family]
        tested = [row for row in members if row.drawn is None]
        # Those that stopped early use up their share of the errors put up with; Holm's correction
        # of the others counts them as if none of them could be claimed.
        spent = [1.0] * (len(members) - len(tested))
        differs = holm([row.paired.p_value for row in tested] + spent)
        within = holm([row.paired.equivalence_p for row in tested] + spent)
        for row, p, q in zip(tested, differs, within, strict=False):
            judged[id(row)] = _difference(row, p, q, margin)
        for row in members:
            if row.drawn is not None:
                judged[id(row)] = _drawn_difference(row, row.drawn, ALPHA / len(members), margin)
    for one in held:
        differences = [judged[id(row)] for row in one.rows]
        yield Candidate(
            label=one.contender.label,
            results=one.contender.results,
            profile=one.contender.profile,
            differences=tuple(differences),
            flips=one.flips,
        )


def _difference(row: _Row, p_holm: float, equivalence_holm: float, margin: float) -> Difference:
    paired = row.paired
    return Difference(
        task=row.name,
        metric=row.metric,
        n=paired.n,
        base=paired.base,
        candidate=paired.candidate,
        difference=paired.difference,
        stderr=paired.stderr,
        ci95=paired.ci95,
        p_value=paired.p_value,
        p_holm=p_holm,
        margin=margin,
        equivalence_p=paired.equivalence_p,
        equivalence_holm=equivalence_holm,
        n_gained=paired.n_gained,
        n_lost=paired.n_lost,
        verdict=_verdict(paired.difference, p_holm, equivalence_holm),
        gold_change=row.changes.gold,
        margin_change=row.changes.margin,
        family=row.family,
        reason=paired.reason,
    )


def _drawn_difference(row: _Row, drawn: Drawn, alpha: float, margin: float) -> Difference:
    """Judge by the confidence sequence, at this comparison's share of the errors put up with."""
    interval = drawn.interval(row.metric, alpha)
    nan = math.nan
    reason = drawn.fault or row.paired.reason
    if not math.isnan(interval[0]):
        reason = drawn.spoken(alpha)
    paired = replace(row.paired, ci95=interval, p_value=nan, equivalence_p=nan, reason=reason)
    return replace(
        _difference(replace(row, paired=paired), nan, nan, margin),
        verdict=verdict_of(interval, margin),
        gold_change=drawn.change(row.changes.gold),
        margin_change=drawn.change(row.changes.margin),
        n_total=drawn.n_total,
        alpha=alpha,
    )


def _verdict(difference: float, p_holm: float, equivalence_holm: float) -> Verdict:
    if math.isnan(p_holm):
        return "undefined"
    if p_holm < ALPHA:
        return "better" if difference > 0 else "worse"
    return "equivalent" if equivalence_holm < ALPHA else "no difference found"
