"""How the texts of lm-eval's files were written, which its models say in different ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lm_eval_run_files import text_line, write_run

from fake_model import FakeModel
from fake_run import score
from fastscore.comparison.compare import compare
from fastscore.errors import ResultsError
from fastscore.formats.lm_eval.reading import read_lm_eval
from fastscore.formats.lm_eval.writing import write_lm_eval
from fastscore.results import GenerationSummary
from fastscore.results.digest import item_digest
from fastscore.tasks import GenerationTask, OpenQuestion
from fastscore.types import OpenItem, Sampling

DRAWN = {"temperature": 0.7}
OFF = {"do_sample": False, "temperature": 0.7}
ON = {"do_sample": True, "temperature": 0.7}


def written(
    kwargs: dict[str, Any],
    folder: Path,
    model: str = "vllm",
    version: str = "0.4.13",
    **config: Any,
) -> Path:
    lines = [text_line(i, exact_match=float(i)) for i in range(2)]
    main = write_run(folder, {"t": ("generate_until", lines, {"exact_match,none": 0.5})})
    document = json.loads(main.read_text("utf-8"))
    document["configs"]["t"]["generation_kwargs"] = kwargs
    document["config"] |= {"model": model, **config}
    document["lm_eval_version"] = version
    main.write_text(json.dumps(document), "utf-8")
    return main


def how(main: Path) -> GenerationSummary:
    found = read_lm_eval(main).tasks["t"].generation
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kwargs", "model", "version", "temperature"),
    [
        ({}, "hf", "0.4.13", 0),
        ({"do_sample": False, "temperature": 0.0, "top_p": 0.9}, "hf", "0.4.9", 0),
        (DRAWN, "hf", "0.4.10", 0.7),
        (DRAWN, "vllm", "0.4.13.dev0", 0.7),
        (DRAWN, "fastscore", "0.4.13", 0.7),
        (DRAWN, "FastscoreLM", "unknown", 0.7),
        (ON, "hf", "0.4.2", 0.7),
        (ON, "another", "0.4.13", 0.7),
        (OFF, "hf", "0.4.13", 0),
        (OFF, "hf", "0.4.2", 0),
        (OFF, "vllm", "0.4.13", 0),
        (OFF, "local-chat-completions", "0.4.13", 0.7),
        ({"do_sample": True}, "local-completions", "0.4.13", 0),
        (ON, "gguf", "0.4.13", 0),
    ],
)
def test_texts_are_drawn_where_lm_evals_model_drew_them(
    kwargs: dict[str, Any], model: str, version: str, temperature: float, tmp_path: Path
) -> None:
    sampling = how(written(kwargs, tmp_path, model, version)).sampling
    assert sampling.temperature == temperature
    if temperature == 0:
        assert sampling == Sampling()


@pytest.mark.parametrize(
    ("kwargs", "model", "version"),
    [
        (DRAWN, "hf", "0.4.9.2"),  # the settings of the model itself decided
        (DRAWN, "hf", "unknown"),
        (DRAWN, "another", "0.4.13"),
        (OFF, "vllm", "0.4.9.2"),
        (OFF, "another", "0.4.13"),
        ({"do_sample": True}, "hf", "0.4.13"),
        ({"do_sample": True}, "vllm", "0.4.13"),
        ({"do_sample": "yes", **DRAWN}, "hf", "0.4.13"),
    ],
)
def test_what_cannot_be_told_is_not_guessed(
    kwargs: dict[str, Any], model: str, version: str, tmp_path: Path
) -> None:
    with pytest.raises(ResultsError, match=r"cannot be told: .*temperature") as refusal:
        read_lm_eval(written(kwargs, tmp_path, model, version))
    assert f"this is {model} in lm-eval {version}" in str(refusal.value)


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"num_beams": 4}, "num_beams 4"),
        ({"repetition_penalty": 1.2}, "repetition_penalty 1.2"),
        ({"temperature": "hot"}, "temperature 'hot', which is no number"),
        ({**ON, "top_p": float("nan")}, "top_p nan"),
    ],
)
def test_ways_that_have_no_word_are_left_out(
    kwargs: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ResultsError, match=said):
        read_lm_eval(written(kwargs, tmp_path))


def test_filters_of_what_can_be_drawn(tmp_path: Path) -> None:
    given = {**ON, "top_k": -1, "top_p": 0.9, "num_beams": 1, "repetition_penalty": 1.0}
    assert how(written(given, tmp_path)).sampling == Sampling(0.7, top_p=0.9)
    # Of transformers, where nothing else is asked for.
    assert how(written(ON, tmp_path, "hf")).sampling == Sampling(0.7, top_k=50)
    assert how(written({**ON, "top_k": 0}, tmp_path, "hf")).sampling == Sampling(0.7)


@pytest.mark.parametrize(
    ("kwargs", "config", "most"),
    [
        ({}, {}, 256),
        ({}, {"model_args": "pretrained=x,max_gen_toks=512"}, 512),
        ({}, {"model_args": {"pretrained": "x", "max_gen_toks": 512}}, 512),
        ({}, {"model_args": {"max_gen_toks": 512}, "max_gen_toks": 128}, 128),
        ({"max_new_tokens": 64, "max_tokens": 32}, {"model_args": {"max_gen_toks": 512}}, 64),
    ],
)
def test_the_room_of_a_text(
    kwargs: dict[str, Any], config: dict[str, Any], most: int, tmp_path: Path
) -> None:
    assert how(written(kwargs, tmp_path, **config)).max_tokens == most


def test_one_stop_text_is_one(tmp_path: Path) -> None:
    line = text_line(0, exact_match=1.0)
    line["arguments"]["gen_args_0"]["arg_1"]["until"] = "\n\n"
    main = write_run(tmp_path, {"t": ("generate_until", [line], {"exact_match,none": 1.0})})
    (sample,) = read_lm_eval(main).tasks["t"].samples
    assert sample.item == item_digest(OpenItem(0, "Q:", ("\n\n",), 0, "a"))


def test_how_texts_were_drawn_is_read_back(tmp_path: Path) -> None:
    def question(row: Any) -> OpenQuestion:
        return OpenQuestion(row["q"], "yes", gold="yes")

    run = score(
        FakeModel(),
        [GenerationTask("asked", question)],
        rows={"asked": [{"q": f"{i}?"} for i in range(3)]},
        log_prompts=True,
        max_tokens=700,
        temperature=0.5,
        top_k=20,
        top_p=0.9,
        min_p=0.05,
    )
    summary = run.tasks["asked"].generation
    again = read_lm_eval(write_lm_eval(run, tmp_path)).tasks["asked"].generation
    assert summary is not None
    assert again is not None
    assert again.max_tokens == 700
    assert again.sampling == summary.sampling
    compare(run, read_lm_eval(tmp_path), progress=False)
