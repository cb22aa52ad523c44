"""What OpenTelemetry spans say of a run, its tasks and its items, and what is kept back."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_results import make_results
from fastscore.results import GroupResult, Sample
from models.fixtures import TinyModel

pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry's SDK is not installed")

from opentelemetry_recording import GSM8K, Recorder, run, said

from fastscore.integrations.opentelemetry import attributes


@pytest.fixture(scope="session")
def model(tiny_model: TinyModel) -> Path:
    return tiny_model("llama", n_ctx_train=2048)


def test_attributes_of_run_and_task(model: Path, recorder: Recorder) -> None:
    results = run(model, recorder)
    metrics = results["mini_qa"].metrics
    (root,) = recorder.of_kind("CHAIN")
    asked = json.loads(said(root)["input.value"])
    assert asked["tasks"] == {"mini_qa": 4}
    assert asked["limit"] == 4
    assert json.loads(said(root)["output.value"])["mini_qa"]["acc"]["value"] == metrics["acc"].value
    assert json.loads(said(root)["metadata"])["fingerprint"] == results.model["fingerprint"]
    task = said(recorder.named("mini_qa"))
    assert json.loads(task["output.value"])["acc"]["ci95"] == list(metrics["acc"].ci95)
    assert json.loads(task["metadata"])["n"] == 4
    assert task["evaluations.0.evaluation.name"] == "acc"
    assert task["evaluations.0.evaluation.score"] == metrics["acc"].value


def test_attributes_of_a_choice(model: Path, recorder: Recorder) -> None:
    results = run(model, recorder, log_prompts=True)
    sample: Any = results["mini_qa"].samples[2]  # type: ignore[union-attr]
    item = said(recorder.named("mini_qa #2"))
    assert item["input.value"] == item["llm.prompts.0.prompt.text"] == sample.contexts[0]
    assert item["input.mime_type"] == item["output.mime_type"] == "text/plain"
    chosen = sample.scores["acc_norm"].choice
    assert item["output.value"] == sample.continuations[chosen].strip()
    assert item["llm.model_name"] == attributes.model_name(results.model)
    assert item["llm.token_count.prompt"] == item["llm.token_count.total"] > 1
    metadata = json.loads(item["metadata"])
    assert (metadata["task"], metadata["doc_id"]) == ("mini_qa", 2)
    assert metadata["gold"] == list(sample.gold)
    assert metadata["scores"] == {name: one.value for name, one in sample.scores.items()}
    probabilities = [one["probability"] for one in metadata["choices"]]
    assert math.isclose(sum(probabilities), 1)
    assert probabilities.index(max(probabilities)) == sample.pred
    assert metadata["chosen"] == chosen
    ratio = math.exp(sample.loglikelihoods[0] - sample.loglikelihoods[1])
    assert math.isclose(probabilities[0] / probabilities[1], ratio)


def test_choices_that_follow_texts_of_their_own(model: Path, recorder: Recorder) -> None:
    run(model, recorder, tasks="mini_blank", limit=1)
    (item,) = map(said, recorder.of_kind("LLM"))
    prompts = json.loads(item["input.value"])
    assert item["input.mime_type"] == "application/json"
    assert prompts == [item["llm.prompts.0.prompt.text"], item["llm.prompts.1.prompt.text"]]
    assert item["output.value"].startswith(tuple(prompts))


def test_attributes_of_a_text(model: Path, recorder: Recorder) -> None:
    results = run(
        model,
        recorder,
        tasks="gsm8k",
        num_fewshot=0,
        rows={"gsm8k": GSM8K},
        max_tokens=5,
        temperature=0.7,
        n=2,
    )
    sample: Any = results["gsm8k"].samples[1]  # type: ignore[union-attr]
    item = said(recorder.named("gsm8k #1"))
    assert "What is 1 plus 1?" in item["input.value"]
    assert json.loads(item["output.value"]) == list(sample.outputs)
    assert item["llm.choices.1.completion.text"] == sample.outputs[1]
    how = json.loads(item["llm.invocation_parameters"])
    assert (how["n"], how["max_tokens"], how["temperature"]) == (2, 5, 0.7)
    assert json.loads(item["metadata"])["gold"] == "#### 2"


def test_names_are_those_of_openinference(model: Path, recorder: Recorder) -> None:
    semconv = pytest.importorskip("openinference.semconv.trace", reason="no OpenInference here")
    known = {
        value
        for of in vars(semconv).values()
        if isinstance(of, type)
        for value in vars(of).values()
        if isinstance(value, str)
    }
    kinds = {one.value for one in semconv.OpenInferenceSpanKindValues}
    options = {"num_fewshot": 0, "rows": {"gsm8k": GSM8K}, "max_tokens": 3}
    run(model, recorder, tasks="mini_qa,gsm8k", **options)
    seen = {name for span in recorder.spans for name in said(span)}
    unknown = set()
    for name in seen - known:
        # llm.prompts.0.prompt.text: a list's name, a number, and the name of a field
        before, after = name.partition(".0.")[::2] if ".0." in name else name.partition(".1.")[::2]
        if not {before, after} <= known:
            unknown.add(name)
    assert unknown == {attributes.TIMING}
    assert {said(span)["openinference.span.kind"] for span in recorder.spans} <= kinds


def test_a_run_is_known_by_its_groups() -> None:
    tasks = make_results("Q4_0", {"a": 8, "b": 8, "c": 8})
    pooled = {name: tasks.tasks[name] for name in ("a", "b")}
    group = GroupResult.from_tasks(["a", "b"], pooled, {"acc": "acc", "acc_norm": "acc_norm"})
    nothing_shared = GroupResult(members=("c",), tasks=("c",), metrics={}, n=8)
    results = replace(tasks, groups={"g": group, "empty": nothing_shared})
    found = attributes.of_results(results)
    assert found["evaluations.0.evaluation.name"] == "g acc_norm"
    assert found["evaluations.0.evaluation.score"] == group.metrics["acc_norm"].value
    assert "evaluations.1.evaluation.name" not in found  # a, b and c belong to groups
    assert set(json.loads(str(found["output.value"]))) == {"g", "empty", "a", "b", "c"}


def test_texts_can_be_kept_back(
    model: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENINFERENCE_HIDE_INPUTS", "true")
    monkeypatch.setenv("OPENINFERENCE_HIDE_OUTPUTS", "TRUE")
    secret = [{"question": "Is the code Xyzzy?", "answer": "Plugh it is. #### Plugh"}]
    options = {"num_fewshot": 0, "max_tokens": 5, "rows": {"gsm8k": secret}}
    results = run(model, recorder, tasks="mini_qa,gsm8k", log_prompts=True, **options)
    everything = json.dumps([said(one) for one in recorder.spans])
    assert "__REDACTED__" in everything
    assert "Xyzzy" not in everything
    assert "Plugh" not in everything
    sample: Any = results["mini_qa"].samples[0]  # type: ignore[union-attr]
    for text in (*sample.contexts, *sample.continuations):
        assert text.strip() not in everything
    written: Any = results["gsm8k"].samples[0]  # type: ignore[union-attr]
    assert json.dumps(written.outputs[0])[1:-1] not in everything


def test_prompts_that_are_kept_back_are_no_part_of_answers(
    model: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The choices of this task follow texts of their own, which an answer begins with."""
    monkeypatch.setenv("OPENINFERENCE_HIDE_INPUTS", "true")
    options = {"log_prompts": True, "system_instruction": "Never say Xyzzy."}
    results = run(model, recorder, tasks="mini_blank", limit=2, **options)
    told = [str(value) for span in recorder.spans for value in said(span).values()]
    for sample in results["mini_blank"].samples:  # type: ignore[union-attr]
        assert isinstance(sample, Sample)
        for prompt, text in zip(sample.contexts or (), sample.continuations or (), strict=True):
            assert not any(prompt.splitlines()[-1].strip() in value for value in told)
            assert any(text.strip() in value for value in told)
    assert not any("Xyzzy" in value for value in told)


def test_what_a_span_is_outlives_many_texts_and_scores(model: Path, recorder: Recorder) -> None:
    """An SDK keeps 128 attributes, the last ones."""
    rows = {"gsm8k": GSM8K[:1]}
    options = {"num_fewshot": 0, "max_tokens": 1, "temperature": 1.0, "n": 150}
    run(model, recorder, tasks="gsm8k", rows=rows, **options)
    (item,) = map(said, recorder.of_kind("LLM"))
    assert "What is 0 plus 0?" in item["input.value"]
    assert len(json.loads(item["output.value"])) == 150
    many = make_results("Q4_0", {f"task {i}": 8 for i in range(60)})
    found = attributes.of_results(many)
    assert len(found) < 100
    assert len(json.loads(str(found["output.value"]))) == 60


def test_undefined_scores_are_said_to_be(model: Path, recorder: Recorder) -> None:
    # One item has no standard error, and its interval no end.
    run(model, recorder, limit=1)
    value = json.loads(said(recorder.named("mini_qa"))["output.value"])["acc"]
    assert value["stderr"] is None
    found = attributes._evaluations({"mc2": (math.nan, "all choices have probability zero")})
    assert found["evaluations.0.evaluation.label"] == "undefined"
    assert "evaluations.0.evaluation.score" not in found


def test_what_a_provider_keeps_back_is_not_in_the_metadata(model: Path) -> None:
    """By settings of the provider that Phoenix registers, which know nothing of our metadata."""
    theirs = pytest.importorskip("openinference.instrumentation", reason="no OpenInference here")
    config = theirs.TraceConfig(hide_inputs=True, hide_outputs=True)
    recorder = Recorder(theirs.TracerProvider(config=config, shutdown_on_exit=False))
    secret = [{"question": "Is the code Xyzzy?", "answer": "Plugh it is. #### Plugh"}]
    options = {"num_fewshot": 0, "max_tokens": 5, "rows": {"gsm8k": secret}, "log_prompts": True}
    results = run(model, recorder, tasks="mini_qa,gsm8k", **options)
    recorder.provider.shutdown()
    everything = json.dumps([said(one) for one in recorder.spans])
    assert len(recorder.of_kind("LLM")) == 5
    sample: Any = results["mini_qa"].samples[0]  # type: ignore[union-attr]
    for text in ("Xyzzy", "Plugh", *sample.contexts, *sample.continuations):
        assert text.strip() not in everything
