"""Two models run over the same tokens, a decode step of each at a time, and compared on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fastscore import _core
from fastscore.errors import DecodeError, MemoryLimitError
from fastscore.machine import available_memory
from fastscore.model import library
from fastscore.model.run import Work
from fastscore.model.settings import EngineSettings, Limits
from fastscore.tokenise import EncodedRequests

# With fewer rows a step the output matrix is read more often: 32 rows of Gemma's 262,144 logits
# take 6 % longer in all than 64.
_ROWS_WORTH_HAVING = 64


@dataclass(frozen=True, slots=True)
class Side:
    """What a lock-step run needs of one of its models.

    ``limits`` takes the longest path in tokens, tokens a step and MiB for logit rows; ``new_bytes``
    says what a context of some limits takes of main memory beyond what is taken already.
    """

    settings: EngineSettings
    n_vocab: int
    limits: Callable[[int, int, int], Limits]
    new_bytes: Callable[[Limits], int]
    decoder: Callable[[Limits], _core.Decoder]
    exclusive: AbstractContextManager[object]


@dataclass(frozen=True, slots=True)
class ComparedTokens:
    """Continuation tokens that a step compared, by request and place in its continuation.

    Shapes [n]. ``kl`` is KL(base || candidate) in nats of the distributions that the token was
    drawn from, ``*_logprob`` its natural log-probability under each model, ``same_top`` whether
    both models' most probable token is the same.
    """

    request: npt.NDArray[np.int32]
    step: npt.NDArray[np.int32]
    kl: npt.NDArray[np.float64]
    base_logprob: npt.NDArray[np.float64]
    candidate_logprob: npt.NDArray[np.float64]
    same_top: npt.NDArray[np.bool_]


class LockStepRun:
    """Iterate to carry the run out, a decode step of both models at a time.

    The models share the memory that scoring may take for logit rows: each has half of the smaller
    ``logits_mb``, or all of it where half is less than 64 rows. Between steps the interpreter runs,
    so Ctrl-C lands within two batches. A run can be iterated once.
    """

    def __init__(
        self, requests: EncodedRequests, base: Side, candidate: Side, pool: _core.ThreadPool
    ) -> None:
        self._base = base
        self._candidate = candidate
        self._pool = pool
        self._started = False
        self.tokens_decoded = 0
        self.seconds = {"plan": 0.0, "base": 0.0, "candidate": 0.0, "compare": 0.0}

        start = time.perf_counter()
        trie = _core.TokenTrie()
        trie.extend(
            requests.context_ids,
            requests.context_offsets,
            requests.context_of,
            requests.continuation_ids,
            requests.continuation_offsets,
            np.arange(requests.n, dtype=np.int64),
        )
        self._limits = common_limits(trie.longest_path, base, candidate)
        limits = self._limits[0]
        self._plan = _core.Plan(
            trie,
            n_batch=limits.n_batch,
            n_cells=limits.n_cells,
            n_seqs=limits.n_seqs,
            n_rows=limits.n_rows,
            sharing=limits.sharing,
        )
        self.seconds["plan"] = time.perf_counter() - start
        self.work = Work(
            n_requests=requests.n,
            tokens=self._plan.n_tokens,
            tokens_minimal=trie.n_tokens,
            tokens_naive=trie.n_tokens_naive,
            tokens_repeated=self._plan.n_repeated,
            logit_rows=self._plan.n_rows,
            steps=self._plan.n_steps,
        )

    @property
    def limits(self) -> Limits:
        """Budgets that the plan keeps, those of each model."""
        return self._limits[0]

    def __iter__(self) -> Iterator[ComparedTokens]:
        if self._started:
            raise RuntimeError("a lock-step run can be iterated once; ask the model for a new one")
        self._started = True
        if self.work.steps == 0:
            return
        with ExitStack() as stack:
            # Two threads that want the same two models must ask for them in the same order.
            for exclusive in sorted({self._base.exclusive, self._candidate.exclusive}, key=id):
                stack.enter_context(exclusive)
            pair = _core.PairScorer(
                self._base.decoder(self._limits[0]),
                self._candidate.decoder(self._limits[1]),
                self._plan,
                self._pool,
            )
            while not pair.done:
                yield self._step(pair)

    def _step(self, pair: _core.PairScorer) -> ComparedTokens:
        try:
            compared = ComparedTokens(*pair.step())
        except DecodeError as error:
            failed = pair.failed_request
            where = f"request {failed}: " if failed >= 0 else ""
            raise DecodeError(f"{where}{error}\n{library.take_log()}".strip()) from error
        self.tokens_decoded = pair.n_tokens
        self.seconds["base"] = pair.base_seconds
        self.seconds["candidate"] = pair.candidate_seconds
        self.seconds["compare"] = pair.compare_seconds
        return compared


def common_limits(longest_path: int, base: Side, candidate: Side) -> tuple[Limits, Limits]:
    """Limits of both contexts, alike in all that a plan knows.

    Where one of the models has states, which can only be copied whole, both are treated so.
    Raises MemoryLimitError where the two would not fit into main memory together.
    """
    n_batch = min(side.settings.n_batch for side in (base, candidate))
    logits_mb = _share(min(side.settings.logits_mb for side in (base, candidate)), base.n_vocab)
    own = [side.limits(longest_path, n_batch, logits_mb) for side in (base, candidate)]
    n_seqs = min(limits.n_seqs for limits in own)
    common = [
        replace(
            limits,
            n_cells=max(each.n_cells for each in own),
            n_seqs=n_seqs,
            n_rows=max(n_seqs, min(each.n_rows for each in own)),
            sharing="state" if any(each.sharing == "state" for each in own) else "prefix",
            state_bytes=limits.state_bytes * n_seqs // limits.n_seqs,
        )
        for limits in own
    ]
    _check_memory(common, base, candidate)
    return common[0], common[1]


def _share(logits_mb: int, n_vocab: int) -> int:
    """Of the MiB for logit rows what each of two models gets; llama.cpp holds a row twice."""
    worth_having = -(-_ROWS_WORTH_HAVING * 2 * 4 * n_vocab // 2**20)
    return max(1, logits_mb // 2, min(logits_mb, worth_having))


def _check_memory(limits: list[Limits], base: Side, candidate: Side) -> None:
    needed = [side.new_bytes(each) for side, each in zip((base, candidate), limits, strict=True)]
    if base.exclusive is candidate.exclusive:
        needed.pop()
    available = available_memory()
    if available is not None and sum(needed) > available:
        parts = " and ".join(f"{n / 1e6:.0f} MB" for n in needed)
        raise MemoryLimitError(
            f"running both models over texts of {limits[0].n_cells} tokens takes {parts} beside "
            f"their weights and {available / 1e6:.0f} MB are available; lower n_ctx or logits_mb, "
            "or close other programs"
        )
