"""What a profile shows, as texts, whatever it is drawn with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from fastscore.profiling.values import Memory, Profile, Speed
from fastscore.sizes import counted, parameter_count

_NATIVE = "native"  # as in fastscore.model, which showing a profile does not need
_CELLS_AT_A_TIME = 256  # llama.cpp's padding of a context, in tokens
_CACHED = 0.05
"""Share of a file read from the disk up to which it is said to come from the page cache."""


def title(profile: Profile) -> str:
    """Name the model and the machine."""
    model = profile.model
    name = str(model.get("name") or model.get("path") or model["fingerprint"])
    n_params = int(model["n_params"])
    parts = [parameter_count(n_params) if n_params else "", str(model.get("quantisation") or "")]
    about = [part for part in parts if part and part.lower() not in name.lower()]
    return f"{' '.join([name, *about])} on {profile.machine.get('cpu', 'an unknown processor')}"


def headings(profile: Profile) -> tuple[str, ...]:
    """The columns of the table of speeds; those that say nothing are left out."""
    batch = ("batch",) if _batches_vary(profile) else ()
    energy = ("J/token",) if _energy_known(profile) else ()
    return ("test", *batch, "tokens/s", "stdev", "n", *energy)


def speed_rows(profile: Profile) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each test, in the order of `headings`."""
    for speed in profile.speeds:
        work = speed.workload
        batch = (f"{work.n_batch}/{work.n_ubatch}",) if _batches_vary(profile) else ()
        energy = (_joules(speed),) if _energy_known(profile) else ()
        yield (
            speed.name,
            *batch,
            rate(speed.tokens_per_second),
            "n/a" if math.isnan(speed.stdev) else rate(speed.stdev),
            str(len(speed.samples)),
            *energy,
        )


def facts(profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield what there is beside the speeds: name and value."""
    first, memory = profile.first_token, profile.memory
    if first is not None:
        spread = "" if math.isnan(first.stdev) else f" (stdev {duration(first.stdev)})"
        yield (
            "time to first token",
            f"{duration(first.seconds)}{spread}, prompt of {counted(first.n_prompt, 'token')}",
        )
    yield "load", f"{duration(profile.loading.seconds)}, {_origin(profile)}"
    yield "peak memory", _peak(profile)
    yield "weights", _weights(profile)
    yield from _cache(memory)
    yield "compute buffers", f"{_buffers(memory.compute)} reserved"
    bits = profile.bits_per_weight
    yield (
        "file",
        f"{size(profile.file_bytes)}, {int(profile.model['n_params']):,} parameters"
        + ("" if math.isnan(bits) else f", {bits:.2f} bits per weight"),
    )
    yield "energy", profile.energy.source or f"not known: {profile.energy.reason}"
    yield "ran on", _ran_on(profile)


def notes(profile: Profile) -> Iterator[str]:
    """Yield what a reader must know to take the figures for what they are."""
    for warning in profile.warnings:
        yield warning.rstrip(".") + "."
    for skip in profile.skipped:
        yield f"Not run: {skip.name}, {skip.reason.rstrip('.')}."


def rate(value: float) -> str:
    """Write tokens a second with four digits that count, or two decimals."""
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Write seconds, small ones as milliseconds."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def size(n_bytes: int) -> str:
    """Write bytes in decimal units."""
    if n_bytes < 10_000:
        return f"{n_bytes:,} bytes"
    for unit, one, most in (("kB", 1e3, 1e6), ("MB", 1e6, 1e10)):
        if n_bytes < most:
            return f"{n_bytes / one:,.{1 if n_bytes < 100 * one else 0}f} {unit}"
    return f"{n_bytes / 1e9:,.1f} GB"


def _batches_vary(profile: Profile) -> bool:
    batches = {(speed.workload.n_batch, speed.workload.n_ubatch) for speed in profile.speeds}
    return len(batches) > 1


def _energy_known(profile: Profile) -> bool:
    return any(speed.joules_per_token is not None for speed in profile.speeds)


def _joules(speed: Speed) -> str:
    return "n/a" if speed.joules_per_token is None else f"{speed.joules_per_token:.3g}"


def _origin(profile: Profile) -> str:
    read = profile.loading.disk_bytes
    if read is None:
        return "from disk or page cache, as found"
    if read <= _CACHED * profile.file_bytes:
        return "from the page cache"
    return f"{size(read)} of it from disk"


def _peak(profile: Profile) -> str:
    memory = profile.memory
    if memory.peak_bytes is None:
        return "not known"
    before = memory.before_load_bytes
    own = "" if before is None else f", {size(before)} of it before the model was loaded"
    gpu = "; the GPU's is not counted" if _gpu_layers(profile) else ""
    return f"{size(memory.peak_bytes)}{own}{gpu}"


def _cache(memory: Memory) -> Iterator[tuple[str, str]]:
    """KV cache and states: bytes a token, and what does not grow."""
    parts = []
    if memory.kv_bytes_per_token is None:
        parts.append("of a kind that llama.cpp does not describe")
    elif memory.kv_bytes_per_token:
        parts.append(f"{memory.kv_bytes_per_token:,} bytes per token")
    if memory.window_bytes_per_token:
        parts.append(
            f"{memory.window_bytes_per_token:,} bytes per token in a window of "
            f"{counted(memory.window_tokens, 'token')}"
        )
    if memory.kv:
        reserved = size(sum(memory.kv.values()))
        parts.append(f"{reserved} for {counted(memory.n_ctx, 'token')}{_padding(memory)}")
    if parts:
        yield "KV cache (F16)", ", ".join(parts)
    if memory.state_bytes:
        yield "recurrent state", f"{size(memory.state_bytes)} per text, whatever its length"


def _padding(memory: Memory) -> str:
    """Say that more tokens would fit, where that is why the cache is as large."""
    n_cells = -(-memory.n_ctx // _CELLS_AT_A_TIME) * _CELLS_AT_A_TIME
    padded = (memory.kv_bytes_per_token or 0) * n_cells
    # llama.cpp prints hundredths of a MiB, for each device.
    rounding = 0.01 * (1 << 20) * len(memory.kv)
    alike = abs(padded - sum(memory.kv.values())) <= rounding
    if memory.n_ctx == n_cells or memory.window_bytes_per_token or not alike:
        return ""
    return f" (room for {n_cells:,}: llama.cpp reserves it for {_CELLS_AT_A_TIME} at a time)"


def _buffers(sizes: Mapping[str, int]) -> str:
    parts = [f"{name} {size(n_bytes)}" for name, n_bytes in sizes.items()]
    return ", ".join(parts) or "none"


def _ran_on(profile: Profile) -> str:
    settings = profile.settings
    parts = [", ".join(profile.devices) or "CPU"]
    if isinstance(settings.get("n_threads"), int):
        parts.append(counted(settings["n_threads"], "thread"))
    if layers := _gpu_layers(profile):
        parts.append(f"{layers} on the GPU")
    parts.append(f"flash attention {settings.get('flash_attention')}")
    parts.append(f"llama.cpp {profile.versions.get('llama.cpp', 'unknown')}")
    return "; ".join(parts)


def _weights(profile: Profile) -> str:
    """Where the weights are, and their type where it is not that of the file."""
    kind = profile.settings.get("weights", _NATIVE)
    return ("" if kind == _NATIVE else f"{kind}: ") + _buffers(profile.memory.weights)


def _gpu_layers(profile: Profile) -> str:
    """``17 of 25 layers``, nothing where all are on the processor."""
    offloaded = profile.settings.get("offloaded")
    if not (isinstance(offloaded, list) and len(offloaded) == 2 and offloaded[0]):
        return ""
    return f"{offloaded[0]} of {offloaded[1]} layers"
