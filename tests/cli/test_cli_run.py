"""`fastscore run`, with a tiny model of random weights."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from command import Command

from fastscore import Results
from fastscore.errors import ResultsError
from fastscore.evaluation import evaluate as evaluation_module
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE


@pytest.fixture
def model(tiny_model: TinyModel) -> Path:
    return tiny_model("llama")


def test_a_table(fastscore: Command, model: Path) -> None:
    done = fastscore("run", model, "--tasks", "mini", "--limit", 3)
    assert done.code == 0
    assert "mini" in done.out
    assert "95 % interval" in done.out
    assert "first 3 rows" in done.out
    assert "3 items, 10 choices" in done.err
    assert "tokens to decode" in done.err


def test_an_output_directory(fastscore: Command, model: Path, tmp_path: Path) -> None:
    done = fastscore("run", model, "-t", "mini_qa", "-o", tmp_path / "out", "--log-prompts")
    assert done.code == 0
    assert f"Results are in {tmp_path / 'out'}" in done.err
    results = Results.load(tmp_path / "out")
    assert str(results).splitlines()[:4] == done.out.splitlines()[:4]
    sample = json.loads((tmp_path / "out/samples/mini_qa.jsonl").read_text().splitlines()[0])
    assert sample["context"].endswith("Answer:")
    again = fastscore("run", model, "-t", "mini_qa", "-o", tmp_path / "out")
    assert "144 of 144 requests answered from the store" in again.out


def test_json_is_all_there_is_on_stdout(fastscore: Command, model: Path) -> None:
    done = fastscore("run", model, "--tasks", "mini_qa", "--limit", "2", "--json")
    assert done.code == 0
    document = json.loads(done.out)
    assert document["tasks"]["mini_qa"]["n"] == 2
    assert document["settings"]["limit"] == 2


def test_tasks_may_be_named_one_by_one(fastscore: Command, model: Path) -> None:
    tasks = ("--tasks", "mini_blank", "-t", "mini_qa,mini_completion")
    done = fastscore("run", model, *tasks, "--limit", 1, "--json")
    assert list(json.loads(done.out)["tasks"]) == ["mini_blank", "mini_qa", "mini_completion"]


def test_quiet_leaves_the_table(fastscore: Command, model: Path) -> None:
    done = fastscore("run", model, "--tasks", "mini_qa", "--limit", "0.1", "--quiet")
    assert done.code == 0
    assert done.err == ""
    assert "mini_qa" in done.out


def test_options_reach_the_run(fastscore: Command, model: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    row = {"id": "x", "format": "qa", "split": "test"}
    row |= {"question": "2 + 2?", "choices": ["4", "5"], "answer": 0}
    rows.write_text((json.dumps(row) + "\n") * 2)
    tokens = ("--n-ctx", 64, "--threads", 1, "--batch-size", 64, "--logits-mb", 3, "--exact")
    done = fastscore(
        "run", model, "--tasks", "mini_qa", "--rows", f"mini_qa={rows}", "--num_fewshot", 1,
        "--fewshot", "shared", "--seed", 5, "--no-resume", "--json", *tokens,
    )  # fmt: skip
    assert done.code == 0, done.err
    settings = json.loads(done.out)["settings"]
    assert settings["num_fewshot"] == 1
    assert settings["fewshot"] == "shared"
    assert settings["seed"] == 5
    assert settings["rows"] == {"mini_qa": str(rows)}
    engine = settings["engine"]
    assert (engine["max_length"], engine["n_threads"], engine["n_batch"]) == (64, 1, 64)
    assert (engine["logits_mb"], engine["exact"]) == (3, True)


def test_chat_options(fastscore: Command, tiny_model: TinyModel, tmp_path: Path) -> None:
    done = fastscore(
        "run", tiny_model("llama", chat_template=CHAT_TEMPLATE), "--tasks", "mini_qa", "--limit", 1,
        "--apply-chat-template", "--system-instruction", "Be right.", "--num-fewshot", 1,
        "--no-fewshot-as-multiturn", "--log-prompts", "--output", tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    sample = json.loads((tmp_path / "samples" / "mini_qa.jsonl").read_text())
    assert "Be right." in sample["context"]
    assert (
        json.loads((tmp_path / "results.json").read_text())["settings"]["fewshot_as_multiturn"]
        is False
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--tasks", "mini_qq"], 2, "did you mean mini_qa"),
        (["--tasks", "mini", "--limit", "0"], 2, "limit is 0"),
        (["--tasks", "mini", "--num-fewshot", "-1"], 2, "num_fewshot is -1"),
        (["--tasks", "mini", "--rows", "mini_qa"], 2, "TASK=FILE"),
        (["--tasks", "mini", "--rows", "mini_qa=a", "--rows", "mini_qa=b"], 2, "twice"),
        (["--tasks", "mini", "--rows", "arc_easy=a"], 2, "not among the tasks"),
        (
            ["--tasks", "mini_qa", "--rows", "mini_qa=missing.jsonl"],
            2,
            "there is no file missing.jsonl",
        ),
        (["--tasks", "missing.yaml"], 2, "there is no file missing.yaml"),
        (
            ["--tasks", "arc_easy", "--data", "missing"],
            2,
            "the data directory missing is not there",
        ),
        (["--tasks", "mini", "--tokenizer", "missing"], 2, "there is no file missing; a tokenizer"),
        (["--tasks", "mini", "--n-ctx", "0"], 2, "n_ctx is 0"),
        (["--tasks", "mini", "--apply-chat-template"], 2, "no chat template"),
    ],
)
def test_mistakes_are_explained(
    fastscore: Command, model: Path, arguments: list[str], code: int, message: str
) -> None:
    done = fastscore("run", model, *arguments)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.gguf", "no file missing.gguf"), ("hf://only", "does not name a file")],
)
def test_models_that_are_not_there(fastscore: Command, name: str, message: str) -> None:
    done = fastscore("run", name, "--tasks", "mini")
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("arguments", [["--tasks"], ["--nonsense"], ["--seed", "x"], []])
def test_usage_errors_exit_with_two(fastscore: Command, model: Path, arguments: list[str]) -> None:
    done = fastscore("run", model, *arguments)
    assert done.code == 2
    assert "Error" in done.err


def test_results_that_cannot_be_written_are_printed(
    fastscore: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Results, directory: object) -> Path:
        raise ResultsError("the disk is full")

    monkeypatch.setattr(Results, "save", fail)
    done = fastscore("run", model, "--tasks", "mini_qa", "--limit", 2, "--output", tmp_path)
    assert done.code == 1
    assert "mini_qa" in done.out
    assert "the disk is full" in done.err


def test_a_fault_of_ours_leaves_a_report(
    fastscore: Command, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("something nobody thought of")

    monkeypatch.setattr(evaluation_module, "evaluate", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = fastscore("run", model, "--tasks", "mini")
    assert done.code == 1
    assert "something nobody thought of" in done.err
    assert "Traceback" not in done.err
    (report,) = tmp_path.iterdir()
    assert str(report) in done.err
    assert "Traceback" in report.read_text()


def test_debug_shows_the_traceback(
    fastscore: Command, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTSCORE_DEBUG", "1")
    with pytest.raises(Exception, match="did you mean"):
        fastscore("run", model, "--tasks", "mini_qq")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_says_how_to_go_on(fastscore: Command, model: Path, tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from fastscore.cli import main
        from fastscore.evaluation.scoring import Scorer

        answer = Scorer.answer
        def slowly(self, task, items):
            answers = answer(self, task, items)
            print("scored", task, flush=True)
            time.sleep(30)
            return answers
        Scorer.answer = slowly
        main()
        """
    )
    options = ["-t", "mini_qa,mini_blank", "-o", str(tmp_path), "-q"]
    command = [sys.executable, "-c", script, "run", str(model), *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "scored mini_qa\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert not (tmp_path / "results.json").exists()
    done = fastscore("run", model, "-t", "mini_qa,mini_blank", "-o", tmp_path)
    assert "144 of 216 requests answered from the store" in done.out


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux alone")
def test_a_model_whose_name_is_no_utf8(
    fastscore: Command, tiny_model: TinyModel, tmp_path: Path
) -> None:
    model = tmp_path / "tiny-\udcff.gguf"
    model.symlink_to(tiny_model("llama"))
    arguments = ("-t", "mini_qa", "--limit", 2, "--threads", 1, "-o", tmp_path / "out")
    assert fastscore("run", model, *arguments).code == 0
    assert fastscore("report", tmp_path / "out", "--format", "csv").code == 0
