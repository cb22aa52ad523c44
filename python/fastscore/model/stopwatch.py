"""How quickly a model decodes here, found with tokens that mean nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from fastscore.errors import MemoryLimitError
from fastscore.model.settings import EngineSettings
from fastscore.tokenise import EncodedRequests, encode_windows

if TYPE_CHECKING:
    from fastscore.model.model import Model

# A request as a multiple-choice item without examples has it: some context, a short answer.
_CONTEXT, _ANSWER = 60, 4


class Stopwatch:
    """Times a model under one setting after the other, until ``seconds`` are over.

    ``speed`` is the best so far in tokens a second: at first that of the model's own settings.
    Seconds of the clock on the wall, or with ``in_cpu_time`` those that this process had a core
    for, which mean little for several threads, as threads that wait for each other use them too.
    """

    def __init__(self, model: Model, seconds: float, *, in_cpu_time: bool = False) -> None:
        self._model = model
        self._in_cpu_time = in_cpu_time
        self._cpu_seconds = self._thread_seconds = 0.0
        self._end = time.perf_counter() + seconds
        # The first tokens read the weights from disk; they are decoded twice and timed once.
        self._decode(_dummies(model, 32))
        self.speed = self._decode(_dummies(model, 32))
        self.speed = max(self.speed, self.timed(model.settings) or 0.0)

    def timed(self, settings: EngineSettings) -> float | None:
        """Tokens a second over two full batches, the better of two tries; None: not tried.

        It is not when it would take longer, at the best speed so far, than the time that is left,
        or more memory than there is. Leaves the model with these settings.
        """
        n_tokens = 2 * settings.n_batch
        if 2 * n_tokens / self.speed > self._end - time.perf_counter():
            return None
        self._model.use(settings)
        try:
            dummies = _dummies(self._model, n_tokens)
            return max(self._decode(dummies), self._decode(dummies))
        except MemoryLimitError:
            return None

    @property
    def share(self) -> float:
        """Share of the time for which the threads had a core each; other programs had the rest."""
        return self._cpu_seconds / self._thread_seconds

    def _decode(self, requests: EncodedRequests) -> float:
        run = self._model.scoring(requests)
        started = time.process_time()
        for _ in run:
            pass
        cpu_seconds = time.process_time() - started
        seconds = run.seconds["decode"] + run.seconds["log_softmax"]
        self._cpu_seconds += cpu_seconds
        self._thread_seconds += seconds * self._model.settings.n_threads
        return run.tokens_decoded / (cpu_seconds if self._in_cpu_time else seconds)


def _dummies(model: Model, n_tokens: int) -> EncodedRequests:
    """Requests of some ``n_tokens`` random tokens in all, which share nothing."""
    window = model.settings.max_length
    answer = min(_ANSWER, window)
    context = max(1, min(_CONTEXT, window - answer))
    rng = np.random.default_rng(0)
    n_requests = max(1, n_tokens // (context + answer - 1))
    ids = rng.integers(0, model.info.n_vocab, (n_requests, context + answer), dtype=np.int32)
    return encode_windows([(row[:context], row[context:]) for row in ids], window)
