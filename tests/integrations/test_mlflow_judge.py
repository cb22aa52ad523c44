"""A judge by log-likelihoods in MLflow's own evaluation, its judgements read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fastscore.assistant import Assistant
from fastscore.errors import UsageError
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
pd = pytest.importorskip("pandas", reason="MLflow's evaluation needs pandas")
OptionJudge = pytest.importorskip("fastscore.integrations.mlflow.judge").OptionJudge

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore:.*Any type hint:UserWarning",  # of MLflow's own classes
)

QUESTION = "Question: {{ inputs.question }}\nAnswer: {{ outputs }}\nIs that right?"


@pytest.fixture(scope="module")
def assistant(tiny_model: TinyModel) -> Iterator[Assistant]:
    path = tiny_model("llama", n_ctx_train=2048, chat_template=CHAT_TEMPLATE)
    with Assistant(path, n_threads=1) as opened:
        yield opened


@pytest.fixture
def tracking(mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "Default")


def test_mlflow_evaluates_with_it(tracking: None, assistant: Assistant) -> None:
    rows = [{"inputs": {"question": f"What is {i} + 1?"}, "outputs": str(i + 1)} for i in range(12)]
    options = {"yes": True, "no": False}
    with OptionJudge("right", QUESTION, options, assistant) as judge:
        done = mlflow.genai.evaluate(data=rows, scorers=[judge])
    asked = [
        f"Question: {row['inputs']['question']}\nAnswer: {row['outputs']}\nIs that right?"
        for row in rows
    ]
    expected = dict(zip(asked, assistant.decide(asked, list(options)), strict=True))

    traces = mlflow.search_traces(run_id=done.run_id, return_type="list")
    assert len(traces) == len(rows)
    values = []
    for trace in traces:
        [said] = [one for one in trace.info.assessments if one.name == "right"]
        question = json.loads(trace.data.request)["question"]
        decision = expected[
            f"Question: {question}\nAnswer: {json.loads(trace.data.response)}\nIs that right?"
        ]
        assert said.error is None
        assert said.value is options[decision.choice]
        assert said.rationale is None
        assert (said.source.source_type, said.source.source_id) == ("LLM_JUDGE", assistant.name)
        assert said.metadata["choice"] == decision.choice
        assert said.metadata["fingerprint"] == assistant.model.fingerprint
        found = json.loads(said.metadata["probabilities"])
        assert found == pytest.approx(
            dict(zip(options, decision.probabilities, strict=True)), abs=1e-3
        )
        values.append(said.value)
    assert done.metrics["right/mean"] == sum(values) / len(values)
    client = mlflow.MlflowClient()
    assert client.get_run(done.run_id).data.metrics["right/mean"] == done.metrics["right/mean"]


def test_an_item_that_cannot_be_judged_is_an_error_of_its_own(
    tracking: None, assistant: Assistant
) -> None:
    rows = [
        {"inputs": {"question": "1 + 1?"}, "outputs": "2"},
        {"inputs": {"query": "1 + 1?"}, "outputs": "2"},
        {"inputs": {"question": "long " * 3000}, "outputs": "2"},
    ]
    with OptionJudge("right", QUESTION, ["yes", "no"], assistant) as judge:
        done = mlflow.genai.evaluate(data=rows, scorers=[judge])
    said = [
        one
        for trace in mlflow.search_traces(run_id=done.run_id, return_type="list")
        for one in trace.info.assessments
        if one.name == "right"
    ]
    errors = sorted(one.error.error_message for one in said if one.error is not None)
    assert len(said) == 3
    assert len(errors) == 2
    assert "has no attribute 'question'" in errors[0]
    assert "the item has inputs.query, outputs" in errors[0]
    assert "the window is 2048" in errors[1]


def test_values_are_weighted_by_their_probabilities(assistant: Assistant) -> None:
    options = {"1": 1, "2": 2, "3": 3}
    template = "Rate {{ outputs }} against {{ expectations }}."
    with OptionJudge("grade", template, options, assistant, weighted=True) as judge:
        said = judge(outputs="a", expectations={"facts": ["é", 1]})
    [decision] = assistant.decide(
        ['Rate a against {"facts": ["é", 1]}.'], list(options)
    )  # what is no text is JSON
    assert said.value == pytest.approx(
        sum(p * n for p, n in zip(decision.probabilities, (1, 2, 3), strict=True)), abs=1e-3
    )


def test_a_list_of_options_is_its_own_values(assistant: Assistant) -> None:
    with OptionJudge("which", "{{ outputs }}?", ["good", "bad"], assistant) as judge:
        assert judge(outputs="This").value in ("good", "bad")


def test_the_model_of_a_judge_is_closed_with_it(tiny_model: TinyModel) -> None:
    path = tiny_model("llama", n_ctx_train=2048, chat_template=CHAT_TEMPLATE)
    with OptionJudge("which", "{{ outputs }}?", ["good", "bad"], path, n_threads=1) as judge:
        assert judge(outputs="This").source.source_id
    with pytest.raises(UsageError, match="closed"):
        judge(outputs="This")


@pytest.mark.parametrize(
    ("template", "item", "message"),
    [
        ("{{ outputs }}", {"inputs": {"q": "x"}}, "is None; the item has inputs.q"),
        ("{{ inputs.q }}", {"inputs": {"q": None}}, "is None"),
        # What a data frame makes of None.
        ("{{ outputs }}", {"outputs": float("nan")}, "is nan; the item has outputs"),
        ("{{ inputs.q }}", {"inputs": {"q": pd.NA}}, "is <NA>"),
        ("{{ inputs.items }}", {"inputs": {"items": ["egg"]}}, r"write \['items'\]"),
    ],
)
def test_nothing_is_judged_in_place_of_what_is_not_there(
    assistant: Assistant, template: str, item: dict[str, Any], message: str
) -> None:
    with (
        OptionJudge("judge", template, ["a", "b"], assistant) as judge,
        pytest.raises(UsageError, match=message),
    ):
        judge(**item)


def test_what_may_be_missing_can_be_asked_for(assistant: Assistant) -> None:
    template = (
        "{{ outputs }}{% if expectations %} {{ expectations }}{% endif %} {{ inputs['get'] }}"
    )
    with OptionJudge("judge", template, ["a", "b"], assistant) as judge:
        assert judge(outputs=True, inputs={"get": 1}).value in ("a", "b")
        assert judge._render({"outputs": True, "inputs": {"get": 1}, "expectations": None}) == (
            "true 1"
        )


def test_options_of_an_assistant_that_is_open_are_refused(assistant: Assistant) -> None:
    with pytest.raises(UsageError, match="n_ctx cannot be set"):
        OptionJudge("judge", "{{ outputs }}", ["a", "b"], assistant, n_ctx=512)


@pytest.mark.parametrize(
    ("template", "options", "weighted", "message"),
    [
        ("{{ inputs", ["a", "b"], False, "no template"),
        ("Is it right?", ["a", "b"], False, "use no variable"),
        ("{{ trace }}", ["a", "b"], False, "use trace; they may use"),
        ("{{ outputs }}", ["a"], False, "at least two"),
        ("{{ outputs }}", ["a", "a"], False, "each of them once"),
        (None, ["a", "b"], False, "the instructions are None"),
        ("{{ outputs }}", "yes", False, "options is 'yes'; give a list"),
        ("{{ outputs }}", None, False, "options is None; give a list"),
        ("{{ outputs }}", {"a": "x", "b": 1}, True, "a weighted mean needs numbers"),
        ("{{ outputs }}", {"a": float("nan"), "b": 1}, True, "give a finite number"),
        ("{{ outputs }}", [1, 2], False, "an option is 1; each is a text"),
        ("{{ outputs }}", ["", "b"], False, "each is a text that is not empty"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    template: Any, options: Any, weighted: bool, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        OptionJudge("judge", template, options, "no such file", weighted=weighted)
