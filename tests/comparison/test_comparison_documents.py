"""A comparison on disk and in JSON, and what becomes of damaged ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_results import make_results
from fastscore.comparison.build import compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.document import folder_of
from fastscore.comparison.values import Contender
from fastscore.distance import Divergence, Estimate
from fastscore.errors import ResultsError


@pytest.fixture
def comparison() -> Comparison:
    tasks = {"a": 30, "b": 25, "c": 9}
    groups = {"pair": ("a", "b")}
    base = make_results("base", tasks, groups=groups)
    others = [
        Contender(f"Q{bits}/K ({bits} bits)", make_results("x", tasks, groups=groups, seed=bits))
        for bits in (2, 8)
    ]
    found = compare_results(Contender("base", base), others, margin=0.03, tasks=["pair", "c"])
    first, second = found.candidates
    return replace(found, candidates=(replace(first, divergence=distance()), second))


def distance() -> Divergence:
    one = Estimate(0.25, 0.01)
    return Divergence(
        base="base.gguf",
        candidate="x.gguf",
        source="text.txt",
        positions="second half of each window",
        n=1000,
        n_ctx=512,
        n_texts=4,
        n_truncated=0,
        tokens_decoded=2048,
        ppl=one,
        ppl_base=one,
        correlation=one,
        ln_ppl_ratio=one,
        ppl_ratio=one,
        ppl_difference=one,
        kld=one,
        kld_quantiles={"median": 0.1},
        dp=one,
        dp_quantiles={"median": 0.0},
        dp_rms=one,
        same_top=Estimate(0.9, 0.01),
        seconds={"plan": 0.1},
    )


def strict(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"), parse_constant=lambda name: pytest.fail(name))


def test_a_comparison_is_read_back_as_it_was(comparison: Comparison, tmp_path: Path) -> None:
    file = comparison.save(tmp_path / "out")
    assert file == tmp_path / "out" / "comparison.json"
    for path in (file, file.parent):
        read = Comparison.load(path)
        assert read.to_dict() == comparison.to_dict()
        assert str(read) == str(comparison)
    assert read["Q2/K (2 bits)"].divergence == distance()
    shutil.move(tmp_path / "out", tmp_path / "moved")
    assert str(Comparison.load(tmp_path / "moved")) == str(comparison)


def test_the_document_has_all_figures_in_strict_json(
    comparison: Comparison, tmp_path: Path
) -> None:
    document = strict(comparison.save(tmp_path))
    assert document["format_version"] == 1
    assert document["tasks"] == ["pair", "c"]
    first = document["candidates"][0]
    found = first["differences"][0]
    pair = comparison.candidates[0]["pair"]
    by_name = {one["metric"]: one for one in first["differences"] if one["task"] == "pair"}
    found = by_name["acc_norm"]
    for name in ("n", "difference", "stderr", "p_value", "p_holm", "verdict", "family"):
        assert found[name] == getattr(pair, name)
    assert found["ci95"] == list(pair.ci95)
    assert len(first["flips"]["a"]) == len(comparison.candidates[0].flips["a"])
    document.pop("base")["results"]
    given = comparison.to_dict()
    given.pop("base")
    for one in document["candidates"]:
        del one["results"]
    assert document == given


def edited(comparison: Comparison, directory: Path, change: Callable[[Any], object]) -> Path:
    file = comparison.save(directory)
    document = strict(file)
    change(document)
    file.write_text(json.dumps(document), "utf-8")
    return file


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(format_version=2), "format version 2; this fastscore reads up to 1"),
        (lambda d: d.update(margin=2), "margin: expected a number between 0 and 1"),
        (lambda d: d.update(margin="wide"), "margin: expected a finite number"),
        (lambda d: d.update(candidates=[]), "candidates: expected a list of at least one"),
        (lambda d: d.update(candidates=[1]), "candidates: expected a list of at least one"),
        (lambda d: d.update(tasks=[1]), "tasks: expected a list of texts"),
        (lambda d: d.update(tasks=["pears"]), "no task or group 'pears'"),
        (lambda d: d["base"].pop("results"), "base: the field 'results' is missing"),
        (lambda d: d["base"]["results"].update(folder=".."), "folder: expected the name of"),
        (lambda d: d["base"]["results"].update(folder="a/b"), "folder: expected the name of"),
        (lambda d: d["base"]["results"].update(folder="gone"), "there is no"),
        (lambda d: d["base"]["results"].update(sha256="00"), "is not the file that"),
        (lambda d: d["candidates"][0].update(divergence=3), "a divergence is an object"),
        (lambda d: d["candidates"][0].update(profile={}), "profile"),
    ],
)
def test_a_wrong_document_is_refused(
    comparison: Comparison, tmp_path: Path, change: Callable[[Any], object], words: str
) -> None:
    file = edited(comparison, tmp_path, change)
    with pytest.raises((ResultsError, KeyError)) as error:
        Comparison.load(file)
    assert words in str(error.value)


def test_figures_are_those_of_the_results(comparison: Comparison, tmp_path: Path) -> None:
    def lie(document: Any) -> None:
        document["candidates"][0]["differences"][0]["verdict"] = "better"

    assert Comparison.load(edited(comparison, tmp_path, lie)).to_dict() == comparison.to_dict()


def test_a_missing_comparison_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="start it again with the same arguments"):
        Comparison.load(tmp_path)


def test_a_directory_that_cannot_be_written(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="results cannot be written"):
        comparison.save(tmp_path / "file")


@pytest.mark.parametrize(
    "label",
    [
        *("a b", "../x", "..", ".", "Q2/K", "é", "\ud800", "con:x", "a"),
        *(
            "a" * 250,
            "d" * 250 + "/" + "a" * 250,
            "模型" * 40,
            "comparison.json",
            "Comparison.json",
        ),
    ],
)
def test_folders_are_safe_names(label: str, tmp_path: Path) -> None:
    folder = folder_of(label)
    assert folder.casefold() != "comparison.json"
    assert not set(folder) & set("/\\: ")
    assert not folder.startswith(".")
    (tmp_path / folder).mkdir()
    assert (tmp_path / folder).parent == tmp_path
    assert folder != folder_of(f"{label}2")


def test_a_model_of_any_name_is_saved_and_read_back(tmp_path: Path) -> None:
    base, other = (make_results(name, {"qa": 5}) for name in ("模型" * 40, "comparison.json"))
    found = compare_results(
        Contender("模型" * 40, base), [Contender("comparison.json", other)], margin=0.1
    )
    found.save(tmp_path)
    assert str(Comparison.load(tmp_path)) == str(found)
