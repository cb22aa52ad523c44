"""What is read of lm-eval's files, and what is left out or refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from lm_eval_run_files import choice_line, text_line, write_run

from fake_model import FakeModel
from fake_run import score
from fastscore import Results
from fastscore.errors import ResultsError, UsageError
from fastscore.formats.lm_eval.reading import read_lm_eval
from fastscore.formats.lm_eval.writing import write_lm_eval
from fastscore.results import GenerationSample

USED = {"sciq", "wsc273", "webqs", "asdiv", "wikitext", "nq_open", "gsm8k_cot"}


def test_what_cannot_be_read_item_by_item_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = [choice_line(i, [-1.0, -2.0, -3.0], "0", acc=1.0) for i in range(2)]
    unknown = [choice_line(i, [-1.0, -2.0, -3.0], "d", acc=0.0) for i in range(2)]
    other = [choice_line(i, [-1.0, -2.0, -3.0], "0", acc=1.0) for i in range(2)]
    main = write_run(
        tmp_path,
        {
            "good": ("multiple_choice", good, {"acc,none": 1.0}),
            "unknown": ("multiple_choice", unknown, {"acc,none": 0.0}),
            "no_mean": ("multiple_choice", other, {"acc,none": 0.7}),
            "rolling": ("loglikelihood_rolling", [], {}),
        },
    )
    results = read_lm_eval(main)
    assert list(results.tasks) == ["good"]
    assert set(results.settings["left_out"]) == {"unknown", "no_mean", "rolling"}
    assert "which of its choices are right" in results.settings["left_out"]["unknown"]
    assert "no_mean is left out" in caplog.text


def test_a_metric_of_which_less_is_better_is_left_out(tmp_path: Path) -> None:
    lines = [choice_line(i, [-1.0, -2.0], "0", acc=1.0, brier=0.25) for i in range(3)]
    row = {"acc,none": 1.0, "brier,none": 0.25}
    main = write_run(tmp_path, {"qa": ("multiple_choice", lines, row)})
    assert set(read_lm_eval(main).tasks["qa"].metrics) == {"acc", "brier"}
    document = json.loads(main.read_text("utf-8"))
    document["higher_is_better"] = {"qa": {"acc": True, "brier": False}}
    main.write_text(json.dumps(document), "utf-8")
    assert set(read_lm_eval(main).tasks["qa"].metrics) == {"acc"}
    document["higher_is_better"] = {"qa": {"acc": False, "brier": False}}
    main.write_text(json.dumps(document), "utf-8")
    with pytest.raises(ResultsError, match="of which more is better"):
        read_lm_eval(main)


def test_a_group_of_scores_beyond_1_has_an_interval_of_its_own_kind(tmp_path: Path) -> None:
    """Wilson's is for shares: of ROUGE, from 0 to 100, it has no value."""
    scores = {"a": (30.0, 50.0), "b": (20.0, 60.0)}
    tasks = {
        name: (
            "multiple_choice",
            [choice_line(i, [-1.0, -2.0], "0", acc=1.0, rouge=x) for i, x in enumerate(two)],
            {"acc,none": 1.0, "rouge,none": 40.0},
        )
        for name, two in scores.items()
    }
    main = write_run(tmp_path, tasks)
    document = json.loads(main.read_text("utf-8"))
    document["groups"] = {"both": {"acc,none": 1.0, "rouge,none": 40.0}}
    document["group_subtasks"] = {"both": ["a", "b"], "a": [], "b": []}
    main.write_text(json.dumps(document), "utf-8")
    metrics = read_lm_eval(main).groups["both"].metrics
    assert metrics["acc"].ci95[0] == pytest.approx(0.5101, abs=1e-4)  # Wilson's of 4 of 4
    rouge = metrics["rouge"]
    assert (rouge.value, rouge.stderr) == pytest.approx((40.0, math.sqrt(500) / 2))
    assert rouge.ci95 == pytest.approx(
        (40 - 1.96 * rouge.stderr, 40 + 1.96 * rouge.stderr), rel=1e-3
    )


@pytest.mark.parametrize(("written", "read"), [(2, "2.0"), (1.5, "1.5"), ("Yaml", "1.0")])
def test_a_task_that_tells_no_version_is_a_first_one(
    written: Any, read: str, tmp_path: Path
) -> None:
    """As fastscore has it of tasks in files of the user's own."""
    lines = [choice_line(0, [-1.0, -2.0], "0", acc=1.0)]
    main = write_run(tmp_path, {"qa": ("multiple_choice", lines, {"acc,none": 1.0})})
    document = json.loads(main.read_text("utf-8"))
    document["versions"] = {"qa": written}
    main.write_text(json.dumps(document), "utf-8")
    assert read_lm_eval(main).tasks["qa"].version == read


def test_the_pass_rate_of_mbpp_has_our_name(tmp_path: Path) -> None:
    lines = [text_line(i, pass_at_1=float(i)) for i in range(2)]
    row = {"pass_at_1,none": 0.5, "pass_at_1_stderr,none": 0.5}
    main = write_run(tmp_path, {"mbpp": ("generate_until", lines, row)})
    assert list(read_lm_eval(main).tasks["mbpp"].metrics) == ["pass@1"]
    document = json.loads(main.read_text("utf-8"))
    document["higher_is_better"] = {"mbpp": {"pass_at_1": False}}
    main.write_text(json.dumps(document), "utf-8")
    with pytest.raises(ResultsError, match="of which more is better"):
        read_lm_eval(main)


def test_texts_are_read_with_their_filters(tmp_path: Path) -> None:
    lines = [
        {
            "doc_id": i,
            "doc": {"question": "?"},
            "target": "['a', 'b']",
            "arguments": {"gen_args_0": {"arg_0": "Q:", "arg_1": {"until": ["\n"]}}},
            "resps": [["so a", "so c"]],
            "filtered_resps": [found],
            "filter": name,
            "metrics": ["exact_match"],
            "exact_match": value,
        }
        for i in range(2)
        for name, found, value in (("first", "a", 1.0), ("both", ["a", "c"], 0.5))
    ]
    row = {"exact_match,first": 1.0, "exact_match,both": 0.5}
    results = read_lm_eval(write_run(tmp_path, {"t": ("generate_until", lines, row)}))
    sample = results.tasks["t"].samples[0]
    assert isinstance(sample, GenerationSample)
    assert sample.gold == ("a", "b")
    assert sample.outputs == ("so a", "so c")
    assert sample.finish_reasons == ("unknown", "unknown")
    assert sample.extracted == {"first": ("a", "a"), "both": ("a", "c")}
    assert {n: s.value for n, s in sample.scores.items()} == {
        "exact_match,first": 1.0, "exact_match,both": 0.5,
    }  # fmt: skip
    results.save(tmp_path / "saved")
    assert Results.load(tmp_path / "saved").to_dict() == results.to_dict()


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no results_<date>\.json"):
        read_lm_eval(tmp_path)
    main = write_lm_eval(score(FakeModel(), log_prompts=True), tmp_path)
    samples = next(main.parent.glob("samples_mini_qa_*"))
    text = samples.read_text(encoding="utf-8")
    samples.write_text(text.replace('"resps"', '"answers"', 1), encoding="utf-8")
    with pytest.raises(ResultsError, match="a line is not as lm-eval writes it: KeyError 'resps'"):
        read_lm_eval(main)
    samples.write_text(text[:-20], encoding="utf-8")
    with pytest.raises(ResultsError, match=r"\.jsonl:36: this is not JSON"):
        read_lm_eval(main)
    main.with_name("results_2020-01-01T00-00-00.json").write_text("{}")
    with pytest.raises(UsageError, match="holds 2 runs of lm-eval"):
        read_lm_eval(tmp_path)
    main.write_text("[" * 100_000)
    with pytest.raises(ResultsError, match="not JSON"):
        read_lm_eval(main)


@pytest.mark.parametrize(
    "damage",
    [
        {"n-samples": []},
        {"n-samples": {"qa": 3}},
        {"groups": 3},
        {"groups": {"all": {}}, "group_subtasks": []},
        {"groups": {"qa": {}}, "group_subtasks": {}},
        {"versions": {"qa": 10**400}},
        {"results": {"qa": {"acc,none": 10**400}}},
        {"configs": {"../qa": {"output_type": "multiple_choice"}}},
        {"date": "today"},
    ],
    ids=str,
)
def test_a_damaged_main_file_is_named(damage: dict[str, Any], tmp_path: Path) -> None:
    lines = [choice_line(i, [-1.0, -2.0], "0", acc=1.0) for i in range(3)]
    main = write_run(tmp_path, {"qa": ("multiple_choice", lines, {"acc,none": 1.0})})
    document = json.loads(main.read_text("utf-8"))
    main.write_text(json.dumps(document | damage), "utf-8")
    with pytest.raises(ResultsError, match=main.name):
        read_lm_eval(main)


@pytest.mark.filterwarnings("ignore")
def test_lm_evals_own_files_are_read(lm: Any, manager: Any, tmp_path: Path) -> None:
    """lm-eval writes, we read: nothing of the layout is our own idea."""
    lm_eval = pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    from lm_eval.loggers import EvaluationTracker
    from lm_eval_cases import cases
    from lm_eval_tasks import local_task

    chosen = [c for c in cases("choices", "likelihoods", "rolling", "texts") if c.task in USED]
    tracker = EvaluationTracker(output_path=str(tmp_path / "out"))
    results = lm_eval.simple_evaluate(
        model=lm,
        model_args="pretrained=tiny.gguf",
        tasks=[local_task(c.task, c.rows, tmp_path, manager, **c.changes) for c in chosen],
        task_manager=manager,
        evaluation_tracker=tracker,
        bootstrap_iters=0,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for name in results["configs"]:
        tracker.save_results_samples(task_name=name, samples=samples[name])
    read = read_lm_eval(tmp_path / "out")
    assert set(read.tasks) == USED - {"wikitext"}
    assert list(read.settings["left_out"]) == ["wikitext"]
    for name, task in read.tasks.items():
        for metric, value in task.metrics.items():
            theirs = results["results"][name]
            # The only filter of a task is not part of our name of its metric.
            keys = [metric] if "," in metric else [k for k in theirs if k.startswith(f"{metric},")]
            assert [theirs[key] for key in keys] == [pytest.approx(value.value)]
