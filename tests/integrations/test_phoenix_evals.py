"""The adapter against phoenix.evals: texts, objects, classifiers, data frames, many at a time."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from fastscore.assistant import Assistant
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the packages of Phoenix's server have theirs
    evals = pytest.importorskip("phoenix.evals", reason="phoenix.evals is not installed")

import pandas as pd

from fastscore.integrations.phoenix import FastscoreAdapter, UnansweredError, open_client


class Watched:
    """An assistant, and what it was asked."""

    def __init__(self, assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
        self.assistant = assistant
        self.batches: list[tuple[str, list[Any]]] = []
        for name in ("try_answer", "try_fill", "try_decide_each"):
            monkeypatch.setattr(assistant, name, self._watch(name, getattr(assistant, name)))

    def _watch(self, name: str, method: Any) -> Any:
        def watched(asked: Any, *arguments: Any, **options: Any) -> Any:
            self.batches.append((name, list(asked)))
            return method(asked, *arguments, **options)

        return watched

    @property
    def last(self) -> tuple[str, Any]:
        name, asked = self.batches[-1]
        return name, asked[-1]


@pytest.fixture(scope="module")
def assistant(tiny_model: TinyModel) -> Iterator[Assistant]:
    path = tiny_model("llama", n_ctx_train=2048, chat_template=CHAT_TEMPLATE, add_bos=True)
    with Assistant(path, n_threads=1, max_tokens=64) as one:
        yield one


@pytest.fixture
def watched(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(assistant, monkeypatch)


@pytest.fixture
def llm(watched: Watched) -> Any:
    return evals.LLM(provider="fastscore", model="tiny", assistant=watched.assistant)


def test_texts(llm: Any, watched: Watched) -> None:
    text = llm.generate_text("Say something.", max_tokens=8)
    assert text == watched.assistant.answer(["Say something."], max_tokens=8)[0].text
    again = asyncio.run(llm.async_generate_text("Say something.", max_tokens=8))
    assert again == text
    assert llm.generate_text("Say something.", max_tokens=8, stop=[text[:1]]) == ""


def test_messages(llm: Any, watched: Watched) -> None:
    llm.generate_text(
        [
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Say "}, {"type": "text", "text": "it."}],
            },
            {"role": "ai", "content": "It."},
            {"role": "user", "content": "Again."},
        ],
        max_tokens=2,
    )
    assert watched.last[1] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say it."},
        {"role": "assistant", "content": "It."},
        {"role": "user", "content": "Again."},
    ]


def test_an_object_keeps_its_schema_and_the_model_sees_it(llm: Any, watched: Watched) -> None:
    schema = {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "description": "one sentence"},
            "stars": {"type": "integer", "enum": [1, 2, 3]},
        },
        "required": ["reason", "stars"],
    }
    found = llm.generate_object("Rate it.", schema)
    assert list(found) == ["reason", "stars"]
    assert found["stars"] in (1, 2, 3)
    name, asked = watched.last
    assert name == "try_fill"
    assert asked.startswith("Rate it.\n\n")
    assert "one sentence" in asked
    assert asyncio.run(llm.async_generate_object("Rate it.", schema)) == found


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["relevant", "irrelevant"], "- relevant\n- irrelevant"),
        ({"relevant": "it answers", "irrelevant": ""}, "- relevant: it answers\n- irrelevant"),
    ],
)
def test_a_label_is_decided(llm: Any, watched: Watched, labels: Any, shown: str) -> None:
    asked = [{"role": "user", "content": "Is it?"}]
    found = llm.generate_classification(asked, labels, include_explanation=False)
    name, question = watched.last
    assert name == "try_decide_each"
    assert question == [
        {"role": "user", "content": f"Is it?\n\nAnswer with one of these labels:\n{shown}"}
    ]
    decision = watched.assistant.decide([question], list(labels))[0]
    assert found == {"label": decision.choice}


def test_a_label_with_its_explanation_is_written(llm: Any, watched: Watched) -> None:
    found = llm.generate_classification("Is it?", ["yes", "no"])
    assert watched.last[0] == "try_fill"
    assert list(found) == ["explanation", "label"]
    assert found["label"] in ("yes", "no")


def test_a_label_at_a_temperature_is_drawn(llm: Any, watched: Watched) -> None:
    llm.generate_classification("Is it?", ["yes", "no"], False, temperature=1.0)
    assert watched.last[0] == "try_fill"


def test_the_only_label_there_is(llm: Any) -> None:
    assert llm.generate_classification("Is it?", ["yes"], False) == {"label": "yes"}


def classifier(llm: Any) -> Any:
    return evals.ClassificationEvaluator(
        name="topic",
        prompt_template="What is this text about?\n\n{{text}}",
        llm=llm,
        choices={"sport": 1.0, "cooking": 0.0},
        include_explanation=False,
    )


def test_a_classifier(llm: Any, watched: Watched) -> None:
    judge = evals.create_classifier(
        name="topic",
        prompt_template="What is this text about?\n\n{{text}}",
        llm=llm,
        choices={"sport": 1.0, "cooking": 0.0},
    )
    (score,) = judge.evaluate(eval_input={"text": "Fry the onions."})
    assert watched.last[0] == "try_fill"
    assert score.label in ("sport", "cooking")
    assert score.score == (1.0 if score.label == "sport" else 0.0)
    assert isinstance(score.explanation, str)


FRAME = pd.DataFrame({"text": [f"Text number {i}." for i in range(20)]})


def test_data_frames_many_at_a_time(llm: Any, watched: Watched) -> None:
    one = evals.evaluate_dataframe(
        dataframe=FRAME, evaluators=[classifier(llm)], hide_tqdm_bar=True
    )
    assert len(watched.batches) == 20
    watched.batches.clear()
    many = asyncio.run(
        evals.async_evaluate_dataframe(
            dataframe=FRAME, evaluators=[classifier(llm)], concurrency=20, hide_tqdm_bar=True
        )
    )
    assert len(watched.batches) < 10  # the last of Phoenix's workers may find one question each
    assert max(len(asked) for _, asked in watched.batches) > 3
    labels = [score["label"] for score in one["topic_score"]]
    assert [score["label"] for score in many["topic_score"]] == labels
    assert set(labels) <= {"sport", "cooking"}
    scores = [score["score"] for score in one["topic_score"]]
    assert scores == [1.0 if label == "sport" else 0.0 for label in labels]


def test_what_cannot_be_answered_is_not_asked_again(llm: Any, watched: Watched) -> None:
    frame = pd.DataFrame({"text": ["short", "much too long " * 2000]})
    found = evals.evaluate_dataframe(
        dataframe=frame, evaluators=[classifier(llm)], hide_tqdm_bar=True, exit_on_error=False
    )
    assert len(watched.batches) == 2
    done, failed = found["topic_execution_details"]
    assert done["status"] == "COMPLETED"
    assert failed["status"] == "FAILED"
    (error,) = failed["exceptions"]  # one: it was asked once
    assert "the window is 2048" in error


@pytest.mark.parametrize(
    ("prompt", "invocation", "message"),
    [
        ("Hello", {"top_p": 0.9}, "top_p is no parameter of a question"),
        ([], {}, "give a text, or a list of messages"),
        (["Hello"], {}, "give a text, or a list of messages"),
        ([{"role": "judge", "content": "Hello"}], {}, "Unknown message role: 'judge'"),
        ([{"role": "user", "content": [{"type": "image"}]}], {}, "must be a text"),
        ([{"role": "user", "content": ["Hello"]}], {}, "must be a text"),
        ([{"role": "user", "content": 3}], {}, "must be a text"),
    ],
)
def test_wrong_questions(llm: Any, prompt: Any, invocation: Any, message: str) -> None:
    with pytest.raises(UnansweredError, match=message):
        llm.generate_text(prompt, **invocation)


def test_a_schema_of_no_object(llm: Any) -> None:
    with pytest.raises(UnansweredError, match="describes no object"):
        llm.generate_object("Rate it.", {"type": "integer", "enum": [1, 2]})


@pytest.mark.parametrize(
    "form",
    [True, {"enum": [["a"], ["b"]]}, {"enum": [1, 2]}, {"oneOf": [True, {"type": "null"}]}],
    ids=str,
)
def test_what_is_no_list_of_labels_is_filled_in(llm: Any, watched: Watched, form: Any) -> None:
    schema = {"type": "object", "properties": {"it": form}, "required": ["it"]}
    assert list(llm.generate_object("Rate it.", schema, max_tokens=600)) == ["it"]
    assert watched.last[0] == "try_fill"


def test_a_file_is_loaded_once(tiny_model: TinyModel) -> None:
    path = str(tiny_model("llama"))
    first = evals.LLM(provider="fastscore", model=path, n_threads=1, n_ctx=256)
    second = evals.LLM(provider="fastscore", model=path, n_threads=1, n_ctx=256)
    other = evals.LLM(provider="fastscore", model=path, n_threads=1, n_ctx=128)
    assert first._sync_client is first._async_client is second._sync_client
    assert other._sync_client is not first._sync_client
    assert first._rate_limiters == []
    assert isinstance(first._sync_adapter, FastscoreAdapter)
    assert first._sync_adapter.model_name == first._sync_client.assistant.name


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ValueError, match=r"nothing\.gguf"):
        evals.LLM(provider="fastscore", model="nothing.gguf")


def test_options_of_an_open_assistant_are_refused(assistant: Assistant) -> None:
    with pytest.raises(ValueError, match="n_ctx cannot be set"):
        open_client("tiny", assistant=assistant, n_ctx=128)
