"""Questions that the engine fails at: theirs is the error, and all others have their answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastscore.assistant import Assistant, Decision, Gatherer
from fastscore.errors import DecodeError, FastscoreError
from fastscore.types import Generation, GenerationRequest

QUESTIONS = ["the sun", "the river", "a cup", "water", "a river runs", "the table"]
SOUND = [question for question in QUESTIONS if "river" not in question]


@pytest.fixture(params=[True, False], ids=["exact", "flash"])
def blind(request: pytest.FixtureRequest, blind_to_rivers: Path) -> Iterator[Assistant]:
    """An assistant that cannot read of rivers, with plain attention and with flash kernels."""
    with Assistant(blind_to_rivers, n_threads=1, max_tokens=40, exact=request.param) as opened:
        yield opened


def _decided(assistant: Assistant, asked: list[str]) -> list[Any]:
    return assistant.try_decide(asked, ["yes", "no"])


def _answered(assistant: Assistant, asked: list[str]) -> list[Any]:
    return assistant.try_answer(asked, max_tokens=3)


def _filled(assistant: Assistant, asked: list[str]) -> list[Any]:
    return assistant.try_fill(asked, {"type": "integer"})


def _told(outcome: Any) -> Any:
    """What an outcome says, without the time it took."""
    if isinstance(outcome, FastscoreError):
        return type(outcome)
    if isinstance(outcome, Decision):
        return outcome.probabilities
    return outcome.text if isinstance(outcome, Generation) else outcome


@pytest.mark.parametrize("ask", [_decided, _answered, _filled])
def test_a_question_that_the_engine_fails_at_fails_alone(
    assistant: Assistant, blind: Assistant, ask: Any
) -> None:
    expected = dict(zip(SOUND, map(_told, ask(assistant, SOUND)), strict=True))
    for question, outcome in zip(QUESTIONS, map(_told, ask(blind, QUESTIONS)), strict=True):
        if question not in SOUND:
            assert outcome is DecodeError
        elif isinstance(outcome, tuple):
            assert outcome == pytest.approx(expected[question], abs=5e-3)
        else:
            assert outcome == expected[question]


def test_a_run_that_failed_spoils_none_after_it(blind: Assistant) -> None:
    model = blind.model

    def sound() -> list[float]:
        found = model.loglikelihood([("the sun", " is"), ("a cup", " of")])
        return [one.logprob for one in found]

    before = sound()
    with pytest.raises(DecodeError, match="NaN"):
        model.loglikelihood([("the river", " is")])
    assert sound() == before
    with pytest.raises(DecodeError, match="NaN"):
        model.generate("the river", max_tokens=2)
    assert sound() == before
    lost = model.generating([GenerationRequest("the river", max_tokens=2)])
    with pytest.raises(DecodeError, match="NaN"):
        list(lost)
    assert model.generate("the sun", max_tokens=2)[0].n_tokens


def test_who_asks_beside_a_failing_question_gets_an_answer(blind: Assistant) -> None:
    with Gatherer(blind) as gatherer:
        futures = {one: gatherer.decide(one, ["yes", "no"]) for one in QUESTIONS}
        failed = {one for one, future in futures.items() if future.exception(60) is not None}
        assert failed == set(QUESTIONS) - set(SOUND)
        for one in failed:
            with pytest.raises(DecodeError, match="NaN"):
                futures[one].result()
