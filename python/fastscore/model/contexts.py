"""The one context that a model keeps open, and the limits of those it would need."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from fastscore import _core
from fastscore.model.context import (
    Context,
    check_memory,
    context_bytes,
    limits_for,
    sequence_limit,
    state_bytes,
)
from fastscore.model.generation_limits import GenerationLimits, generation_limits
from fastscore.model.settings import EngineSettings, Limits, row_limit
from fastscore.model.weights import Weights


class Contexts:
    """Makes a context when requests need one, and keeps it for those that it serves.

    Not safe against other threads: the model calls one method at a time.
    """

    def __init__(self, weights: Weights, settings: EngineSettings) -> None:
        self._weights = weights
        self._settings = settings
        self._open: Context | None = None

    def limits(self, longest_path: int) -> Limits:
        """Limits for paths of that many tokens: those of the open context where it serves them.

        Raises MemoryLimitError where another context would not fit into main memory.
        """
        info, settings = self._weights.info, self._settings
        return self._open_or(
            limits_for(info, settings, self._n_seqs, longest_path, self._state_bytes)
        )

    def _open_or(self, limits: Limits) -> Limits:
        if self._open is not None and self._open.serves(limits):
            return self._open.limits
        if self._settings.n_gpu_layers == 0:
            check_memory(self._weights.info, self._settings, limits)
        return limits

    def limits_within(self, longest_path: int, n_batch: int, logits_mb: int) -> Limits:
        """Limits for paths of that many tokens with other budgets than the settings'; unchecked."""
        info = self._weights.info
        settings = replace(self._settings, n_batch=n_batch, logits_mb=logits_mb)
        rows = row_limit(info.n_vocab, n_batch, logits_mb)
        n_seqs = sequence_limit(info, settings, rows, self._state_bytes)
        return limits_for(info, settings, n_seqs, longest_path, self._state_bytes)

    def new_bytes(self, limits: Limits) -> int:
        """Main memory that a context of these limits would take in addition, estimated."""
        if self._settings.n_gpu_layers != 0 or (
            self._open is not None and self._open.serves(limits)
        ):
            return 0
        return context_bytes(self._weights.info, self._settings, limits)

    def generation_limits(
        self, order: _core.PromptOrder, n_parallel: int | None
    ) -> GenerationLimits:
        """Limits for writing after the prompts of ``order``, `n_parallel` samples at a time.

        Raises MemoryLimitError as `limits` does, UsageError where so many samples cannot run.
        """
        info, settings = self._weights.info, self._settings
        limits = generation_limits(info, settings, self._state_bytes, order, n_parallel)
        return replace(limits, context=self._open_or(limits.context))

    def decoder(self, limits: Limits) -> _core.Decoder:
        """The decoder of a context that serves ``limits``."""
        if self._open is None or not self._open.serves(limits):
            self.close()
            self._open = Context(self._weights.pointer, self._settings, limits)
        return self._open.decoder

    def close(self) -> None:
        """Free the context, after a step under way. Another one may be made later."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @cached_property
    def _n_seqs(self) -> int:
        info, settings = self._weights.info, self._settings
        rows = row_limit(info.n_vocab, settings.n_batch, settings.logits_mb)
        return sequence_limit(info, settings, rows, self._state_bytes)

    @cached_property
    def _state_bytes(self) -> int:
        return state_bytes(self._weights.pointer, self._weights.info, self._settings)
