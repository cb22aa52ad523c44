"""Where generated texts end: stop texts, tokens that end texts, lengths, whole characters."""

from __future__ import annotations

import random

import pytest

from fastscore.model import GenerationRequest, Model
from models.fixtures import TinyModel
from models.llama import PlainLlama
from models.vocab import EOS, TURN_END, TURN_START

from .engine import open_tiny
from .plain_generation import Written, greedy, text_of

TURN_START_ID = 2


def cut(text: str, stops: tuple[str, ...]) -> str:
    """lm-evaluation-harness's postprocess_generated_text."""
    for stop in stops:
        text = text.split(stop)[0]
    return text


def stopped(plain: PlainLlama, written: Written, stops: tuple[str, ...]) -> tuple[str, str, int]:
    """Text, reason and tokens when each text so far is searched for the stops.

    lm-eval stops where it finds one in a text that shows the marks, and cuts the text without them.
    """
    for n in range(1, len(written.tokens) + 1):
        text = text_of(plain, written.tokens[:n])
        with_marks = text_of(plain, written.tokens[:n], marks=True)
        if any(stop in text or stop in with_marks for stop in stops):
            return cut(text, stops), "stop", n
    return written.text, "eos" if written.ended else "length", len(written.tokens)


@pytest.mark.parametrize("family", ["llama", "llama_spm", "gemma2", "rwkv7"])
def test_stops_are_found_across_tokens_and_cut_as_lm_eval_cuts(
    tiny_model: TinyModel, family: str
) -> None:
    rng = random.Random(5)
    path = tiny_model(family, seed=2)
    prompts = ["the river runs", "Question", "water boils at a", "the sun and the moon", "42"]
    with open_tiny(path, exact=True) as model, PlainLlama(path) as plain:
        alone = {prompt: greedy(plain, model.tokenize(prompt), 30) for prompt in prompts}
        requests, expected = [], []
        for _ in range(120):
            prompt = rng.choice(prompts)
            text = alone[prompt].text
            stops = []
            for _ in range(rng.randint(1, 4)):
                begin = rng.randrange(max(1, len(text) - 1))
                stop = text[begin : begin + rng.randint(1, 6)]
                # A byte that is no text is shown by a character that it does not spell.
                stops.append("none of this" if not stop or "�" in stop else stop)
            requests.append(GenerationRequest(prompt, (0,), tuple(stops), 30))
            expected.append(stopped(plain, alone[prompt], tuple(stops)))
        found = {
            done.request: done.generation for step in model.generating(requests) for done in step
        }
    got = [(found[i].text, found[i].finish_reason, found[i].n_tokens) for i in range(120)]
    assert got == expected
    assert sum(reason == "stop" for _, reason, _ in expected) > 60


def test_of_stops_that_overlap_the_first_named_cuts_first(tiny_model: TinyModel) -> None:
    """lm-eval looks for one stop after the other in what the ones before have left."""
    with open_tiny(tiny_model("llama")) as model:
        the = model.pieces(range(400)).index(b" the")
        for stops, text in (((" th", "he"), "a"), (("he", " th"), "a t")):
            assert cut("a the", stops) == text
            (written,) = model.generate(
                "x", max_tokens=9, grammar=f'root ::= "a" <[{the}]> "b"', stop=stops
            )
            assert (written.text, written.finish_reason) == (text, "stop")


@pytest.fixture
def spelling(tiny_model: TinyModel) -> Model:
    """A model of byte-level tokens, which writes whatever a grammar makes it write."""
    return open_tiny(tiny_model("llama"))


def test_a_stop_may_be_spelled_by_many_tokens_or_by_part_of_one(spelling: Model) -> None:
    with spelling as model:
        text = "éa€b😀c"
        for begin in range(len(text)):
            for end in range(begin + 1, len(text) + 1):
                (written,) = model.generate(
                    "x", max_tokens=40, grammar=f'root ::= "{text}"', stop=[text[begin:end]]
                )
                assert (written.text, written.finish_reason) == (text[:begin], "stop")


def test_no_text_ends_in_half_a_character(spelling: Model) -> None:
    text = "é€😀ü漢"
    data = text.encode()
    with spelling as model:
        for most in range(1, len(data) + 2):
            (written,) = model.generate("x", max_tokens=most, grammar=f'root ::= "{text}"')
            # Each of these bytes is a token of its own.
            assert written.text == data[:most].decode(errors="ignore")
            assert written.n_tokens == most
            assert written.finish_reason == ("length" if most <= len(data) else "eos")


def test_a_token_that_ends_texts_is_counted_and_not_shown(spelling: Model) -> None:
    with spelling as model:
        (written,) = model.generate("x", max_tokens=40, grammar='root ::= "ab"')
        assert (written.text, written.finish_reason, written.n_tokens) == ("ab", "eos", 3)
        (empty,) = model.generate("x", max_tokens=40, grammar='root ::= ""')
        assert (empty.text, empty.finish_reason, empty.n_tokens) == ("", "eos", 1)
        # The last token allowed may be the one that ends the text.
        (written,) = model.generate("x", max_tokens=3, grammar='root ::= "ab"')
        assert written.finish_reason == "eos"
        (written,) = model.generate("x", max_tokens=2, grammar='root ::= "ab"')
        assert (written.text, written.finish_reason) == ("ab", "length")


def test_marks_are_not_text_but_may_be_named_as_stops(spelling: Model) -> None:
    grammar = f'root ::= "ab" <[{TURN_START_ID}]> "cd"'
    with spelling as model:
        (written,) = model.generate("x", max_tokens=40, grammar=grammar)
        assert (written.text, written.finish_reason) == ("abcd", "eos")
        (written,) = model.generate("x", max_tokens=40, grammar=grammar, stop=[TURN_START])
        assert (written.text, written.finish_reason) == ("ab", "stop")


def test_the_spelling_of_eos_ends_a_text_as_in_lm_eval(spelling: Model) -> None:
    with spelling as model:
        (written,) = model.generate("x", max_tokens=40, grammar=f'root ::= "ab{EOS}cd"')
        assert (written.text, written.finish_reason) == ("ab", "stop")
        (written,) = model.generate("x", max_tokens=40, grammar=f'root ::= "ab{TURN_END}cd"')
        assert written.text == f"ab{TURN_END}cd"


def test_the_space_that_a_vocabulary_adds_is_taken_away_once(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama_spm")) as model:
        for spelled, text in (("ab", "ab"), (" ab", "ab"), ("  ab", " ab"), ("a b", "a b")):
            (written,) = model.generate("x", max_tokens=40, grammar=f'root ::= "{spelled}"')
            assert written.text == text
            (written,) = model.generate(
                "x", max_tokens=40, grammar=f'root ::= "{spelled}cd"', stop=["c"]
            )
            assert written.text == text
    with open_tiny(tiny_model("llama")) as model:
        (written,) = model.generate("x", max_tokens=40, grammar='root ::= "  ab"')
        assert written.text == "  ab"


def test_a_prompt_too_long_loses_tokens_from_the_left(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama"), exact=True) as model:
        window = model.settings.max_length
        long = "the river runs to the sea and " * 60
        ids = model.tokenize(long)
        assert len(ids) > window
        run = model.generating([GenerationRequest(long, max_tokens=20)])
        ((done,),) = [step for step in run if step]
        assert run.n_truncated == 1
        assert done.generation.n_prompt_tokens == window - 20
        assert done.generation.n_tokens == 20 or done.generation.finish_reason == "eos"
        with PlainLlama(tiny_model("llama")) as plain:
            assert done.generation.text == greedy(plain, ids[-(window - 20) :], 20).text
