"""The published layouts of each benchmark, turned into the one of its Hugging Face dataset.

Every row is checked while it is turned: a label out of range, a gold answer that is none of the
choices or a missing field is a DataError with file and line, not a score that means nothing.
"""

from __future__ import annotations

from fastscore.datasets.layouts import (
    arc,
    gsm8k,
    hellaswag,
    humaneval,
    mbpp,
    mini,
    mmlu,
    openbookqa,
    piqa,
    triviaqa,
    truthfulqa,
    winogrande,
)
from fastscore.datasets.layouts.layout import AS_IT_STANDS, Layout

LAYOUTS: dict[str, Layout] = {
    "arc": arc.LAYOUT,
    "gsm8k": gsm8k.LAYOUT,
    "hellaswag": hellaswag.LAYOUT,
    "humaneval": humaneval.LAYOUT,
    "mbpp": mbpp.LAYOUT,
    "mini": mini.LAYOUT,
    "mmlu": mmlu.LAYOUT,
    "openbookqa": openbookqa.LAYOUT,
    "piqa": piqa.LAYOUT,
    "triviaqa": triviaqa.LAYOUT,
    "truthfulqa": truthfulqa.LAYOUT,
    "winogrande": winogrande.LAYOUT,
}
"""By ``DataSource.benchmark``; what is not here is a user's own file, read ``AS_IT_STANDS``."""

__all__ = ["AS_IT_STANDS", "LAYOUTS", "Layout"]
