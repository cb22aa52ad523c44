"""Bytes a token: what llama.cpp says it allocated, made exact by what the file says."""

from __future__ import annotations

from fastscore.model.allocations import Allocations, Cache
from fastscore.model.info import ModelInfo
from fastscore.profiling.values import Memory

# llama.cpp prints hundredths of a MiB; twice, once for keys and once for values.
_ROUNDING = 2 * 0.005 * (1 << 20)


def memory_of(
    found: Allocations,
    info: ModelInfo,
    *,
    n_ctx: int,
    n_window: int,
    state_bytes: int,
    before_load: int | None,
) -> Memory:
    """What a model takes in a context of ``n_ctx`` tokens; the peak is not known yet."""
    full = [cache for cache in found.caches if not cache.windowed]
    windowed = [cache for cache in found.caches if cache.windowed]
    known = bool(found.caches) or not found.kv
    return Memory(
        peak_bytes=None,
        before_load_bytes=before_load,
        n_ctx=n_ctx,
        weights=found.weights,
        kv=found.kv,
        states=found.states,
        compute=found.compute,
        kv_bytes_per_token=sum(bytes_per_token(cache, info) for cache in full) if known else None,
        window_bytes_per_token=sum(bytes_per_token(cache, info) for cache in windowed),
        window_tokens=n_window if windowed else 0,
        state_bytes=state_bytes,
    )


def bytes_per_token(cache: Cache, info: ModelInfo) -> int:
    """Bytes of one token over the layers of a cache, at F16.

    What the file says of heads and their sizes is exact, where all layers are alike; it is taken
    where it agrees with what was allocated. Otherwise it is that, whose rounding is some bytes.
    """
    if cache.n_cells == 0 or cache.n_layers == 0:
        return 0
    stated = info.kv_bytes_per_token // info.n_layers * cache.n_layers
    if abs(stated * cache.n_cells - cache.n_bytes) <= _ROUNDING:
        return stated
    return round(cache.n_bytes / cache.n_cells)
