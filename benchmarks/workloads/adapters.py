"""The same work with an adapter and without: runs that are observed, questions that are asked."""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.peers.trackers import mlflow_server, span_taker
from benchmarks.workloads.own_seconds import OwnSeconds, Timed, session_cpu_seconds
from benchmarks.workloads.rows import PreparedRows, Workload
from fastscore import Model, evaluate
from fastscore.assistant import Assistant
from fastscore.observing import Observer
from fastscore.results import Sample

_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


@dataclass(frozen=True)
class Answers:
    """What came out, the seconds it took, and those among them that were the adapter's own.

    ``fault`` says what went wrong on the way; ``server`` are the CPU seconds that a server of the
    adapter's took meanwhile, None where there is none or nobody knows.
    """

    seconds: float
    answers: Sequence[Any]
    own: float = 0.0
    fault: str | None = None
    server: float | None = None

    @property
    def share(self) -> float:
        """What the adapter added to the time of the rest."""
        return self.own / (self.seconds - self.own)

    def differs(self, other: Answers, may_differ: float) -> str | None:
        """Why these are not the other's answers, but for a share of them; None if they are."""
        if self.fault is not None:
            return self.fault
        if len(self.answers) != len(other.answers):
            return f"{len(self.answers)} answers, not {len(other.answers)}"
        n = sum(a != b for a, b in zip(self.answers, other.answers, strict=True))
        if n > may_differ * len(self.answers):
            return f"{n} of {len(self.answers)} answers are others"
        return None


@dataclass(frozen=True)
class Observed:
    """A warm model and the rows of arc_easy."""

    model: Model
    rows: PreparedRows

    def run(self, limit: int, observers: Sequence[Observer] = ()) -> list[tuple[float, ...]]:
        """Evaluate the first items anew; their log-likelihoods."""
        results = evaluate(
            self.model,
            ["arc_easy"],
            limit=limit,
            rows={"arc_easy": str(self.rows.original_eval)},
            observers=observers,
            progress=False,
            resume=False,
        )
        samples = results.tasks["arc_easy"].samples
        return [one.loglikelihoods for one in samples if isinstance(one, Sample)]


def plain(observed: Observed) -> Callable[[int], Answers]:
    """`evaluate` as it is."""

    def run(limit: int) -> Answers:
        started = time.perf_counter()
        answers = observed.run(limit)
        return Answers(time.perf_counter() - started, answers)

    return run


def mlflow(observed: Observed, folder: Path, stack: ExitStack) -> Callable[[int], Answers]:
    """With MLflow's observer, up to the end of its requests."""
    from fastscore.integrations.mlflow import MlflowObserver

    server = stack.enter_context(mlflow_server(folder))

    def run(limit: int) -> Answers:
        own = OwnSeconds()
        before = session_cpu_seconds(server.session)
        started = time.perf_counter()
        with own.threads():
            with own.waiting():
                observer = MlflowObserver("overhead", tracking_uri=server.address)
            answers = observed.run(limit, [Timed(observer, own)])
        seconds = time.perf_counter() - started
        after = session_cpu_seconds(server.session)
        served = None if before is None or after is None else after - before
        fault = None if observer.url else "MLflow has not got all of it"
        return Answers(seconds, answers, own.seconds, fault, served)

    return run


def tracing(observed: Observed, folder: Path, stack: ExitStack) -> Callable[[int], Answers]:
    """With spans of the run, the task and some items, up to the last one's being sent."""
    from fastscore.integrations.opentelemetry import TracingObserver
    from fastscore.integrations.opentelemetry.export import exporting

    taker = stack.enter_context(span_taker())
    stack.enter_context(mock.patch.dict("os.environ", {_ENDPOINT: taker.endpoint}))

    def run(limit: int) -> Answers:
        said: list[str] = []
        before = taker.n_bytes
        own = OwnSeconds()
        started = time.perf_counter()
        with own.threads(), ExitStack() as sending:
            with own.waiting():
                provider = sending.enter_context(exporting(said.append))
                observer = TracingObserver(tracer_provider=provider)
            answers = observed.run(limit, [Timed(observer, own)])
            with own.waiting():
                sending.close()
        seconds = time.perf_counter() - started
        if taker.n_bytes == before:
            said.append("no spans came")
        return Answers(seconds, answers, own.seconds, "; ".join(said) or None)

    return run


def lm_eval_share(
    model: Model, workload: Workload, rows: PreparedRows, folder: Path
) -> Callable[[int], Answers]:
    """lm-eval's own task, up to the last answer."""
    from benchmarks.workloads.lm_eval_run import TaskManager, run_task
    from fastscore.integrations.lm_eval import FastscoreLM

    manager = TaskManager()

    def run(limit: int) -> Answers:
        lm = FastscoreLM(model)
        timed = run_task(lm, replace(workload, limit=limit), rows, manager, folder)
        answers = [tuple(item["loglikelihoods"]) for item in timed.items]
        return Answers(timed.seconds, answers, timed.seconds - timed.engine_seconds)

    return run


class Asked:
    """An assistant and the questions of arc_easy, each with a few tokens for the answer."""

    def __init__(self, model: Model, rows: PreparedRows, n: int, max_tokens: int) -> None:
        self.assistant = Assistant(model, max_tokens=max_tokens)
        assert rows.original_eval is not None
        lines = rows.original_eval.read_text(encoding="utf-8").splitlines()[:n]
        self.questions = [json.loads(line)["question"]["stem"] for line in lines]

    def directly(self, questions: list[str]) -> list[str]:
        """Ask the assistant itself."""
        return [answer.text for answer in self.assistant.answer(questions)]

    def through(self, ask: Callable[[list[str]], Sequence[str]]) -> Callable[[int], Answers]:
        """Ask an adapter for all answers at a time; what is not the assistant's is its own."""

        def run(limit: int) -> Answers:
            inside: list[float] = []
            answer = self.assistant.try_answer

            def counted(*args: Any, **options: Any) -> Any:
                started = time.perf_counter()
                try:
                    return answer(*args, **options)
                finally:
                    inside.append(time.perf_counter() - started)

            with mock.patch.object(self.assistant, "try_answer", counted):
                started = time.perf_counter()
                texts = list(ask(self.questions[:limit]))
                seconds = time.perf_counter() - started
            fault = None if len(inside) == 1 else f"{len(inside)} runs of the engine, not one"
            return Answers(seconds, texts, seconds - sum(inside), fault)

        return run


def assistants(name: str, asked: Asked) -> Callable[[int], Answers]:
    """Ask the adapter of this name for texts."""
    return asked.through(_TEXTS[name](asked.assistant))


def _deepeval(assistant: Assistant) -> Callable[[list[str]], Sequence[str]]:
    from fastscore.integrations.deepeval import FastscoreLLM

    llm = FastscoreLLM(assistant)
    return lambda questions: [str(text) for text in llm.batch_generate(questions)]


def _ragas(assistant: Assistant) -> Callable[[list[str]], Sequence[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RAGAs marks what it imports itself as old
        from langchain_core.prompt_values import StringPromptValue

        from fastscore.integrations.ragas import FastscoreRagasLLM

    llm = FastscoreRagasLLM(assistant, temperature=0.0)

    async def ask(questions: list[str]) -> list[str]:
        prompts = [StringPromptValue(text=question) for question in questions]
        results = await asyncio.gather(
            *(llm.agenerate_text(prompt, temperature=None) for prompt in prompts)
        )
        return [result.generations[0][0].text for result in results]

    return lambda questions: asyncio.run(ask(questions))


def _phoenix(assistant: Assistant) -> Callable[[list[str]], Sequence[str]]:
    from phoenix.evals import LLM

    import fastscore.integrations.phoenix  # noqa: F401  # makes the provider known

    llm = LLM(provider="fastscore", model=assistant.name, assistant=assistant)

    async def ask(questions: list[str]) -> list[str]:
        return list(await asyncio.gather(*map(llm.async_generate_text, questions)))

    return lambda questions: asyncio.run(ask(questions))


_TEXTS: Mapping[str, Callable[[Assistant], Callable[[list[str]], Sequence[str]]]] = {
    "deepeval": _deepeval,
    "ragas": _ragas,
    "phoenix": _phoenix,
}
