"""A scorer for ``mlflow.genai.evaluate`` that decides between options instead of writing."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import BuiltinMethodType, MethodType
from typing import Any, TypeAlias

from jinja2 import StrictUndefined, TemplateError, UndefinedError, meta

from fastscore.assistant import Assistant, Gatherer
from fastscore.bounded_jinja import BoundedEnvironment
from fastscore.closing import Closing
from fastscore.errors import UsageError
from fastscore.integrations.missing import missing_tool
from fastscore.integrations.mlflow.server import AssessmentSource, Feedback
from fastscore.model import Model

try:
    import pandas as pd
    from mlflow.genai.scorers import Scorer
    from pydantic import PrivateAttr
except ImportError as error:
    raise missing_tool("MLflow with what mlflow.genai needs", "mlflow", error) from error

Value: TypeAlias = bool | int | float | str

_KNOWN = ("inputs", "outputs", "expectations")


class OptionJudge(Closing, Scorer):  # type: ignore[misc]  # of MLflow, which need not be there
    r"""Judges by the log-likelihoods of given answers: one prefill an item, nothing to parse.

    >>> judge = OptionJudge(
    ...     "grounded",
    ...     "Context: {{ inputs.context }}\nAnswer: {{ outputs }}\nIs the answer in the context?",
    ...     {"yes": True, "no": False},
    ...     "demo",
    ... )  # doctest: +SKIP
    >>> mlflow.genai.evaluate(data=rows, scorers=[judge])  # doctest: +SKIP

    The items that MLflow's threads ask about at the same time are judged together. A judgement is
    an ``mlflow.entities.Feedback`` of the model's name, with the probability of each option in its
    metadata, and without a rationale: the model gives none.

    Parameters
    ----------
    name
        Of the scorer, and so of its metric: ``<name>/mean``.
    instructions
        The question, a Jinja template over ``inputs``, ``outputs`` and ``expectations``; what is no
        text is written as JSON.
    options
        The answers to choose from with the value of each, or the answers alone, which are then
        their values. MLflow averages numbers, booleans, ``yes`` and ``no``.
    model
        An `Assistant` or a `Model`, which stay the caller's to close, or what `Model` opens.
    weighted
        Return the mean of the options' values by their probabilities instead of the most probable
        one's; all must be numbers then.
    aggregations
        Of MLflow, such as ``["mean", "p90"]``; None for the mean.
    model_options
        For `Model`: ``n_ctx``, ``n_threads``, ...

    Raises
    ------
    UsageError
        The template or the options make no sense, or options of a model come with one that is
        open; while judging, an item lacks what the template writes, or has None or NaN there, or
        does not fit the window. MLflow keeps the latter as the error of that item.

    """

    _environment: Any = PrivateAttr()
    _template: Any = PrivateAttr()
    _values: Any = PrivateAttr()
    _weighted: bool = PrivateAttr()
    _gatherer: Any = PrivateAttr()
    _rendering: Any = PrivateAttr()

    def __init__(
        self,
        name: str,
        instructions: str,
        options: Mapping[str, Value] | Sequence[str],
        model: Assistant | Model | str | Path,
        *,
        weighted: bool = False,
        aggregations: list[Any] | None = None,
        description: str | None = None,
        **model_options: Any,
    ) -> None:
        # A model takes as long as it takes: MLflow gives up on a scorer after five minutes.
        super().__init__(name=name, aggregations=aggregations, description=description, timeout=0)
        self._values = _read_options(options, weighted)
        self._weighted = weighted
        self._environment = BoundedEnvironment(
            undefined=StrictUndefined, keep_trailing_newline=True, finalize=_as_text
        )
        self._template = _compile(self._environment, instructions)
        self._rendering = threading.Lock()
        self._gatherer = Gatherer(model, **model_options)

    def __call__(
        self, *, inputs: Any = None, outputs: Any = None, expectations: Any = None
    ) -> Feedback:
        """Judge one item; MLflow's evaluation calls this from many threads."""
        asked = self._render({"inputs": inputs, "outputs": outputs, "expectations": expectations})
        assistant = self._gatherer.assistant
        decision = self._gatherer.decide(asked, tuple(self._values)).result()
        probabilities = dict(zip(decision.options, decision.probabilities, strict=True))
        value: Value = self._values[decision.choice]
        if self._weighted:
            value = sum(p * float(self._values[option]) for option, p in probabilities.items())
        return Feedback(
            name=self.name,
            value=value,
            source=AssessmentSource(source_type="LLM_JUDGE", source_id=assistant.name),
            metadata={
                "choice": decision.choice,
                "probabilities": json.dumps(probabilities),
                "fingerprint": assistant.model.fingerprint,
            },
        )

    def _render(self, values: Mapping[str, Any]) -> str:
        with self._rendering:
            try:
                return str(self._environment.render_bounded(self._template, values))
            except TemplateError as error:
                raise UsageError(
                    f"the instructions of {self.name} cannot be filled in: {error}; the item has "
                    f"{', '.join(_fields(values)) or 'nothing'}"
                ) from error

    def close(self) -> None:
        """Free the model, unless the caller opened it; nothing can be judged any more."""
        self._gatherer.close()


def _read_options(options: Mapping[str, Value] | Sequence[str], weighted: bool) -> dict[str, Value]:
    if isinstance(options, str) or not isinstance(options, (Mapping, Sequence)):
        raise UsageError(f"options is {options!r:.60}; give a list of texts, or a dict of values")
    values: dict[str, Value] = (
        dict(options) if isinstance(options, Mapping) else {one: one for one in options}
    )
    if len(values) < max(2, len(options)):
        raise UsageError(f"options is {options!r:.200}; give at least two, each of them once")
    for option, value in values.items():
        if not isinstance(option, str) or not option:
            raise UsageError(f"an option is {option!r:.60}; each is a text that is not empty")
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"the value of {option!r:.60} is {value}; give a finite number")
        if weighted and not isinstance(value, (bool, int, float)):
            raise UsageError(
                f"the value of {option!r:.60} is {value!r:.60}; a weighted mean needs numbers"
            )
    return values


def _compile(environment: BoundedEnvironment, instructions: str) -> Any:
    if not isinstance(instructions, str):
        raise UsageError(f"the instructions are {instructions!r:.60}; give a text")
    try:
        template = environment.compile_bounded(instructions)
        names = meta.find_undeclared_variables(environment.parse(instructions))
    except TemplateError as error:
        raise UsageError(f"the instructions are no template: {error}") from error
    asked = names - set(environment.globals)
    if not asked or not asked <= set(_KNOWN):
        raise UsageError(
            f"the instructions use {', '.join(sorted(asked)) or 'no variable'}; they may use "
            "{{ inputs }}, {{ outputs }} and {{ expectations }}, and should use one"
        )
    return template


def _as_text(value: Any) -> Any:
    """What a template writes of a value that is no text: JSON.

    Raises UndefinedError for what a model would judge in earnest and nobody meant: None, which a
    table turns into NaN, and the methods that Jinja finds before the keys of a mapping.
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        raise UndefinedError(f"what is to be written here is {value}")
    if isinstance(value, (BuiltinMethodType, MethodType)):
        name = value.__name__
        raise UndefinedError(f".{name} is a method of mappings and lists; write ['{name}']")
    if isinstance(value, (bool, dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _fields(values: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += [f"{name}.{key}" for key in value]
        elif value is not None:
            found.append(name)
    return found
