"""What models are called in a comparison: the shortest name that tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelName:
    """What is known of a model for naming it; ``path`` may be of another machine."""

    path: str
    quantisation: str = ""


def label_models(models: Sequence[ModelName]) -> list[str]:
    """Name each model by its file's stem; where stems are equal by what else is different.

    That is the quantisation, else the folder; what is then still equal is numbered.
    """
    labels = [_stem(model) for model in models]
    further: list[Callable[[ModelName], str]] = [
        lambda model: f"{_stem(model)}-{model.quantisation}".strip("-"),
        lambda model: "/".join((*_parts(model)[-2:-1], _stem(model))),
    ]
    for longer in further:
        alike = _alike(labels)
        names = {i: longer(models[i]) for i in alike}
        # A longer name helps only if it tells something apart.
        if len(set(names.values())) > len({labels[i] for i in alike}):
            labels = [names.get(i, label) for i, label in enumerate(labels)]
    seen: Counter[str] = Counter()
    for i, label in enumerate(labels):
        seen[label.casefold()] += 1
        if seen[label.casefold()] > 1:
            labels[i] = f"{label}-{seen[label.casefold()]}"
    return labels


def _alike(labels: Sequence[str]) -> list[int]:
    # Labels name folders too, and some file systems hold names that differ in case only for one.
    counts = Counter(label.casefold() for label in labels)
    return [i for i, label in enumerate(labels) if counts[label.casefold()] > 1]


def _parts(model: ModelName) -> list[str]:
    return [part for part in model.path.replace("\\", "/").split("/") if part]


def _stem(model: ModelName) -> str:
    parts = _parts(model)
    name = parts[-1] if parts else model.path
    return name.removesuffix(".gguf") or "model"
