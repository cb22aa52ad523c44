"""A run as OpenTelemetry spans: their tree, attributes and times, and what is kept back."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_results import make_results
from fastscore import Results, evaluate
from fastscore.errors import UsageError
from fastscore.observing import Observer
from fastscore.results import GroupResult, Sample
from models.fixtures import TinyModel

pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry's SDK is not installed")

from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from fastscore.integrations.opentelemetry import TracingObserver, attributes
from fastscore.integrations.opentelemetry import observer as tracing


class Recorder:
    """A provider that keeps its spans."""

    def __init__(self) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False)
        self._kept = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())

    def named(self, name: str) -> ReadableSpan:
        (found,) = [one for one in self.spans if one.name == name]
        return found

    def of_kind(self, kind: str) -> list[ReadableSpan]:
        return [one for one in self.spans if said(one)["openinference.span.kind"] == kind]

    def children(self, span: ReadableSpan) -> list[str]:
        return [
            one.name
            for one in self.spans
            if one.parent is not None and one.parent.span_id == span.context.span_id
        ]


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    one = Recorder()
    yield one
    one.provider.shutdown()


@pytest.fixture(scope="session")
def model(tiny_model: TinyModel) -> Path:
    return tiny_model("llama", n_ctx_train=2048)


GSM8K = [{"question": f"What is {i} plus {i}?", "answer": f"#### {2 * i}"} for i in range(3)]


def run(model: Path, recorder: Recorder | None, rate: Any = 1.0, **options: Any) -> Results:
    provider = None if recorder is None else recorder.provider
    options = {"tasks": "mini_qa", "limit": 4, "progress": False, "n_threads": 1, **options}
    return evaluate(model, observers=[TracingObserver(rate, provider)], **options)


def test_a_run_is_a_tree(model: Path, recorder: Recorder) -> None:
    rows = {"gsm8k": GSM8K}
    options = {"num_fewshot": 0, "max_tokens": 5, "rows": rows}
    run(model, recorder, tasks="mini_qa,gsm8k", limit=3, **options)
    (root,) = recorder.of_kind("CHAIN")
    assert root.name == "evaluate mini_qa, gsm8k"
    assert root.parent is None
    assert recorder.children(root) == ["mini_qa", "gsm8k"]
    for task in ("mini_qa", "gsm8k"):
        span = recorder.named(task)
        assert said(span)["openinference.span.kind"] == "EVALUATOR"
        assert recorder.children(span) == [f"{task} #{i}" for i in range(3)]
    assert len(recorder.of_kind("LLM")) == 6
    assert {one.status.status_code for one in recorder.spans} == {StatusCode.OK}
    assert len({said(one)["session.id"] for one in recorder.spans}) == 1


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


def test_times_are_those_of_the_task(model: Path, recorder: Recorder) -> None:
    before = time.time_ns()
    run(model, recorder, tasks="mini_qa,mini_blank", limit=3)
    after = time.time_ns()
    times = {one.name: (one.start_time or 0, one.end_time or 0) for one in recorder.spans}
    root = times["evaluate mini_qa, mini_blank"]
    assert before <= root[0] <= times["mini_qa"][0] < times["mini_qa"][1]
    assert (
        times["mini_qa"][1] <= times["mini_blank"][0] < times["mini_blank"][1] <= root[1] <= after
    )
    assert times["mini_qa #1"] == times["mini_qa"]
    assert {said(one)["fastscore.timing"] for one in recorder.of_kind("LLM")} == {"task"}


def test_with_until_a_task_ends_when_it_was_stopped(model: Path, recorder: Recorder) -> None:
    run(model, recorder, 0, tasks="mini_qa,mini_blank", limit=None, until="ci=0.45")
    first, second = recorder.named("mini_qa"), recorder.named("mini_blank")
    assert (first.start_time or 0) < (first.end_time or 0) <= (second.start_time or 0)


def test_the_same_items_are_sampled_every_time(model: Path) -> None:
    class Item:
        def __init__(self, doc_id: int) -> None:
            self.doc_id = doc_id

    items: Any = [Item(i) for i in range(2000)]

    def chosen(task: str, rate: float | None, among: Any = items) -> list[int]:
        return [one.doc_id for one in tracing.sampled(task, among, rate)]

    assert chosen("a", 0) == []
    assert chosen("a", 1) == list(range(2000))
    tenth = chosen("a", 0.1)
    assert 150 < len(tenth) < 250
    assert tenth == sorted(tenth)
    assert chosen("a", 0.1, items[:500]) == [one for one in tenth if one < 500]
    assert set(tenth) <= set(chosen("a", 0.2))
    assert chosen("b", 0.1) != tenth
    few = chosen("a", None)
    assert len(few) == tracing.ITEMS_PER_TASK
    assert set(few) <= set(tenth)
    assert chosen("a", None, items[:7]) == list(range(7))


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan, True, "0.5"])
def test_a_rate_is_a_share(rate: Any) -> None:
    with pytest.raises(UsageError, match="must be a number from 0"):
        TracingObserver(rate)


def test_evaluate_takes_a_rate(model: Path) -> None:
    with pytest.raises(UsageError, match="the rate of traced items is 2"):
        evaluate(model, "mini_qa", limit=2, progress=False, tracing=2)


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


def test_no_texts_are_kept_for_no_items(model: Path, recorder: Recorder) -> None:
    assert not TracingObserver(0).wants_prompts
    run(model, recorder, 0)
    assert [one.name for one in recorder.spans] == ["mini_qa", "evaluate mini_qa"]


def test_a_run_within_a_span_is_its_child(model: Path, recorder: Recorder) -> None:
    with recorder.provider.get_tracer("mine").start_as_current_span("release") as outer:
        token = context.attach(context.set_value("session.id", "nightly"))
        run(model, recorder, 0)
        context.detach(token)
    (root,) = [one for one in recorder.spans if one.name.startswith("evaluate")]
    assert root.parent is not None
    assert root.parent.span_id == outer.get_span_context().span_id
    assert said(root)["session.id"] == "nightly"


def test_ctrl_c_is_told(model: Path, recorder: Recorder) -> None:
    class Impatient(Observer):
        def task_started(self, task: str) -> None:
            if task == "mini_blank":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(
            model,
            "mini_qa,mini_blank",
            limit=3,
            progress=False,
            observers=[TracingObserver(0, recorder.provider), Impatient()],
        )
    done, broken, root = recorder.spans
    assert (done.name, done.status.status_code) == ("mini_qa", StatusCode.OK)
    assert (broken.name, broken.status.status_code) == ("mini_blank", StatusCode.ERROR)
    assert root.status.status_code is StatusCode.ERROR
    assert (root.status.description or "").startswith("KeyboardInterrupt: Stopped.")
    (event,) = root.events
    assert event.name == "exception"


def test_spans_that_go_nowhere_are_warned_about(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not isinstance(trace.get_tracer_provider(), TracerProvider)  # nobody has set one
    results = evaluate(model, "mini_qa", limit=2, progress=False, tracing=True)
    assert results["mini_qa"].n == 2
    (record,) = [one for one in caplog.records if "TracerProvider" in one.message]
    assert record.levelname == "WARNING"


def test_who_has_switched_opentelemetry_off_is_told(
    model: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    own = TracerProvider(shutdown_on_exit=False)
    evaluate(model, "mini_qa", limit=2, progress=False, observers=[TracingObserver(1, own)])
    (record,) = caplog.records
    assert "OTEL_SDK_DISABLED is true" in record.message


def test_spans_that_are_sampled_out_are_not(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    off = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    evaluate(model, "mini_qa", limit=2, progress=False, observers=[TracingObserver(1, off)])
    assert caplog.records == []


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


def test_without_tracing_nothing_is_imported(model: Path) -> None:
    code = (
        "import sys; from fastscore import evaluate\n"
        f"evaluate({str(model)!r}, 'mini_qa', limit=1, progress=False)\n"
        "print(sorted({'opentelemetry', 'openinference'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_opentelemetry_is_named() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from fastscore import evaluate\n"
        "try:\n    evaluate('demo', 'mini', tracing=True)\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'fastscore-gguf[opentelemetry]'" in done.stdout
