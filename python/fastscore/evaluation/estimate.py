"""What a run will take, said before it starts: tokens, time and memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fastscore.machine import available_memory, describe
from fastscore.progress import Progress, spoken_duration
from fastscore.sizes import counted

if TYPE_CHECKING:
    from fastscore.model import Limits, Model


LEAST_TOKENS = 2048
"""Several batches: over fewer tokens, loading and planning count for as much as decoding."""

_PROCESS_BYTES = 100_000_000
# Python with its libraries takes 51 MB; the rest is rows, items and results of a usual run. With it
# the estimate stays above the peaks measured with SmolLM2-135M, 218 to 279 MB in all.


def remembered_speed(model: Model) -> float | None:
    """Tokens a second that this model reached on this machine in its last run, if it had one."""
    from fastscore.model import notes

    speed = notes.recall("speeds", _speed_key(model))
    return float(speed) if isinstance(speed, (int, float)) and speed > 0 else None


def remember_speed(model: Model, tokens_per_second: float, n_tokens: int) -> None:
    """Keep the speed for the estimate of the next run, if it was measured over enough tokens."""
    if n_tokens < LEAST_TOKENS:
        return
    from fastscore.model import notes

    notes.remember("speeds", _speed_key(model), tokens_per_second)


def spoken_estimate(model: Model, limits: Limits, progress: Progress) -> str:
    """Say what is ahead: tokens to decode, time where a speed is known, and memory."""
    ahead = progress.tokens_total - progress.tokens_done
    if progress.seconds_left is None:
        time = "the time will be known after the first steps"
    else:
        time = f"roughly {spoken_duration(progress.seconds_left)} at the speed of an earlier run"
    return f"About {_round(ahead):,} tokens to decode: {time}; {_spoken_memory(model, limits)}."


def spoken_text_estimate(model: Model, limits: Limits, n_texts: int, max_tokens: int) -> str:
    """Say what texts are ahead; how long they will be nobody knows."""
    first = "it has" if n_texts == 1 else "the first have"
    return (
        f"{counted(n_texts, 'text')} of at most {counted(max_tokens, 'token')} to write: the time "
        f"will be known when {first} ended; {_spoken_memory(model, limits)}."
    )


def _spoken_memory(model: Model, limits: Limits) -> str:
    from fastscore.model.context import context_bytes

    needed = _PROCESS_BYTES + model.weight_bytes + context_bytes(model.info, model.settings, limits)
    memory = f"about {needed / 1e6:,.0f} MB of memory"
    available = available_memory()
    return memory if available is None else f"{memory} ({available / 1e6:,.0f} MB are available)"


def _round(count: int) -> int:
    """Two digits say what an estimate knows."""
    return int(float(f"{count:.1e}"))


def _speed_key(model: Model) -> str:
    settings = model.settings
    shape = [settings.n_threads, settings.n_batch, settings.affecting_numbers()]
    return json.dumps([model.fingerprint, describe().cpu, *shape], sort_keys=True)
