"""What a model costs on a device: the columns beside the scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastscore.profiling.values import Profile, Speed
from fastscore.report.subject import Shown, Subject
from fastscore.report.verdict import conjoined
from fastscore.results.rows import printable
from fastscore.sizes import parameter_count


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of cost, a value a model; NaN where it is not known.

    Scores are plotted against it if it is ``drawn``. ``note`` says what a reader must know of the
    values, in a sentence.
    """

    name: str
    title: str
    unit: str
    values: tuple[float, ...]
    less_is_better: bool
    digits: int = 0
    drawn: bool = True
    note: str = ""

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def shown(self, index: int) -> str:
        """Return the value of a model as text."""
        value = self.values[index]
        return "n/a" if math.isnan(value) else f"{value:,.{self.digits}f}"


def costs(subject: Subject) -> list[Cost]:
    """Return the costs that at least one of the models is known for."""
    models = subject.models
    profiles = [model.profile for model in models]
    found = [
        Cost(
            "size",
            "file size",
            "MB",
            tuple(_number(m, "file_bytes") / 1e6 for m in models),
            less_is_better=True,
        ),
        Cost(
            "bits",
            "bits a weight",
            "",
            tuple(8 * _number(m, "weights_bytes") / _number(m, "n_params") for m in models),
            less_is_better=True,
            digits=2,
            drawn=False,
            note="of all tensors, over the parameters, as llama.cpp counts both.",
        ),
    ]
    # The largest memory of a run is not among them: of several runs in one process it is that of
    # all of them so far.
    found += _of_profiles(profiles) if any(profiles) else [_run_speed(subject)]
    return [cost for cost in found if not all(map(math.isnan, cost.values))]


def _of_profiles(profiles: Sequence[Profile | None]) -> list[Cost]:
    """Return what was measured for itself, as ``fastscore profile`` does."""

    def cost(
        name: str, title: str, unit: str, of: Callable[[Profile], float | None], **fields: Any
    ) -> Cost:
        values = [math.nan if one is None else of(one) for one in profiles]
        known = tuple(math.nan if value is None else float(value) for value in values)
        return Cost(name, title, unit, known, **fields)

    windows = any(one is not None and one.memory.window_bytes_per_token for one in profiles)
    writing = [one.decode.name for one in profiles if one and one.decode]
    reading = [one.prefill.name for one in profiles if one and one.prefill]
    return [
        cost(
            "decode",
            f"writing, {'/'.join(dict.fromkeys(writing))}",
            "tokens/s",
            lambda one: _speed(one.decode),
            less_is_better=False,
            digits=1,
        ),
        cost(
            "prefill",
            f"reading, {'/'.join(dict.fromkeys(reading))}",
            "tokens/s",
            lambda one: _speed(one.prefill),
            less_is_better=False,
            digits=1,
            drawn=False,
        ),
        cost(
            "first",
            "time to first token",
            "s",
            lambda one: None if one.first_token is None else one.first_token.seconds,
            less_is_better=True,
            digits=2,
            drawn=False,
        ),
        cost(
            "load",
            "load time",
            "s",
            lambda one: one.loading.seconds,
            less_is_better=True,
            digits=2,
            drawn=False,
        ),
        cost(
            "memory",
            "peak memory",
            "MB",
            lambda one: one.memory.peak_bytes and one.memory.peak_bytes / 1e6,
            less_is_better=True,
            drawn=False,
        ),
        cost(
            "cache",
            "KV cache a token",
            "kB",
            lambda one: one.memory.kv_bytes_per_token and one.memory.kv_bytes_per_token / 1e3,
            less_is_better=True,
            digits=1,
            drawn=False,
            note="of the layers that keep every token; others keep a window." if windows else "",
        ),
        cost(
            "energy",
            "energy a token written",
            "J",
            lambda one: None if one.decode is None else one.decode.joules_per_token,
            less_is_better=True,
            digits=3,
            drawn=False,
        ),
    ]


def _speed(measured: Speed | None) -> float | None:
    return None if measured is None else measured.tokens_per_second


def cost_notes(subject: Subject) -> Iterator[str]:
    """Yield what must be known of sizes and speeds, what disturbed their measurement above all."""
    for cost in costs(subject):
        if cost.note:
            yield f"{cost.title[:1].upper()}{cost.title[1:]}: {cost.note}"
    said: dict[str, list[str]] = {}
    for model in subject.models:
        for warning in model.profile.warnings if model.profile else ():
            said.setdefault(printable(warning), []).append(model.label)
    for warning, labels in said.items():
        yield f"{conjoined(labels)}: {warning}"


def parameters(model: Shown) -> str:
    """Return the number of parameters as people name models by it."""
    n = model.results.model.get("n_params")
    return parameter_count(n) if isinstance(n, int) and n > 0 else "n/a"


def _run_speed(subject: Subject) -> Cost:
    speeds, surroundings = [], set()
    for model in subject.models:
        work = model.results.work
        seconds = work.seconds["decode"]
        known = work.tokens_decoded > 0 and seconds > 0
        speeds.append(work.tokens_decoded / seconds if known else math.nan)
        surroundings.add((str(model.results.machine.get("cpu")), _threads(model), _mode(model)))
    note = (
        "tokens read in batches while scoring, not tokens written one by one; timed once, beside "
        "whatever else ran. fastscore profile measures speed for itself."
    )
    if len(surroundings) > 1:
        note += (
            " The runs were on different machines or threads, or with weights re-encoded for some "
            "only, so the speeds do not compare."
        )
    return Cost(
        "speed",
        "speed of the run",
        "tokens/s",
        tuple(speeds),
        less_is_better=False,
        drawn=len(surroundings) == 1,
        note=note,
    )


def _threads(model: Shown) -> str:
    engine = model.results.settings.get("engine")
    return str(engine.get("n_threads")) if isinstance(engine, dict) else ""


def _mode(model: Shown) -> str:
    """Return ``fast`` where weights could be re-encoded for speed."""
    weights = model.results.model.get("weights")
    return str(weights.get("mode")) if isinstance(weights, dict) else ""


def _number(model: Shown, key: str) -> float:
    """Return a fact about the model; NaN where the results do not say it."""
    value = model.results.model.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        return math.nan
    return float(value)
