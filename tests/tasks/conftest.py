from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def needs_lm_eval() -> None:
    """Skip where lm-eval cannot make its requests: its HF backend wants torch and transformers.

    What it asked when it could is kept in digests, which are compared everywhere.
    """
    pytest.importorskip(
        "lm_eval.models.huggingface",
        reason="lm-eval's HF backend is not installed here: pip install 'lm-eval[hf]'",
    )
