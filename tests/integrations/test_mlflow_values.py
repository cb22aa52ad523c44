"""What becomes a name, a number, a text or a table for MLflow."""

from __future__ import annotations

import json
import math
import posixpath
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_results import make_results, make_task
from fastscore.progress import Progress
from fastscore.results import GenerationWork, MetricValue
from fastscore.types import Origin

pytest.importorskip("mlflow", reason="MLflow is not installed")

from fastscore.integrations.mlflow.values import (
    MAX_DIGEST,
    MAX_NAME,
    MAX_PARAM,
    MAX_TABLE_BYTES,
    clean_name,
    clean_names,
    dataset_of,
    model_params,
    progress_metrics,
    sample_table,
    score_metrics,
    settings_params,
    task_params,
    undefined_tags,
    work_metrics,
)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("arc_easy/acc_norm", "arc_easy/acc_norm"),
        ("humaneval/pass@1", "humaneval/pass_at_1"),
        ("gsm8k/exact_match,strict-match", "gsm8k/exact_match.strict-match"),
        ("my task!/acc", "my task_/acc"),
        ("../../etc/acc", "__/__/etc/acc"),
        ("/a//b/", "_/a/_/b/_"),
        (".", "_"),
        ("", "_"),
        ("aufgabe_ä/acc", "aufgabe_ä/acc"),
        ("a:b", "a_b"),  # which MLflow takes, but not on Windows
        ("new\nline", "new_line"),
    ],
)
def test_names_are_what_mlflow_takes(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_is_taken(name: str) -> None:
    clean = clean_name(name)
    assert re.fullmatch(r"[/\w.\- ]+", clean)
    assert posixpath.normpath(clean) == clean
    assert not clean.startswith(("/", ".."))
    assert len(f"{clean}_ci95_high") <= MAX_NAME


def test_names_that_would_be_the_same_are_told_apart() -> None:
    assert clean_names(["a!", "a?", "a_"]) == {"a!": "a_", "a?": "a__2", "a_": "a__3"}
    long = [f"{'x' * 400}{i}" for i in range(3)]
    assert len(set(clean_names(long).values())) == 3


def test_scores_have_their_errors_beside_them() -> None:
    metrics, undefined = score_metrics({"arc": {"acc": MetricValue(0.5, 0.1, (0.3, 0.7))}})
    assert metrics == {
        "arc/acc": 0.5,
        "arc/acc_stderr": 0.1,
        "arc/acc_ci95_low": 0.3,
        "arc/acc_ci95_high": 0.7,
    }
    assert undefined == {}


def test_what_is_undefined_is_no_metric_but_said() -> None:
    nan = math.nan
    metrics, undefined = score_metrics(
        {
            "one": {"acc": MetricValue(1.0, nan, (nan, nan), "one item has no spread")},
            "none": {"pass@1": MetricValue(nan, nan, (nan, nan), "no program was run")},
            "far": {"loss": MetricValue(math.inf, nan, (nan, nan))},
        }
    )
    assert metrics == {"one/acc": 1.0}
    assert undefined == {
        "one/acc_stderr": "one item has no spread",
        "one/acc_ci95": "one item has no spread",
        "none/pass_at_1": "no program was run",
        "far/loss": "the value is inf",
    }
    assert undefined_tags(undefined)["fastscore.undefined.none/pass_at_1"] == "no program was run"


def test_an_interval_can_be_all_that_is_undefined() -> None:
    alike = MetricValue(0.0, 0.0, (math.nan, math.nan), "all problems have the same value")
    metrics, undefined = score_metrics({"": {"pass@1": alike}})
    assert metrics == {"pass_at_1": 0.0, "pass_at_1_stderr": 0.0}
    assert undefined == {"pass_at_1_ci95": "all problems have the same value"}


def test_texts_are_not_said_to_have_cost_nothing() -> None:
    choices = make_results("A", {"arc": 3}).work
    texts = GenerationWork(
        samples=20,
        from_store=5,
        tokens_generated=900,
        prompt_tokens_decoded=400,
        prompt_tokens_minimal=400,
        programs=20,
        seconds={"prefill": 1.0, "decode": 2.0, "sample": 0.1, "execute": 3.0},
    )
    of_texts = {
        "work/generation/samples": 20.0,
        "work/generation/from_store": 5.0,
        "work/generation/tokens_generated": 900.0,
        "work/generation/prompt_tokens_decoded": 400.0,
        "work/generation/programs": 20.0,
    }
    of_choices = work_metrics(choices)
    assert of_choices["work/tokens_decoded"] == choices.tokens_decoded > 0
    assert work_metrics(replace(choices, generation=texts)) == {**of_choices, **of_texts}
    alone = work_metrics(replace(choices, requests=0, tokens_decoded=0, generation=texts))
    assert alone.keys() == {"work/seconds", "work/peak_memory_bytes", *of_texts}


def test_parameters_are_texts_within_the_limit() -> None:
    params = settings_params(
        {
            "limit": None,
            "seed": 1234,
            "tasks": ["arc_easy", "mmlu"],
            "system_instruction": "Be brief. " * 1000,
            "engine": {"n_ctx": 512, "rope": {"factor": 2.0}},
        }
    )
    assert params["settings.seed"] == "1234"
    assert params["settings.tasks"] == '["arc_easy", "mmlu"]'
    assert params["engine.n_ctx"] == "512"
    assert params["engine.rope.factor"] == "2.0"
    assert "settings.limit" not in params
    long = params["settings.system_instruction"]
    assert len(long) == MAX_PARAM
    assert long.endswith("(cut; results.json has all of it)")
    assert model_params({"name": "A", "revision": None}) == {"model.name": "A"}


def test_the_parameters_of_a_task_say_how_it_was_put() -> None:
    task = replace(make_task("arc", 5, skill=1, noise=1, seed=0), num_fewshot=3, variant="shared")
    params = task_params("arc", task)
    assert params["task"] == "arc"
    assert params["num_fewshot"] == "3"
    assert params["variant"] == "shared"
    assert "until" not in params


def test_rows_are_a_data_set_with_a_digest_that_fits() -> None:
    sha = "ab" * 32
    hub = Origin("hub", "allenai/ai2_arc/ARC-Easy/test.parquet", sha, 2376, revision="f00")
    dataset = dataset_of("arc_easy", hub)
    assert dataset["name"] == "arc_easy"
    assert dataset["digest"] == sha[:MAX_DIGEST]
    assert json.loads(dataset["profile"]) == {"num_rows": 2376, "sha256": sha}
    assert dataset["source_type"] == "hugging_face"
    assert json.loads(dataset["source"]) == {
        "path": "allenai/ai2_arc",
        "data_files": "ARC-Easy/test.parquet",
        "revision": "f00",
    }
    file = dataset_of("mine", Origin("file", "rows.jsonl", sha, 3))
    assert (file["source_type"], json.loads(file["source"])) == ("local", {"uri": "rows.jsonl"})


@pytest.mark.parametrize(
    ("location", "revision"),
    [
        ("json", None),
        ("unknown", None),
        ("super_glue/boolq", None),  # a data set and its configuration
        ("allenai/ai2_arc/ARC-Easy", None),
        ("json", "f00"),
    ],
)
def test_no_repository_is_named_that_is_not_known(location: str, revision: str | None) -> None:
    dataset = dataset_of("boolq", Origin("hub", location, "", 9, revision=revision))
    assert dataset["source_type"] == "code"
    assert json.loads(dataset["source"]) == {"tags": {"dataset": location}}
    assert json.loads(dataset["profile"]) == {"num_rows": 9}


def test_rows_without_a_digest_are_told_apart_by_what_is_known_of_them() -> None:
    known = (("json", 9), ("json", 8), ("unknown", 9))
    origins = [Origin("hub", location, "", n_rows) for location, n_rows in known]
    digests = [dataset_of("boolq", one)["digest"] for one in [*origins, origins[0]]]
    assert len(set(digests)) == 3
    assert digests[0] == digests[3]
    assert all(one.startswith("described-") and len(one) <= MAX_DIGEST for one in digests)


def test_of_several_files_of_a_repository_no_path_is_made() -> None:
    several = Origin("hub", "cais/mmlu/all/test-0.parquet and 2 more", "ab" * 32, 9, revision="f00")
    dataset = dataset_of("mmlu", several)
    assert json.loads(dataset["source"]) == {
        "path": "cais/mmlu",
        "data_files": None,
        "revision": "f00",
    }


def test_a_table_holds_the_fields_of_the_samples() -> None:
    task = make_results("A", {"arc": 5})["arc"]
    text, n = sample_table(task, 3)  # type: ignore[arg-type]
    table = json.loads(text)
    assert n == len(table["data"]) == 3
    row = dict(zip(table["columns"], table["data"][1], strict=True))
    assert row == task.samples[1].to_dict()  # type: ignore[union-attr]


def test_a_table_is_no_larger_than_a_browser_can_show() -> None:
    task = make_task("long", 40, skill=1, noise=1, seed=0, log_prompts=True, length=40_000)
    text, n = sample_table(task, 1000)
    assert 0 < n < 40
    assert len(text) <= MAX_TABLE_BYTES


def test_progress_leaves_out_what_nobody_knows() -> None:
    unknown = Progress("arc", 1, 1, 10, 100, None, None)
    assert progress_metrics(unknown) == {"progress/tokens_done": 10.0}
    known = replace(unknown, tokens_per_second=500.0, seconds_left=3.5)
    assert progress_metrics(known)["progress/tokens_per_second"] == 500.0
    assert progress_metrics(known)["progress/seconds_left"] == 3.5
