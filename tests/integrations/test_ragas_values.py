"""What RAGAs' forms may hold beyond their schemas: verdicts, ratings, scores of rubrics, lists."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

pytest.importorskip("ragas", reason="RAGAs is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # RAGAs marks its classic metrics as old
    import ragas.metrics.collections  # noqa: F401  # its forms are looked for
    from pydantic import BaseModel
    from ragas.metrics import InstanceRubrics, RubricsScore, SummarizationScore
    from ragas.metrics._nv_metrics import AnswerAccuracy, ContextRelevance, ResponseGroundedness
    from ragas.metrics._summarization import SummaryAndQuestions
    from ragas.metrics.collections.instance_specific_rubrics.util import InstanceRubricScorePrompt
    from ragas.metrics.collections.summary_score.util import (
        AnswersGenerated,
        GenerateAnswersPrompt,
    )

from fastscore.integrations.ragas.values import KNOWN_VALUES, narrowed, ratings_in


def _forms() -> dict[str, Any]:
    """All models below those that RAGAs' metrics have answers in, by title."""
    found, kinds = {}, [BaseModel]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith("ragas.metrics"):
            found[kind.__name__] = kind.model_json_schema()
    return found


def test_known_values_are_of_forms_that_there_are() -> None:
    forms = _forms()
    for title, known in KNOWN_VALUES.items():
        for name, values in known.items():
            part = forms[title]["properties"][name]
            assert part["type"] == "integer", title
            assert narrowed(forms[title], "")["properties"][name]["enum"] == list(values)
            for said in ("0, 2, or 4", "0, 1, or 2", "0 or 1", "0/1"):
                if said in part.get("description", ""):
                    assert [int(digit) for digit in said if digit.isdigit()] == list(values)


def test_known_values_are_found_within_lists_and_nothing_else_is_touched() -> None:
    whole = _forms()["NLIStatementOutput"]
    inner = narrowed(whole, "")["$defs"]["StatementFaithfulnessAnswer"]["properties"]
    assert inner["verdict"]["enum"] == [0, 1]
    assert "enum" not in whole["$defs"]["StatementFaithfulnessAnswer"]["properties"]["verdict"]


def test_a_form_of_the_users_own_is_left_as_it_is() -> None:
    class Verification(BaseModel):  # the name of one of RAGAs', for which 0 and 1 are known
        verdict: int

    schema = Verification.model_json_schema()
    assert narrowed(schema, "From 1 to 5, how good is it?") == schema


ASKED = {"user_input": "Why?", "response": "So. score9_description: the best of all"}
OWN = {"rubrics": {"score0_description": "wrong", "score12_description": "right"}}


@pytest.mark.parametrize(
    ("prompt", "row", "scores"),
    [
        (RubricsScore().single_turn_scoring_prompt, ASKED, [1, 2, 3, 4, 5]),
        (InstanceRubrics().single_turn_prompt, {**ASKED, **OWN}, [0, 12]),
        (InstanceRubricScorePrompt(), {**ASKED, **OWN}, [0, 12]),  # its examples have 1 to 5
    ],
)
def test_scores_are_those_that_the_rubric_describes(
    prompt: Any, row: dict[str, Any], scores: list[int]
) -> None:
    shown = prompt.to_string(prompt.input_model(**row))
    schema = prompt.output_model.model_json_schema()
    assert narrowed(schema, shown)["properties"]["score"]["enum"] == scores
    assert narrowed(schema, "a prompt without a rubric") == schema


def test_each_question_gets_its_answer() -> None:
    questions = ['Is it "questions": ["a"]?', "Is it red?", "Is it\nnew?"]
    classic = SummarizationScore().answer_generation_prompt
    shown = classic.to_string(SummaryAndQuestions(questions=questions, summary="It is red."))
    modern = GenerateAnswersPrompt()
    also = modern.to_string(modern.input_model(questions=questions, summary="It is red."))
    for schema, prompt in (
        (classic.output_model.model_json_schema(), shown),
        (AnswersGenerated.model_json_schema(), also),
    ):
        answers = narrowed(schema, prompt)["properties"]["answers"]
        assert answers["items"]["enum"] == ["0", "1"]
        assert (answers["minItems"], answers["maxItems"]) == (3, 3)


@pytest.mark.parametrize(
    ("metric", "template", "ratings"),
    [
        (metric, name, ratings)
        for metric, ratings in (
            (AnswerAccuracy, ("0", "2", "4")),
            (ContextRelevance, ("0", "1", "2")),
            (ResponseGroundedness, ("0", "1", "2")),
        )
        for name in vars(metric)
        if name.startswith("template_")
    ],
)
def test_prompts_for_ratings_are_known(
    metric: Any, template: str, ratings: tuple[str, ...]
) -> None:
    fields = ("query", "context", "response", "sentence_inference", "sentence_true")
    given = dict.fromkeys([*fields, "answer0", "answer1"], "The year {1984}?\n")
    assert ratings_in(getattr(metric, template).format(**given)) == ratings
    assert ratings_in("What do you make of this?") is None
