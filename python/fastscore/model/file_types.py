"""The types that a model file can be quantised to, by the names that llama-quantize takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fastscore.errors import UsageError
from fastscore.model import library
from fastscore.nearest import did_you_mean

_PREFIXES = ("LLAMA_FTYPE_MOSTLY_", "LLAMA_FTYPE_ALL_")
# llama-quantize's short names for the middle one of a family.
_ALIASES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}
# llama.cpp reads this one and cannot write it: `llama_ftype_get_default_type` does not know it.
_READ_ONLY = ("NVFP4",)
# Some of their tensors get a type that llama.cpp writes with an importance matrix only
# (`tensor_requires_imatrix` in llama-quant.cpp).
_NEED_IMPORTANCE = (
    "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XXS", "IQ3_XS", "Q2_K_S",
)  # fmt: skip


def file_types() -> dict[str, int]:
    """Every type that the installed llama.cpp can write, by name; its own numbers."""
    api, _ = library.load()
    return _named(vars(api).items())


def _named(constants: Iterable[tuple[str, Any]]) -> dict[str, int]:
    found = {
        name.removeprefix(prefix): int(value)
        for name, value in constants
        for prefix in _PREFIXES
        if name.startswith(prefix)
    }
    return {name: number for name, number in found.items() if name not in _READ_ONLY}


def wanted_types(names: str | Sequence[str]) -> dict[str, int]:
    """The types that a user names, each once, in that order; UsageError for what cannot be made."""
    several = [names] if isinstance(names, str) or not isinstance(names, Iterable) else names
    listed = list(several)
    if not all(isinstance(name, str) for name in listed):
        raise UsageError(f"types is {names!r:.60}; give names of types, such as Q8_0,Q6_K,Q4_K_M")
    asked = [name.strip().upper() for text in listed for name in text.split(",") if name.strip()]
    if not asked:
        raise UsageError("no type to quantise to; name some, such as Q8_0,Q6_K,Q4_K_M")
    known = file_types()
    wanted: dict[str, int] = {}
    for name in asked:
        name = _ALIASES.get(name, name)
        if name in _READ_ONLY:
            raise UsageError(f"llama.cpp runs files of type {name} and cannot write them")
        if name not in known:
            others = [*known, *_ALIASES]
            hint = did_you_mean(name, others, f"there are {', '.join(_usable(known))}")
            raise UsageError(f"there is no type {name!r}; {hint}")
        if name in _NEED_IMPORTANCE:
            raise UsageError(
                f"{name} needs an importance matrix (llama-imatrix, llama-quantize --imatrix); "
                "without one llama.cpp refuses, as the result would be of no use. Small types that "
                "need none are Q2_K, Q3_K_S, IQ3_S and IQ4_XS"
            )
        wanted[name] = known[name]
    return wanted


def _usable(known: Iterable[str]) -> list[str]:
    return [name for name in known if name not in _NEED_IMPORTANCE]
