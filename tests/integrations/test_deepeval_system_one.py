"""DeepEval's closed questions: probabilities from the log-likelihoods of the options."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastscore.errors import UsageError
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

pytest.importorskip("deepeval", reason="DeepEval is not installed")

from deepeval.classifiers.classifier import Classifier
from deepeval.errors import ContextWindowExceededError
from deepeval.metrics import AnswerRelevancyMetric, FaithfulnessMetric, JevEval
from deepeval.metrics.jev_eval.questions import Choice, Noul, Score
from deepeval.models.system_one.limits import SystemOneContextLimitError
from deepeval.models.system_one.schema import ChoiceQuestion, NoulQuestion, ScoreQuestion
from deepeval.test_case import LLMTestCase, SingleTurnParams

from fastscore.integrations.deepeval import FastscoreLLM, FastscoreSystemOneModel
from fastscore.integrations.deepeval.system_one import written

STATE = {"input": "What is \u00fcber?", "actual_output": "A word.", "facts": ["a", "b"]}
QUESTIONS = {
    "holds": NoulQuestion(instructions="It is answered.", true="fully", false="in part or not"),
    "which": ChoiceQuestion(
        instructions="Which?", options={"tea": None, "milk": "white", "ink": ""}
    ),
    "how": ScoreQuestion(
        instructions="How well?", levels=["not at all", "somewhat", "well", "fully"]
    ),
}
CASE = LLMTestCase(
    input="Where is Normandy?",
    actual_output="Normandy is in France.",
    retrieval_context=["Normandy is a region of France."],
)


@pytest.fixture(scope="module")
def path(tiny_model: TinyModel) -> Path:
    return tiny_model("llama", n_ctx_train=2048, chat_template=CHAT_TEMPLATE, add_bos=True)


@pytest.fixture(scope="module")
def judge(path: Path) -> Iterator[FastscoreSystemOneModel]:
    with FastscoreSystemOneModel(path, n_threads=1) as opened:
        yield opened


@pytest.fixture
def runs(judge: FastscoreSystemOneModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each run of the engine decided."""
    sizes: list[int] = []
    work = judge.model.try_decide_each

    def counted(asked: Any, options: Any) -> Any:
        sizes.append(len(asked))
        return work(asked, options)

    monkeypatch.setattr(judge.model, "try_decide_each", counted)
    return sizes


def _probabilities(judge: Any, prompt: str, labels: list[str]) -> list[float]:
    """From the engine's own log-likelihoods of each label and the end of the turn."""
    context = judge.model.prompt(prompt)
    pairs = [(context, f"{label}<|im_end|>") for label in labels]
    weights = [math.exp(one.logprob) for one in judge.model.model.loglikelihood(pairs)]
    return [weight / sum(weights) for weight in weights]


def test_questions_are_written_out_after_the_state() -> None:
    asked = {key: written(STATE, question) for key, question in QUESTIONS.items()}
    state = '{\n "input": "What is \u00fcber?",\n "actual_output": "A word.",'
    assert all(one.prompt.startswith(state) for one in asked.values())
    ends = {key: one.prompt.partition("\n}\n\n")[2] for key, one in asked.items()}
    assert ends == {
        "holds": "It is answered.\nYes: fully\nNo: in part or not\n\n"
        "Is this true? Answer Yes or No, nothing else.",
        "which": "Which?\nA. tea\nB. milk: white\nC. ink: \n\n"
        "Answer with the letter of the option that is right, nothing else.",
        "how": "How well?\n0. not at all\n1. somewhat\n2. well\n3. fully\n\n"
        "Answer with the number of the level that fits best, nothing else.",
    }
    for put in ("Is it true?", {"fact": "a", "question": "Is it in the text?"}):
        prompt = written(STATE, NoulQuestion(instructions=put)).prompt
        assert prompt.endswith(
            ("?\n\nAnswer Yes or No, nothing else.", "}\n\nAnswer Yes or No, nothing else.")
        )
    many = ChoiceQuestion(instructions="Which?", options={str(n): None for n in range(30)})
    assert written("a text", many).options == tuple(str(n) for n in range(1, 31))
    assert written("a text", many).prompt.startswith("a text\n\nWhich?\n1. 0\n")


def test_answers_are_the_engines_log_likelihoods(judge: FastscoreSystemOneModel) -> None:
    found, cost = judge.decide(STATE, QUESTIONS)
    assert cost == 0.0
    yes, _ = _probabilities(judge, written(STATE, QUESTIONS["holds"]).prompt, ["Yes", "No"])
    assert found.nouls["holds"].probability == pytest.approx(yes, abs=1e-6)
    which = _probabilities(judge, written(STATE, QUESTIONS["which"]).prompt, ["A", "B", "C"])
    choice = found.choices["which"]
    assert list(choice.probabilities) == ["tea", "milk", "ink"]
    assert list(choice.probabilities.values()) == pytest.approx(which, abs=1e-6)
    assert choice.choice == ["tea", "milk", "ink"][which.index(max(which))]
    assert choice.confidence == pytest.approx((3 * max(which) - 1) / 2, abs=1e-6)
    how = _probabilities(judge, written(STATE, QUESTIONS["how"]).prompt, list("0123"))
    score = found.scores["how"]
    assert score.probabilities == pytest.approx(dict(enumerate(how)), abs=1e-6)
    assert score.score == pytest.approx(sum(n * p for n, p in enumerate(how)), abs=1e-5)
    assert score.normalized == pytest.approx(score.score / 3)
    assert score.confidence == pytest.approx((4 * max(how) - 1) / 3, abs=1e-6)
    assert found.min_confidence() == min(
        found.nouls["holds"].confidence, choice.confidence, score.confidence
    )


@pytest.mark.usefixtures("unhurried")
def test_a_request_is_one_run_and_requests_that_wait_are_one(
    judge: FastscoreSystemOneModel, runs: list[int]
) -> None:
    alone, _ = judge.decide(STATE, QUESTIONS)
    assert runs == [3]

    async def ask() -> Any:
        return await asyncio.gather(*(judge.a_decide(STATE, QUESTIONS) for _ in range(4)))

    together = asyncio.run(ask())
    assert runs == [3, 12]
    for found, cost in together:
        assert cost == 0.0
        assert found.choices["which"].probabilities == pytest.approx(
            alone.choices["which"].probabilities, abs=1e-5
        )


def test_convenience_calls_and_no_questions(judge: FastscoreSystemOneModel) -> None:
    nouls, _ = judge.noul(STATE, {"holds": QUESTIONS["holds"]})
    scores, _ = asyncio.run(judge.a_score(STATE, {"how": QUESTIONS["how"]}))
    found, _ = judge.decide(STATE, QUESTIONS)
    assert nouls["holds"].probability == pytest.approx(found.nouls["holds"].probability, abs=1e-5)
    assert scores["how"].score == pytest.approx(found.scores["how"].score, abs=1e-5)
    assert judge.decide(STATE, {})[0].min_confidence() is None


@pytest.mark.parametrize(
    ("state", "question", "message"),
    [
        (STATE, "Is it?", "a question is a str"),
        (STATE, ChoiceQuestion(instructions="Which?", options={"one": None}), "at least two"),
        (STATE, ScoreQuestion(instructions="How?", levels=[]), "at least two"),
        ({"seen": {1, 2}}, QUESTIONS["holds"], "neither a text nor JSON .*set"),
    ],
)
def test_what_is_no_question_is_refused(
    judge: FastscoreSystemOneModel, state: Any, question: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        judge.decide(state, {"q": question})
    with pytest.raises(UsageError, match=message):
        asyncio.run(judge.a_decide(state, {"q": question}))


def test_a_state_that_does_not_fit_is_deepevals_error(judge: FastscoreSystemOneModel) -> None:
    long = {"text": "word " * 3000}
    with pytest.raises(SystemOneContextLimitError, match="the window is 2048") as caught:
        judge.decide(long, QUESTIONS)
    assert caught.value.limit_tokens == 2048
    assert caught.value.estimated_tokens > 2048
    with pytest.raises(SystemOneContextLimitError):
        asyncio.run(judge.a_decide(long, QUESTIONS))


@pytest.mark.usefixtures("event_loop", "unhurried")
@pytest.mark.parametrize("async_mode", [False, True])
def test_a_metric_is_judged_without_a_word_written(
    judge: FastscoreSystemOneModel, runs: list[int], async_mode: bool
) -> None:
    metric = FaithfulnessMetric(
        eval_mode="system_one", system_one_model=judge, async_mode=async_mode
    )
    metric.measure(CASE, _show_indicator=False)
    assert len(runs) == 1
    values = [outcome["value"] for outcome in metric.score_breakdown]
    weights = [outcome["weight"] for outcome in metric.score_breakdown]
    expected = sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
    assert metric.score == pytest.approx(expected)
    assert 0 <= metric.score <= 1
    assert 0 <= metric.confidence <= 1
    assert metric.evaluation_cost == 0
    assert metric.evaluation_model == judge.get_model_name()
    assert "P(yes)=" in metric.reason


def test_a_metric_of_ones_own_questions(judge: FastscoreSystemOneModel) -> None:
    metric = JevEval(
        name="mine",
        evaluation_params=[SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT],
        questions=[
            Noul("It is short.", weight=3),
            Score("How kind is it?", levels=["cold", "kind"]),
            Choice("Which?", options={"good": 1.0, "bad": 0.0, "neither": None}),
        ],
        system_one_model=judge,
        async_mode=False,
    )
    metric.measure(CASE, _show_indicator=False)
    assert [outcome["type"] for outcome in metric.score_breakdown] == ["noul", "score", "choice"]
    assert 0 <= metric.score <= 1


def test_a_case_that_does_not_fit_says_so(judge: FastscoreSystemOneModel) -> None:
    metric = AnswerRelevancyMetric(eval_mode="system_one", system_one_model=judge, async_mode=False)
    with pytest.raises(ContextWindowExceededError, match="the window is 2048"):
        metric.measure(LLMTestCase(input="word " * 3000, actual_output="no"), _show_indicator=False)


def test_both_sides_of_a_hybrid_metric_can_share_a_model(path: Path) -> None:
    with FastscoreLLM(path, n_threads=1, max_tokens=64) as llm:
        with FastscoreSystemOneModel(llm.model) as judge:
            metric = AnswerRelevancyMetric(
                model=llm, eval_mode="hybrid", system_one_model=judge, async_mode=False
            )
            metric.measure(CASE, _show_indicator=False)
            assert metric.system_one_fallback_reason is None
            assert 0 <= metric.score <= 1
        assert llm.generate("still open?")


def test_a_classifier_chooses_among_its_labels(judge: FastscoreSystemOneModel) -> None:
    labels = ["geography", "cooking", "law"]
    classifier = Classifier(
        name="topic",
        labels=labels,
        eval_mode="system_one",
        system_one_model=judge,
        async_mode=False,
    )
    classifier.classify(CASE, _show_indicator=False)
    assert classifier.label in labels
