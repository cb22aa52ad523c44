"""What a run is about to replace in its output directory, said while there is time to stop it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from fastscore.errors import ResultsError
from fastscore.results.files import RESULTS_FILE, read_document
from fastscore.results.rows import printable


def replacement_warning(directory: Path, fingerprint: str, tasks: Collection[str]) -> str | None:
    """Say what will be gone that a run of this model on these tasks does not have again.

    None where that is nothing, or nothing that could be read anyway.
    """
    try:
        document = read_document(directory / RESULTS_FILE)
        model = document.object("model")
        same_model = model.text("fingerprint") == fingerprint
        gone = [name for name in document.object("tasks").values if name not in tasks]
    except ResultsError:
        return None
    if not same_model:
        name = printable(str(model.values.get("name") or model.values.get("path")))
        return (
            f"{directory} holds the results of another model ({name:.80}), which this run replaces "
            "at its end. Choose a directory for each model to have both."
        )
    if not gone:
        return None
    listed = printable(", ".join(gone[:3])) + (f" and {len(gone) - 3} more" if gone[3:] else "")
    return (
        f"{directory} holds results of {listed:.200}, which this run does not score: it replaces "
        "them at its end. Name all tasks in one command to have them together: what was scored "
        "before comes from the store."
    )
