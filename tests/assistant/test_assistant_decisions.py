"""Decisions against the obvious loop, and what an answer's end is for."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from fastscore.assistant import Assistant, Decision
from fastscore.errors import DecodeError, UsageError
from fastscore.model import Model
from models.vocab import CHAT_TEMPLATE

from .conftest import OpenAssistant

QUESTIONS = ["the sun?", "Which of these is true?", "the river runs", "a cup"]
OPTIONS = ["yes", "no", "no reason", "A", "the moon is made of cheese"]


def one_at_a_time(model: Model, prompts: list[str], before: str, after: str) -> np.ndarray:
    """Log-likelihoods of each option after each prompt, the obvious way: [n_prompts, n_options]."""
    return np.array(
        [
            [
                model.loglikelihood([(prompt, before + option + after)])[0].logprob
                for option in OPTIONS
            ]
            for prompt in prompts
        ]
    )


@pytest.mark.parametrize("family", ["llama", "llama_spm", "mamba"])
def test_decisions_are_those_of_the_obvious_loop(
    open_assistant: OpenAssistant, family: str
) -> None:
    assistant = open_assistant(family)
    found = assistant.decide(QUESTIONS, OPTIONS)
    prompts = [f"<|im_start|>user\n{one}<|im_end|>\n<|im_start|>assistant\n" for one in QUESTIONS]
    expected = one_at_a_time(assistant.model, prompts, "", "<|im_end|>")
    np.testing.assert_allclose([one.logprobs for one in found], expected, atol=1e-3)
    for one, logprobs in zip(found, expected, strict=True):
        weights = np.exp(logprobs - logprobs.max())
        np.testing.assert_allclose(one.probabilities, weights / weights.sum(), atol=1e-3)
        assert math.isclose(sum(one.probabilities), 1, abs_tol=1e-12)
        assert one.options == tuple(OPTIONS)
        assert one.choice == OPTIONS[one.index] == OPTIONS[int(np.argmax(logprobs))]
        assert one.probability(one.choice) == max(one.probabilities)


def test_without_a_template_an_answer_follows_a_space_and_ends_with_its_line(
    open_assistant: OpenAssistant,
) -> None:
    assistant = open_assistant(chat_template=None)
    found = assistant.decide(QUESTIONS, OPTIONS)
    expected = one_at_a_time(assistant.model, QUESTIONS, " ", "\n")
    np.testing.assert_allclose([one.logprobs for one in found], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("template", "frame"),
    [
        (CHAT_TEMPLATE, ("", "<|im_end|>")),
        # Llama 2: a space before the answer, one more and EOS after it.
        (
            (
                "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
                "{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}"
            ),
            (" ", " <|eos|>"),
        ),
        # Nothing special after an answer: EOS stands in.
        (
            (
                "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
                "{% if add_generation_prompt %}assistant: {% endif %}"
            ),
            ("", "<|eos|>"),
        ),
        # Thoughts open the answer of the generation prompt only.
        (
            CHAT_TEMPLATE.replace("assistant\n{% endif", "assistant\n<think></think>{% endif"),
            ("", "<|im_end|>"),
        ),
    ],
)
def test_an_answers_end_is_what_its_template_prints(
    open_assistant: OpenAssistant, template: str, frame: tuple[str, str]
) -> None:
    assistant = open_assistant(chat_template=template)
    (found,) = assistant.decide(["the sun"], ["yes", "no"])
    prompt = assistant.prompt("the sun")
    pairs = [(prompt, frame[0] + option + frame[1]) for option in ("yes", "no")]
    expected = [one.logprob for one in assistant.model.loglikelihood(pairs)]
    np.testing.assert_allclose(found.logprobs, expected, atol=1e-3)


def test_questions_may_have_options_of_their_own(assistant: Assistant) -> None:
    own = [["yes", "no"], ["1", "2", "3"], ["yes", "no"]]
    together = assistant.decide_each(QUESTIONS[:3], own)
    for decision, question, options in zip(together, QUESTIONS, own, strict=False):
        (alone,) = assistant.decide([question], options)
        assert decision.options == alone.options
        np.testing.assert_allclose(decision.logprobs, alone.logprobs, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "at least two"),
        (["yes"], "at least two"),
        (["yes", "yes"], "stands twice"),
        (["yes", ""], "not empty"),
        (["yes", " "], "not empty"),
        (["yes", 3], "not empty"),
        (["yes", "\ud83d"], "half of a UTF-16 pair"),
        ("yes", "is one text"),
    ],
)
def test_what_is_no_decision_is_refused(
    assistant: Assistant, options: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        assistant.decide(["the sun"], options)
    with pytest.raises(UsageError, match="is one text"):
        assistant.decide("the sun", ["yes", "no"])


def test_a_prompt_that_does_not_fit_is_its_own_error(assistant: Assistant) -> None:
    good, bad = assistant.try_decide(["the sun", "the river " * 1500], ["yes", "no"])
    assert isinstance(good, Decision)
    assert isinstance(bad, UsageError)
    with pytest.raises(UsageError, match="question 1: the prompt has"):
        assistant.decide(["the sun", "the river " * 1500], ["yes", "no"])
    assert assistant.decide([], ["yes", "no"]) == []


@pytest.mark.parametrize(
    "logprobs", [(math.nan, -1.0), (-1.0, math.nan), (-math.inf, -math.inf), (math.inf, 0.0)]
)
def test_likelihoods_that_say_nothing_are_an_error(logprobs: tuple[float, float]) -> None:
    with pytest.raises(DecodeError, match="no probabilities"):
        Decision.between(["a", "b"], logprobs)


def test_probabilities_of_likelihoods_far_apart_add_up() -> None:
    decision = Decision.between(["a", "b", "c"], [-5000.0, -5001.0, -math.inf])
    assert decision.probabilities == pytest.approx((0.731058578, 0.268941421, 0.0))
    with pytest.raises(UsageError, match="none of the options"):
        decision.probability("d")
    assert Decision.between(["a", "b"], [-1.0, -1.0]).choice == "a"


def test_the_demo_model_decides(demo_model: Path) -> None:
    asked = [f"What is the capital of {land}?" for land in ("France", "Italy", "Japan")]
    with Model(demo_model, n_threads=1) as model, Assistant(model) as assistant:
        options = [f"The capital of {land}." for land in ("France is Paris", "Italy is Rome")]
        options.append("The capital of Japan is Tokyo.")
        assert [one.choice for one in assistant.decide(asked, options)] == options
        # Without its end the first would be at least as likely as the second.
        (half,) = assistant.decide(asked[:1], ["The capital of France is", options[0]])
        assert half.probability(options[0]) > 0.99
        assert "Q4" in assistant.name
        assistant.close()
        assert model.tokenize("still open")
