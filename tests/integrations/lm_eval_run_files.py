"""The files of a run of lm-eval, made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_run(
    folder: Path, tasks: dict[str, tuple[str, list[dict[str, Any]], dict[str, Any]]]
) -> Path:
    """A run of lm-eval: by task its output type, its lines, and its row of results."""
    folder.mkdir(parents=True, exist_ok=True)
    main = folder / "results_2026-01-02T03-04-05.678.json"
    document = {
        "results": {name: row for name, (_, _, row) in tasks.items()},
        "configs": {name: {"output_type": kind} for name, (kind, _, _) in tasks.items()},
        "versions": dict.fromkeys(tasks, 1.0),
        "n-shot": dict.fromkeys(tasks, 0),
        "n-samples": {
            name: {"original": 9, "effective": len(lines)} for name, (_, lines, _) in tasks.items()
        },
        "config": {"model": "hf", "model_args": "pretrained=x", "limit": None},
        "model_name": "x",
        "date": 1.7e9,
        "total_evaluation_time_seconds": "1.5",
    }
    main.write_text(json.dumps(document), encoding="utf-8")
    for name, (_, lines, _) in tasks.items():
        path = folder / f"samples_{name}_2026-01-02T03-04-05.678.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return main


def choice_line(doc_id: int, values: list[float], target: str, **scores: Any) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "doc": {"question": "?"},
        "target": target,
        "arguments": {
            f"gen_args_{i}": {"arg_0": f"Q{doc_id}:", "arg_1": f" {'abc'[i]}"}
            for i in range(len(values))
        },
        "resps": [[[str(value), "False"]] for value in values],
        "filtered_resps": [[str(value), "False"] for value in values],
        "filter": "none",
        "metrics": list(scores),
        **scores,
    }


def text_line(doc_id: int, **scores: float) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "doc": {"question": "?"},
        "target": "a",
        "arguments": {"gen_args_0": {"arg_0": "Q:", "arg_1": {"until": ["\n"]}}},
        "resps": [["so a"]],
        "filtered_resps": ["a"],
        "filter": "none",
        "metrics": list(scores),
        **scores,
    }
