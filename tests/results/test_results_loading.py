"""Loading: what is missing, newer, changed or wrong is refused, with its place."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastscore.errors import ResultsError
from fastscore.results import Results, Sample
from fastscore.settings import RunSettings


def edit(directory: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = directory / "results.json"
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth > 1 else {"a": 1}


def test_no_results(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"there is no .*results\.json.*same arguments"):
        Results.load(tmp_path)
    with pytest.raises(ResultsError, match="there is no"):
        Results.load(tmp_path / "nothing")
    with pytest.raises(ResultsError, match="cannot be read"):
        Results.load("a\0b")


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes among its files")
@pytest.mark.parametrize("file", ["results.json", "samples/arc_easy.jsonl"])
@pytest.mark.parametrize("kind", ["pipe", "device", "directory"])
def test_what_has_no_end_is_not_read(
    rich_results: Results, tmp_path: Path, file: str, kind: str
) -> None:
    rich_results.save(tmp_path)
    (tmp_path / file).unlink()
    if kind == "pipe":
        os.mkfifo(tmp_path / file)
    elif kind == "device":
        (tmp_path / file).symlink_to("/dev/zero")
    else:
        (tmp_path / file).mkdir()
    with pytest.raises(ResultsError, match=rf"{file} cannot be read: it is no regular file\."):
        Results.load(tmp_path)


def test_a_document_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.touch()
    os.truncate(path, 2**40)  # takes no room on the disk
    with pytest.raises(ResultsError, match=r"it has 1,099,511,627,776 bytes, and 67,108,864 are"):
        Results.load(tmp_path)


@pytest.mark.parametrize("seed", [2**64 - 1, 1 - 2**64])
def test_every_seed_that_a_run_may_have_is_read_back(
    rich_results: Results, tmp_path: Path, seed: int
) -> None:
    RunSettings(("a",), seed=seed)
    rich_results.save(tmp_path)

    def draw(document: dict[str, Any]) -> None:
        document["tasks"]["code"]["generation"]["sampling"]["seed"] = seed

    edit(tmp_path, draw)
    generation = Results.load(tmp_path).tasks["code"].generation
    assert generation is not None
    assert generation.sampling.seed == seed


def test_a_newer_schema_asks_for_an_upgrade(rich_results: Results, tmp_path: Path) -> None:
    rich_results.save(tmp_path)
    edit(tmp_path, lambda document: document.update(schema_version=4, tasks="quite another"))
    with pytest.raises(ResultsError, match=r"schema version 4; .* reads up to 3. Upgrade"):
        Results.load(tmp_path)


def test_fields_of_a_later_fastscore_are_ignored(rich_results: Results, tmp_path: Path) -> None:
    rich_results.save(tmp_path)

    def add(document: dict[str, Any]) -> None:
        document["new"] = document["work"]["new"] = document["tasks"]["arc_easy"]["new"] = [1]

    edit(tmp_path, add)
    assert Results.load(tmp_path).to_dict() == rich_results.to_dict()


@pytest.mark.parametrize("file", ["samples/arc_easy.jsonl", "samples/one%2Fitem.jsonl"])
def test_a_missing_samples_file(rich_results: Results, tmp_path: Path, file: str) -> None:
    rich_results.save(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(ResultsError, match=r"jsonl is missing.* Copy the whole output directory"):
        Results.load(tmp_path)


def test_a_changed_samples_file(rich_results: Results, tmp_path: Path) -> None:
    rich_results.save(tmp_path)
    path = tmp_path / "samples" / "arc_easy.jsonl"
    whole = path.read_bytes()
    for changed in (whole[:-1], whole[:100], b"", whole + b"\n", whole.replace(b"1", b"2", 1)):
        path.write_bytes(changed)
        with pytest.raises(ResultsError, match=r"arc_easy\.jsonl is not the file"):
            Results.load(tmp_path)
    path.write_bytes(whole)
    Results.load(tmp_path)


@pytest.mark.parametrize("tail", [b"{}", b"{}\n"])
def test_a_samples_file_whose_hash_fits_but_not_its_lines(
    rich_results: Results, tmp_path: Path, tail: bytes
) -> None:
    rich_results.save(tmp_path)
    path = tmp_path / "samples" / "arc_easy.jsonl"
    content = path.read_bytes() + tail
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    edit(tmp_path, lambda d: d["tasks"]["arc_easy"]["samples"].update(sha256=sha256))
    with pytest.raises(ResultsError, match=r"arc_easy\.jsonl is not the file"):
        Results.load(tmp_path)


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "samples/../../x.jsonl", "samples/a/b.jsonl", "samples\\x.jsonl", ""]
)
def test_a_samples_file_elsewhere_is_not_opened(
    rich_results: Results, tmp_path: Path, file: str
) -> None:
    rich_results.save(tmp_path)
    edit(tmp_path, lambda d: d["tasks"]["arc_easy"]["samples"].update(file=file))
    with pytest.raises(ResultsError, match="is no name of a samples file"):
        Results.load(tmp_path)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("tasks", [], "results.json.tasks: expected an object, found a list"),
        ("tasks.arc_easy", None, "expected an object, found null"),
        ("tasks.arc_easy.n", -1, "n: expected a whole number of 0 or more, found -1"),
        ("tasks.arc_easy.n", True, "n: expected a whole number of 0 or more, found true"),
        ("tasks.arc_easy.n", 31, "lines: expected 31, the number of items, found 30"),
        ("tasks.arc_easy.metrics.acc.value", "0.5", 'a finite number, or null, found "0.5"'),
        ("tasks.arc_easy.metrics.acc.value", None, "acc: a null needs its 'reason' beside it"),
        ("tasks.arc_easy.metrics.acc.ci95", [0.1], "ci95: expected two numbers, or null"),
        ("tasks.arc_easy.metrics.acc.ci95", [0.2, 0.1], "two numbers in rising order"),
        ("tasks.arc_easy.origin.kind", "ftp", '"file", "hub" or "package", found "ftp"'),
        ("tasks.arc_easy.origin.notes", [1], "notes: expected a list of texts"),
        ("tasks.arc_easy.variant", 1, "variant: expected a text, found 1"),
        ("groups.pair.tasks", ["arc_hard"], "tasks: expected names of tasks in this file"),
        ("groups.pair.members", ["x"], "members: expected names of tasks and groups"),
        ("groups.pair.members", ["pair"], "groups: a group is inside itself"),
        ("model", {}, "results.json.model: the field 'fingerprint' is missing"),
        ("settings", {"a": float("inf")}, "Infinity is no JSON number"),
        ("settings", {"a": 10**400}, "finite numbers, nested at most 32 deep"),
        (
            "machine",
            {"a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]},
            "deep",
        ),
        ("versions.fastscore", 1, "versions.fastscore: expected a text"),
        ("work.seconds.total", -0.5, "total: expected a finite number of 0 or more"),
        ("work.logit_rows", 2**70, "logit_rows: expected a whole number"),
        ("date", "yesterday", "a date and time with its offset from UTC"),
        ("date", "2026-01-31T12:00:00", "a date and time with its offset from UTC"),
        ("schema_version", 0, "schema_version: expected 1 to 3, found 0"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    rich_results: Results, tmp_path: Path, path: str, value: Any, message: str
) -> None:
    rich_results.save(tmp_path)

    def change(document: Any) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            document = document[parent]
        document[last] = value

    edit(tmp_path, change)
    with pytest.raises(ResultsError) as error:
        Results.load(tmp_path)
    assert message in str(error.value)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "this is not JSON"),
        (b"[]", "expected a JSON object, found list"),
        (b'{"schema_version": NaN}', "NaN is no JSON number"),
        (b"\xff\xfe{", "this is not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", r"not JSON|'schema_version' is missing"),
        (b"{}", "the field 'schema_version' is missing"),
    ],
)
def test_what_is_no_results_file_is_said_to_be_none(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "results.json").write_bytes(content)
    with pytest.raises(ResultsError, match=message):
        Results.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"doc_id": -1}, "doc_id: expected a whole number"),
        ({"gold": 4}, "gold: expected a choice, 0 to 3"),
        ({"gold": []}, "gold: expected a choice"),
        ({"gold": None}, "gold: expected a choice"),
        ({"pred": 4}, "pred: expected a choice, 0 to 3, or null, found 4"),
        ({"loglikelihoods": [1, "inf"]}, 'a list of finite numbers or "-inf"'),
        ({"loglikelihoods": []}, "at least one number"),
        ({"loglikelihoods": [-(10**400)]}, 'a list of finite numbers or "-inf"'),
        ({"is_greedy": [True]}, "is_greedy: expected 4 times true or false"),
        ({"acc": None}, "a number, or null with its reason in 'undefined'"),
        ({"acc": None, "undefined": {}}, "undefined: the field 'acc' is missing"),
        ({"context": ["one"]}, "context: expected one text, or 4"),
        ({"continuations": ["one"]}, "continuations: expected 4 texts"),
    ],
)
def test_a_wrong_line_is_named(
    samples_of: Callable[..., list[Sample]], change: dict[str, Any], message: str
) -> None:
    line = samples_of(2, {"acc": "acc"})[1].to_dict() | change
    with pytest.raises(ResultsError, match="samples, line 2") as error:
        Sample.from_line(json.dumps(line).encode(), ["acc"], "samples, line 2")
    assert message in str(error.value)
