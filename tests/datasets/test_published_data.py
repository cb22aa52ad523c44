"""The published files themselves: every row of every benchmark that lies beside this checkout."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from fastscore.datasets import load_rows, read_rows, sources
from fastscore.errors import DataError
from fastscore.types import DataSource


@pytest.mark.parametrize(
    ("source", "n_eval", "n_fewshot"),
    [
        (sources.ARC_EASY, 2376, 2251),
        (sources.ARC_CHALLENGE, 1172, 1119),
        (sources.HELLASWAG, 10042, 160),
        (sources.WINOGRANDE, 1267, 2558),
        (sources.mmlu("professional_law"), 1534, 5),
        (sources.GSM8K, 1319, 7473),
    ],
)
def test_a_benchmark_is_found_by_its_names(
    data_dir: Path, source: DataSource, n_eval: int, n_fewshot: int
) -> None:
    evaluated = load_rows(source, "eval", data_dir=data_dir)
    shots = load_rows(source, "fewshot", data_dir=data_dir)
    assert (len(evaluated.rows), len(shots.rows)) == (n_eval, n_fewshot)
    assert (source.n_eval == n_eval) == (not any("rows, but" in n for n in evaluated.origin.notes))
    assert (source.n_fewshot == n_fewshot) == (
        not any("rows, but" in n for n in shots.origin.notes)
    )


@pytest.mark.parametrize(
    ("name", "source", "count"),
    [
        ("arc/ARC-Challenge-Train.jsonl.gz", sources.ARC_CHALLENGE, 1119),
        ("arc/ARC-Challenge-Dev.jsonl.gz", sources.ARC_CHALLENGE, 299),
        ("arc/ARC-Challenge-Test.jsonl.gz", sources.ARC_CHALLENGE, 1172),
        ("arc/ARC-Easy-Train.jsonl.gz", sources.ARC_EASY, 2251),
        ("arc/ARC-Easy-Dev.jsonl.gz", sources.ARC_EASY, 570),
        ("arc/ARC-Easy-Test.jsonl.gz", sources.ARC_EASY, 2376),
        ("hellaswag/hellaswag_val_full.txt.bz2", sources.HELLASWAG, 10042),
        ("hellaswag/hellaswag_val_text.jsonl.gz", sources.HELLASWAG, 10042),
        ("hellaswag/hellaswag_val_1000.jsonl.gz", sources.HELLASWAG, 1000),
        ("hellaswag/hellaswag_train_fewshot.jsonl.gz", sources.HELLASWAG, 160),
        ("winogrande/dev.jsonl.gz", sources.WINOGRANDE, 1267),
        ("winogrande/train_xs.jsonl.gz", sources.WINOGRANDE, 160),
        ("winogrande/train_s.jsonl.gz", sources.WINOGRANDE, 640),
        ("winogrande/train_m.jsonl.gz", sources.WINOGRANDE, 2558),
        ("truthfulqa/mc_task_v0.jsonl.gz", sources.TRUTHFULQA, 817),
        ("truthfulqa/mc_task_v1.jsonl.gz", sources.TRUTHFULQA, 817),
        ("truthfulqa/mc_task_v2.jsonl.gz", sources.TRUTHFULQA, 790),
        ("gsm8k/train.jsonl.gz", sources.GSM8K, 7473),
        ("triviaqa/triviaqa_subset.jsonl.gz", sources.TRIVIAQA, 3000),
        ("humaneval/HumanEval.jsonl.gz", sources.HUMANEVAL, 164),
        ("mbpp/mbpp.jsonl.gz", sources.MBPP, 500),
    ],
)
def test_every_row_of_every_file_is_read(
    data_dir: Path, name: str, source: DataSource, count: int
) -> None:
    loaded = load_rows(source, "eval", file=data_dir / name)
    assert len(loaded.rows) == loaded.origin.n_rows == count


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mt_bench/question.jsonl", 80),
        ("truthfulqa/TruthfulQA_v1.csv.gz", 817),
        ("pairwise/llmfao_crowd-comparisons.csv.gz", 8931),
        ("safety/hatecheck_test_suite_cases.csv.gz", 3728),
        ("reference_results/routellm_gsm8k_responses.csv.gz", 1319),
    ],
)
def test_files_of_no_known_layout_are_rows_too(data_dir: Path, name: str, count: int) -> None:
    assert len(read_rows(data_dir / name)) == count


def test_a_subset_of_triviaqa_is_said_to_be_one(data_dir: Path) -> None:
    (note,) = load_rows(sources.TRIVIAQA, "eval", data_dir=data_dir).origin.notes
    assert "3000 rows, but the published split that lm-eval scores has 17944" in note
    with pytest.raises(DataError, match="no few-shot rows of rc"):
        load_rows(sources.TRIVIAQA, "fewshot", data_dir=data_dir)


def test_of_mbpps_one_file_the_test_split_is_taken(data_dir: Path) -> None:
    loaded = load_rows(sources.MBPP, "eval", data_dir=data_dir)
    assert [row["task_id"] for row in loaded.rows] == list(range(11, 511))
    assert loaded.origin.notes == ()


def test_humaneval_is_whole(data_dir: Path) -> None:
    loaded = load_rows(sources.HUMANEVAL, "eval", data_dir=data_dir)
    assert [row["task_id"] for row in loaded.rows] == [f"HumanEval/{n}" for n in range(164)]
    assert loaded.origin.notes == ()


def test_all_subjects_of_mmlu_have_their_rows(data_dir: Path) -> None:
    for subject, n_test in sources.MMLU_SUBJECTS.items():
        source = sources.mmlu(subject)
        evaluated = load_rows(source, "eval", data_dir=data_dir)
        assert len(evaluated.rows) == n_test, subject
        assert evaluated.origin.notes == ()
        assert len(load_rows(source, "fewshot", data_dir=data_dir).rows) == 5, subject
    assert sum(sources.MMLU_SUBJECTS.values()) == 14042
    assert len(sources.MMLU_SUBJECTS) == 57


def test_every_arc_answer_is_a_label(data_dir: Path) -> None:
    numeric = {}
    for source in (sources.ARC_EASY, sources.ARC_CHALLENGE):
        rows = load_rows(source, "eval", data_dir=data_dir).rows
        assert all(row["answerKey"] in row["choices"]["label"] for row in rows)
        assert all(3 <= len(row["choices"]["text"]) <= 5 for row in rows)
        numeric[source.hub_config] = sum(row["choices"]["label"][0] == "1" for row in rows)
    assert numeric == {"ARC-Easy": 97, "ARC-Challenge": 22}


def test_every_first_choice_of_truthfulqa_mc1_is_the_right_one(data_dir: Path) -> None:
    rows = load_rows(sources.TRUTHFULQA, "eval", data_dir=data_dir).rows
    assert all(row["mc1_targets"]["labels"][0] == 1 for row in rows)


def test_winogrande_answers_are_balanced_as_published(data_dir: Path) -> None:
    rows = load_rows(sources.WINOGRANDE, "eval", data_dir=data_dir).rows
    assert Counter(row["answer"] for row in rows) == {"1": 628, "2": 639}


def preprocess(text: str) -> str:
    """lm-eval's cleaning of HellaSwag texts (lm_eval/tasks/hellaswag/utils.py)."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub("\\[.*?\\]", "", text).replace("  ", " ")


def test_the_two_forms_of_hellaswag_are_the_same_items(data_dir: Path) -> None:
    folder = data_dir / "hellaswag"
    text = load_rows(sources.HELLASWAG, "eval", file=folder / "hellaswag_val_full.txt.bz2").rows
    jsonl = load_rows(sources.HELLASWAG, "eval", file=folder / "hellaswag_val_text.jsonl.gz").rows
    assert Counter(row["label"] for row in text) == {0: 2515, 1: 2485, 2: 2584, 3: 2458}
    for one, other in zip(text, jsonl, strict=True):
        assert (one["endings"], one["label"]) == (other["endings"], other["label"])
        # The rule that capitalises the last fragment, against another's work on all 10,042.
        assert preprocess(one["query"]) == preprocess(other["query"])


def test_the_rebuilt_queries_are_lm_evals(data_dir: Path) -> None:
    folder = data_dir / "hellaswag"
    text = load_rows(sources.HELLASWAG, "eval", file=folder / "hellaswag_val_full.txt.bz2").rows
    rebuilt = {preprocess(row["query"]): row for row in text}
    original = load_rows(
        sources.HELLASWAG, "eval", file=folder / "hellaswag_val_1000.jsonl.gz"
    ).rows
    same_endings = 0
    for row in original:
        context = row["ctx_a"] + " " + row["ctx_b"].capitalize()
        match = rebuilt[preprocess(row["activity_label"] + ": " + context)]
        assert match["label"] == row["label"]
        ours, theirs = (list(map(preprocess, one["endings"])) for one in (match, row))
        assert [text.split() for text in ours] == [text.split() for text in theirs]
        same_endings += ours == theirs
    # The note on processed rows gives this number: 59 of 1,000 items lost white space.
    assert same_endings == len(original) - 59
