"""``fastscore report``, and ``--report`` of the commands that run models."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command import Command

from fake_results import make_results
from fastscore.comparison.build import compare_results
from fastscore.comparison.values import Contender
from fastscore.report import to_csv, to_html, to_markdown


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    made = []
    for seed, name in enumerate(("Q8_0", "Q2_K")):
        results = make_results(name, {"arc_easy": 20}, seed=seed, log_prompts=True)
        results.save(tmp_path / name)
        made.append(tmp_path / name)
    return made


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastscore.plots.canvas.find_spec", lambda name: None)


def test_a_page_lies_beside_its_results(fastscore: Command, runs: list[Path]) -> None:
    pytest.importorskip("matplotlib")
    ended = fastscore("report", runs[0])
    assert ended.code == 0, ended.err
    assert f"The report is {runs[0] / 'report.html'}." in ended.err
    assert ended.out == ""
    text = (runs[0] / "report.html").read_text(encoding="utf-8")
    assert "arc_easy" in text
    assert fastscore("report", runs[0] / "results.json").code == 0


def test_runs_stand_side_by_side(fastscore: Command, runs: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "both.html"
    assert fastscore("report", *runs, "-o", path).code == 0
    text = path.read_text(encoding="utf-8")
    (data,) = [line for line in text.splitlines() if 'id="report"' in line]
    known = json.loads(data[data.index(">") + 1 : data.rindex("</script>")])
    assert [model["label"] for model in known["models"]] == ["Q8_0", "Q2_K"]


@pytest.mark.usefixtures("no_matplotlib")
def test_markdown_and_csv_are_printed_and_need_no_plots(
    fastscore: Command, runs: list[Path], tmp_path: Path
) -> None:
    from fastscore import load

    shown = [load(run) for run in runs]
    assert fastscore("report", *runs, "--format", "md").out == to_markdown(shown)
    assert fastscore("report", *runs, "--format", "csv").out == to_csv(shown)
    assert fastscore("report", *runs, "-o", tmp_path / "a.md").code == 0
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == to_markdown(shown)


def test_files_of_lm_eval_are_results_too(
    fastscore: Command, runs: list[Path], tmp_path: Path
) -> None:
    assert fastscore("export", runs[0], "-o", tmp_path / "theirs").code == 0
    ended = fastscore("report", tmp_path / "theirs", "--format", "csv")
    assert ended.code == 0, ended.err
    ours = fastscore("report", runs[0], "--format", "csv").out

    def scores(text: str) -> list[dict[str, str]]:
        return [
            {name: row[name] for name in ("task", "metric", "n", "value", "stderr")}
            for row in csv.DictReader(io.StringIO(text))
        ]

    assert scores(ended.out) == scores(ours) != []
    assert fastscore("export", runs[0], "-o", runs[0]).code == 0  # a copy beside the run's own
    assert fastscore("report", runs[0], "--format", "csv").out == ours


def test_a_comparison_is_shown_as_one(fastscore: Command, runs: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from fastscore import load

    base, other = (Contender(run.name, load(run)) for run in runs)
    comparison = compare_results(base, [other], margin=0.1)
    comparison.save(tmp_path / "compared")
    assert fastscore("report", tmp_path / "compared").code == 0
    written = (tmp_path / "compared" / "report.html").read_text(encoding="utf-8")
    assert written == to_html(comparison)
    ended = fastscore("report", tmp_path / "compared", runs[0])
    assert ended.code == 2
    assert "shown by itself" in ended.err


def test_plots_become_files(fastscore: Command, runs: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    ended = fastscore("report", runs[0], "--plots", tmp_path / "plots", "--plot-formats", "svg")
    assert ended.code == 0, ended.err
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["interval-arc_easy.svg"]
    assert not (runs[0] / "report.html").exists()
    ended = fastscore("report", runs[0], "--plots", tmp_path / "plots", "--plot-formats", "pdf")
    assert ended.code == 2
    assert "svg or png" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 1, "there is no nowhere"),
        (["RUN", "-o", "report.pdf"], 2, ".html, .md, .csv"),
        (["RUN", "-o", "a.md", "--format", "csv"], 2, "leave --format out"),
        ([], 2, ""),
    ],
)
def test_a_request_that_cannot_be_met_is_one_sentence(
    fastscore: Command, runs: list[Path], arguments: list[str], code: int, said: str
) -> None:
    ended = fastscore("report", *(runs[0] if one == "RUN" else one for one in arguments))
    assert ended.code == code
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", ["run", "compare"])
def test_a_report_that_cannot_be_is_refused_before_anything_is_run(
    fastscore: Command, command: str, no_matplotlib: None, tmp_path: Path
) -> None:
    models = ["no.gguf"] if command == "run" else ["no.gguf", "neither.gguf"]
    ended = fastscore(command, *models, "--tasks", "mini", "--report", tmp_path / "a.html")
    assert ended.code == 2
    assert "pip install 'fastscore-gguf[report]'" in ended.err
    ended = fastscore(command, *models, "--tasks", "mini", "--report", "a.docx")
    assert ended.code == 2
    assert ".html, .md, .csv" in ended.err


def test_a_run_leaves_its_report(fastscore: Command, demo_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    ended = fastscore(
        "run", demo_model, "--tasks", "mini", "--limit", 4, "--report", path, "--threads", 1
    )
    assert ended.code == 0, ended.err
    assert f"The report is {path}." in ended.err
    assert "| mini | 4 | 0 | acc |" in path.read_text(encoding="utf-8")
