"""What a model is called in other tools' files."""

from __future__ import annotations

from pathlib import Path

from fastscore.results import Results


def model_name(results: Results) -> str:
    """Return the name of the model's file, without its suffix, or the model's own."""
    path = results.model.get("path")
    return Path(str(path)).stem if path else str(results.model.get("name") or "model")
