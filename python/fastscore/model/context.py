"""A llama.cpp context sized for the requests at hand, and the decoder on it."""

from __future__ import annotations

import ctypes
from typing import Any

from fastscore import _core
from fastscore.errors import MemoryLimitError, ModelError
from fastscore.machine import available_memory
from fastscore.model import library
from fastscore.model.info import ModelInfo
from fastscore.model.settings import MAX_SEQUENCES, EngineSettings, Limits, row_limit

# llama.cpp pads the number of cells to a multiple of this.
_CELL_PAD = 256
# Sequences of an attention model cost a row of logits each and nothing else; this many serve
# batches whose requests end after a handful of tokens.
_ATTENTION_SEQUENCES = 128
# States of a recurrent model cost memory each.
_STATE_MB = 128
_MOST_STATES = 32


class Context:
    """Owns a ``llama_context`` and its decoder. ``close`` may be called more than once."""

    def __init__(self, model: Any, settings: EngineSettings, limits: Limits) -> None:
        self._api, native = library.load()
        self.limits = limits
        self._context = _open(self._api, model, settings, limits)
        try:
            pointer = ctypes.cast(self._context, ctypes.c_void_p).value or 0
            self.decoder = _core.Decoder(native, pointer, limits.n_rows)
        except BaseException:
            self._free()
            raise

    def serves(self, wanted: Limits) -> bool:
        """Whether this context can run what ``wanted`` was made for."""
        have = self.limits
        return have.n_cells >= wanted.n_cells and (
            have.n_batch,
            have.n_seqs,
            have.n_rows,
            have.sharing,
        ) == (wanted.n_batch, wanted.n_seqs, wanted.n_rows, wanted.sharing)

    def close(self) -> None:
        """Wait for a step under way, then free the context."""
        if self._context is not None:
            self.decoder.close()
            self._free()

    def _free(self) -> None:
        self._api.llama_free(self._context)
        self._context = None


def _params(api: Any, settings: EngineSettings, limits: Limits) -> Any:
    params = api.llama_context_default_params()
    params.n_ctx = max(limits.n_cells, limits.n_batch)
    params.n_batch = params.n_ubatch = limits.n_batch
    params.n_seq_max = limits.n_seqs
    params.n_outputs_max = limits.n_rows
    params.n_threads = params.n_threads_batch = settings.n_threads
    params.flash_attn_type = (
        api.LLAMA_FLASH_ATTN_TYPE_DISABLED if settings.exact else api.LLAMA_FLASH_ATTN_TYPE_AUTO
    )
    params.type_k = params.type_v = api.GGML_TYPE_F32 if settings.exact else api.GGML_TYPE_F16
    # One pool of cells, in which a token may belong to many sequences.
    params.kv_unified = True
    # A sliding-window cache of the full size: a branch further up still finds its window.
    params.swa_full = True
    params.no_perf = True
    return params


def _open(api: Any, model: Any, settings: EngineSettings, limits: Limits) -> Any:
    library.take_log()
    context = api.llama_init_from_model(model, _params(api, settings, limits))
    if not context:
        log = library.take_log()
        raise ModelError(
            f"llama.cpp cannot make a context of {limits.n_cells} tokens:\n"
            f"{log or 'it gives no reason'}"
        )
    library.take_log()  # what it warned of here explains no later failure
    return context


def state_bytes(model: Any, info: ModelInfo, settings: EngineSettings) -> int:
    """Memory of one recurrent state, asked of llama.cpp itself; 0 for models without one."""
    if info.kind in ("attention", "sliding-window"):
        return 0
    api, _ = library.load()
    probe = Limits(n_batch=32, n_cells=_CELL_PAD, n_seqs=1, n_rows=1, sharing="state")
    context = _open(api, model, settings, probe)
    try:
        token = (api.llama_token * 1)(0)
        if library.decode(context, api.llama_batch_get_one(token, 1)) != 0:
            raise ModelError(f"llama.cpp cannot decode a token:\n{library.take_log()}")
        partial_only = 1  # LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: what is no plain KV cache
        return int(api.llama_state_seq_get_size_ext(context, 0, partial_only))
    finally:
        api.llama_free(context)


def sequence_limit(info: ModelInfo, settings: EngineSettings, n_rows: int, state: int) -> int:
    """Sequences worth having: never more than rows, which llama.cpp allocates one each for.

    ``state`` is what `state_bytes` says.
    """
    if info.kind in ("attention", "sliding-window"):
        return max(3, min(_ATTENTION_SEQUENCES, n_rows, MAX_SEQUENCES))
    states = (_STATE_MB << 20) // max(1, state)
    return int(max(1, min(_MOST_STATES, states, n_rows, settings.n_batch // 2)))


def limits_for(
    info: ModelInfo, settings: EngineSettings, n_seqs: int, longest_path: int, state: int
) -> Limits:
    """The least context that decodes paths of ``longest_path`` tokens in full batches."""
    attention = info.kind in ("attention", "sliding-window")
    # Attention needs the longest path and one batch. States that wait for their turn keep the
    # cells of their paths, so hybrid models get room for several batches.
    cells = longest_path + settings.n_batch * (1 if attention else 4)
    return Limits(
        n_batch=settings.n_batch,
        n_cells=padded(cells),
        n_seqs=n_seqs,
        n_rows=max(n_seqs, row_limit(info.n_vocab, settings.n_batch, settings.logits_mb)),
        sharing="prefix" if attention else "state",
        state_bytes=n_seqs * state,
    )


def padded(cells: int) -> int:
    """As many cells as llama.cpp makes of a number asked for."""
    return -(-cells // _CELL_PAD) * _CELL_PAD


def context_bytes(info: ModelInfo, settings: EngineSettings, limits: Limits) -> int:
    """Bytes that a context of these limits will take, estimated.

    KV cache, recurrent states, logit rows, and the compute buffers that grow with batch and cells.
    """
    return (
        _kv_bytes(info, settings, limits)
        + limits.state_bytes
        + _row_bytes(info, limits)
        + _compute_bytes(info, settings, limits)
    )


def _compute_bytes(info: ModelInfo, settings: EngineSettings, limits: Limits) -> int:
    """The attention mask in F32 and F16, and without flash kernels each head's scores in F32.

    llama.cpp reports 86 MB for SmolLM2-135M (9 heads) at a batch of 2048 over 8192 cells, where
    this gives 101 MB, and without flash kernels 174 MB at 512, where it gives 176 MB.
    """
    per_cell = 6 + (4 * info.n_heads if settings.exact else 0)
    return limits.n_batch * limits.n_cells * per_cell


def _kv_bytes(info: ModelInfo, settings: EngineSettings, limits: Limits) -> int:
    return limits.n_cells * info.kv_bytes_per_token * (2 if settings.exact else 1)


def _row_bytes(info: ModelInfo, limits: Limits) -> int:
    """Both copies of the logit rows, llama.cpp's and the caller's."""
    return 2 * limits.n_rows * info.n_vocab * 4


def check_memory(info: ModelInfo, settings: EngineSettings, limits: Limits) -> None:
    """Raise MemoryLimitError where a context of these limits would not fit into main memory."""
    total = context_bytes(info, settings, limits)
    available = available_memory()
    if available is not None and total > available:
        kv, rows = _kv_bytes(info, settings, limits), _row_bytes(info, limits)
        raise MemoryLimitError(
            f"the run needs about {total / 1e6:.0f} MB beside the model ({kv / 1e6:.0f} MB of KV "
            f"cache for {limits.n_cells} tokens, {rows / 1e6:.0f} MB of logit rows) and "
            f"{available / 1e6:.0f} MB are available; lower n_ctx, n_batch or logits_mb, or close "
            "other programs"
        )
