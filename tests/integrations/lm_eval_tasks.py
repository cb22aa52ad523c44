"""lm-eval's own task definitions, put on rows of files of this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Rows = Sequence[Mapping[str, Any]]


def write_rows(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def local_task(
    name: str,
    rows: Rows | Mapping[str, Rows],
    folder: Path,
    manager: Any,
    **changes: Any,
) -> str:
    """Write a configuration that includes lm-eval's for ``name`` and reads ``rows``; its path.

    ``rows`` are those of each split, or serve as every split.
    """
    splits = (
        rows
        if isinstance(rows, Mapping)
        else dict.fromkeys(("train", "validation", "test", "dev"), rows)
    )
    files: dict[str, str] = {}
    for split, of_split in splits.items():
        files[split] = str(write_rows(folder / f"{name}_{split}.jsonl", of_split))
    config = {
        "include": str(manager.task_index[name].yaml_path),
        "task": name,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": files, "cache_dir": str(folder / "datasets")},
        **changes,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return str(path)
