"""lm-eval's own tasks of every kind, run on the engine; each answer checked by a plain request."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lm_eval_cases import Case, cases
from lm_eval_tasks import local_task

from fastscore import Model
from fastscore.tokenise import encode_windows

lm_eval = pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from fastscore.integrations.lm_eval import FastscoreLM  # noqa: E402

# Of lm-eval and what it uses.
pytestmark = pytest.mark.filterwarnings("ignore")


def run(case: Case, lm: FastscoreLM, manager: Any, folder: Path) -> dict[str, Any]:
    """lm-eval's results, after a look at whether all of them are numbers."""
    folder.mkdir(exist_ok=True)
    results = lm_eval.simple_evaluate(
        model=lm,
        tasks=[local_task(case.task, case.rows, folder, manager, **case.changes)],
        task_manager=manager,
        bootstrap_iters=0,
        **case.run,
    )
    values = {
        name: value
        for name, value in results["results"][case.task].items()
        if "," in name and "stderr" not in name
    }
    assert values
    assert all(math.isfinite(value) for value in values.values())
    return results  # type: ignore[no-any-return]


def requests_of(results: dict[str, Any], task: str) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    """What each request asked and was answered, once for every repeat."""
    samples = results["samples"][task]
    assert {sample["doc_id"] for sample in samples} == {0, 1, 2}
    for sample in samples:
        yield from zip(sample["arguments"], sample["resps"], strict=True)


@pytest.mark.parametrize("case", cases("choices", "likelihoods"), ids=str)
def test_likelihoods_are_those_of_each_request_alone(
    case: Case, lm: FastscoreLM, manager: Any, tmp_path: Path
) -> None:
    results = run(case, lm, manager, tmp_path)
    for arguments, answers in requests_of(results, case.task):
        (alone,) = lm.model.loglikelihood([arguments])
        ((logprob, is_greedy),) = answers
        assert logprob == pytest.approx(alone.logprob, abs=1e-3)
        assert is_greedy == alone.is_greedy


@pytest.mark.parametrize("case", cases("rolling"), ids=str)
def test_whole_texts_are_scored_token_by_token(
    case: Case, lm: FastscoreLM, manager: Any, tmp_path: Path
) -> None:
    results = run(case, lm, manager, tmp_path)
    for (text,), (value,) in requests_of(results, case.task):
        assert value == pytest.approx(by_single_tokens(lm.model, text), abs=1e-3)


def by_single_tokens(model: Model, text: str) -> float:
    """The value of a text that fits the window: BOS, then each token after all before it."""
    bos, ids = model.info.bos, model.tokenize(text)
    assert bos is not None
    assert len(ids) < model.settings.max_length
    windows = [
        (np.array([bos, *ids[:i]], np.int32), np.array([ids[i]], np.int32)) for i in range(len(ids))
    ]
    run = model.scoring(encode_windows(windows, model.settings.max_length))
    return sum(float(done.logprob.sum()) for done in run)


@pytest.mark.parametrize("case", cases("texts"), ids=str)
def test_texts_are_those_of_each_prompt_alone(
    case: Case, lm: FastscoreLM, manager: Any, tmp_path: Path
) -> None:
    results = run(case, lm, manager, tmp_path)
    for (prompt, kwargs), texts in requests_of(results, case.task):
        alone = lm.model.generate(
            prompt,
            n=len(texts),
            max_tokens=kwargs.get("max_gen_toks", 48),
            temperature=kwargs.get("temperature", 0.0) if kwargs.get("do_sample") else 0.0,
            top_p=kwargs.get("top_p", 1.0),
            stop=kwargs["until"],
        )
        assert texts == [generation.text for generation in alone]


def test_tasks_of_one_run_share_a_plan(
    lm: FastscoreLM, manager: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lm-eval hands over a list for each kind of request; likelihoods of all tasks are one run."""
    chosen = [
        next(case for case in cases(kind) if case.task == task)
        for kind, task in (
            ("choices", "piqa"),
            ("choices", "sciq"),
            ("likelihoods", "lambada_openai"),
            ("rolling", "pile_10k"),
            ("texts", "anagrams1"),
        )
    ]
    sizes: list[int] = []
    scoring = lm.model.scoring
    monkeypatch.setattr(
        lm.model, "scoring", lambda encoded: sizes.append(encoded.n) or scoring(encoded)
    )
    results = lm_eval.simple_evaluate(
        model=lm,
        tasks=[local_task(one.task, one.rows, tmp_path, manager, **one.changes) for one in chosen],
        task_manager=manager,
        bootstrap_iters=0,
    )
    assert set(results["results"]) == {one.task for one in chosen}
    asked = [
        requests_of(results, one.task)
        for one in chosen
        if one.task in ("piqa", "sciq", "lambada_openai")
    ]
    assert max(sizes) == sum(len(list(requests)) for requests in asked)
    alone = run(chosen[1], lm, manager, tmp_path / "alone")
    together = {s["doc_id"]: s["resps"] for s in results["samples"]["sciq"]}
    for sample in alone["samples"]["sciq"]:
        for one, other in zip(sample["resps"], together[sample["doc_id"]], strict=True):
            assert one[0][0] == pytest.approx(other[0][0], abs=1e-3)
