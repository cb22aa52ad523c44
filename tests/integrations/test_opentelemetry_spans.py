"""A run as OpenTelemetry spans: their tree and times, which items have one, and where they go."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fastscore import evaluate
from fastscore.errors import UsageError
from fastscore.observing import Observer
from models.fixtures import TinyModel

pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry's SDK is not installed")

from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import StatusCode
from opentelemetry_recording import GSM8K, Recorder, run, said

from fastscore.integrations.opentelemetry import TracingObserver
from fastscore.integrations.opentelemetry import observer as tracing


@pytest.fixture(scope="session")
def model(tiny_model: TinyModel) -> Path:
    return tiny_model("llama", n_ctx_train=2048)


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


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What fastscore logged; libraries whose threads outlive a test may log as well."""
    return [record for record in caplog.records if record.name == "fastscore"]


def test_spans_that_go_nowhere_are_warned_about(
    model: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobodys = trace.ProxyTracerProvider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: nobodys)
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
    (record,) = logged(caplog)
    assert "OTEL_SDK_DISABLED is true" in record.message


def test_spans_that_are_sampled_out_are_not(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    off = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    evaluate(model, "mini_qa", limit=2, progress=False, observers=[TracingObserver(1, off)])
    assert logged(caplog) == []


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
