"""A model's diagnosis from end to end, on tiny models, sound and sick."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastscore.doctor import Report, diagnose
from fastscore.errors import UsageError
from model.hf_tokenizer import write_tokenizer
from models.fixtures import BrokenModel, TinyModel
from models.vocab import CHAT_TEMPLATE

# A model of 400 tokens spells a text with five times as many tokens as a real one.
LONG = {"n_ctx_train": 2048}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several would wait for each other on a machine that runs many tests."""
    monkeypatch.setattr("fastscore.model.opened.default_threads", lambda: 1)


def by_name(report: Report) -> dict[str, str]:
    return {check.name: check.status for check in report.checks}


def test_a_sound_model(tiny_model: TinyModel) -> None:
    seen: list[str] = []
    path = tiny_model("llama", chat_template=CHAT_TEMPLATE, **LONG)
    report = diagnose(path, progress=seen.append)
    assert report.ok, report
    assert by_name(report) == {
        "libraries": "ok",
        "file": "ok",
        "processor": "ok",
        "devices": "ok",
        "opening": "ok",
        "model": "ok",
        "memory": "ok",
        "special tokens": "ok",
        "chat template": "ok",
        "tokenizer": "ok",
        "batching": "ok",
    }
    assert "libraries" in seen
    assert "batching" in seen
    json.dumps(report.to_dict())
    assert str(path) in str(report).replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("family", ["llama_spm", "gemma3", "mamba", "lfm2"])
def test_other_families(tiny_model: TinyModel, family: str) -> None:
    report = diagnose(tiny_model(family, **LONG))
    assert report.ok, report


@pytest.mark.parametrize(
    ("kind", "check", "says"),
    [
        ("empty", "file", "is empty (0 bytes)"),
        ("text", "file", "no GGUF file"),
        ("zero_blocks", "file", "block_count is 0"),
        ("same_token_twice", "file", "is there a second time"),
        ("cut_in_data", "opening", "is incomplete"),
        ("unknown_architecture", "opening", "hal9000"),
        ("vocab_less", "opening", "holds no tokenizer"),
        ("bos_out_of_range", "opening", "names token 1000000 as its BOS"),
        ("nan_logits", "opening", "a logit is NaN"),
    ],
)
def test_a_broken_file_is_a_problem_and_no_error(
    broken_model: BrokenModel, kind: str, check: str, says: str
) -> None:
    report = diagnose(broken_model(kind))
    assert not report.ok
    assert report.checks[-1].name == check
    assert report.checks[-1].status == "problem"
    assert says in report.checks[-1].detail


def test_a_file_that_ends_the_process_ends_another_one(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    """``rwkv7.token_shift_count`` is asserted by the graph; nothing before it looks."""
    from model.test_bad_files import set_number

    path = tmp_path / "assertion.gguf"
    path.write_bytes(tiny_model("rwkv7").read_bytes())
    set_number(path, "rwkv7.token_shift_count", 5)
    report = diagnose(path)
    (check,) = [check for check in report.checks if check.status == "problem"]
    assert check.name == "opening"
    assert "ended the process with SIGABRT" in check.detail
    assert "token_shift_count == 2" in check.detail


def test_a_tokenizer_that_agrees(tiny_model: TinyModel, tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    report = diagnose(tiny_model("llama", **LONG), tokenizer=file)
    assert by_name(report)["tokenizer.json"] == "ok", report
    assert by_name(report)["BOS of tokenizer.json"] == "ok"


def test_a_tokenizer_that_does_not(tiny_model: TinyModel, tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json", split_digits=True)
    report = diagnose(tiny_model("llama", **LONG), tokenizer=file)
    assert not report.ok
    (check,) = [check for check in report.checks if check.name == "tokenizer.json"]
    assert check.status == "problem"
    assert 0 < check.facts["differing"] <= check.facts["texts"]
    assert len(check.facts["differences"]) == 5
    assert "the file has [" in check.detail


def test_texts_of_a_data_directory_are_compared_too(
    tiny_model: TinyModel, tmp_path: Path, data_dir: Path
) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    report = diagnose(tiny_model("llama", **LONG), tokenizer=file, data=data_dir / "arc")
    (check,) = [check for check in report.checks if check.name == "tokenizer.json"]
    assert check.status == "ok"
    assert check.facts["texts"] > 1000
    assert "tasks below" in check.detail


def test_files_beside_the_model_are_not_run(
    tiny_model: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "runpy", "fastscore"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('run by mistake')\n")
    monkeypatch.chdir(tmp_path)
    report = diagnose(tiny_model("llama", **LONG))
    assert by_name(report)["opening"] == "ok", report


def test_what_is_not_there(tiny_model: TinyModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        diagnose(tmp_path / "absent.gguf")
    with pytest.raises(UsageError, match="is not a directory"):
        diagnose(tiny_model("llama"), data=tmp_path / "absent")
    with pytest.raises(UsageError, match=r"give a Hugging Face tokenizer\.json"):
        diagnose(tiny_model("llama"), tokenizer=tmp_path / "absent.json")


def test_a_tokenizer_file_that_cannot_be_read(tiny_model: TinyModel, tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")
    report = diagnose(tiny_model("llama", **LONG), tokenizer=file)
    assert by_name(report)["tokenizer.json"] == "problem"
