"""The model that lm-eval sees: its arguments and name, token ids, chat templates."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from fastscore import Model
from fastscore.errors import TokenizerError, UsageError
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from lm_eval.api.registry import get_model

from fastscore.integrations.lm_eval import FastscoreLM

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def path(tiny_model: TinyModel) -> Path:
    return tiny_model("llama", add_bos=True, chat_template=CHAT_TEMPLATE)


def test_lm_eval_finds_it_by_name(path: Path) -> None:
    assert get_model("fastscore") is FastscoreLM
    (point,) = entry_points(group="lm_eval.models", name="fastscore")
    assert point.load() is FastscoreLM
    assert get_model("dummy") is not FastscoreLM  # lm-eval's own are still there
    lm = FastscoreLM.create_from_arg_string(
        # The last one is what lm-eval makes of its --trust_remote_code.
        f"pretrained={path},n_threads=1,max_length=64,trust_remote_code=True",
        {"batch_size": "auto", "device": "cuda:0"},
    )
    with lm:
        assert lm.max_length == 64
        facts = lm.get_model_info()
        assert (facts["model_sha"], facts["max_gen_toks"]) == (lm.model.fingerprint, 256)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtype": "float16"}, "no argument dtype"),
        ({"n_thread": 2}, "did you mean n_threads"),
        ({"max_length": 64, "n_ctx": 64}, "give one of them"),
        ({"add_bos_token": False}, "the model file says True"),
        ({"max_lenght": 64}, "did you mean max_length"),
        ({"max_length": 2.5}, "max_length is 2.5; give a whole number"),
        ({"n_threads": "many"}, "n_threads is 'many', which is no whole number"),
        ({"n_threads": True}, "n_threads is True, which is no whole number"),
        ({"exact": "no"}, "exact is 'no'; give True, False, or None"),
        ({"enable_thinking": "no"}, "enable_thinking is 'no'; give True or False"),
        ({"add_bos_token": "yes"}, "add_bos_token is 'yes'; give True or False"),
        ({"chat_template_args": 5}, "chat_template_args is 5; give names with values"),
        ({"max_gen_toks": "x"}, "max_gen_toks is 'x'; give a whole number"),
        ({"max_gen_toks": None}, "max_gen_toks is None; give a whole number"),
        ({"max_gen_toks": 0}, "max_gen_toks is 0; give a whole number, 1 or more"),
        ({"n_parallel": 0}, "n_parallel is 0; give a whole number, 1 or more"),
        ({"seed": -1}, "seed is -1"),
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
        with pytest.raises(UsageError, match="n_ctx cannot be set for a model that is open"):
            FastscoreLM(model, n_ctx=64)
    with pytest.raises(UsageError, match="give the model once"):
        FastscoreLM()
    with pytest.raises(UsageError, match="give the model once"):
        FastscoreLM(path, path=path)


def test_bos_is_where_the_tokenizer_puts_it(small_lm: FastscoreLM) -> None:
    bos = small_lm.prefix_token_id
    bare = small_lm.tok_encode("The birds", add_special_tokens=False)
    assert bos == small_lm.model.info.bos
    assert bos not in bare
    assert small_lm.tok_encode("The birds") == [bos, *bare]
    assert small_lm.tok_encode("<|bos|>The birds") == [bos, *bare]
    assert small_lm.tok_encode("<|bos|>The birds", add_special_tokens=True) == [bos, bos, *bare]
    assert small_lm.tok_encode("The birds", left_truncate_len=2) == bare[-2:]


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


def test_conversations_are_put_into_the_models_template(small_lm: FastscoreLM) -> None:
    history = [{"role": "user", "content": "Hello"}]
    asking = small_lm.apply_chat_template(history)
    assert asking == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    begun = small_lm.apply_chat_template(
        [*history, {"role": "assistant", "content": "The best"}], add_generation_prompt=False
    )
    assert begun == f"{asking}The best"
    assert small_lm.chat_template(True) == CHAT_TEMPLATE
    assert small_lm.chat_template(False) is None


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
