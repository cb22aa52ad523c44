"""From the options of a command to the arguments of the function behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SAME = (
    "num_fewshot",
    "seed",
    "apply_chat_template",
    "system_instruction",
    "until",
    "n",
    "k",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "max_tokens",
    "allow_code_execution",
    "timeout",
    "data",
    "log_prompts",
    "n_ctx",
    "n_gpu_layers",
    "tokenizer",
    "exact",
    "tune",
)


def evaluate_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return `evaluate`'s arguments about prompts, texts, data and engine.

    ``options`` are a command's parameters by name, as `cli.options` and `cli.generation_options`
    define them; others are passed over.

    Raises:
        UsageError: an option cannot be read.

    """
    arguments = {name: options[name] for name in _SAME}
    arguments |= {
        "limit": _limit(options["limit"]),
        "fewshot": options["fewshot"].value,
        "fewshot_as_multiturn": not options["one_turn"],
        "sandbox": options["sandbox"].value,
        "resume": not options["no_resume"],
        "offline": options["offline"] or None,
        "rows": _assignments("--rows", options["rows"]),
        "fewshot_rows": _assignments("--fewshot-rows", options["fewshot_rows"]),
        "n_threads": options["threads"],
        "n_batch": options["batch_size"],
        "weights": options["weights"].value,
    }
    if options["logits_mb"] is not None:
        arguments["logits_mb"] = options["logits_mb"]
    return arguments


def _limit(given: float | None) -> int | float | None:
    """Read a whole number as what it is: 100 rows, not 100.0."""
    return int(given) if given is not None and given.is_integer() else given


def _assignments(option: str, given: Sequence[str] | None) -> dict[str, str]:
    """Read ``TASK=FILE`` pairs."""
    from fastscore.errors import UsageError

    files: dict[str, str] = {}
    for pair in given or ():
        task, separator, file = pair.partition("=")
        if not separator or not task or not file:
            raise UsageError(f"{option} takes TASK=FILE, such as arc_easy=test.jsonl, not {pair!r}")
        if task in files:
            raise UsageError(f"{option} names {task} twice; one file a task")
        files[task] = file
    return files
