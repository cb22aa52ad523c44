"""How a model is run: what was asked for, and the limits of a context made from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from fastscore.errors import ModelError, UsageError
from fastscore.model.arguments import whole
from fastscore.model.info import ModelInfo

WeightMode = Literal["native", "fast"]

MAX_SEQUENCES = 256
"""llama.cpp's LLAMA_MAX_SEQ."""

# Beyond some hundred tokens a larger batch is not faster on a CPU, and a step is what Ctrl-C waits
# for. GPUs want more.
CPU_BATCH = 128
GPU_BATCH = 2048
_LEAST_BATCH = 32
_MOST = 2**31 - 1  # llama.cpp counts in 32 bits

MOST_THREADS = 1024
"""Of the core's own pool."""


NATIVE = "native"
"""Weights as the file has them."""


@dataclass(frozen=True)
class EngineSettings:
    """Settings in force, as stored with results.

    ``max_length`` is the window in tokens: longer requests lose tokens from the left.
    ``logits_mb`` bounds the memory of logit rows in MiB, both copies of a row counted: llama.cpp
    holds one in its compute buffer and one for the caller.
    ``exact`` keeps the KV cache in F32 and computes attention without the flash kernels, whose CPU
    versions round keys and values to F16 and depend, within that rounding, on how many tokens a
    batch holds.
    ``rope_factors`` are those of a LongRoPE model, None for others.
    ``weights`` says what the weights are computed with: ``native``, as the file has them, or the
    type that they were re-encoded into.
    """

    max_length: int
    n_batch: int
    n_threads: int
    n_gpu_layers: int
    logits_mb: int
    exact: bool
    tokenizer: str
    bos: str
    backends: tuple[str, ...]
    llama_cpp: str
    tuned: bool = False
    rope_factors: Literal["short"] | None = None
    weights: str = NATIVE

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "backends": list(self.backends)}

    def affecting_numbers(self) -> dict[str, Any]:
        """The settings that can change a log-likelihood beyond the ids of its tokens.

        Batch and thread counts change the rounding only, some tenths for quantised weights, as any
        other batching does, and so are left out: a run may be resumed with other ones.
        """
        numbers: dict[str, Any] = {
            "exact": self.exact,
            "n_gpu_layers": self.n_gpu_layers,
            "backends": list(self.backends),
            "llama_cpp": self.llama_cpp,
        }
        # Named only where there is a choice: what is known of other models stays valid.
        if self.rope_factors:
            numbers["rope_factors"] = self.rope_factors
        if self.weights != NATIVE:
            numbers["weights"] = self.weights
        return numbers


@dataclass(frozen=True)
class Limits:
    """Budgets of one llama.cpp context, as the plan knows them.

    ``state_bytes`` is the memory of all recurrent states.
    """

    n_batch: int
    n_cells: int
    n_seqs: int
    n_rows: int
    sharing: Literal["prefix", "state"]
    state_bytes: int = 0


class Numbers(NamedTuple):
    """Options that are whole numbers, as `Model` takes them; None: not chosen."""

    n_ctx: int | None
    n_gpu_layers: int
    n_threads: int | None
    n_batch: int | None = None
    logits_mb: int = 1


def checked_numbers(asked: Numbers) -> Numbers:
    """The same as plain ints; UsageError for a value that no context can be made with."""

    def optional(name: str, value: int | None, least: int, most: int, why: str) -> int | None:
        return None if value is None else whole(name, value, least, most, why)

    return Numbers(
        optional("n_ctx", asked.n_ctx, 1, _MOST, "a window holds at least 1 token"),
        checked_layers(asked.n_gpu_layers),
        optional(
            "n_threads",
            asked.n_threads,
            1,
            MOST_THREADS,
            f"decoding takes at least 1 thread, and at most {MOST_THREADS}",
        ),
        optional(
            "n_batch",
            asked.n_batch,
            _LEAST_BATCH,
            _MOST,
            f"a batch holds at least {_LEAST_BATCH} tokens",
        ),
        whole("logits_mb", asked.logits_mb, 1, _MOST, "logit rows need at least 1 MiB"),
    )


def checked_layers(n_gpu_layers: int) -> int:
    """The same as a plain int; UsageError for what is no number of layers."""
    why = "it is a number of layers, or -1 for all"
    return whole("n_gpu_layers", n_gpu_layers, -1, _MOST, why)


def check_choices(exact: bool | None, weights: str) -> None:
    """Raise UsageError for what is none of the values that there are."""
    if exact is not None and not isinstance(exact, bool):
        raise UsageError(f"exact is {exact!r:.60}; give True, False, or None for the default")
    if weights not in get_args(WeightMode):
        raise UsageError(
            f"weights is {weights!r}; it must be 'native' (as the file has them) or 'fast' "
            "(re-encoded into the type that runs quickest here)"
        )


def window_length(info: ModelInfo, n_ctx: int | None) -> int:
    """The longest text in tokens: ``n_ctx``, by default the most that the model can read.

    Raises UsageError for more than that, ModelError where the file does not say how much it is.
    """
    trained, short = info.n_ctx_train, info.n_ctx_short
    if n_ctx is None and trained == 0 and short is None:
        raise ModelError(
            f"{info.path} does not say how long a text the model was trained for "
            "(context_length is 0); give the window with n_ctx"
        )
    if n_ctx is not None and n_ctx > trained > 0:
        raise UsageError(
            f"n_ctx is {n_ctx}, and {info.name} was trained with {trained} tokens; "
            f"choose at most {trained}"
        )
    if n_ctx is not None and short is not None and n_ctx > short:
        raise UsageError(
            f"n_ctx is {n_ctx}, and the short LongRoPE factors of {info.name} are for texts of up "
            f"to {short} tokens; longer ones need its long factors, which llama.cpp chooses by the "
            "size of the context and not by the text, so a score would depend on what else is "
            f"asked; choose at most {short}"
        )
    return n_ctx or min(length for length in (trained, short) if length)


def row_limit(n_vocab: int, n_batch: int, logits_mb: int) -> int:
    """Logit rows a step within ``logits_mb``: at least one, at most one a token."""
    row_bytes = n_vocab * 4
    return max(1, min(n_batch, (logits_mb << 20) // (2 * row_bytes)))
