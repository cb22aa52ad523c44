"""Items scored together and one at a time: what batching changes in the numbers.

The rows of a batch are computed by other kernels than a row alone, and sums in another order round
otherwise. With exact attention and weights that are not quantised what is left is below a
thousandth. Flash attention on a CPU rounds keys and values to F16. Quantised weights multiply
activations that were rounded to 8 bits: a last bit that falls the other way moves a log-likelihood
by some tenths, in llama.cpp's own tools as well.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fastscore.doctor.report import Check
from fastscore.errors import DecodeError
from fastscore.model import Model
from fastscore.tasks import Task, get_task
from fastscore.types import Item

_ITEMS = 9
# One at a time takes this long at most, but for two items.
_SECONDS = 15.0
# Per log-likelihood: nats, and a share of its size.
_EXACT_NATS, _EXACT_SHARE = 0.01, 1e-3
_FLASH_NATS, _FLASH_SHARE = 0.05, 0.01
_QUANTISED_NATS, _QUANTISED_SHARE = 0.5, 0.03


@dataclass(frozen=True)
class Comparison:
    """``batched`` and ``alone``: log-likelihoods of the same items, one array an item."""

    batched: list[npt.NDArray[np.float64]]
    alone: list[npt.NDArray[np.float64]]

    @property
    def largest(self) -> float:
        """The largest difference of a log-likelihood, in nats."""
        return max(
            float(np.abs(b - a).max()) for b, a in zip(self.batched, self.alone, strict=True)
        )

    @property
    def flips(self) -> int:
        """Items whose best choice differs."""
        return sum(
            int(b.argmax() != a.argmax()) for b, a in zip(self.batched, self.alone, strict=True)
        )

    def within(self, nats: float, share: float) -> bool:
        """Whether every difference is at most ``nats`` and a share of the value's size."""
        return all(
            bool((np.abs(b - a) <= nats + share * np.abs(a)).all())
            for b, a in zip(self.batched, self.alone, strict=True)
        )


def check_batching(model: Model) -> list[Check]:
    """Compare in the mode in force, and in exact mode where that is another."""
    settings = model.settings
    checks = [_check(model, "batching")]
    if not settings.exact and checks[0].status != "problem":
        model.use(replace(settings, exact=True))
        try:
            checks.append(_check(model, "batching, exact"))
        finally:
            model.use(settings)
    return checks


def _check(model: Model, name: str) -> Check:
    try:
        found = _compare(model)
    except DecodeError as error:
        advice = "the weights are damaged, or the model does not fit this llama.cpp"
        return Check(name, "problem", str(error), advice)
    quantised, exact = not model.info.full_precision, model.settings.exact
    facts = {
        "items": len(found.alone),
        "largest_difference": found.largest,
        "flips": found.flips,
        "exact": exact,
        "quantised": quantised,
    }
    detail = (
        f"{len(found.alone)} items batched and one at a time: log-likelihoods differ by "
        f"{found.largest:.2g} at most, the best choice in {found.flips} of them"
    )
    if quantised:
        limit = (_QUANTISED_NATS, _QUANTISED_SHARE)
        reason = "quantised weights round activations: some tenths are inherent"
    elif exact:
        limit = (_EXACT_NATS, _EXACT_SHARE)
        reason = "full-precision weights and exact attention: nothing but rounding is allowed"
    else:
        limit = (_FLASH_NATS, _FLASH_SHARE)
        reason = "flash attention rounds keys and values to F16: some hundredths are inherent"
    if found.within(*limit):
        return Check(name, "ok", f"{detail} ({reason})", facts=facts)
    advice = (
        "differences of quantised weights are noise of the kernels; compare models by more items"
        if quantised
        else "llama.cpp computes batches wrongly on this machine; report it with this output"
    )
    return Check(name, "warning" if quantised else "problem", f"{detail} ({reason})", advice, facts)


def _compare(model: Model) -> Comparison:
    task = get_task("mini")
    assert isinstance(task, Task)  # it has choices
    items = task.items(task.load("eval").rows[:_ITEMS])
    batched = _scores(model, items)
    alone: list[npt.NDArray[np.float64]] = []
    end = time.perf_counter() + _SECONDS
    for item in items:
        if len(alone) >= 2 and time.perf_counter() > end:
            break
        pairs = _pairs(item)
        alone.append(np.array([model.loglikelihood([pair])[0].logprob for pair in pairs]))
    return Comparison(batched[: len(alone)], alone)


def _scores(model: Model, items: list[Item]) -> list[npt.NDArray[np.float64]]:
    pairs = [pair for item in items for pair in _pairs(item)]
    scores = np.array([found.logprob for found in model.loglikelihood(pairs)])
    borders = np.cumsum([len(item.continuations) for item in items])[:-1]
    return list(np.split(scores, borders))


def _pairs(item: Item) -> list[tuple[str, str]]:
    return [(item.context_of(i), text) for i, text in enumerate(item.continuations)]
