"""The model that lm-eval sees: token ids, truncation, texts, templates, caches, errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastscore import Model
from fastscore.errors import TokenizerError, UsageError
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

lm_eval = pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.api.model import CachingLM, TemplateLM  # noqa: E402
from lm_eval.api.registry import get_model  # noqa: E402
from lm_eval.models.utils import postprocess_generated_text  # noqa: E402
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window  # noqa: E402

from fastscore.integrations.lm_eval import FastscoreLM  # noqa: E402
from fastscore.integrations.lm_eval.generation import read_generation_kwargs  # noqa: E402
from fastscore.types import Sampling  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

WINDOW = 48
TEXT = "The river rises in the hills and runs to the sea. In spring the snow melts."
PAIRS = [
    ("Question: What is the best reason?\nAnswer:", " to keep warm"),
    ("She puts the cup on ", "the table"),
    ("", "the moon"),
    ("", "<|bos|>the moon"),
    ("<|bos|>The birds", " return"),
    ("   ", "the sun"),
    (f"{TEXT} {TEXT} {TEXT}", " the garden"),
]


def asked(kind: str, *arguments: tuple[Any, ...]) -> list[Instance]:
    return [Instance(kind, {}, each, i) for i, each in enumerate(arguments)]


@pytest.fixture(scope="module")
def path(tiny_model: TinyModel) -> Path:
    return tiny_model("llama", add_bos=True, chat_template=CHAT_TEMPLATE)


@pytest.fixture(scope="module")
def small(path: Path) -> Iterator[FastscoreLM]:
    """A window so small that a long text does not fit."""
    with FastscoreLM(path, n_threads=1, max_length=WINDOW, max_gen_toks=12) as opened:
        yield opened


def plain(model: Model, context: list[int], continuation: list[int]) -> float:
    """lm-eval's rule for what the model reads, each token scored in a run of its own."""
    read = (context + continuation)[-(WINDOW + 1) :]
    from fastscore.tokenise import encode_windows

    n = len(continuation)
    windows = [
        (np.array(read[:end], np.int32), np.array(read[end : end + 1], np.int32))
        for end in range(len(read) - n, len(read))
    ]
    runs = [model.scoring(encode_windows([window], WINDOW + 1)) for window in windows]
    return sum(float(done.logprob.sum()) for run in runs for done in run)


def test_likelihoods_are_those_of_lm_evals_own_tokenisation(small: FastscoreLM) -> None:
    """Against what lm-eval's base class makes of the pairs with our tokenizer, one by one."""
    ours = small.loglikelihood(asked("loglikelihood", *PAIRS), disable_tqdm=True)
    encoded: list[Any] = []

    class Reading(FastscoreLM):
        def __init__(self) -> None:
            self._model = small.model

        def _loglikelihood_tokens(self, requests: Any, **_: Any) -> list[Any]:
            encoded.extend(requests)
            return []

    TemplateLM.loglikelihood(Reading(), asked("loglikelihood", *PAIRS), disable_tqdm=True)
    assert len(encoded) == len(PAIRS)
    for (_, context, continuation), (logprob, _greedy) in zip(encoded, ours, strict=True):
        assert logprob == pytest.approx(plain(small.model, context, continuation), abs=1e-3)
    by_ids = small._loglikelihood_tokens(encoded, disable_tqdm=True)
    assert [greedy for _, greedy in by_ids] == [greedy for _, greedy in ours]
    assert [value for value, _ in by_ids] == pytest.approx([value for value, _ in ours], abs=1e-3)


def test_long_texts_are_read_in_lm_evals_windows(small: FastscoreLM) -> None:
    texts = [f"{TEXT} " * 5, TEXT, ""]
    ours = small.loglikelihood_rolling(asked("rolling", *((t,) for t in texts)), disable_tqdm=True)
    for text, value in zip(texts, ours, strict=True):
        windows = map(
            make_disjoint_window,
            get_rolling_token_windows(
                token_list=small.tok_encode(text),
                prefix_token=small.prefix_token_id,
                max_seq_len=small.max_length,
                context_len=1,
            ),
        )
        expected = sum(plain(small.model, *map(list, window)) for window in windows)
        assert value == pytest.approx(expected, abs=1e-3)


def test_bos_is_where_the_tokenizer_puts_it(small: FastscoreLM) -> None:
    bos = small.prefix_token_id
    bare = small.tok_encode("The birds", add_special_tokens=False)
    assert bos == small.model.info.bos
    assert bos not in bare
    assert small.tok_encode("The birds") == [bos, *bare]
    assert small.tok_encode("<|bos|>The birds") == [bos, *bare]
    assert small.tok_encode("<|bos|>The birds", add_special_tokens=True) == [bos, bos, *bare]
    assert small.tok_encode("The birds", left_truncate_len=2) == bare[-2:]


def test_without_bos_eos_stands_for_an_empty_context(tiny_model: TinyModel) -> None:
    with FastscoreLM(tiny_model("llama"), n_threads=1) as lm:
        info = lm.model.info
        assert lm.prefix_token_id == info.bos
        assert lm.tok_encode("The birds", add_special_tokens=True) == lm.tok_encode("The birds")
        assert lm.eot_token_id == info.eos
        lm.model._weights.info = replace(info, bos=None)
        assert lm.prefix_token_id == info.eos != info.bos
        lm.model._weights.info = replace(info, bos=None, eos=None)
        with pytest.raises(TokenizerError, match="no EOS token"):
            lm.prefix_token_id  # noqa: B018 (a property that raises)


def test_texts_end_where_lm_eval_ends_them(small: FastscoreLM) -> None:
    (free,) = small.generate_until(asked("g", (TEXT, {"until": []})), disable_tqdm=True)
    # Of the model's own text: two letters that are no part of a torn character.
    stop = next(free[i : i + 2] for i in range(1, len(free)) if free[i : i + 2].isascii())
    settings = {"until": [stop, ""], "max_gen_toks": 12}
    (text,) = small.generate_until(asked("g", (TEXT, settings)), disable_tqdm=True)
    assert text == postprocess_generated_text(free, [stop], None)
    assert stop not in text


def test_prompts_lose_what_the_text_needs(small: FastscoreLM) -> None:
    prompt = f"{TEXT} " * 3
    assert len(small.tok_encode(prompt)) > WINDOW
    settings = {"until": [], "max_gen_toks": 8}
    (text,) = small.generate_until(asked("g", (prompt, settings)), disable_tqdm=True)
    (alone,) = small.model.generate(prompt, max_tokens=8)
    assert alone.n_prompt_tokens == WINDOW - 8
    assert text == alone.text


def test_samples_of_one_prompt_differ_and_greedy_texts_do_not(small: FastscoreLM) -> None:
    sampled = (TEXT, {"until": [], "do_sample": True, "temperature": 1.0})
    greedy = (TEXT, {"until": [], "do_sample": False})
    requests = asked("g", sampled, greedy, sampled, greedy, sampled)
    texts = small.generate_until(requests, disable_tqdm=True)
    assert len({texts[0], texts[2], texts[4]}) > 1
    assert texts[1] == texts[3]
    assert texts == small.generate_until(requests, disable_tqdm=True)


def test_thoughts_are_no_answer(path: Path) -> None:
    with FastscoreLM(path, n_threads=1, max_gen_toks=12) as lm:
        (free,) = lm.generate_until(asked("g", (TEXT, {"until": []})), disable_tqdm=True)
    with FastscoreLM(path, n_threads=1, max_gen_toks=12, think_end_token=free[3]) as lm:
        (text,) = lm.generate_until(asked("g", (TEXT, {"until": []})), disable_tqdm=True)
    assert text == postprocess_generated_text(free, None, free[3])
    with pytest.raises(UsageError, match="give its text"):
        FastscoreLM(path, think_end_token=7)  # type: ignore[arg-type]


def test_answers_come_out_of_lm_evals_cache(small: FastscoreLM, tmp_path: Path) -> None:
    cached = CachingLM(small, str(tmp_path / "cache.db"))
    settings = {"until": ["\n"], "max_gen_toks": 4}
    calls = {
        "loglikelihood": PAIRS[:3],
        "loglikelihood_rolling": [(TEXT,)],
        "generate_until": [(TEXT, settings)],
    }
    first = {
        kind: getattr(cached, kind)(asked(kind, *arguments)) for kind, arguments in calls.items()
    }
    small.set_cache_hook(type(small.cache_hook)(None))

    def fail(*_: Any) -> None:
        raise AssertionError("asked the model again")

    for kind, arguments in calls.items():
        assert getattr(small, kind)(asked(kind, *arguments), disable_tqdm=True) == first[kind]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(small, kind, fail)
            again = getattr(cached, kind)(asked(kind, *arguments))
        assert [tuple(a) if isinstance(a, (list, tuple)) else a for a in again] == [
            tuple(a) if isinstance(a, (list, tuple)) else a for a in first[kind]
        ]


def test_whole_texts_in_parts_keep_their_order(
    small: FastscoreLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{TEXT} {'again ' * number}" for number in (3, 0, 2, 0, 1)]
    monkeypatch.setattr(f"{FastscoreLM.__module__}.ROLLING_CHARACTERS", 2 * len(TEXT))
    parts = small.loglikelihood_rolling(asked("rolling", *((text,) for text in texts)))
    assert parts == pytest.approx(small.model.loglikelihood_rolling(texts), rel=1e-6)
    assert len(set(parts)) == 4


def test_whole_texts_that_are_done_outlast_ctrl_c(
    small: FastscoreLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{number} {'long ' * 8_000}" for number in range(4)]  # two of them are a part
    scored: list[str] = []

    def stop_after_one_part(of: list[str]) -> list[float]:
        if scored:
            raise KeyboardInterrupt
        scored.extend(of)
        return [-float(len(text)) for text in of]

    monkeypatch.setattr(small.model, "loglikelihood_rolling", stop_after_one_part)
    cached = CachingLM(small, str(tmp_path / "cache.db"))
    requests = asked("loglikelihood_rolling", *((text,) for text in texts))
    with pytest.raises(KeyboardInterrupt):
        cached.loglikelihood_rolling(requests)
    assert scored == texts[:2]
    done = cached.loglikelihood_rolling(requests[:2])  # the model would stop again
    assert done == [-float(len(text)) for text in texts[:2]]
    small.set_cache_hook(type(small.cache_hook)(None))


def test_conversations_are_put_into_the_models_template(small: FastscoreLM) -> None:
    history = [{"role": "user", "content": "Hello"}]
    asking = small.apply_chat_template(history)
    assert asking == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    begun = small.apply_chat_template(
        [*history, {"role": "assistant", "content": "The best"}], add_generation_prompt=False
    )
    assert begun == f"{asking}The best"
    assert small.chat_template(True) == CHAT_TEMPLATE
    assert small.chat_template(False) is None


def test_a_template_sees_the_variables(tiny_model: TinyModel) -> None:
    template = "{{ messages[0]['content'] }}{{ '!' if enable_thinking else '.' }}{{ tone }}"
    path = tiny_model("llama", chat_template=template)
    names = set()
    for thinking, shown in ((True, "Hi!low"), (False, "Hi.low")):
        with FastscoreLM(
            path, n_threads=1, enable_thinking=thinking, chat_template_args={"tone": "low"}
        ) as lm:
            assert lm.apply_chat_template([{"role": "user", "content": "Hi"}]) == shown
            names.add(lm.tokenizer_name)
    assert len(names) == 2  # lm-eval must not take the one's prompts out of its cache for the other


def test_lm_eval_finds_it_by_name(path: Path) -> None:
    assert get_model("fastscore") is FastscoreLM
    (point,) = entry_points(group="lm_eval.models", name="fastscore")
    assert point.load() is FastscoreLM
    assert get_model("dummy") is not FastscoreLM  # lm-eval's own are still there
    lm = FastscoreLM.create_from_arg_string(
        f"pretrained={path},n_threads=1,max_length=64", {"batch_size": "auto", "device": "cuda:0"}
    )
    with lm:
        assert lm.max_length == 64
        assert lm.get_model_info()["model_sha"] == lm.model.fingerprint


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtype": "float16"}, "no argument dtype"),
        ({"n_thread": 2}, "did you mean n_threads"),
        ({"max_length": 64, "n_ctx": 64}, "give one of them"),
        ({"add_bos_token": False}, "the model file says True"),
    ],
)
def test_arguments_that_cannot_be_met(path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        FastscoreLM(path, **options)


def test_an_open_model_stays_open(path: Path) -> None:
    with Model(path, n_threads=1) as model:
        with FastscoreLM(model) as lm:
            assert lm.model is model
        assert model.tokenize("The")
        with pytest.raises(UsageError, match="open already"):
            FastscoreLM(model, n_ctx=64)
    with pytest.raises(UsageError, match="give the model once"):
        FastscoreLM()
    with pytest.raises(UsageError, match="give the model once"):
        FastscoreLM(path, path=path)


def test_nothing_to_score_is_an_error(small: FastscoreLM) -> None:
    with pytest.raises(TokenizerError, match="empty continuation"):
        small.loglikelihood(asked("loglikelihood", ("The", "")), disable_tqdm=True)
    with pytest.raises(TokenizerError, match="nothing to score"):
        small._loglikelihood_tokens([(None, [], [1])], disable_tqdm=True)
    assert small.loglikelihood([], disable_tqdm=True) == []
    assert small.generate_until([], disable_tqdm=True) == []


@pytest.mark.parametrize(
    ("given", "sampling"),
    [
        ({}, Sampling()),
        ({"do_sample": False, "temperature": 0.7, "top_p": 0.9}, Sampling()),
        ({"temperature": 0.7}, Sampling(temperature=0.7, seed=5)),
        (
            {"do_sample": True, "temperature": 1, "top_p": 0.9, "top_k": 3, "seed": 9},
            Sampling(temperature=1, top_p=0.9, top_k=3, seed=9),
        ),
        ({"repeat_penalty": 1.1, "num_beams": 1, "use_cache": True}, Sampling(repeat_penalty=1.1)),
    ],
)
def test_generation_kwargs_are_read_as_lm_eval_does(
    given: dict[str, Any], sampling: Sampling
) -> None:
    assert read_generation_kwargs(given, 256, 5).sampling == sampling


def test_stops_and_room_of_generation_kwargs() -> None:
    wanted = read_generation_kwargs({"until": "\n\n", "max_new_tokens": 7}, 256, 5)
    assert (wanted.stop, wanted.max_tokens) == (("\n\n",), 7)
    wanted = read_generation_kwargs({"until": ["a", "", "a"]}, 256, 5)
    assert (wanted.stop, wanted.max_tokens) == (("a",), 256)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_beams": 4}, "leave it out"),
        ({"repetition_penalty": 1.2}, "repeat_penalty"),
        ({"max_length": 400}, "write max_gen_toks"),
        ({"temprature": 1}, "did you mean temperature"),
        ({"do_sample": True}, "temperature 0"),
    ],
)
def test_generation_kwargs_that_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_generation_kwargs(given, 256, 5)
