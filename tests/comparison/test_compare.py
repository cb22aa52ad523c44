"""`compare`: models that are run, results that are there, and requests that cannot be met."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import fastscore
from fake_model import FakeModel
from fake_results import make_results
from fake_run import capitals, score
from fastscore import Comparison, Results, compare
from fastscore.comparison import model_figures
from fastscore.errors import MemoryLimitError, ModelError, ResultsError, UsageError
from fastscore.progress import Progress
from models.fixtures import TinyModel


def fake(name: str, **options: Any) -> FakeModel:
    """A model of that name, which says what its prompts decide, and nothing of its own."""
    model = FakeModel(fingerprint=name, **options)
    model.info = dataclasses.replace(model.info, path=f"models/{name}.gguf", name=name)
    return model


def run(*models: Any, **options: Any) -> Comparison:
    return compare(*models, **{"tasks": "mini", "progress": False, **options})


def test_open_models_are_run_one_after_the_other(tmp_path: Path) -> None:
    models = [fake("a"), fake("b")]
    comparison = run(*models, output=tmp_path / "out")
    assert [model.n_scored > 0 for model in models] == [True, True]
    assert comparison.base.label == "a"
    assert comparison["b"]["mini"].difference == 0
    assert (comparison["b"]["mini"].n_gained, comparison["b"]["mini"].n_lost) == (0, 0)
    for label in ("a", "b"):
        assert set(Results.load(tmp_path / "out" / label).tasks) == {"mini"}
    assert str(Comparison.load(tmp_path / "out")) == str(comparison)


def test_a_second_run_scores_nothing(tmp_path: Path) -> None:
    run(fake("a"), fake("b"), output=tmp_path)
    again = [fake("a"), fake("b")]
    run(*again, output=tmp_path)
    assert [model.n_scored for model in again] == [0, 0]


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt) as stop:
        run(fake("a"), fake("b", stop_after=20), output=tmp_path)
    message = str(stop.value)
    assert "the same command goes on from there" in message
    assert message.endswith("Done before: a.")
    assert Results.load(tmp_path / "a")
    again = [fake("a"), fake("b")]
    run(*again, output=tmp_path)
    assert again[0].n_scored == 0
    assert 0 < again[1].n_scored < again[1].n_scored + 20


def test_results_need_no_tasks_and_no_engine(tmp_path: Path) -> None:
    for i, name in enumerate(("base", "other")):
        make_results(name, {"qa": 30}, seed=i).save(tmp_path / name)
    comparison = compare(tmp_path / "base", str(tmp_path / "other" / "results.json"))
    assert (comparison.base.label, comparison["other"]["qa"].n) == ("base", 30)
    in_memory = compare(Results.load(tmp_path / "base"), Results.load(tmp_path / "other"))
    assert in_memory.to_dict() == comparison.to_dict()


def test_tasks_of_results_may_be_named_by_patterns() -> None:
    base, other = (
        make_results(x, {"qa_1": 9, "qa_2": 9, "z": 9}, seed=i) for i, x in enumerate("ab")
    )
    comparison = compare(base, other, tasks="qa_*")
    assert comparison.tasks == ("qa_1", "qa_2")
    with pytest.raises(UsageError, match="no task or group 'y_\\*'"):
        compare(base, other, tasks="y_*")


def test_a_model_may_be_held_against_results() -> None:
    results = score(fake("a"))
    comparison = compare(results, fake("b"), tasks="mini_qa", progress=False)
    assert {one.task for one in comparison["b"].differences} == {"mini_qa"}
    assert comparison["b"]["mini_qa"].n == 36


def test_a_task_of_a_file_may_be_held_against_results(tmp_path: Path) -> None:
    rows = [{"q": f"Is it {i}?", "c": [f"{i}", "no"], "a": 0} for i in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = tmp_path / "file.yaml"
    file.write_text('name: own\nrows: rows.jsonl\nprompt: "{{ q }}"\nchoices: c\ngold: a\n')
    results = compare(fake("a"), fake("c"), tasks=str(file), progress=False).base.results
    for name in (file, str(file)):
        comparison = compare(results, fake("b"), tasks=name, progress=False)
        assert comparison["b"]["own"].n == 4


def test_own_tasks_and_options_reach_every_run() -> None:
    task, rows = capitals(4)
    comparison = compare(
        fake("a"), fake("b"), tasks=[task], rows={task.name: rows}, limit=3, progress=False
    )
    assert comparison["b"]["capitals"].n == 3
    assert comparison.base.results.settings["limit"] == 3


def test_files_are_opened_with_the_options_of_a_model(tiny_model: TinyModel) -> None:
    other = FakeModel(fingerprint="other")
    comparison = run(tiny_model("llama"), other, tasks="mini_qa", limit=2, n_threads=1)
    assert comparison.base.results.settings["engine"]["n_threads"] == 1
    assert comparison.candidates[0]["mini_qa"].n == 2


def test_progress_is_reported() -> None:
    seen: list[Progress] = []
    compare(fake("a"), fake("b"), tasks="mini_qa", progress=seen.append)
    assert seen


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (1, {}, "nothing to compare with the base"),
        (2, {"margin": 0}, "margin is 0; it must lie between 0 and 1"),
        (2, {"tasks": None}, "is a model, which is run before it is compared"),
        (2, {"tasks": "mimi"}, "there is no task 'mimi'; did you mean mini"),
        (2, {"marginn": 0.1}, "there is no option 'marginn'; did you mean margin"),
        (2, {"divergence": "gone.txt"}, "there is no file gone.txt"),
        (2, {"limit": 0}, "limit is 0"),
        (2, {"until": "ci=2"}, "0 < H < 0.5"),
        (2, {"until": "decidd"}, "or until='decided'"),
        (2, {"until": 0.02}, "until is 0.02; give ci=H"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(
    arguments: int, options: dict[str, Any], words: str
) -> None:
    models = [fake("a"), fake("b")][:arguments]
    with pytest.raises(UsageError) as error:
        run(*models, **options)
    assert words in str(error.value)
    assert all(model.n_scored == 0 for model in models)


def test_every_model_is_looked_for_before_the_first_one_runs(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    model = fake("a")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_model("llama").read_bytes()[:-100])
    (tmp_path / "empty").mkdir()
    for other, kind, words in (
        (tmp_path / "gone.gguf", UsageError, "there is no file"),
        (tmp_path / "empty", UsageError, "with neither a results.json nor a model"),
        (broken, ModelError, "ends inside its header"),
        (cut, ModelError, "is incomplete: .* goes to byte"),
    ):
        with pytest.raises(kind, match=words):
            run(model, other)
    assert model.n_scored == 0


def test_a_file_is_not_compared_with_itself(tiny_model: TinyModel, tmp_path: Path) -> None:
    path = tiny_model("llama")
    with pytest.raises(UsageError, match="is there twice, and"):
        run(path, str(path))
    link = tmp_path / "link.gguf"
    link.symlink_to(path)
    with pytest.raises(UsageError, match=r"link\.gguf is there twice, as .*, and"):
        run(path, link)


def test_the_directory_of_a_comparison_is_not_a_model(tmp_path: Path) -> None:
    for name in ("b", "a"):
        make_results(name, {"qa": 3}).save(tmp_path / "out" / name)
    with pytest.raises(UsageError, match=r"several models \(a, b\); name their folders .*out/a"):
        compare(tmp_path / "out", tmp_path / "out")


def test_a_file_that_is_no_text_is_refused_before_anything_runs(tmp_path: Path) -> None:
    models = fake("a"), fake("b")
    (tmp_path / "x.bin").write_bytes(b"\xff\x00")
    with pytest.raises(UsageError, match=r"x\.bin is no UTF-8 text"):
        run(*models, divergence=tmp_path / "x.bin")
    assert [model.n_scored for model in models] == [0, 0]


def test_options_of_a_run_have_no_effect_on_results(tmp_path: Path) -> None:
    results = make_results("a", {"qa": 9})
    with pytest.raises(UsageError, match="limit, seed cannot be set"):
        compare(results, results, limit=3, seed=1)
    with pytest.raises(UsageError, match="profile takes models, and results are results"):
        compare(results, fake("b"), tasks="mini", profile=True)
    with pytest.raises(ResultsError, match="there is no"):
        compare(results, tmp_path / "results.json")


def test_results_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ResultsError, match="no task in common"):
        compare(make_results("a", {"x": 3}), make_results("b", {"y": 3}))


def test_a_model_has_its_distance_on_a_text_and_on_the_tasks(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat and looked at the other cat. " * 60, "utf-8")
    base, other = tiny_model("llama"), tiny_model("llama", seed=5)
    options: dict[str, Any] = {"tasks": "mini_qa", "limit": 2, "n_threads": 1}
    comparison = run(base, other, divergence=text, output=tmp_path / "out", **options)
    found = comparison.candidates[0].divergence
    assert found is not None, comparison.warnings
    assert found.n > 100
    assert "text.txt" in comparison.table()
    read = Comparison.load(tmp_path / "out")
    assert read.candidates[0].divergence == found
    on_tasks = run(base, other, divergence="tasks", **options).candidates[0].divergence
    assert on_tasks is not None
    assert on_tasks.positions == "continuations"
    assert on_tasks.n_texts == 2


def test_scores_survive_what_cannot_be_measured_beside_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MemoryLimitError("both models need 9 GB, and 1 GB is there.")

    monkeypatch.setattr(model_figures, "divergence", fails)
    monkeypatch.setattr(model_figures, "profile", fails)
    comparison = run(fake("a"), fake("b"), divergence="tasks", profile=True, tasks="mini_qa")
    assert comparison.candidates[0].divergence is None
    assert comparison.base.profile is None
    assert "b: distributions were not compared: both models need 9 GB, and 1 GB is there." in (
        comparison.warnings
    )
    assert any(one.startswith("a: its cost was not measured") for one in comparison.warnings)
    assert len(comparison.failures) == 3
    comparison.save(tmp_path)
    again = Comparison.load(tmp_path)
    assert set(again.failures) == set(comparison.failures)
    assert again.warnings == comparison.warnings


def test_ctrl_c_beside_the_scores_says_that_they_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stops(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model_figures, "divergence", stops)
    with pytest.raises(KeyboardInterrupt, match=r"is in .*; the same command measures it"):
        run(fake("a"), fake("b"), divergence="tasks", output=tmp_path, tasks="mini_qa")
    assert Comparison.load(tmp_path)["b"]["mini_qa"].n == 36


def test_a_distance_on_the_tasks_is_of_the_items_that_both_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[list[Any]] = []

    def measure(_base: object, _other: object, prompts: list[Any], **__: object) -> None:
        read.append(prompts)

    monkeypatch.setattr(model_figures, "divergence", measure)
    task, rows = capitals(500)
    comparison = compare(
        fake("a"),
        fake("b"),
        tasks=[task],
        rows={task.name: rows},
        until="ci=0.1",
        divergence="tasks",
        progress=False,
    )
    rows_scored = [sample.doc_id for sample in comparison.base.results.tasks["capitals"].samples]
    assert len(rows_scored) < 500
    assert [prompt.split("'")[0] for prompt, _ in read[0]] == [f"Country {i}" for i in rows_scored]


def test_names_are_public() -> None:
    assert fastscore.compare is compare
    assert {"Comparison", "Candidate", "Difference", "Flip", "compare"} <= set(fastscore.__all__)
