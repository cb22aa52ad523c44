"""How many samples a generation run writes at a time, and the context that takes."""

from __future__ import annotations

from dataclasses import dataclass

from fastscore import _core
from fastscore.errors import UsageError
from fastscore.machine import available_memory
from fastscore.model.arguments import is_whole
from fastscore.model.context import padded
from fastscore.model.info import ModelInfo
from fastscore.model.settings import MAX_SEQUENCES, EngineSettings, Limits, row_limit

# A CPU is busy with this many; a GPU has room for all that llama.cpp can number.
_CPU_SAMPLES = 16
_MOST_READY = 32
# Of models whose states can only be copied whole.
_STATE_READY = 2
_CHECKPOINTS = 4
_STATES_MB = 256
# What the KV cache may take of the memory that is free, so that the rest of a run, and of the
# computer, has room too.
_SHARE_OF_MEMORY = 0.25


@dataclass(frozen=True, slots=True)
class GenerationLimits:
    """Budgets of a generation run.

    ``n_running`` samples at a time, ``n_ready`` prompts prefilled ahead of them, ``n_checkpoints``
    kept beginnings of prompts, for models whose states cannot be cut.
    """

    context: Limits
    n_running: int
    n_ready: int
    n_checkpoints: int


def generation_limits(
    info: ModelInfo,
    settings: EngineSettings,
    state_bytes: int,
    order: _core.PromptOrder,
    n_parallel: int | None,
) -> GenerationLimits:
    """Limits for the prompts of ``order``.

    ``state_bytes`` is the memory of one recurrent state. ``n_parallel`` is the number of samples at
    a time that the caller wants; UsageError where that cannot be.
    """
    attention = info.kind in ("attention", "sliding-window")
    most = _most_running(info, settings, state_bytes)
    if n_parallel is None:
        wanted = most if settings.n_gpu_layers != 0 else _CPU_SAMPLES
        n_running = max(1, min(wanted, most))
    else:
        _check_parallel(n_parallel, most)
        n_running = n_parallel
    n_ready = _ready(n_running) if attention else _STATE_READY
    n_checkpoints = 0 if attention else _CHECKPOINTS
    n_seqs = _sequences(n_running, attention)
    context = Limits(
        n_batch=settings.n_batch,
        n_cells=padded(_cells(info, settings, order, n_running, n_ready)),
        n_seqs=n_seqs,
        n_rows=n_seqs,
        sharing="prefix" if attention else "state",
        state_bytes=n_seqs * state_bytes,
    )
    return GenerationLimits(context, n_running, n_ready, n_checkpoints)


def _ready(n_running: int) -> int:
    return max(1, min(_MOST_READY, n_running // 2))


def _sequences(n_running: int, attention: bool) -> int:
    if attention:
        return 2 + n_running + _ready(n_running)
    return 1 + n_running + _STATE_READY + _CHECKPOINTS


def _most_running(info: ModelInfo, settings: EngineSettings, state_bytes: int) -> int:
    """Samples at a time that sequences, logit rows, a batch and the memory of states allow."""
    attention = info.kind in ("attention", "sliding-window")
    sequences = min(
        MAX_SEQUENCES,
        row_limit(info.n_vocab, settings.n_batch, settings.logits_mb),
        (_STATES_MB << 20) // max(1, state_bytes),
    )
    # llama.cpp wants fewer sequences than half a batch where it splits one by sequence.
    most = settings.n_batch - 1 if attention else settings.n_batch // 2
    while most > 1 and _sequences(most, attention) > sequences:
        most -= 1
    return most


def _check_parallel(n_parallel: int, most: int) -> None:
    if not is_whole(n_parallel) or n_parallel < 1:
        raise UsageError(
            f"n_parallel is {n_parallel!r:.60}; at least 1 sample is written at a time, or None "
            "for as many as suit the machine"
        )
    if n_parallel > most:
        raise UsageError(
            f"n_parallel is {n_parallel}, and at most {most} samples at a time fit into the batch, "
            "the sequences that llama.cpp can number and the memory for logits; choose at most "
            f"{most}, or open the model with a larger n_batch or logits_mb"
        )


def _cells(
    info: ModelInfo,
    settings: EngineSettings,
    order: _core.PromptOrder,
    n_running: int,
    n_ready: int,
) -> int:
    """Room for all that can run at a time, or as much of it as memory allows."""
    # Beside the prompts that are ready and those of running samples, one is being prefilled.
    wanted = order.cells_for(n_running + n_ready + 1, n_running)
    bytes_per_cell = info.kv_bytes_per_token * (2 if settings.exact else 1)
    available = available_memory()
    if bytes_per_cell and available is not None:
        wanted = min(wanted, int(available * _SHARE_OF_MEMORY) // bytes_per_cell)
    return max(wanted, order.least_cells)
