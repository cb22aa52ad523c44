"""A GGUF model behind RAGAs' metrics: both interfaces, their errors, and `evaluate` to its end."""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastscore.assistant import Assistant
from fastscore.embedding import Embedder
from fastscore.errors import ModelError, UsageError
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

pytest.importorskip("ragas", reason="RAGAs is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # RAGAs marks its classic metrics as old
    import ragas.metrics
    import ragas.metrics.collections
    from langchain_core.prompt_values import StringPromptValue
    from pydantic import BaseModel, field_validator
    from ragas import EvaluationDataset, SingleTurnSample, evaluate
    from ragas.exceptions import LLMDidNotFinishException
    from ragas.metrics._answer_relevance import ResponseRelevanceInput, ResponseRelevancePrompt

from fastscore.integrations.ragas import (
    FastscoreInstructorLLM,
    FastscoreRagasEmbeddings,
    FastscoreRagasLLM,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*names no pooling"),
    # RAGAs' own: evaluate() and the classic metrics are marked as old.
    pytest.mark.filterwarnings("ignore:.*is deprecated and will be removed:DeprecationWarning"),
    pytest.mark.usefixtures("event_loop"),
]

ROWS: list[dict[str, Any]] = [
    {
        "user_input": "Where does the river rise?",
        "response": "It rises in the hills. It is long.",
        "retrieved_contexts": ["The river rises in the hills and runs to the sea.", "Birds sleep."],
        "reference": "In the hills.",
    },
    {
        "user_input": "What is the moon made of?",
        "response": "Of cheese.",
        "retrieved_contexts": ["There is no reason to believe that the moon is made of cheese."],
        "reference": "Not of cheese.",
    },
]
METRICS = (
    "Faithfulness",
    "AnswerRelevancy",
    "ContextPrecision",
    "ContextRecall",
    "FactualCorrectness",
    "ContextEntityRecall",
)
COLLECTIONS = (*METRICS, "AnswerAccuracy", "ContextRelevance", "ResponseGroundedness")
PROMPT = StringPromptValue(text="Say something about rivers.")


@pytest.fixture(scope="module", autouse=True)
def own_number(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """RAGAs numbers its users in a file below their home, also where it reports nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def assistant(tiny_model: TinyModel) -> Iterator[Assistant]:
    """Random weights: what they write is as far from JSON as can be."""
    path = tiny_model("llama", n_ctx_train=16384, chat_template=CHAT_TEMPLATE, add_bos=True)
    with Assistant(path, max_tokens=160, n_threads=1) as opened:
        yield opened


@pytest.fixture
def llm(assistant: Assistant) -> Iterator[FastscoreRagasLLM]:
    with FastscoreRagasLLM(assistant) as opened:
        yield opened


@pytest.fixture
def instructor(assistant: Assistant) -> Iterator[FastscoreInstructorLLM]:
    with FastscoreInstructorLLM(assistant) as opened:
        yield opened


@pytest.fixture(scope="module")
def embeddings(tiny_model: TinyModel) -> Iterator[FastscoreRagasEmbeddings]:
    opened = FastscoreRagasEmbeddings(tiny_model("bert_wpm"), n_threads=1)
    yield opened
    opened.close()


def _metric(kind: Any, llm: Any, embeddings: Any) -> Any:
    wants = inspect.signature(kind).parameters
    return kind(llm=llm, **({"embeddings": embeddings} if "embeddings" in wants else {}))


def _sound(value: float) -> bool:
    """A score, or what a metric says where there was nothing to score."""
    return math.isnan(value) or 0 <= value <= 1


@pytest.mark.parametrize("name", METRICS)
def test_classic_metrics_can_read_every_answer(
    name: str, llm: FastscoreRagasLLM, embeddings: FastscoreRagasEmbeddings
) -> None:
    kind = getattr(ragas.metrics, name)
    metric = _metric(kind, llm, embeddings)
    # Called without evaluate(), which would make NaN of an answer that cannot be parsed.
    assert _sound(asyncio.run(metric.single_turn_ascore(SingleTurnSample(**ROWS[0]))))


@pytest.mark.parametrize("name", COLLECTIONS)
def test_collections_metrics_can_read_every_answer(
    name: str, instructor: FastscoreInstructorLLM, embeddings: FastscoreRagasEmbeddings
) -> None:
    metric = _metric(getattr(ragas.metrics.collections, name), instructor, embeddings)
    wanted = inspect.signature(metric.ascore).parameters
    value = metric.score(**{key: ROWS[0][key] for key in wanted}).value
    # Ratings that are none of those it knows would be NaN.
    assert _sound(value) if name in METRICS else 0 <= value <= 1


@pytest.mark.parametrize("name", ["AnswerAccuracy", "ContextRelevance", "ResponseGroundedness"])
def test_metrics_that_look_for_a_rating_find_one(name: str, llm: FastscoreRagasLLM) -> None:
    metric = getattr(ragas.metrics, name)(llm=llm)
    value = asyncio.run(metric.single_turn_ascore(SingleTurnSample(**ROWS[0])))
    assert value in (0, 0.25, 0.5, 0.75, 1)  # the mean of two ratings, and never NaN


def test_evaluate_with_a_real_model(demo_model: Path) -> None:
    with FastscoreRagasLLM(demo_model, n_threads=1, max_tokens=120) as llm:
        embeddings = FastscoreRagasEmbeddings(demo_model, n_threads=1)
        metrics = [ragas.metrics.Faithfulness(), ragas.metrics.ResponseRelevancy(strictness=1)]
        found = evaluate(
            EvaluationDataset.from_list(ROWS),
            metrics,
            llm=llm,
            embeddings=embeddings,
            show_progress=False,
            raise_exceptions=True,
        )
        embeddings.close()
    table = found.to_pandas()
    assert len(table) == len(ROWS)
    assert table["answer_relevancy"].between(-1, 1).all()
    assert all(_sound(value) for value in table["faithfulness"])


def test_several_answers_are_as_many_and_come_again(llm: FastscoreRagasLLM) -> None:
    def questions() -> list[str]:
        asked = ResponseRelevancePrompt().generate_multiple(
            llm, ResponseRelevanceInput(response="The river rises in the hills."), n=3
        )
        return [answer.question for answer in asyncio.run(asked)]

    first = questions()
    assert len(set(first)) == 3  # temperature 0.3, three seeds
    assert questions() == first


def test_classic_prompts_take_the_other_llm_too(instructor: FastscoreInstructorLLM) -> None:
    """As the module says: with one answer where several are wanted."""
    asked = ResponseRelevancePrompt().generate_multiple(
        instructor, ResponseRelevanceInput(response="The river rises in the hills."), n=3
    )
    assert [answer.noncommittal in (0, 1) for answer in asyncio.run(asked)] == [True]


def test_one_temperature_for_all_where_asked_for(assistant: Assistant) -> None:
    with FastscoreRagasLLM(assistant, temperature=0.0) as llm:
        three = llm.generate_text(PROMPT, n=3, temperature=0.9).generations[0]
    assert len({one.text for one in three}) == 1


def test_free_text_stops_where_asked_and_says_when_it_was_cut(assistant: Assistant) -> None:
    with FastscoreRagasLLM(Assistant(assistant.model, max_tokens=6)) as llm:
        cut = llm.generate_text(PROMPT)
        text = cut.generations[0][0].text
        assert not llm.is_finished(cut)
        assert asyncio.run(llm.agenerate_text(PROMPT)).generations[0][0].text == text
        with pytest.raises(LLMDidNotFinishException):
            asyncio.run(llm.generate(PROMPT))
        stopped = llm.generate_text(PROMPT, stop=[text[4]])
        assert stopped.generations[0][0].text == text[: text.index(text[4])]
        assert llm.is_finished(stopped)


def test_a_prompt_that_does_not_fit_fails_at_once(llm: FastscoreRagasLLM) -> None:
    """RAGAs would try ten times, and wait up to a minute before each."""
    with pytest.raises(UsageError, match="the window is 16384"):
        asyncio.run(llm.generate(StringPromptValue(text="river " * 16384)))


@pytest.mark.usefixtures("unhurried")
def test_many_coroutines_are_a_few_batches(
    llm: FastscoreRagasLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    fill = llm.assistant.try_fill

    def counted(asked: Any, *args: Any, **options: Any) -> Any:
        sizes.append(len(asked))
        return fill(asked, *args, **options)

    monkeypatch.setattr(llm.assistant, "try_fill", counted)
    prompts = [ResponseRelevanceInput(response=f"There are {i} rivers.") for i in range(8)]

    async def ask() -> None:
        await asyncio.gather(*(ResponseRelevancePrompt().generate(llm, one) for one in prompts))

    asyncio.run(ask())
    assert sum(sizes) == 8
    assert max(sizes) >= 4


class Impossible(BaseModel):
    verdict: int

    @field_validator("verdict")
    @classmethod
    def never(cls, value: int) -> int:
        raise ValueError("not to my liking")


def test_a_form_has_rules_that_no_schema_tells(instructor: FastscoreInstructorLLM) -> None:
    with pytest.raises(ModelError, match=r"schema of Impossible and (.|\n)*not to my liking"):
        instructor.generate("Judge.", Impossible)


def test_the_instructor_answers_inside_and_outside_a_loop(
    instructor: FastscoreInstructorLLM,
) -> None:
    class Verdict(BaseModel):
        certain: bool

    outside = instructor.generate("Is it so?", Verdict)

    async def inside() -> tuple[Verdict, Verdict]:
        return instructor.generate("Is it so?", Verdict), await instructor.agenerate(
            "Is it so?", Verdict
        )

    assert asyncio.run(inside()) == (outside, outside)


def test_embeddings_are_the_embedders(tiny_model: TinyModel) -> None:
    texts = ["the river", "the sea"]
    with Embedder(tiny_model("bert_wpm"), n_threads=1) as embedder:
        embeddings = FastscoreRagasEmbeddings(embedder)
        expected = embedder.embed(texts).tolist()
        assert embeddings.embed_texts(texts) == expected
        assert embeddings.embed_documents(texts) == expected
        assert asyncio.run(embeddings.aembed_documents(texts)) == expected
        assert asyncio.run(embeddings.aembed_query(texts[0])) == embeddings.embed_text(texts[0])
        metric = ragas.metrics.collections.SemanticSimilarity(embeddings=embeddings)
        assert metric.score(reference="the sea", response="the sea").value == pytest.approx(1)
        classic = ragas.metrics.SemanticSimilarity(embeddings=embeddings)
        sample = SingleTurnSample(reference="the sea", response="the sea")
        assert asyncio.run(classic.single_turn_ascore(sample)) == pytest.approx(1)
        embeddings.close()
        embedder.embed(texts)  # the caller's to close
        with pytest.raises(UsageError, match="n_threads cannot be set"):
            FastscoreRagasEmbeddings(embedder, n_threads=2)


def test_options_of_an_assistant_that_is_open_are_refused(assistant: Assistant) -> None:
    for kind in (FastscoreRagasLLM, FastscoreInstructorLLM):
        with pytest.raises(UsageError, match="max_tokens cannot be set"):
            kind(assistant, max_tokens=5)
    for wrong in ({"temperature": "hot"}, {"seed": -1}):  # RAGAs would make NaN of each row
        with pytest.raises(UsageError, match=f"{next(iter(wrong))} is"):
            FastscoreRagasLLM(assistant, **wrong)


def test_ragas_reports_nothing_unless_told_to() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "RAGAS_DO_NOT_TRACK"}
    code = (
        "import ragas, fastscore.integrations.ragas\n"
        "from ragas._analytics import do_not_track\n"
        "print(do_not_track())"
    )
    assert _printed(code, environment).split() == ["True"]


def test_without_ragas_the_extra_is_named_and_what_users_said_stays() -> None:
    code = (
        "import os, sys; sys.modules['ragas'] = None\n"
        "try:\n    import fastscore.integrations.ragas\n"
        "except ImportError as error:\n    print(type(error).__name__, error)\n"
        "print(os.environ['RAGAS_DO_NOT_TRACK'])"
    )
    printed = _printed(code, {**os.environ, "RAGAS_DO_NOT_TRACK": "false"})
    assert printed.startswith("MissingToolError RAGAs cannot be imported")
    assert "fastscore-gguf[ragas]" in printed
    assert printed.endswith("false\n")


def _printed(code: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout
