"""What is taken from an output, and when it counts, against the rules written out plainly."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.tasks import GenerationTask, get_task
from fastscore.tasks.answers import INVALID, exact_match, first_found, last_found, strip
from fastscore.types import OpenItem


def task(name: str) -> GenerationTask:
    found = get_task(name)
    assert isinstance(found, GenerationTask)
    return found


GSM8K, TRIVIAQA, INSTRUCT = task("gsm8k"), task("triviaqa"), task("humaneval_instruct")


def plain_filter(pattern: str, output: str, which: int) -> str:
    """lm-eval's ``regex`` filter: all matches in a list, of which one is picked."""
    matches = re.findall(pattern, output)
    if not matches:
        return "[invalid]"
    match = matches[which]
    if isinstance(match, tuple):
        filled = [group for group in match if group]
        match = filled[0] if filled else "[invalid]"
    return str(match.strip())


def plain_number(text: str) -> str:
    """GSM8K's numbers without what lm-eval ignores in them."""
    for pattern in (",", "\\$", "(?s).*#### ", "\\.$"):
        text = re.sub(pattern, "", text)
    return text.lower()


def plain_words(text: str) -> str:
    """TriviaQA's answers without what lm-eval ignores in them."""
    return "".join(c for c in text.lower() if c not in string.punctuation)


def judged(task: GenerationTask, output: str, gold: str | tuple[str, ...]) -> dict[str, float]:
    item = OpenItem(0, "", task.stop, task.max_tokens, gold)
    return {name: s.value for name, s in task.judge(item, task.extract(output)).items()}


NUMBERS = st.text(st.sampled_from("0123456789#,.$- \n٣²x"), max_size=30)


@given(NUMBERS)
def test_the_filters_of_gsm8k_equal_the_plain_ones(output: str) -> None:
    assert GSM8K.extract(output) == {
        "strict-match": plain_filter("#### (\\-?[0-9\\.\\,]+)", output, 0),
        "flexible-extract": plain_filter("(-?[$0-9.,]{2,})|(-?[0-9]+)", output, -1),
    }


@given(st.lists(st.sampled_from(["a", "b", " ", "(", "1"]), max_size=12).map("".join))
@pytest.mark.parametrize("pattern", ["a", "(a)", "(a)|(b)", "(a)?b", "( *)1", "(a)?(b)?", "x*"])
def test_any_pattern_is_taken_as_by_the_plain_filter(pattern: str, output: str) -> None:
    assert first_found(pattern)(output) == plain_filter(pattern, output, 0)
    assert last_found(pattern)(output) == plain_filter(pattern, output, -1)


@given(NUMBERS, NUMBERS)
def test_numbers_are_compared_plainly(output: str, reference: str) -> None:
    scores = judged(GSM8K, output, reference)
    for name, answer in GSM8K.extract(output).items():
        right = plain_number(answer) == plain_number(reference)
        assert scores[f"exact_match,{name}"] == right


# Without U+0130, the only letter that lowering makes longer; see the test after the next.
WORDS = st.text(st.sampled_from("abABßéÉ.,'\"!?- «»🧅\n\t"), max_size=8)


@given(WORDS, st.lists(WORDS, min_size=1, max_size=4))
def test_words_are_compared_plainly(output: str, aliases: list[str]) -> None:
    right = plain_words(output.strip()) in map(plain_words, aliases)
    assert judged(TRIVIAQA, output, tuple(aliases)) == {"exact_match": right}


@pytest.mark.parametrize(
    ("answer", "references", "right"),
    [
        # numpy's texts keep their width: "i" and a combining dot above have room for one.
        ("İ", ["i"], True),
        ("İ", ["i", "longer"], True),
        ("i", ["İ"], True),
        ("i", ["İ", "longer"], False),
        ("onion\0", ["onion"], True),
    ],
)
def test_texts_are_as_wide_as_lm_evals(answer: str, references: Sequence[str], right: bool) -> None:
    assert exact_match(answer, references, ignore_case=True, ignore_punctuation=True) is right


@pytest.mark.parametrize(
    ("output", "strict", "flexible"),
    [
        ("#### 18", 1, 1),
        ("So #### 18. And #### 19", 1, 0),
        ("####18", 0, 1),
        ("#### $18", 0, 1),
        ("#### 18.", 1, 1),
        ("#### 18.0", 0, 0),
        ("#### 1,8", 1, 1),
        ("It is -18", 0, 0),
        ("The answer is 18.\n", 0, 1),
        ("#### 18\nThat is $", 1, 1),
        ("#### 18 ...", 1, 0),
        ("", 0, 0),
        ("#### ٣", 0, 0),
    ],
)
def test_an_answer_of_18(output: str, strict: int, flexible: int) -> None:
    gold = "9 * 2 = $<<9*2=18>>18.\n#### 18"
    expected = {"exact_match,strict-match": strict, "exact_match,flexible-extract": flexible}
    assert judged(GSM8K, output, gold) == expected


@pytest.mark.parametrize(
    ("output", "right"),
    [
        (" onion", 1),
        ('\t"ONION"!', 1),
        ("On-ion", 1),
        ("the onion", 0),
        ("«onion»", 0),
        ("", 0),
        ("bulb  onion", 0),
        ("Bulb onion", 1),
    ],
)
def test_an_answer_of_onion(output: str, right: int) -> None:
    assert judged(TRIVIAQA, output, ("Onion", "Bulb Onion")) == {"exact_match": right}


def test_an_alias_of_punctuation_is_met_by_nothing_at_all() -> None:
    """Empty generations are frequent; lm-eval counts them as it compares them."""
    assert judged(TRIVIAQA, "", ("?!",)) == {"exact_match": 1}


def test_what_follows_a_fence_is_no_part_of_the_program() -> None:
    (name,) = INSTRUCT.filters
    assert INSTRUCT.extract("    return 1\n```\nDone.\n```") == {name: "    return 1\n"}
    assert INSTRUCT.extract("    return 1") == {name: "    return 1"}
    assert INSTRUCT.extract("```python\ndef one(): ...") == {name: ""}


def test_an_output_without_an_answer() -> None:
    assert first_found("x")("y") == last_found("x")("y") == INVALID == "[invalid]"
    assert strip("\n a \t") == "a"
