"""From items to likelihoods: tokenise, ask the store, let the engine score the rest, keep it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fastscore.errors import DecodeError
from fastscore.evaluation.preparation import distinct_characters
from fastscore.progress import Meter
from fastscore.reporters import Reporter
from fastscore.results import GenerationWork, WorkReport
from fastscore.storage.score_store import Store
from fastscore.types import Item, Likelihood

if TYPE_CHECKING:
    from fastscore.model import Completed, Model, ScoringRun


@dataclass(slots=True)
class Tally:
    """The work of a run, added up over its tasks."""

    requests: int = 0
    from_store: int = 0
    tokens_decoded: int = 0
    tokens_minimal: int = 0
    tokens_naive: int = 0
    logit_rows: int = 0
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("tokenise", "plan", "decode", "log_softmax"), 0.0)
    )

    def add(self, run: ScoringRun) -> None:
        """Add a finished run of the engine."""
        self.tokens_decoded += run.work.tokens
        self.tokens_minimal += run.work.tokens_minimal
        self.tokens_naive += run.work.tokens_naive
        self.logit_rows += run.work.logit_rows
        for phase, seconds in run.seconds.items():
            self.seconds[phase] += seconds

    def report(
        self,
        total_seconds: float,
        peak_memory_bytes: int | None,
        generation: GenerationWork | None = None,
    ) -> WorkReport:
        """Close the books: what the phases leave of the total is the rest."""
        phases = [self.seconds] if generation is None else [self.seconds, generation.seconds]
        rest = max(0.0, total_seconds - sum(sum(each.values()) for each in phases))
        return WorkReport(
            requests=self.requests,
            from_store=self.from_store,
            tokens_decoded=self.tokens_decoded,
            tokens_minimal=self.tokens_minimal,
            tokens_naive=self.tokens_naive,
            logit_rows=self.logit_rows,
            seconds={**self.seconds, "rest": rest, "total": total_seconds},
            peak_memory_bytes=peak_memory_bytes,
            generation=generation,
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """Likelihoods by item and choice; counts of requests whose token ids needed a rule."""

    likelihoods: list[list[Likelihood]]
    n_truncated: int
    n_boundary: int


class Scorer:
    """Scores the items of one task after the other with one model.

    ``on_first_run`` is called with the first run of the engine, before it decodes anything,
    ``on_answers`` with items and likelihoods as they become known.
    """

    def __init__(
        self,
        model: Model,
        store: Store,
        meter: Meter,
        reporter: Reporter,
        on_first_run: Callable[[ScoringRun], None],
        on_answers: Callable[[Sequence[Item], Sequence[Sequence[Likelihood]]], None],
    ) -> None:
        self.tally = Tally()
        self._model = model
        self._store = store
        self._meter = meter
        self._reporter = reporter
        self._on_first_run: Callable[[ScoringRun], None] | None = on_first_run
        self._on_answers = on_answers

    def answer(self, task: str, items: Sequence[Item]) -> Answers:
        """Find the likelihood of every choice, in the store or by the engine."""
        started = time.perf_counter()
        requests = self._model.encode(
            [
                (item.context_of(choice), continuation)
                for item in items
                for choice, continuation in enumerate(item.continuations)
            ]
        )
        self.tally.seconds["tokenise"] += time.perf_counter() - started
        digests = requests.digests
        found = self._store.lookup(digests)
        pending = np.flatnonzero(~found.mask)
        self.tally.requests += requests.n
        self.tally.from_store += requests.n - len(pending)
        text = distinct_characters(items)
        if len(pending) == 0:
            self._meter.plan(task, text, 0, all_new=False)
        else:
            run = self._model.scoring(requests, pending)
            self._meter.plan(task, text, run.work.tokens, all_new=len(pending) == requests.n)
            if self._on_first_run is not None:
                self._on_first_run(run)
                self._on_first_run = None
            for done in self._carry_out(run):
                index = done.index
                found.logprob[index] = done.logprob
                found.is_greedy[index] = done.is_greedy
                found.n_tokens[index] = done.n_tokens
                found.mask[index] = True
                ids = [digests[i] for i in index.tolist()]
                self._store.put(ids, done.logprob, done.is_greedy, done.n_tokens)
        if not found.mask.all():
            raise DecodeError(
                f"{task}: the engine left out {int((~found.mask).sum())} of {requests.n} requests; "
                "this is a fault of fastscore, please report it"
            )
        flat = map(
            Likelihood, found.logprob.tolist(), found.is_greedy.tolist(), found.n_tokens.tolist()
        )
        likelihoods = [[next(flat) for _ in item.continuations] for item in items]
        self._on_answers(items, likelihoods)
        return Answers(likelihoods, requests.n_truncated, requests.n_boundary)

    def _carry_out(self, run: ScoringRun) -> Iterator[Completed]:
        self._meter.start()
        try:
            for done in run:
                yield done
                self._meter.advance(run.tokens_decoded)
                self._reporter.update(self._meter.now())
        finally:
            self._meter.stop()
        self.tally.add(run)
