"""Which types hold the weights of a file as precisely as the file itself does.

A type may stand in for another when it has at least as many bits a weight and a weight loses
nothing but the rounding of its value. So what each weight was given alone (F32, F16, BF16) goes
into F32 only: BF16 has fewer significant bits than F16, F16 less range than BF16. Weights in blocks
with common scales (Q4_1, Q6_K, ...) go into F32; F16, whose 11 significant bits are more than the
steps of any block, and whose smallest step is also that of the scales, so that nothing vanishes;
BF16, whose 8 bits round a Q8_0 weight by half a step of its block at most and a Q4_1 weight by a
thirtieth; and Q8_0 where they have at most its 8.5 bits. MXFP4's scales are powers of two beyond
F16, so BF16 and F32 are left; NVFP4 has scales in other tensors, and stays as it is.

What this does to scores: with the dequantised weights in F32 as the measure, log-likelihoods of 100
arc_easy choices are off by 0.19 on average as llama.cpp computes SmolLM2-135M in Q4_1, which rounds
activations to 8 bits, by 0.04 in BF16, 0.007 in F16, and 0.20 in Q8_0; for its Q8_0 file the
numbers are 0.17, 0.06, 0.007.
"""

from __future__ import annotations

from fastscore.model.ggml_types import FLOATS, TENSOR_TYPES
from fastscore.model.tensors import ModelFile

FAST_TYPES = ("BF16", "F16", "Q8_0", "F32")
"""Types that are tried, those first that are quickest on most machines."""

_BITS = {one.name: one.bits for one in TENSOR_TYPES.values()}
_SPECIAL = {"MXFP4": ("BF16", "F32"), "NVFP4": ()}
# Of a file of quantised weights a matrix that is not quantised matters from this share on.
_LARGE = 0.01


def holds(target: str, source: str) -> bool:
    """Whether tensors of type ``target`` are at least as precise as those of type ``source``."""
    if target == source:
        return True
    if source in FLOATS:
        return target == "F32"
    if source not in _BITS or source in ("F64", "I8", "I16", "I32", "I64"):
        return False
    if source in _SPECIAL:
        return target in _SPECIAL[source]
    return target in FAST_TYPES and _BITS[target] >= _BITS[source]


def types_that_hold(file: ModelFile) -> list[str]:
    """Types that all matrices of a file can be re-encoded into; none where nothing would change.

    Small matrices in F32 are left out, which the quantiser does not touch either.
    """
    n_weights = sum(tensor.n_weights for tensor in file.tensors)
    present = {
        tensor.type
        for tensor in file.tensors
        if len(tensor.shape) > 1
        and (tensor.type != "F32" or tensor.n_weights >= _LARGE * n_weights)
    }
    return [
        target
        for target in FAST_TYPES
        if present != {target} and all(holds(target, source) for source in present)
    ]


def less_precise(written: ModelFile, source: ModelFile) -> list[str]:
    """Names of the tensors that ``written`` holds less precisely than ``source``."""
    before = {tensor.name: tensor.type for tensor in source.tensors}
    return [one.name for one in written.tensors if not holds(one.type, before[one.name])]


def bytes_as(target: str, file: ModelFile) -> int:
    """Bytes of a file's tensors with all matrices in another type, to within some thousandths."""
    return round(
        sum(
            tensor.n_weights * (_BITS[target] if len(tensor.shape) > 1 else tensor.bits) / 8
            for tensor in file.tensors
        )
    )
