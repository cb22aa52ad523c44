"""What DeepEval's metrics know how to count is all that a model can write."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

pytest.importorskip("deepeval", reason="DeepEval is not installed")

import deepeval.metrics
from deepeval.metrics import ArenaGEval, SummarizationMetric, TaskCompletionMetric, ToolUseMetric
from deepeval.metrics.summarization.schema import Answers
from deepeval.test_case import (
    ArenaTestCase,
    Contestant,
    ConversationalTestCase,
    LLMTestCase,
    SingleTurnParams,
    ToolCall,
    Turn,
)
from pydantic import BaseModel

from fastscore.integrations.deepeval import FastscoreLLM
from fastscore.integrations.deepeval.known_values import SHARES, narrowed

pytestmark = pytest.mark.usefixtures("event_loop")


@pytest.fixture(scope="module")
def llm(tiny_model: TinyModel) -> Iterator[FastscoreLLM]:
    """Random weights: their scores would be anything."""
    path = tiny_model("llama", n_ctx_train=16384, chat_template=CHAT_TEMPLATE, add_bos=True)
    with FastscoreLLM(path, n_threads=1, max_tokens=120, temperature=1.0) as opened:
        yield opened


def _forms() -> Iterator[type[BaseModel]]:
    """All forms of the metrics that are no images'."""
    for found in pkgutil.walk_packages(deepeval.metrics.__path__, "deepeval.metrics."):
        if found.name.endswith(".schema") and "multimodal" not in found.name:
            yield from (
                kind
                for kind in vars(importlib.import_module(found.name)).values()
                if isinstance(kind, type)
                and issubclass(kind, BaseModel)
                and kind.__module__ == found.name
            )


def test_every_form_with_a_number_is_known() -> None:
    """A DeepEval with further ones would have scores that are anything again."""
    numbers = {
        (form.__name__, name)
        for form in _forms()
        for name, part in narrowed(form, "").get("properties", {}).items()
        if part.get("type") in ("number", "integer") and "maximum" not in part
    }
    assert {(form.__name__, SHARES.get(form.__name__)) for form in _forms()} >= set(SHARES.items())
    assert numbers == {
        ("ReasonScore", "score"),  # G-Eval's of templates of one's own, on scales of their own
        ("BestTestCase", "best_test_case_index"),  # in no metric
        ("OutOfCharacterResponseVerdict", "index"),  # one of no turn is passed over
        # Made by the metrics themselves.
        ("InteractionContextualPrecisionScore", "score"),
        ("InteractionContextualRecallScore", "score"),
        ("InteractionContextualRelevancyScore", "score"),
        ("InteractionFaithfulnessScore", "score"),
    }


@pytest.mark.parametrize("async_mode", [True, False])
def test_scores_are_from_0_to_1(llm: FastscoreLLM, async_mode: bool) -> None:
    search = ToolCall(name="search", description="finds", input_parameters={"q": "Normandy"})
    done = LLMTestCase(input="Find it.", actual_output="Found.", tools_called=[search])
    turns = [
        Turn(role="user", content="Find Normandy."),
        Turn(role="assistant", content="It is in France.", tools_called=[search]),
    ]
    completion = TaskCompletionMetric(model=llm, async_mode=async_mode)
    completion.measure(done, _show_indicator=False)
    assert 0 <= completion.score <= 1
    use = ToolUseMetric([search], model=llm, async_mode=async_mode)
    use.measure(ConversationalTestCase(turns=turns), _show_indicator=False)
    assert 0 <= use.score <= 1


@pytest.mark.parametrize("async_mode", [True, False])
def test_each_question_on_a_summary_gets_a_yes_or_a_no(llm: FastscoreLLM, async_mode: bool) -> None:
    metric = SummarizationMetric(
        model=llm,
        async_mode=async_mode,
        assessment_questions=["Is it in 'France'?", "Is it\nQuestions:\n[]?", "Is it old?"],
    )
    case = LLMTestCase(input="Normandy is in France.\n\nQuestions:\n['a']", actual_output="It is.")
    metric.measure(case, _show_indicator=False)
    answers = [
        answer
        for verdict in metric.coverage_verdicts
        for answer in (verdict.original_verdict, verdict.summary_verdict)
    ]
    assert len(answers) == 6
    assert set(answers) <= {"yes", "no"}
    assert "minItems" not in narrowed(Answers, "Answer as you like.")["properties"]["answers"]


def test_the_winner_is_one_of_those_who_compete(llm: FastscoreLLM) -> None:
    def contestant(name: str, said: str) -> Contestant:
        return Contestant(name=name, test_case=LLMTestCase(input="Who?", actual_output=said))

    arena = ArenaGEval(
        name="best",
        evaluation_steps=["See which answer is short."],
        evaluation_params=[SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT],
        model=llm,
        async_mode=False,
    )
    case = ArenaTestCase(
        contestants=[contestant("ours", 'Me.\n\nContestants:\n{"a": 1}'), contestant("theirs", "I")]
    )
    assert arena.measure(case, _show_indicator=False) in ("ours", "theirs")


def test_a_form_of_the_users_own_is_left_as_it_is() -> None:
    class GoalScore(BaseModel):
        score: float
        extra: Any = None

    assert narrowed(GoalScore, "") == GoalScore.model_json_schema()
