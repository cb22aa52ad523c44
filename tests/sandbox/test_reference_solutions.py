"""Every published solution passes, and none does once its body is gone."""

from __future__ import annotations

import ast
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fastscore.sandbox import Execution, Program, Sandbox, SandboxLimits

Row = Mapping[str, Any]

NEEDS_TIME = {123: "sums divisors for three numbers of up to 9,999: 5 to 12 s of CPU time"}
"""MBPP references that exceed the published limit of 3 s; they pass with a larger one."""

PASSES_EMPTY: dict[int | str, str] = {}
"""Problems whose tests an empty body passes: there is none."""


# Some of the published programs have escape sequences that Python calls invalid.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def _rows(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def humaneval(data_dir: Path) -> list[Row]:
    rows = _rows(data_dir / "humaneval" / "HumanEval.jsonl.gz")
    assert len(rows) == 164
    return rows


@pytest.fixture(scope="module")
def mbpp(data_dir: Path) -> list[Row]:
    rows = _rows(data_dir / "mbpp" / "mbpp.jsonl.gz")
    assert len(rows) == 974
    return rows


def test_humaneval_solutions_pass(sandbox: Sandbox, humaneval: list[Row]) -> None:
    programs = [_humaneval(row, row["prompt"] + row["canonical_solution"]) for row in humaneval]
    assert _other_than("passed", _run(sandbox, humaneval, programs)) == {}


def test_humaneval_solutions_fail_without_a_body(sandbox: Sandbox, humaneval: list[Row]) -> None:
    programs = [
        _humaneval(row, _emptied(row["prompt"] + row["canonical_solution"], {row["entry_point"]}))
        for row in humaneval
    ]
    assert _other_than("failed", _run(sandbox, humaneval, programs)).keys() == PASSES_EMPTY.keys()


def test_mbpp_solutions_pass(sandbox: Sandbox, mbpp: list[Row]) -> None:
    quick = [row for row in mbpp if row["task_id"] not in NEEDS_TIME]
    programs = [_mbpp(row, row["code"]) for row in quick]
    assert _other_than("passed", _run(sandbox, quick, programs)) == {}


def test_slow_mbpp_solutions_pass_given_time(mbpp: list[Row]) -> None:
    slow = [row for row in mbpp if row["task_id"] in NEEDS_TIME]
    programs = [_mbpp(row, row["code"]) for row in slow]
    with Sandbox(limits=SandboxLimits(cpu_seconds=60)) as patient:
        results = _run(patient, slow, programs)
    assert _other_than("passed", results) == {}
    assert len(results) == len(NEEDS_TIME)


def test_mbpp_solutions_fail_without_a_body(sandbox: Sandbox, mbpp: list[Row]) -> None:
    programs = [_mbpp(row, _emptied(row["code"], _names(row["test_list"]))) for row in mbpp]
    assert _other_than("failed", _run(sandbox, mbpp, programs)).keys() == PASSES_EMPTY.keys()


def _humaneval(row: Row, source: str) -> Program:
    test = f"{row['test']}\ncheck({row['entry_point']})"
    return Program(source, test, row["entry_point"], prelude=row["prompt"])


def _mbpp(row: Row, source: str) -> Program:
    # The set-up of two problems builds the arguments of their tests.
    test = "\n".join([row["test_setup_code"], *row["test_list"]])
    return Program(source, test, None, reference=row["code"])


def _names(tests: list[str]) -> set[str]:
    """Every name that the tests use."""
    return {
        node.id
        for test in tests
        for node in ast.walk(ast.parse(test))
        if isinstance(node, ast.Name)
    }


def _emptied(source: str, names: set[str]) -> str:
    """``source`` with `pass` for the bodies of the functions of these names."""
    tree = ast.parse(source)
    emptied = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in names:
            node.body = [ast.Pass()]
            emptied += 1
    assert emptied, f"no function of {sorted(names)} in {source!r}"
    return ast.unparse(tree)


def _run(sandbox: Sandbox, rows: list[Row], programs: list[Program]) -> dict[int | str, Execution]:
    found = dict(sandbox.run(programs))
    assert len(found) == len(programs)
    return {rows[index]["task_id"]: execution for index, execution in found.items()}


def _other_than(outcome: str, results: Mapping[int | str, Execution]) -> dict[int | str, Execution]:
    return {name: found for name, found in results.items() if found.outcome != outcome}
