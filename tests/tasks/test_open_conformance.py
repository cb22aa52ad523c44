"""Generation prompts, extraction and judgement equal lm-eval's, character for character.

The digests in golden_open.json were made by lm_eval_open.py from lm-eval's own code; where lm-eval
is installed, it is also asked here and now, on fewer cases, and differences show.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest
from conformance_cases import BOS, DATA, EOS, TEMPLATES, Case
from conformance_rows import splits_of
from open_cases import GOLDEN, OUTPUTS, OpenRequest, cases, digest
from open_verdicts import fastscore_verdicts, generation_task

from fastscore.chat import ChatTemplate
from fastscore.tasks import Prompting

CASES = cases()
DOCUMENT = json.loads(GOLDEN.read_text(encoding="utf-8"))
pytestmark = pytest.mark.skipif(
    not (DATA / "gsm8k").is_dir(),
    reason=f"the benchmarks' data are not in {DATA}: set FASTSCORE_DATA",
)


def fastscore_requests(case: Case, own_loader: bool = False) -> list[OpenRequest]:
    task = generation_task(case.task)
    if own_loader:
        rows = task.load("eval", data_dir=DATA).rows
        pool = task.load("fewshot", data_dir=DATA).rows if case.shots else []
    else:
        splits: Any = splits_of(case.task, DATA)
        rows = splits[task.source.eval_split]
        pool = task.fixed_examples or splits.get(task.source.fewshot_split, [])
    prompting = Prompting(
        num_fewshot=case.shots,
        chat=ChatTemplate(TEMPLATES[case.chat], BOS, EOS) if case.chat else None,
        system_instruction=case.system,
        fewshot_as_multiturn=case.multiturn,
    )
    return [
        OpenRequest(
            item.doc_id,
            item.context,
            list(item.stop),
            item.max_tokens,
            item.gold if isinstance(item.gold, str) else list(item.gold),
        )
        for item in task.items(rows[: case.limit], pool, prompting)
    ]


def test_every_case_has_a_digest_and_every_digest_a_case() -> None:
    assert [case.id for case in CASES] == list(DOCUMENT["requests"])
    assert list(OUTPUTS) == list(DOCUMENT["verdicts"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_requests_have_the_digest_of_lm_evals(case: Case) -> None:
    assert digest(fastscore_requests(case)) == DOCUMENT["requests"][case.id]


# TriviaQA's training rows are not among the data, and the comparison takes others for them.
LOADED = [case for case in CASES if not case.chat and (case.task != "triviaqa" or not case.shots)]


@pytest.mark.parametrize("case", LOADED, ids=lambda case: case.id)
def test_requests_from_fastscores_own_rows_have_it_too(case: Case) -> None:
    assert digest(fastscore_requests(case, own_loader=True)) == DOCUMENT["requests"][case.id]


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_are_judged_as_by_lm_eval(name: str) -> None:
    expected = DOCUMENT["verdicts"][name]
    judged = list(fastscore_verdicts(name.partition("/")[0], OUTPUTS[name](DATA)))
    right = {column: sum(one.scores[column] for one in judged) for column in judged[0].scores}
    assert (len(judged), right) == (expected["n"], expected["right"])
    assert digest(judged) == expected["digest"]


def test_the_outputs_tell_right_from_wrong() -> None:
    """Digests of nothing but wrong answers would show little."""
    right = {
        (name.partition("/")[0], column)
        for name, verdicts in DOCUMENT["verdicts"].items()
        for column, count in verdicts["right"].items()
        if 0 < count < verdicts["n"]
    }
    assert right == {
        ("gsm8k", "exact_match,strict-match"),
        ("gsm8k", "exact_match,flexible-extract"),
        ("triviaqa", "exact_match"),
    }


@pytest.mark.parametrize("case", [c for c in CASES if c.limit], ids=lambda case: case.id)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("needs_lm_eval")
def test_requests_equal_lm_evals(case: Case) -> None:
    from lm_eval_open import harness_requests

    for ours, theirs in zip(fastscore_requests(case), harness_requests(case), strict=True):
        assert ours == theirs


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("needs_lm_eval")
def test_verdicts_equal_lm_evals(name: str) -> None:
    from lm_eval_open import harness_verdicts

    task = name.partition("/")[0]
    outputs = list(islice(OUTPUTS[name](DATA), 2000))
    theirs = harness_verdicts(task, outputs)
    for ours, their in zip(fastscore_verdicts(task, outputs), theirs, strict=True):
        assert ours == their
