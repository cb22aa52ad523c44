"""A llama.cpp context as ``llama-bench`` makes it, and its tests: tokens read, tokens written.

Settings and order of the calls are those of ``tools/llama-bench/llama-bench.cpp`` in llama.cpp:
random tokens, BOS first where the model wants it, logits of the last token only, an F16 KV cache,
a sliding-window cache of the window's size. Several sequences are written as by
``llama-batched-bench``, each with cells of its own. Scoring runs with other settings, see
`fastscore.model.context`.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fastscore.closing import Closing
from fastscore.errors import DecodeError, ModelError
from fastscore.model import library
from fastscore.model.context import padded
from fastscore.model.weights import Weights
from fastscore.tokenise import Ids

FlashAttention = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """How the tests of one context run; ``n_ctx`` is the length of each sequence in tokens."""

    n_ctx: int
    n_batch: int
    n_ubatch: int
    n_parallel: int
    n_threads: int
    flash_attention: FlashAttention


class Bench(Closing):
    """Owns a ``llama_context``. ``close`` may be called more than once.

    Times are wall-clock seconds of decoding alone: tokens are drawn and batches are laid out
    before. Raises ModelError when llama.cpp makes no such context.
    """

    def __init__(self, weights: Weights, settings: BenchSettings, seed: int = 0) -> None:
        self._api, _ = library.load()
        self._weights = weights
        self._settings = settings
        self._random = np.random.default_rng(seed)
        library.take_log()
        self._context: Any = self._api.llama_init_from_model(weights.pointer, self._params())
        if not self._context:
            raise ModelError(
                f"llama.cpp cannot make a context of {settings.n_parallel} x {settings.n_ctx} "
                f"tokens:\n{library.take_log() or 'it gives no reason'}"
            )
        self._memory = self._api.llama_get_memory(self._context)

    def _params(self) -> Any:
        api, settings = self._api, self._settings
        params = api.llama_context_default_params()
        # A sequence of many gets its share of the cells, rounded up.
        several = settings.n_parallel > 1
        params.n_ctx = settings.n_parallel * padded(settings.n_ctx) if several else settings.n_ctx
        params.n_batch = settings.n_batch
        params.n_ubatch = settings.n_ubatch
        params.n_seq_max = settings.n_parallel
        params.n_threads = params.n_threads_batch = settings.n_threads
        params.flash_attn_type = {
            "auto": api.LLAMA_FLASH_ATTN_TYPE_AUTO,
            "on": api.LLAMA_FLASH_ATTN_TYPE_ENABLED,
            "off": api.LLAMA_FLASH_ATTN_TYPE_DISABLED,
        }[settings.flash_attention]
        params.swa_full = False
        return params

    def clear(self) -> None:
        """Forget all tokens."""
        self._api.llama_memory_clear(self._memory, False)

    def read(self, n_tokens: int) -> float:
        """Read random tokens into the first sequence; the seconds it took (``pp``)."""
        return self.read_ids(self._draw(n_tokens, first=True))

    def read_ids(self, ids: Ids) -> float:
        """Read these tokens; the seconds until their logits are there."""
        size = self._settings.n_batch
        batches = [_prompt(self._api, ids[i : i + size]) for i in range(0, len(ids), size)]
        return self._timed(batches, wait_for_each=False)

    def write(self, n_tokens: int) -> float:
        """Write random tokens in every sequence, one a step; the seconds it took (``tg``)."""
        n_seqs = self._settings.n_parallel
        begins = [self._api.llama_memory_seq_pos_max(self._memory, s) + 1 for s in range(n_seqs)]
        ids = np.stack([self._draw(n_tokens, first=True) for _ in range(n_seqs)], axis=1)
        layout = _Layout(self._api, n_seqs)
        batches = [layout.step(row, [at + step for at in begins]) for step, row in enumerate(ids)]
        return self._timed(batches, wait_for_each=True)

    def _timed(self, batches: list[Any], *, wait_for_each: bool) -> float:
        decode: Callable[[Any, Any], int] = self._api.llama_decode
        synchronize, context = self._api.llama_synchronize, self._context
        begin = time.perf_counter()
        for batch in batches:
            code = decode(context, batch)
            if code != 0:
                raise DecodeError(f"llama_decode returned {code}:\n{library.take_log()}")
            if wait_for_each:
                synchronize(context)
        synchronize(context)
        return time.perf_counter() - begin

    def likeliest(self) -> int:
        """The token of the largest logit after the last one read."""
        row = self._api.llama_get_logits_ith(self._context, -1)
        if not row:
            raise DecodeError("llama.cpp gave no logits after a prompt")
        return int(np.argmax(np.ctypeslib.as_array(row, (self._weights.info.n_vocab,))))

    def state(self) -> bytes:
        """What the first sequence keeps, to be put into other contexts of this model."""
        size = self._api.llama_state_seq_get_size(self._context, 0)
        buffer = (ctypes.c_uint8 * size)()
        written = self._api.llama_state_seq_get_data(self._context, buffer, size, 0)
        return bytes(buffer[:written])

    def restore(self, state: bytes) -> bool:
        """Put a kept sequence into every sequence; whether llama.cpp could."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        return all(
            self._api.llama_state_seq_set_data(self._context, buffer, len(state), seq) > 0
            for seq in range(self._settings.n_parallel)
        )

    def state_bytes(self) -> int:
        """Bytes of the first sequence's recurrent state, once a token was read."""
        if self._weights.info.kind not in ("recurrent", "hybrid"):
            return 0
        partial_only = 1  # LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: what is no plain KV cache
        return int(self._api.llama_state_seq_get_size_ext(self._context, 0, partial_only))

    def _draw(self, n_tokens: int, *, first: bool) -> Ids:
        info = self._weights.info
        ids = self._random.integers(0, info.n_vocab, n_tokens, dtype=np.int32)
        if first and info.add_bos and info.bos is not None:
            ids[0] = info.bos
        return ids

    def close(self) -> None:
        """Free the context."""
        if self._context is not None:
            self._api.llama_free(self._context)
            self._context = None


def _prompt(api: Any, ids: Ids) -> Any:
    """A batch that follows what the first sequence holds, with the logits of its last token."""
    batch = api.llama_batch()
    batch.n_tokens = len(ids)
    batch.token = _array(api.llama_token, ids)  # ctypes keeps what is assigned to a pointer
    return batch


class _Layout:
    """Batches of one token a sequence, with its logits; keeps what they point to."""

    def __init__(self, api: Any, n_seqs: int) -> None:
        self._api = api
        self._n_seqs = n_seqs
        self._ids = [(api.llama_seq_id * 1)(seq) for seq in range(n_seqs)]
        pointer = ctypes.POINTER(api.llama_seq_id)
        self._seq_id = (pointer * n_seqs)(*(ctypes.cast(ids, pointer) for ids in self._ids))
        self._n_seq_id = (ctypes.c_int32 * n_seqs)(*[1] * n_seqs)
        self._logits = (ctypes.c_int8 * n_seqs)(*[1] * n_seqs)

    def step(self, tokens: Ids, positions: list[int]) -> Any:
        batch = self._api.llama_batch()
        batch.n_tokens = self._n_seqs
        batch.token = _array(self._api.llama_token, tokens)
        batch.pos = (self._api.llama_pos * self._n_seqs)(*positions)
        batch.n_seq_id = self._n_seq_id
        batch.seq_id = self._seq_id
        batch.logits = self._logits
        return batch


def _array(kind: Any, values: Ids) -> Any:
    return (kind * len(values))(*values.tolist())
