"""Compare and time the lock-step distance of two models: `fastscore.divergence`.

First the figures are held to those of `llama-perplexity --kl-divergence` on the same text, within
1 %. For that both models have float32 weights, the candidate those that its quantisation rounded
to: with quantised weights activations are rounded as well, and another batching moves the mean
divergence of a Q8_0 file by some per cent, in llama-perplexity itself as here. Then the quantised
file is compared with the base in lock step, in turns with each model's own pass over the same
windows; time is from plan to figures, loading left out. Peak memory is that of a whole process.

  python -m benchmarks.divergence --llama-perplexity BUILD/bin/llama-perplexity
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.peers.perplexity_kld import Answer, kl_divergence
from benchmarks.report import process
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.report.pairing import take_turns
from benchmarks.speed_vs_perplexity import load_items
from benchmarks.workloads.rows import data_directory
from fastscore import Divergence, Model, divergence, quantize
from fastscore.distance.windows import text_windows
from fastscore.machine import available_cores
from fastscore.tokenise import EncodedRequests, encode_windows

AGREEMENT = 0.01
"""Most relative difference of a figure."""

ROUNDING = 2e-5
"""Nats that llama-perplexity's 16 bits may add to a mean divergence (measured: 1e-5)."""

TIME_RATIO = 2.2
ALLOWANCE = 2 * 400e6
"""Bytes beside both files and both KV caches: for each model what scoring may take beside its own
(benchmarks.memory)."""

N_CTX = 512


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Distance: lock step against llama-perplexity and one model's pass", facts)
    print(f"  threads  {options.threads} for all; {options.chunks} windows of {N_CTX} tokens")
    options.scratch.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for name in options.models:
        base = models.locate_f32(name, options.scratch)
        text = _text(base, options)
        for kind in options.types:
            made = quantize(base, kind, options.scratch / "models", n_threads=options.threads)
            pair = f"{name} {kind}"
            found, detail = _agreement(pair, base, made[0].path, text, options)
            timed, timing = _time(pair, base, made[0].path, text, options)
            figures += [*found, *timed, _memory(pair, base, made[0].path, text, options)]
            details[pair] = {**detail, **timing}
    return conclude(figures, facts, details, options.report)


def _text(base: Path, options: argparse.Namespace) -> Path:
    """As much prose as fills the windows: HellaSwag's contexts with their right endings."""
    file: Path = options.scratch / f"prose_{base.stem}_{options.chunks}.txt"
    wanted = options.chunks * N_CTX
    with Model(base, n_threads=options.threads) as model:
        lines, tokens = [], 0
        for item in load_items(data_directory(options.data), 9_000):
            lines.append(f"{item.query} {item.endings[item.gold]}")
            tokens += len(model.plain_ids(lines[-1]))
            if tokens >= wanted + N_CTX // 4:
                break
        text = "\n".join(lines)
        while len(model.plain_ids(text)) >= wanted + N_CTX:
            text = text.rsplit("\n", 1)[0]
    file.write_text(text + "\n", encoding="utf-8")
    return file


def _agreement(
    pair: str, base: Path, quantised: Path, text: Path, options: argparse.Namespace
) -> tuple[list[Figure], dict[str, Any]]:
    twin = options.scratch / "models" / f"{quantised.stem}.f32.gguf"
    if not twin.exists():
        models.make_f32(quantised, twin)
    with (
        Model(base, n_threads=options.threads, exact=True) as one,
        Model(twin, n_threads=options.threads, exact=True) as other,
    ):
        ours = divergence(one, other, text, n_ctx=N_CTX, progress=False)
    theirs = kl_divergence(
        options.llama_perplexity,
        base,
        twin,
        text,
        options.scratch / "base.kld",
        options.threads,
        N_CTX,
    )
    values = _values(ours)
    print(f"\n  {pair}, weights in float32{'':<8}{'fastscore':>12}{'llama-perplexity':>18}")
    for name, value in theirs.figures.items():
        print(f"    {name:<32}{values[name]:>14.6f}{value:>18.6f}")
    size = theirs.base_file_bytes / 1e6
    print(f"    its file of the base's log-probabilities: {size:.0f} MB", flush=True)
    figures = [
        Figure(f"{pair}, {name}, relative difference", difference, "at most", AGREEMENT)
        for name, difference in _differences(values, theirs).items()
    ]
    return figures, {"ours": ours.to_dict(), "theirs": dict(theirs.figures)}


def _values(found: Divergence) -> dict[str, float]:
    means = ("ppl", "ppl_base", "ln_ppl_ratio", "kld", "dp", "dp_rms", "same_top")
    return {name: getattr(found, name).value for name in means} | {
        "kld_99": found.kld_quantiles["99%"],
        "kld_median": found.kld_quantiles["median"],
    }


def _differences(ours: dict[str, float], theirs: Answer) -> dict[str, float]:
    """Relative to theirs; of divergences what its 16 bits may make up does not count.

    The mean change of probability and the logarithm of a ratio near one are small differences of
    large numbers, so they are only printed.
    """
    found = {}
    for name in ("ppl", "ppl_base", "kld", "kld_99", "kld_median", "dp_rms", "same_top"):
        difference = abs(ours[name] - theirs.figures[name])
        if name.startswith("kld"):
            difference = max(0.0, difference - ROUNDING)
        found[name] = difference / abs(theirs.figures[name])
    return found


def _time(
    pair: str, base: Path, candidate: Path, text: Path, options: argparse.Namespace
) -> tuple[list[Figure], dict[str, Any]]:
    with (
        Model(base, n_threads=options.threads) as one,
        Model(candidate, n_threads=options.threads) as other,
    ):
        content = text.read_text(encoding="utf-8").removesuffix("\n")
        windows = text_windows(one.plain_ids(content), one.bos_in_front, N_CTX, None)
        requests = encode_windows(windows, N_CTX)

        def lock_step() -> float:
            started = time.perf_counter()
            divergence(one, other, text, n_ctx=N_CTX, progress=False)
            return time.perf_counter() - started

        seconds = take_turns(
            {
                "base": lambda: _pass(one, requests),
                "candidate": lambda: _pass(other, requests),
                "lock step": lock_step,
            },
            options.rounds,
            lambda s: f"{s:.2f} s",
        )
    each = list(zip(*(seconds[name] for name in ("lock step", "base", "candidate")), strict=True))
    mean_pass = statistics.median(both / ((a + b) / 2) for both, a, b in each)
    medians = [f"{name} {statistics.median(values):.2f} s" for name, values in seconds.items()]
    print(f"  {pair}: medians {', '.join(medians)}")
    figure = Figure(
        f"{pair}, lock step / one pass (mean of both models')",
        mean_pass,
        "at most",
        TIME_RATIO,
    )
    return [figure], {"seconds": seconds}


def _pass(model: Model, requests: EncodedRequests) -> float:
    """One model's log-likelihoods of the same tokens."""
    started = time.perf_counter()
    for _ in model.scoring(requests):
        pass
    return time.perf_counter() - started


def _memory(
    pair: str, base: Path, candidate: Path, text: Path, options: argparse.Namespace
) -> Figure:
    # A process's own account: what wait4 says of it counts this one, from which it was forked.
    code = (
        "import sys; from pathlib import Path; from fastscore import Model, divergence\n"
        "from fastscore.machine import peak_memory\n"
        "base, candidate, text, threads = sys.argv[1:]\n"
        "with Model(base, n_threads=int(threads)) as b, "
        "Model(candidate, n_threads=int(threads)) as c:\n"
        "    divergence(b, c, Path(text), max_chunks=2, progress=False)\n"
        "print('peak', peak_memory())"
    )
    arguments = [str(base), str(candidate), str(text), str(options.threads)]
    output = process.run([sys.executable, "-c", code, *arguments]).output
    peak = int(output.rsplit("peak ", 1)[1])
    files = base.stat().st_size + candidate.stat().st_size
    kv = 0
    for file in (base, candidate):
        with Model(file, n_threads=options.threads) as model:
            per_cell = model.info.kv_bytes_per_token * (2 if model.settings.exact else 1)
            kv += (N_CTX + model.settings.n_batch) * per_cell
    print(f"  {pair}: peak {peak / 1e6:.0f} MB, files {files / 1e6:.0f} MB, KV {kv / 1e6:.0f} MB")
    return Figure(
        f"{pair}, peak beside both files and KV caches",
        (peak - files - kv) / 1e6,
        "at most",
        ALLOWANCE / 1e6,
        " MB",
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument("--llama-perplexity", type=Path, required=True, metavar="BINARY")
    options.add_argument(
        "--models",
        nargs="+",
        default=[models.SMOLLM2, models.GEMMA3],
        help="smollm2, gemma3 or GGUF files with float32 weights (default: both)",
    )
    options.add_argument(
        "--types", nargs="+", default=["Q8_0", "Q2_K"], help="candidates (default: Q8_0 Q2_K)"
    )
    options.add_argument(
        "--chunks", type=int, default=20, help="windows of the text (default: %(default)s)"
    )
    options.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options.add_argument(
        "--threads", type=int, default=available_cores(), help="default: all cores (%(default)s)"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
