"""Prompts equal lm-eval's, character for character.

The digests in golden_requests.json were made by lm_eval_requests.py from lm-eval's own requests;
where lm-eval is installed, it is also asked here and now, on fewer cases, and differences show.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from conformance_cases import BOS, DATA, EOS, GOLDEN, TEMPLATES, Case, Request, cases, digest
from conformance_rows import splits_of

from fastscore.chat import ChatTemplate
from fastscore.tasks import Prompting, get_task
from fastscore.tasks.mmlu import SUBJECTS

CASES = cases(sorted(subject for part in SUBJECTS.values() for subject in part))
needs_data = pytest.mark.skipif(
    not (DATA / "arc").is_dir(),
    reason=f"the benchmarks' data are not in {DATA}: set FASTSCORE_DATA",
)
DIGESTS = json.loads(GOLDEN.read_text(encoding="utf-8"))["digests"]


def marked(cases: list[Case]) -> list[Any]:
    """Let the cases that read published rows need them; mini's are in the package."""
    return [
        case if case.task.startswith("mini") else pytest.param(case, marks=needs_data)
        for case in cases
    ]


def fastscore_requests(case: Case, own_loader: bool = False) -> list[Request]:
    task = get_task(case.task)
    if own_loader:
        rows = task.load("eval", data_dir=DATA).rows
        pool = task.load("fewshot", data_dir=DATA).rows if case.shots else []
    else:
        splits = splits_of(case.task, DATA)
        rows = splits[task.source.eval_split]
        pool = splits[task.source.fewshot_split or task.source.eval_split]
    prompting = Prompting(
        num_fewshot=case.shots,
        chat=ChatTemplate(TEMPLATES[case.chat], BOS, EOS) if case.chat else None,
        system_instruction=case.system,
        fewshot_as_multiturn=case.multiturn,
    )
    items = task.items(rows[: case.limit], pool, prompting)
    return [
        Request(
            item.doc_id,
            [item.context_of(choice) for choice in range(len(item.continuations))],
            list(item.continuations),
            list(item.gold),
        )
        for item in items
    ]


def test_every_case_has_a_digest_and_every_digest_a_case() -> None:
    assert [case.id for case in CASES] == list(DIGESTS)


@pytest.mark.parametrize("case", marked(CASES), ids=lambda case: case.id)
def test_requests_have_the_digest_of_lm_evals(case: Case) -> None:
    assert digest(fastscore_requests(case)) == DIGESTS[case.id]


# HellaSwag's cases use other rows than the files give; PIQA's and OpenBookQA's are made up.
LOADED = [
    case
    for case in CASES
    if case.task.startswith(("arc", "winogrande", "mmlu", "truthfulqa", "mini"))
    if not case.chat and "cloze" not in case.task
]


@pytest.mark.parametrize("case", marked(LOADED), ids=lambda case: case.id)
def test_requests_from_fastscores_own_rows_have_it_too(case: Case) -> None:
    assert digest(fastscore_requests(case, own_loader=True)) == DIGESTS[case.id]


LIVE = [case for case in CASES if case.limit or (case.shots <= 1 and "mmlu" not in case.task)]


@pytest.mark.parametrize("case", marked(LIVE), ids=lambda case: case.id)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("needs_lm_eval")
def test_requests_equal_lm_evals(case: Case) -> None:
    from lm_eval_requests import harness_requests

    for ours, theirs in zip(fastscore_requests(case), harness_requests(case), strict=True):
        assert ours == theirs
