"""The benchmarks that both know give the same prompts, answers and scores, item by item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from lm_eval_builtin import ASKED, Asked, NothingIsRun, differences, run_both

pytestmark = pytest.mark.filterwarnings("ignore")

N_ITEMS = 3
MOST_TOKENS = 16


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_item_is_the_same(
    asked: Asked,
    lm: Any,
    manager: Any,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("evaluate.load", lambda *_: NothingIsRun())
    theirs, ours = run_both(asked, lm, manager, data_dir, tmp_path, N_ITEMS, MOST_TOKENS)
    assert ours.n == N_ITEMS
    assert list(differences(asked.task, theirs, ours)) == []
