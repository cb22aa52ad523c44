"""What re-encoded weights change, said with the results of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import capitals, score
from fastscore.errors import MemoryLimitError
from fastscore.model import EngineSettings
from fastscore.model.weight_choice import WeightChoice
from fastscore.results import Results
from fastscore.results.weight_notes import weight_notes


class Shifted(FakeModel):
    """The same model with a fixed amount added to what each continuation gets."""

    def __init__(self, by: float, **options: Any) -> None:
        super().__init__(**options)
        self.by = by

    def __enter__(self) -> Shifted:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def scoring(self, requests: Any, subset: Any = None) -> Any:
        run = super().scoring(requests, subset)
        steps = list(run)
        for done in steps:
            done.logprob[:] += self.by * (1 + done.index % 2)
        run.__class__ = type("Ran", (type(run),), {"__iter__": lambda self: iter(steps)})
        return run


class Fast(FakeModel):
    """A model with re-encoded weights; its own are off by a quarter and a half of a nat."""

    def __init__(self, kind: str = "BF16", **options: Any) -> None:
        super().__init__(**options)
        self.choice: Any = WeightChoice(
            type=kind,
            native_type="Q4_1",
            path=Path("fast.gguf"),
            n_bytes=1,
            left_out={},
            speeds={"native": 100.0, "BF16": 290.0, "F16": 150.0},
        )
        self.settings = EngineSettings(**(vars(self.settings) | {"weights": self.choice.label}))
        self.n_opened = 0

    def native(self) -> FakeModel:
        self.n_opened += 1
        return Shifted(0.25)


def weights_of(results: Results) -> dict[str, Any]:
    return dict(results.model["weights"])


def run(model: FakeModel, n_rows: int = 20, **options: Any) -> Results:
    task, rows = capitals(n_rows)
    return score(model, task, rows={"capitals": rows}, **options)


def test_native_weights_need_no_word() -> None:
    results = run(FakeModel())
    assert "weights" not in results.model
    assert results.settings["engine"]["weights"] == "native"
    assert "Weights" not in results.table()


def test_the_first_items_are_scored_with_the_files_own(tmp_path: Path) -> None:
    model = Fast()
    results = run(model, output=tmp_path)
    found = weights_of(results)
    drift = found["drift"]
    assert (found["type"], found["native_type"], found["speedup"]) == ("BF16", "Q4_1", 2.9)
    assert (drift["items"], drift["requests"]) == (10, 30)  # of three choices each, 32 at most
    assert drift["mean"] == pytest.approx(0.375)
    assert drift["max"] == pytest.approx(0.5)
    task = results.tasks["capitals"]
    changed = 0
    for number, sample in enumerate(list(task.samples)[:10]):
        fast = list(sample.loglikelihoods)
        native = [v + 0.25 * (1 + (3 * number + i) % 2) for i, v in enumerate(fast)]
        changed += fast.index(max(fast)) != native.index(max(native))
    assert drift["predictions_changed"] == changed
    said = (
        "Weights ran as BF16 instead of the file's Q4_1, 2.9 times as fast: on the first 10 items "
        f"log-likelihoods differ by 0.38 on average and 0.5 at most, and {changed} of their "
        "predictions changed."
    )
    assert said in results.table()
    assert weights_of(Results.load(tmp_path)) == found
    # A second run of the open model, and another process that asks the same, need no native one.
    run(model)
    assert model.n_opened == 1
    again = Fast()
    assert weights_of(run(again)) == found
    assert again.n_opened == 0
    other = Fast()
    run(other, n_rows=5)
    assert other.n_opened == 1


def test_each_run_of_a_model_speaks_of_its_own_items() -> None:
    model = Fast()
    assert weights_of(run(model))["drift"]["items"] == 10
    assert weights_of(run(model, n_rows=5))["drift"]["items"] == 5


def test_one_item_of_many_choices_is_enough() -> None:
    from fastscore import Question, Task

    task = Task("many", lambda row: Question("Which?", [f"c{i}" for i in range(40)], 0))
    results = score(Fast(), task, rows={"many": [{"a": 1}, {"a": 2}]})
    drift = weights_of(results)["drift"]
    assert (drift["items"], drift["requests"]) == (1, 40)


def test_where_it_cannot_be_measured_it_says_so(caplog: pytest.LogCaptureFixture) -> None:
    class Small(Fast):
        def native(self) -> FakeModel:
            raise MemoryLimitError("it is 9 GB and 1 GB are available")

    model = Small()
    for _ in range(2):
        results = run(model)
        assert "9 GB" in weights_of(results)["drift"]["reason"]
    assert "was not measured" in results.table()
    assert caplog.text.count("9 GB") == 1


def test_fast_that_came_out_native() -> None:
    results = run(Fast("native"))
    assert weights_of(results)["drift"] is None
    assert weights_of(results)["type"] == "native"
    assert results.settings["engine"]["weights"] == "native"
    assert "Weights ran" not in results.table()


def test_stored_results_of_other_weights_are_not_taken() -> None:
    for model in (FakeModel(), Fast(), Fast("F16")):
        run(model)
        assert model.n_scored == 60
    for model in (FakeModel(), Fast()):
        run(model)
        assert model.n_scored == 0


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"type": "native", "native_type": "Q4_1", "drift": None},
        {"type": 7, "native_type": "Q4_1"},
        {"type": "BF16", "native_type": ["<b>"]},
    ],
)
def test_what_makes_no_sense_is_left_out(weights: dict[str, Any]) -> None:
    assert list(weight_notes(weights)) == []


def test_half_of_it_is_said_as_far_as_it_goes() -> None:
    facts = {"type": "BF16", "native_type": "Q4_1"}
    for drift in (None, [], {"mean": "x"}, {"mean": 0.1}):
        (said,) = weight_notes(facts | {"drift": drift, "speedup": None})
        assert said == (
            "Weights ran as BF16 instead of the file's Q4_1: what that changes was not measured."
        )
