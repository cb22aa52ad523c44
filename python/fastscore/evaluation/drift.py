"""What re-encoded weights change in a run: its first items scored with the file's own as well."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from fastscore.errors import MemoryLimitError, ModelError
from fastscore.reporters import Reporter
from fastscore.types import Item, Likelihood

if TYPE_CHECKING:
    from fastscore.model import Model
    from fastscore.tokenise import EncodedRequests

REQUESTS = 32
"""Choices that are scored a second time, at most, but for one item."""

# Models that could not be opened beside their re-encoded weights: a run in parts tries once.
_impossible: WeakKeyDictionary[Model, str] = WeakKeyDictionary()


class Drift:
    """Compares the first answers of a run with those of the file's own weights.

    Does nothing for a model that runs with these.
    """

    def __init__(self, model: Model, reporter: Reporter) -> None:
        self._model = model
        self._reporter = reporter
        self._found: dict[str, Any] | None = None

    def look(self, items: Sequence[Item], likelihoods: Sequence[Sequence[Likelihood]]) -> None:
        """Take answers of the run; the first ones count."""
        model = self._model
        if model.choice is None or model.choice.is_native or self._found:
            return
        if model in _impossible:
            self._found = {"reason": _impossible[model]}
            return
        n_items = _within(items)
        items = items[:n_items]
        fast = [[one.logprob for one in answer] for answer in likelihoods[:n_items]]
        requests = model.encode(
            [
                (item.context_of(i), text)
                for item in items
                for i, text in enumerate(item.continuations)
            ]
        )
        try:
            native = self._natively(requests)
        except (MemoryLimitError, ModelError) as error:
            _impossible[model] = f"the file could not be opened beside them: {error}"
            self._found = {"reason": _impossible[model]}
            self._reporter.warn(
                f"What {model.choice.type} weights change was not measured: {error}"
            )
            return
        rows = iter(native)
        pairs = [(mine, [next(rows) for _ in mine]) for mine in fast]
        self._found = _differences(pairs)

    def facts(self) -> dict[str, Any]:
        """What the results say of the weights: nothing where none but native ones were wanted."""
        choice = self._model.choice
        if choice is None:
            return {}
        drift = None if choice.is_native else self._found or {"reason": _NO_CHOICES}
        return {"weights": choice.to_dict() | {"drift": drift}}

    def _natively(self, requests: EncodedRequests) -> list[float]:
        """Log-likelihoods under the file's own weights, remembered for these very requests."""
        from fastscore.model import notes

        key = _key(self._model, requests)
        known = notes.recall("drift", key)
        if isinstance(known, list) and len(known) == requests.n:
            return [float(one) for one in known]
        found = np.zeros(requests.n)
        with self._model.native() as native:
            for done in native.scoring(requests):
                found[done.index] = done.logprob
        notes.remember("drift", key, found.tolist())
        return found.tolist()  # type: ignore[no-any-return]


_NO_CHOICES = "the run scored no choices"


def _within(items: Sequence[Item]) -> int:
    """Number of items with so many choices in all; one at least."""
    ends = np.cumsum([len(item.continuations) for item in items])
    return max(1, int(np.searchsorted(ends, REQUESTS, side="right")))


def _key(model: Model, requests: EncodedRequests) -> str:
    settings = model.settings
    digest = hashlib.sha256(b"".join(requests.digests)).hexdigest()
    # Native values depend on all that decides numbers but the weights in use.
    numbers = settings.affecting_numbers() | {"weights": None}
    return json.dumps([model.fingerprint, numbers, settings.max_length, digest], sort_keys=True)


def _differences(pairs: Sequence[tuple[list[float], list[float]]]) -> dict[str, Any]:
    """Sum up pairs of (fast, native) log-likelihoods of an item's choices, in nats."""
    apart = [abs(a - b) for fast, native in pairs for a, b in zip(fast, native, strict=True)]
    changed = sum(int(np.argmax(fast) != np.argmax(native)) for fast, native in pairs)
    return {
        "items": len(pairs),
        "requests": len(apart),
        "mean": float(np.mean(apart)),
        "max": float(np.max(apart)),
        "predictions_changed": changed,
    }
