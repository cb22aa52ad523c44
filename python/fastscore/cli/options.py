"""The options of ``fastscore run``, in the order and the panels that ``--help`` shows them in.

Options without a value have an empty ``metavar``: typer would show ``<bool>`` for one.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

_PROMPTS = "Prompts"
_DATA = "Data"
_OUTPUT = "Output"
_ENGINE = "Engine"


class Drawing(str, Enum):
    """How few-shot examples are drawn."""

    LM_EVAL = "lm-eval"
    SHARED = "shared"


class Precision(str, Enum):
    """What the weights are computed with."""

    NATIVE = "native"
    FAST = "fast"


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A GGUF file, 'demo', or hf://owner/repo/file.gguf.",
        show_default=False,
    ),
]
Tasks = Annotated[
    list[str],
    typer.Option(
        "--tasks",
        "-t",
        metavar="A,B,...",
        help="Tasks, groups, patterns (mmlu_*) or YAML files, see `fastscore tasks`; may be "
        "repeated.",
        show_default=False,
    ),
]
Limit = Annotated[
    float | None,
    typer.Option(
        metavar="N",
        help="Score the first N rows of each task (each subject of MMLU); below 1, a fraction.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="ci=H",
        help="Score items in random order and end a task or group once its score is known to -+H "
        "(ci=0.02), 95 % sure.",
    ),
]
NumFewshot = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Solved examples before each question (default: the task's own number)",
        rich_help_panel=_PROMPTS,
    ),
]
Fewshot = Annotated[
    Drawing,
    typer.Option(
        metavar="HOW",
        help="Draw examples anew for each item (lm-eval), or one set a task (shared), which "
        "costs less and gives other numbers.",
        rich_help_panel=_PROMPTS,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        metavar="N", help="Of the draw of examples, and of sampling.", rich_help_panel=_PROMPTS
    ),
]
ApplyChatTemplate = Annotated[
    bool,
    typer.Option(
        "--apply-chat-template",
        help="Put prompts into the model file's chat template.",
        metavar="",
        rich_help_panel=_PROMPTS,
    ),
]
OneTurn = Annotated[
    bool,
    typer.Option(
        "--no-fewshot-as-multiturn",
        help="Under a chat template, put all examples into one user turn.",
        metavar="",
        rich_help_panel=_PROMPTS,
    ),
]
SystemInstruction = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Text ahead of each prompt.", rich_help_panel=_PROMPTS),
]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Directory of benchmark files (default: FASTSCORE_DATA, else the hub)",
        rich_help_panel=_DATA,
    ),
]
Rows = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TASK=FILE",
        help="Score these rows instead; may be repeated.",
        rich_help_panel=_DATA,
    ),
]
FewshotRows = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TASK=FILE",
        help="Draw examples from these rows instead; may be repeated.",
        rich_help_panel=_DATA,
    ),
]
Offline = Annotated[
    bool,
    typer.Option("--offline", help="Never use the network.", metavar="", rich_help_panel=_DATA),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Write results.json and samples/ here.",
        rich_help_panel=_OUTPUT,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a report here: .html (needs matplotlib), .md or .csv.",
        rich_help_panel=_OUTPUT,
    ),
]
LogPrompts = Annotated[
    bool,
    typer.Option(
        "--log-prompts",
        help="Write each item's texts with its sample.",
        metavar="",
        rich_help_panel=_OUTPUT,
    ),
]
NoResume = Annotated[
    bool,
    typer.Option(
        "--no-resume",
        help="Score everything anew, also what earlier runs have scored.",
        metavar="",
        rich_help_panel=_OUTPUT,
    ),
]
Mlflow = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Log the run to MLflow's experiment of this name, at MLFLOW_TRACKING_URI.",
        rich_help_panel=_OUTPUT,
    ),
]
Trace = Annotated[
    bool,
    typer.Option(
        "--trace",
        help="Send OpenTelemetry spans of run, tasks and 20 items a task, their texts included, to "
        "OTEL_EXPORTER_OTLP_ENDPOINT or PHOENIX_COLLECTOR_ENDPOINT.",
        metavar="",
        rich_help_panel=_OUTPUT,
    ),
]
TraceRate = Annotated[
    float | None,
    typer.Option(
        metavar="R",
        help="Trace this share of the items (0 to 1) instead of 20 a task.",
        rich_help_panel=_OUTPUT,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print results as JSON, not as a table.", metavar="", rich_help_panel=_OUTPUT
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print the results and warnings only.",
        metavar="",
        rich_help_panel=_OUTPUT,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="List each task of large groups in the table.",
        metavar="",
        rich_help_panel=_OUTPUT,
    ),
]
NCtx = Annotated[
    int | None,
    typer.Option(
        "--n-ctx",
        metavar="N",
        help="The window in tokens; longer prompts are cut from the left "
        "(default: what the model was trained with, before any extension by LongRoPE)",
        rich_help_panel=_ENGINE,
    ),
]
NGpuLayers = Annotated[
    int,
    typer.Option(
        "--n-gpu-layers",
        metavar="N",
        help="Layers on the GPU, -1 for all; needs a GPU build of llama-cpp-python.",
        rich_help_panel=_ENGINE,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Threads of a decode (default: the physical cores)",
        rich_help_panel=_ENGINE,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(metavar="N", help="Tokens a decode step.", rich_help_panel=_ENGINE),
]
LogitsMb = Annotated[
    int | None,
    typer.Option(metavar="N", help="Most MiB for logit rows.", rich_help_panel=_ENGINE),
]
Tokenizer = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A Hugging Face tokenizer.json to tokenise with instead of the model's own.",
        rich_help_panel=_ENGINE,
    ),
]
Exact = Annotated[
    bool | None,
    typer.Option(
        "--exact/--no-exact",
        help="KV cache in F32 and plain attention: slower, and nearest to lm-eval in float32. "
        "Default: for files whose weights are not quantised.",
        show_default=False,
        metavar="",
        rich_help_panel=_ENGINE,
    ),
]
Tune = Annotated[
    bool,
    typer.Option(
        "--tune",
        help="Measure the best threads and batch size, once per model and machine.",
        metavar="",
        rich_help_panel=_ENGINE,
    ),
]
Weights = Annotated[
    Precision,
    typer.Option(
        metavar="HOW",
        help="Run the weights as the file has them (native), or in the type that is quickest here "
        "among those that are as precise (fast): measured and re-encoded once.",
        rich_help_panel=_ENGINE,
    ),
]
Debug = Annotated[bool, typer.Option("--debug", hidden=True)]
