"""What of the answers is kept when a run stops: lm-eval's cache, and whole texts in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from lm_eval.api.model import CachingLM
from lm_eval_instances import PAIRS, TEXT, asked

from fastscore.integrations.lm_eval import FastscoreLM

pytestmark = pytest.mark.filterwarnings("ignore")


def test_answers_come_out_of_lm_evals_cache(small_lm: FastscoreLM, tmp_path: Path) -> None:
    cached = CachingLM(small_lm, str(tmp_path / "cache.db"))
    settings = {"until": ["\n"], "max_gen_toks": 4}
    calls = {
        "loglikelihood": PAIRS[:3],
        "loglikelihood_rolling": [(TEXT,)],
        "generate_until": [(TEXT, settings)],
    }
    first = {
        kind: getattr(cached, kind)(asked(kind, *arguments)) for kind, arguments in calls.items()
    }
    small_lm.set_cache_hook(type(small_lm.cache_hook)(None))

    def fail(*_: Any) -> None:
        raise AssertionError("asked the model again")

    for kind, arguments in calls.items():
        assert getattr(small_lm, kind)(asked(kind, *arguments), disable_tqdm=True) == first[kind]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(small_lm, kind, fail)
            again = getattr(cached, kind)(asked(kind, *arguments))
        assert [tuple(a) if isinstance(a, (list, tuple)) else a for a in again] == [
            tuple(a) if isinstance(a, (list, tuple)) else a for a in first[kind]
        ]


def test_whole_texts_in_parts_keep_their_order(
    small_lm: FastscoreLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{TEXT} {'again ' * number}" for number in (3, 0, 2, 0, 1)]
    monkeypatch.setattr(f"{FastscoreLM.__module__}.ROLLING_CHARACTERS", 2 * len(TEXT))
    parts = small_lm.loglikelihood_rolling(asked("rolling", *((text,) for text in texts)))
    assert parts == pytest.approx(small_lm.model.loglikelihood_rolling(texts), rel=1e-6)
    assert len(set(parts)) == 4


def test_whole_texts_that_are_done_outlast_ctrl_c(
    small_lm: FastscoreLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{number} {'long ' * 8_000}" for number in range(4)]  # two of them are a part
    scored: list[str] = []

    def stop_after_one_part(of: list[str]) -> list[float]:
        if scored:
            raise KeyboardInterrupt
        scored.extend(of)
        return [-float(len(text)) for text in of]

    monkeypatch.setattr(small_lm.model, "loglikelihood_rolling", stop_after_one_part)
    cached = CachingLM(small_lm, str(tmp_path / "cache.db"))
    requests = asked("loglikelihood_rolling", *((text,) for text in texts))
    with pytest.raises(KeyboardInterrupt):
        cached.loglikelihood_rolling(requests)
    assert scored == texts[:2]
    done = cached.loglikelihood_rolling(requests[:2])  # the model would stop again
    assert done == [-float(len(text)) for text in texts[:2]]
    small_lm.set_cache_hook(type(small_lm.cache_hook)(None))
