"""From prompts to texts: ask the store, let the engine write the rest, keep each sample."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastscore.errors import DecodeError
from fastscore.evaluation.preparation import distinct_characters
from fastscore.generation_settings import GenerationPlan
from fastscore.progress import Meter
from fastscore.reporters import Reporter
from fastscore.results import GenerationWork
from fastscore.storage.generation_store import GenerationStore, PromptDigest
from fastscore.types import Finished, Generation, GenerationRequest, OpenItem

if TYPE_CHECKING:
    from fastscore.model import GenerationRun, Model


@dataclass(slots=True)
class GenerationTally:
    """The work of generating and executing, added up over the tasks of a run."""

    samples: int = 0
    from_store: int = 0
    tokens_generated: int = 0
    prompt_tokens_decoded: int = 0
    prompt_tokens_minimal: int = 0
    programs: int = 0
    tokenise_seconds: float = 0.0
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("prefill", "decode", "sample", "execute"), 0.0)
    )

    def add(self, run: GenerationRun) -> None:
        """Add a finished run of the engine."""
        self.tokens_generated += run.tokens_generated
        self.prompt_tokens_decoded += run.prompt_tokens_decoded
        self.prompt_tokens_minimal += run.tokens_prefill_planned
        for phase in ("prefill", "decode", "sample"):
            self.seconds[phase] += run.seconds[phase]

    def report(self) -> GenerationWork | None:
        """Close the books; None where nothing was to be generated."""
        if self.samples == 0:
            return None
        return GenerationWork(
            samples=self.samples,
            from_store=self.from_store,
            tokens_generated=self.tokens_generated,
            prompt_tokens_decoded=self.prompt_tokens_decoded,
            prompt_tokens_minimal=self.prompt_tokens_minimal,
            programs=self.programs,
            seconds=dict(self.seconds),
        )


@dataclass(frozen=True, slots=True)
class Texts:
    """Generations by item and sample; the number of prompts that lost tokens from the left."""

    generations: list[list[Generation]]
    n_truncated: int


class Generator:
    """Answers the prompts of one task after the other with one model.

    ``on_first_run`` is called with the first run of the engine and the most tokens of one of its
    texts, before it writes anything.
    """

    def __init__(
        self,
        model: Model,
        store: GenerationStore,
        meter: Meter,
        reporter: Reporter,
        on_first_run: Callable[[GenerationRun, int], None],
    ) -> None:
        self.tally = GenerationTally()
        self._model = model
        self._store = store
        self._meter = meter
        self._reporter = reporter
        self._on_first_run: Callable[[GenerationRun, int], None] | None = on_first_run

    def answer(self, task: str, items: Sequence[OpenItem], plan: GenerationPlan) -> Texts:
        """Find every sample of every prompt, in the store or by the engine."""
        started = time.perf_counter()
        digests, n_truncated = self._digests(items, plan)
        self.tally.tokenise_seconds += time.perf_counter() - started
        known = self._store.lookup([name for names in digests for name in names])
        found = [known[at : at + plan.n] for at in range(0, len(known), plan.n)]
        stored = [one for one in known if one is not None]
        self.tally.samples += len(known)
        self.tally.from_store += len(stored)
        text = distinct_characters(items)
        if len(stored) == len(known):
            self._meter.plan(task, text, 0, all_new=False)
            self._meter.end_texts(len(stored), sum(one.n_tokens for one in stored))
        else:
            self._write(task, items, plan, found, digests)
        if any(one is None for samples in found for one in samples):
            raise DecodeError(
                f"{task}: the engine left out some of {len(known)} texts; this is a fault of "
                "fastscore, please report it"
            )
        complete = [[one for one in samples if one is not None] for samples in found]
        return Texts(complete, n_truncated)

    def _digests(
        self, items: Sequence[OpenItem], plan: GenerationPlan
    ) -> tuple[list[list[bytes]], int]:
        """Name all samples by what decides them; count prompts that are longer than their room.

        As in lm-evaluation-harness a prompt keeps its last tokens that, with the most that may be
        written, fit the window.
        """
        named, n_truncated = [], 0
        for item in items:
            most = plan.max_tokens or item.max_tokens
            ids = self._model.tokenize(item.context)
            room = max(0, self._model.settings.max_length - most)
            n_truncated += len(ids) > room
            prompt = PromptDigest(ids[max(0, len(ids) - room) :], plan.sampling, item.stop, most)
            named.append([prompt.sample(number) for number in range(plan.n)])
        return named, n_truncated

    def _write(
        self,
        task: str,
        items: Sequence[OpenItem],
        plan: GenerationPlan,
        found: list[list[Generation | None]],
        digests: Sequence[Sequence[bytes]],
    ) -> None:
        """Have the engine write what is missing of ``found``."""
        missing = [
            (index, tuple(number for number, one in enumerate(samples) if one is None))
            for index, samples in enumerate(found)
        ]
        missing = [(index, numbers) for index, numbers in missing if numbers]
        requests = [
            GenerationRequest(
                items[index].context,
                numbers,
                items[index].stop,
                plan.max_tokens or items[index].max_tokens,
            )
            for index, numbers in missing
        ]
        run = self._model.generating(requests, plan.sampling)
        stored = [one for samples in found for one in samples if one is not None]
        self._meter.plan(
            task, distinct_characters(items), run.tokens_prefill_planned, all_new=not stored
        )
        self._meter.end_texts(len(stored), sum(one.n_tokens for one in stored))
        if self._on_first_run is not None:
            self._on_first_run(run, max(request.max_tokens for request in requests))
            self._on_first_run = None
        for done in self._carry_out(run):
            index = missing[done.request][0]
            found[index][done.sample] = done.generation
            self._store.put(digests[index][done.sample], done.generation)

    def _carry_out(self, run: GenerationRun) -> Iterator[Finished]:
        self._meter.start()
        try:
            for step in run:
                yield from step
                self._meter.advance_writing(
                    run.prompt_tokens_decoded,
                    run.tokens_generated,
                    run.seconds["prefill"],
                    run.seconds["decode"] + run.seconds["sample"],
                )
                self._meter.end_texts(len(step))
                self._reporter.update(self._meter.now())
        finally:
            self._meter.stop()
        self.tally.add(run)
