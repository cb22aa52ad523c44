"""One model of several cannot be scored: what is done of the others is not lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fastscore import Comparison, compare
from fastscore.comparison import model_figures
from fastscore.errors import DecodeError
from models.fixtures import TinyModel


class Failing(FakeModel):
    """A model of which the engine refuses every batch."""

    def scoring(self, *_: Any, **__: Any) -> Any:
        raise DecodeError(f"{self.info.name}: no batch was decoded:\nllama_decode: failed\nret = 1")


def models(names: str) -> list[FakeModel]:
    """A model a letter; those of capital letters fail."""
    made = []
    for name in names:
        model = (Failing if name.isupper() else FakeModel)(fingerprint=name)
        model.info = dataclasses.replace(model.info, path=f"models/{name}.gguf", name=name)
        made.append(model)
    return made


def run(names: str, **options: Any) -> Comparison:
    return compare(*models(names), tasks="mini_qa", progress=False, **options)


@pytest.mark.parametrize("until", [None, "decided"])
def test_a_candidate_that_fails_takes_nothing_from_the_others(
    until: str | None, tmp_path: Path
) -> None:
    comparison = run("aBc", output=tmp_path, until=until)
    assert [one.label for one in comparison] == ["c"]
    why = "B: no batch was decoded: llama_decode: failed; ret = 1"
    said = f"B could not be scored, and is left out: {why}"
    assert comparison.failures == (said,)
    assert comparison.warnings[0] == said
    assert said in comparison.table()
    assert Comparison.load(tmp_path).failures == (said,)
    assert Comparison.load(tmp_path).warnings[0] == said


def test_what_is_measured_beside_the_scores_is_of_those_that_were_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[str] = []
    monkeypatch.setattr(
        model_figures, "profile", lambda model, **_: measured.append(model.info.name)
    )
    assert len(run("aBc", profile=True)) == 1
    assert measured == ["a", "c"]


@pytest.mark.parametrize("until", [None, "decided"])
def test_a_candidate_that_cannot_be_opened_takes_nothing_from_the_others(
    tiny_model: TinyModel, until: str | None
) -> None:
    files = tiny_model("llama"), tiny_model("bert"), tiny_model("gemma3")
    comparison = compare(*files, tasks="mini_qa", limit=3, n_threads=1, progress=False, until=until)
    assert [one.label for one in comparison] == [files[2].stem]
    assert "bert" in comparison.failures[0]


@pytest.mark.parametrize("until", [None, "decided"])
@pytest.mark.parametrize(("names", "first"), [("Ab", "A"), ("aB", "B"), ("aBC", "B")])
def test_without_a_base_or_any_candidate_there_is_no_comparison(
    names: str, first: str, until: str | None
) -> None:
    with pytest.raises(DecodeError, match=f"^{first}: no batch"):
        run(names, until=until)
