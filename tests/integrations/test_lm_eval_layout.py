"""Files that fastscore writes for lm-eval's readers, read by lm-eval's own code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import score
from fastscore import Results
from fastscore.formats.lm_eval.reading import read_lm_eval
from fastscore.formats.lm_eval.writing import write_lm_eval
from fastscore.results import GenerationSample

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from lm_eval import utils
from lm_eval.result_schema import EvalResults, SampleResult

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = [{"question": f"What is {i} and {i}?", "answer": f"Add.\n#### {2 * i}"} for i in range(6)]
TASKS = ("mini_qa", "gsm8k")


def guess(prompt: str, number: int) -> str:
    """Right in every other text."""
    asked = prompt.rpartition("What is ")[2]
    first = int(asked.split()[0])
    return f"So it is.\n#### {2 * first + (first + number) % 2}"


def run_of(n: int) -> Results:
    return score(
        FakeModel(write=guess),
        TASKS,
        rows={"gsm8k": ROWS},
        fewshot_rows={"gsm8k": ROWS},
        n=n,
        temperature=0.8 if n > 1 else None,
        log_prompts=True,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Results:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTSCORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return run_of(1)


@pytest.fixture
def main(run: Results, tmp_path: Path) -> Path:
    return write_lm_eval(run, tmp_path)


def document_of(main: Path) -> dict[str, Any]:
    return json.loads(main.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def lines_of(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_files_are_found_by_lm_evals_rules(main: Path, tmp_path: Path) -> None:
    files = [str(path) for path in main.parent.iterdir()]
    assert utils.get_results_filenames(files) == [str(main)]
    samples = utils.get_sample_results_filenames(files)
    assert {utils.get_file_task_name(Path(one).name) for one in samples} == set(TASKS)
    assert {utils.get_file_datetime(Path(one).name) for one in samples} == {
        main.stem.removeprefix("results_")
    }
    name = document_of(main)["model_name"]
    assert main.parent == tmp_path / utils.sanitize_model_name(name)


def test_files_are_what_lm_eval_declares_them_to_be(main: Path) -> None:
    pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")
    document = document_of(main)
    assert set(document) <= set(EvalResults.__annotations__)
    # Declared as texts and truths, of which lm-eval's own are neither.
    del document["configs"]
    pydantic.TypeAdapter(EvalResults).validate_python(document, strict=True)
    lines = pydantic.TypeAdapter(SampleResult)
    for path in main.parent.glob("samples_*"):
        for line in lines_of(path):
            lines.validate_python(line, strict=True)


def test_lm_eval_prints_its_table(main: Path, run: Results) -> None:
    table = utils.make_table(document_of(main))
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    for task in TASKS:
        for name, value in run.tasks[task].metrics.items():
            metric, _, of = name.partition(",")
            (row,) = [row for row in rows if metric in row and (of or "none") in row]
            assert f"{value.value:.4f}" in row
            assert f"{value.stderr:.4f}" in row


def test_samples_are_a_data_set(main: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    for path in main.parent.glob("samples_*"):
        rows = datasets.load_dataset(
            "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "datasets")
        )
        assert rows.num_rows == len(lines_of(path))


def test_viewers_find_what_they_look_up(main: Path) -> None:
    """By task: its kind, its metrics in every line, and lines told apart by item and filter."""
    for task, config in document_of(main)["configs"].items():
        (path,) = main.parent.glob(f"samples_{task}_*")
        lines = lines_of(path)
        kinds = {"mini_qa": "multiple_choice", "gsm8k": "generate_until"}
        assert config["output_type"] == kinds[task]
        for metric in config["metric_list"]:
            assert metric["aggregation"] == "mean"
            assert all(isinstance(line[metric["metric"]], float) for line in lines)
        filters = [one["name"] for one in config.get("filter_list", [{"name": "none"}])]
        assert {line["filter"] for line in lines} == set(filters)
        keys = {(line["doc_id"], line["filter"]) for line in lines}
        assert len(keys) == len(lines) == len({line["doc_id"] for line in lines}) * len(filters)
        assert all(line["arguments"]["gen_args_0"]["arg_0"] for line in lines)


@pytest.mark.parametrize("n", [1, 3])
def test_texts_are_read_back(n: int, tmp_path: Path) -> None:
    run = run_of(n)
    again = read_lm_eval(write_lm_eval(run, tmp_path))
    ours, theirs = run.tasks["gsm8k"], again.tasks["gsm8k"]
    assert {name: value.value for name, value in theirs.metrics.items()} == {
        name: value.value for name, value in ours.metrics.items()
    }
    for one, other in zip(ours.samples, theirs.samples, strict=True):
        assert isinstance(one, GenerationSample)
        assert isinstance(other, GenerationSample)
        assert (one.item, one.gold, one.outputs, one.context) == (
            other.item, other.gold, other.outputs, other.context,
        )  # fmt: skip
        assert one.extracted == other.extracted
