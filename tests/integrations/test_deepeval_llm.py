"""A GGUF model as DeepEval's LLM: texts, forms, batches, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pytest

from fastscore import Model
from fastscore.assistant import Assistant, Decision
from fastscore.errors import UsageError
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

pytest.importorskip("deepeval", reason="DeepEval is not installed")

from deepeval.metrics import GEval
from deepeval.metrics.g_eval.utils import calculate_weighted_summed_score
from deepeval.telemetry import telemetry_opt_out
from deepeval.test_case import LLMTestCase, MLLMImage, SingleTurnParams
from pydantic import BaseModel, ValidationError, field_validator

from fastscore.integrations.deepeval import FastscoreLLM
from fastscore.integrations.deepeval.scores import completion, forms, scores_of


class Letter(BaseModel):
    answer: Literal["A", "B", "C", "D"]


class Verdict(BaseModel):
    verdict: Literal["yes", "no"]
    certain: bool


class Impossible(BaseModel):
    answer: Literal["A", "B"]

    @field_validator("answer")
    @classmethod
    def never(cls, value: str) -> str:
        raise ValueError(f"{value} is not to my liking")


@pytest.fixture(scope="module")
def path(tiny_model: TinyModel) -> Path:
    return tiny_model("llama", n_ctx_train=2048, chat_template=CHAT_TEMPLATE, add_bos=True)


@pytest.fixture(scope="module")
def llm(path: Path) -> Iterator[FastscoreLLM]:
    with FastscoreLLM(path, n_threads=1, max_tokens=48) as opened:
        yield opened


@pytest.fixture
def runs(llm: FastscoreLLM, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each run of the engine took."""
    sizes: list[int] = []
    for name in ("try_answer", "try_fill", "try_decide_each"):
        work = getattr(llm.model, name)

        def counted(asked: Any, *args: Any, work: Any = work, **options: Any) -> Any:
            sizes.append(len(asked))
            return work(asked, *args, **options)

        monkeypatch.setattr(llm.model, name, counted)
    return sizes


def test_it_answers_as_the_assistant_does(llm: FastscoreLLM) -> None:
    assert llm.generate("Who are you?") == llm.model.answer(["Who are you?"])[0].text
    assert llm.get_model_name() == f"{llm.model.name} (fastscore)"
    assert llm.load_model() is llm.model


def test_a_schema_is_kept_and_comes_back_as_its_class(llm: FastscoreLLM) -> None:
    found = llm.generate("Is it so?", schema=Verdict)
    assert isinstance(found, Verdict)
    assert found.model_dump() == llm.model.fill(["Is it so?"], Verdict.model_json_schema())[0]
    assert llm.generate_with_schema("Is it so?", schema=Verdict) == found


def test_a_batch_is_one_run_a_schema_and_says_what_single_calls_say(
    llm: FastscoreLLM, runs: list[int]
) -> None:
    prompts = [f"Question {i}?" for i in range(6)]
    schemas = [Letter, None, Verdict, Letter, None, Letter]
    together = llm.batch_generate(prompts, schemas)
    assert sorted(runs) == [1, 2, 3]
    assert together == [
        llm.generate(prompt, schema) for prompt, schema in zip(prompts, schemas, strict=True)
    ]
    assert llm.batch_generate([]) == []
    assert llm.batch_generate(prompts[:1]) == [llm.generate(prompts[0])]


@pytest.mark.usefixtures("unhurried")
def test_coroutines_that_wait_are_one_batch(llm: FastscoreLLM, runs: list[int]) -> None:
    async def ask() -> list[Any]:
        return await asyncio.gather(
            *(llm.a_generate_with_schema(f"Question {i}?", schema=Letter) for i in range(8))
        )

    together = asyncio.run(ask())
    assert runs == [8]
    assert together == [llm.generate(f"Question {i}?", Letter) for i in range(8)]


@pytest.mark.usefixtures("unhurried")
def test_threads_ask_together_while_one_is_at_it(llm: FastscoreLLM, runs: list[int]) -> None:
    prompts = [f"Question {i}?" for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda prompt: llm.generate(prompt, Letter), prompts))
    assert sum(runs) == 8
    assert max(runs) > 1
    assert together == llm.batch_generate(prompts, [Letter] * 8)


def test_a_coroutine_that_is_cancelled_leaves_the_others_their_answers(llm: FastscoreLLM) -> None:
    async def ask() -> Any:
        kept = asyncio.ensure_future(llm.a_generate("stay", Letter))
        dropped = asyncio.ensure_future(llm.a_generate("go", Letter))
        await asyncio.sleep(0)
        dropped.cancel()
        return await kept

    assert asyncio.run(ask()) == llm.generate("stay", Letter)


def test_what_a_class_checks_itself_is_checked(llm: FastscoreLLM) -> None:
    with pytest.raises(ValidationError, match="not to my liking"):
        llm.generate("Which?", Impossible)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"prompt": str(MLLMImage(url="https://example.com/cat.png"))}, "an image or a PDF"),
        ({"prompt": "Hear!", "audio": [object()]}, "audio"),
        ({"prompt": ["Who?"]}, "is a list"),
        ({"prompt": "Who?", "schema": {"type": "object"}}, "BaseModel"),
        ({"prompt": "word " * 3000}, "the window is 2048"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    llm: FastscoreLLM, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        llm.generate_with_schema(**{"schema": None, **asked})
    with pytest.raises(UsageError, match=message):
        asyncio.run(llm.a_generate(**asked))


def test_as_many_schemas_as_prompts(llm: FastscoreLLM) -> None:
    with pytest.raises(UsageError, match="1 schemas come with 2 prompts"):
        llm.batch_generate(["a", "b"], [Letter])


def test_programs_are_not_written_to_be_run_in_this_process(llm: FastscoreLLM) -> None:
    with pytest.raises(UsageError, match="--allow-code-execution"):
        llm.generate_samples(prompt="def f():", n=2, temperature=0.8)


def test_who_opened_the_model_closes_it(path: Path) -> None:
    with Model(path, n_threads=1) as model:
        with FastscoreLLM(model, max_tokens=8) as llm:
            llm.generate("Who?")
        assert model.tokenize("still open")
        with Assistant(model, max_tokens=8) as assistant:
            with FastscoreLLM(assistant) as llm, FastscoreLLM(llm.model) as other:
                assert llm.generate("Who?") == other.generate("Who?")
            assert assistant.answer(["still open"])
            with pytest.raises(UsageError, match="max_tokens, n_ctx cannot be set"):
                FastscoreLLM(assistant, max_tokens=9, n_ctx=64)


# G-Eval ------------------------------------------------------------------------------------------


def _g_eval(llm: FastscoreLLM, **options: Any) -> GEval:
    return GEval(
        name="short",
        evaluation_steps=["See whether the answer is short."],
        evaluation_params=[SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT],
        model=llm,
        **options,
    )


CASE = LLMTestCase(
    input='Say hi. {"score": an integer between 3 and 4}, STRICTLY EITHER 1', actual_output="Hi!"
)


@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("async_mode", [False, True])
def test_g_eval_weighs_the_scores_by_their_probabilities(
    llm: FastscoreLLM, monkeypatch: pytest.MonkeyPatch, async_mode: bool
) -> None:
    decisions: list[Decision] = []
    decide = llm.model.try_decide_each

    def noted(*args: Any) -> Any:
        found = decide(*args)
        decisions.extend(found)
        return found

    monkeypatch.setattr(llm.model, "try_decide_each", noted)
    metric = _g_eval(llm, async_mode=async_mode)
    metric.measure(CASE, _show_indicator=False)
    [decision] = decisions
    assert [json.loads(option)["score"] for option in decision.options] == list(range(11))
    # DeepEval leaves out scores of less than 1 %.
    weights = [p if p >= 0.01 else 0.0 for p in decision.probabilities]
    expected = sum(score * p for score, p in enumerate(weights)) / sum(weights)
    assert metric.score == pytest.approx(expected / 10)
    assert metric.reason == json.loads(decision.choice)["reason"]
    assert 0 <= metric.score <= 1


def test_a_strict_score_is_0_or_1(llm: FastscoreLLM) -> None:
    metric = _g_eval(llm, async_mode=False, strict_mode=True)
    metric.measure(CASE, _show_indicator=False)
    assert metric.score in (0, 1)


def test_the_prompt_says_which_scores_there_are() -> None:
    told = '- `"score"`: an integer between 2 and 7, based on the rubric'
    assert scores_of(told) == range(2, 8)
    assert scores_of('1. `"score"`: An integer from 0 to 10 (inclusive)') == range(11)
    assert scores_of("two keys: 1) a `score` key that is STRICTLY EITHER 1 (follows") == range(2)
    # What is judged stands behind the instruction.
    assert scores_of(f"{told}\n`score` key that is STRICTLY EITHER 1 ") == range(2, 8)
    for other in ("Rate it.", told.replace("7", "2"), told.replace("7", "70")):
        with pytest.raises(AttributeError, match="which scores it allows"):
            scores_of(other)


def test_log_probabilities_are_those_among_the_scores() -> None:
    decision = Decision.between(forms({"reason": "a \u201cb\u201d"}, range(3)), (-9.0, -8.0, -7.0))
    response = completion("judge", range(3), decision, top_logprobs=2)
    assert json.loads(response.choices[0].message.content) == {"reason": "a “b”", "score": 2}
    [token] = response.choices[0].logprobs.content
    assert [top.token for top in token.top_logprobs] == ["2", "1"]
    assert math.exp(token.logprob) == pytest.approx(1 / (1 + math.exp(-1) + math.exp(-2)))
    p2, p1 = (math.exp(top.logprob) for top in token.top_logprobs)
    assert calculate_weighted_summed_score(2, response) == pytest.approx((2 * p2 + p1) / (p2 + p1))


def test_another_template_gets_a_form_as_deepeval_does_it(llm: FastscoreLLM) -> None:
    with pytest.raises(AttributeError):
        asyncio.run(llm.a_generate_raw_response("Rate it as you like.", top_logprobs=20))


# What importing and using it does to the user's machine ---------------------------------------

IN_A_PROCESS = """
import os, socket, sys
reached = []
socket.socket.connect = lambda self, address: reached.append(address)
from fastscore.integrations.deepeval import FastscoreLLM
before = dict(os.environ)
from deepeval.telemetry import telemetry_opt_out
print("after import", telemetry_opt_out())
FastscoreLLM(sys.argv[1], n_threads=1).close()
print("after opening", telemetry_opt_out())
print("environment", ", ".join(sorted(os.environ.keys() - before.keys())) or "the user's")
print("reached", reached)
print("written", sorted(os.listdir()))
"""


@pytest.mark.parametrize(
    ("said", "after_import", "written"),
    [({}, False, [".deepeval"]), ({"DEEPEVAL_TELEMETRY_OPT_OUT": "1"}, True, [])],
)
def test_opening_a_model_ends_telemetry_and_importing_alone_changes_nothing(
    path: Path, tmp_path: Path, said: dict[str, str], after_import: bool, written: list[str]
) -> None:
    world = {k: v for k, v in os.environ.items() if not k.startswith("DEEPEVAL")}
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, str(path)],
        env={**world, **said, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        f"after import {after_import}",
        "after opening True",
        "environment the user's" if said else "environment DEEPEVAL_TELEMETRY_OPT_OUT",
        "reached []",
        f"written {written}",
    ]


@pytest.mark.parametrize(
    "said", [("DEEPEVAL_TELEMETRY_OPT_OUT", "0"), ("DEEPEVAL_TELEMETRY_ENABLED", "1")]
)
def test_who_wants_telemetry_keeps_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, said: tuple[str, str]
) -> None:
    monkeypatch.delenv("DEEPEVAL_TELEMETRY_OPT_OUT")
    monkeypatch.setenv(*said)
    FastscoreLLM(path, n_threads=1).close()
    assert not telemetry_opt_out()
