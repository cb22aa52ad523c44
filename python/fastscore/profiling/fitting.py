"""Which tests a model and a machine can hold: the window in tokens, and the memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fastscore.model.info import ModelInfo
from fastscore.profiling.planning import Request
from fastscore.profiling.values import Skipped
from fastscore.profiling.workload import Workload


def window(info: ModelInfo) -> int | None:
    """Tokens that the model can read; None where the file does not say.

    LongRoPE models are loaded with the factors for short texts, and end there.
    """
    return min((n for n in (info.n_ctx_train, info.n_ctx_short) if n), default=None)


def within_window(request: Request, info: ModelInfo) -> tuple[Request, list[Skipped]]:
    """Leave out tests that need more tokens than the model reads.

    Sizes that nobody asked for are made to fit instead.
    """
    most = window(info)
    if most is None:
        return request, []
    skipped: list[Skipped] = []

    def fitting(tests: Iterable[Workload]) -> tuple[Workload, ...]:
        kept = []
        for test in tests:
            if test.n_ctx <= most:
                kept.append(test)
            elif not request.sizes_chosen and test.n_depth == 0:
                smaller = {"n_prompt": min(test.n_prompt, most), "n_gen": min(test.n_gen, most)}
                kept.append(replace(test, **smaller))
            else:
                skipped.append(
                    Skipped(
                        test.name,
                        f"it needs {test.n_ctx:,} tokens, and the model reads at most {most:,}",
                    )
                )
        return tuple(kept)

    tests, extra = fitting(request.tests), fitting(request.extra)
    first_token = min(request.first_token, most)
    return replace(request, tests=tests, extra=extra, first_token=first_token), skipped


def within_memory(
    tests: Iterable[Workload], info: ModelInfo, available: int | None
) -> tuple[list[Workload], list[Skipped]]:
    """Leave out tests whose context would not fit into ``available`` bytes; None: unknown."""
    kept: list[Workload] = []
    skipped: list[Skipped] = []
    for test in tests:
        needed = context_bytes(test, info)
        if available is None or needed <= available:
            kept.append(test)
        else:
            skipped.append(
                Skipped(
                    test.name,
                    f"it needs about {needed / 1e6:,.0f} MB beside the model, and "
                    f"{available / 1e6:,.0f} MB are available",
                )
            )
    return kept, skipped


def context_bytes(test: Workload, info: ModelInfo) -> int:
    """Bytes that the context of a test takes, estimated from above.

    KV cache without regard to windows, a state kept aside for a depth, and a micro-batch of logits.
    """
    sequence = test.n_ctx * info.kv_bytes_per_token
    kept = test.n_depth * info.kv_bytes_per_token
    rows = min(test.n_ubatch, test.n_batch, max(test.n_ctx, test.n_parallel))
    return test.n_parallel * sequence + kept + rows * info.n_vocab * 4
