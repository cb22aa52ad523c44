"""What the model file is, and what it says of itself."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from fastscore.chat import ChatTemplate
from fastscore.doctor.report import Check, Status
from fastscore.doctor.tokenizers import bare_ids
from fastscore.errors import FastscoreError, ModelError
from fastscore.model import Model
from fastscore.model.fingerprint import model_files
from fastscore.model.gguf_checks import check_metadata
from fastscore.model.gguf_header import check_header
from fastscore.model.gguf_metadata import read_metadata
from fastscore.model.own_process import command

# A process that opens the file is given this long, and a second for each of these bytes.
_PATIENCE_SECONDS = 60
_BYTES_A_SECOND = 20e6
_MARKER = re.compile(r"<\|[^<>|]{1,40}\|>|</?[a-z_]{1,30}>|\[/?[A-Z_]{3,20}\]")


def check_file(path: Path) -> Check:
    """Header and metadata, read without llama.cpp."""
    files = model_files(path)
    try:
        for part in files:
            check_header(part)
            metadata = read_metadata(part)
            check_metadata(part, metadata)
        values = read_metadata(files[0]).values
    except ModelError as error:
        return Check("file", "problem", str(error), "download it again, or convert it anew")
    size = sum(part.stat().st_size for part in files)
    architecture = values.get("general.architecture", "of no architecture")
    parts = f" in {len(files)} parts" if len(files) > 1 else ""
    detail = f"{path}: {size / 1e6:,.0f} MB{parts}, {architecture}"
    facts = {"bytes": size, "parts": len(files), "architecture": architecture}
    return Check("file", "ok", detail, facts=facts)


def check_opening(path: Path) -> Check:
    """Whether llama.cpp can open the file and decode with it, tried in a process of its own.

    An assertion in llama.cpp ends the process that it is in.
    """
    size = sum(part.stat().st_size for part in model_files(path))
    patience = _PATIENCE_SECONDS + size / _BYTES_A_SECOND
    advice = "the file is damaged or was made by a faulty converter; get or convert it anew"
    try:
        done = subprocess.run(
            [*command("fastscore.doctor.probe"), os.fspath(path)],
            env=os.environ | {"GGML_NO_BACKTRACE": "1"},
            capture_output=True,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Check("opening", "problem", f"no answer within {patience:.0f} seconds", advice)
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode != 0:
        last = said[-1] if said else "it said nothing"
        return Check("opening", "problem", f"llama.cpp {_end(done.returncode)}: {last}", advice)
    answer = json.loads(done.stdout)
    if answer["error"]:
        return Check("opening", "problem", answer["error"], "see the message")
    return Check("opening", "ok", "llama.cpp opens it and decodes with it")


def _end(code: int) -> str:
    if code >= 0:
        return f"ended the process with exit status {code}"
    try:
        return f"ended the process with {signal.Signals(-code).name}"
    except ValueError:
        return f"ended the process with signal {-code}"


def check_model(model: Model, warnings: list[str]) -> Check:
    """Architecture, quantisation, training length; ``warnings`` are llama.cpp's at loading."""
    info = model.info
    detail = (
        f"{info.name}: {info.architecture} ({info.kind}), {info.quantisation}, "
        f"{info.n_params / 1e6:,.0f} M parameters, {info.n_layers} layers, "
        f"{info.n_vocab:,} tokens, trained for {info.n_ctx_train:,}"
    )
    if info.n_ctx_short is not None and info.n_ctx_short < info.n_ctx_train:
        detail += f", read up to {info.n_ctx_short:,} (with its short LongRoPE factors)"
    facts = {**info.to_dict(), "warnings": warnings}
    # Which tokens end an answer concerns no score, and llama.cpp mends it as it warns.
    worth_saying = [line for line in warnings if "special_eog_ids" not in line]
    if worth_saying:
        said = "; ".join(worth_saying)
        advice = "convert the model with a current llama.cpp if these concern the tokenizer"
        return Check("model", "warning", f"{detail}. llama.cpp warns: {said}", advice, facts)
    return Check("model", "ok", detail, facts=facts)


def check_special_tokens(model: Model) -> Check:
    """BOS and EOS: there, spelled and recognised, and put in front where the family needs it."""
    info, metadata = model.info, model.metadata()
    said = [
        f"BOS {info.bos_text!r} ({info.bos})" if info.bos is not None else "no BOS",
        f"EOS {info.eos_text!r} ({info.eos})" if info.eos is not None else "no EOS",
        model.settings.bos,
    ]
    if info.bos is not None and info.bos == info.eos:
        said.append("BOS and EOS are one token, as in GPT-2")
    facts = {"bos": info.bos, "eos": info.eos, "add_bos": info.add_bos}
    status: Status = "ok"
    advice = ""
    if "tokenizer.ggml.add_bos_token" not in metadata:
        status = "warning"
        said.append("the file does not say whether BOS goes in front; llama.cpp decided")
        advice = "compare with add_bos_token in the original tokenizer_config.json"
    if info.eos is None:
        status = "warning"
        said.append("a model without EOS never ends an answer")
        advice = "compare with eos_token in the original tokenizer_config.json"
    for name, token, text in (("EOS", info.eos, info.eos_text), ("BOS", info.bos, info.bos_text)):
        if token is not None and bare_ids(model, text) != [token]:
            status = "problem" if name == "BOS" else "warning"
            said.append(f"the text {text!r} does not become the {name} token {token}")
            advice = "the token's type is wrong in tokenizer.ggml.token_type; convert anew"
    if info.architecture.startswith("gemma") and not info.add_bos:
        status = "problem"
        said.append("Gemma models need BOS in front, and this file leaves it away")
        advice = "set tokenizer.ggml.add_bos_token to true with gguf-set-metadata"
    return Check("special tokens", status, "; ".join(said), advice, facts)


def check_chat_template(model: Model) -> Check:
    """Whether there is one, renders, and prints markers that the tokenizer knows."""
    info = model.info
    name = "chat template"
    if info.chat_template is None:
        return Check(name, "ok", "none, as usual for base models", facts={"present": False})
    template = ChatTemplate(info.chat_template, info.bos_text or None, info.eos_text or None)
    turns = [
        {"role": "user", "content": "What is the capital of France?"},
        {"role": "assistant", "content": "Paris."},
        {"role": "user", "content": "And of Italy?"},
    ]
    try:
        text = template.render(turns)
        takes_system = template.takes_system
    except FastscoreError as error:
        return Check(name, "warning", str(error), "score without --apply-chat-template")
    system = "takes" if takes_system else "refuses"
    detail = f"renders three turns to {len(text)} characters, and {system} a system message"
    unknown = [
        marker
        for marker in dict.fromkeys(_MARKER.findall(text))
        if len(bare_ids(model, marker)) > 1
    ]
    facts = {"present": True, "takes_system": takes_system, "unknown_markers": unknown}
    if unknown:
        detail += f"; to the tokenizer {', '.join(unknown)} are ordinary text"
        advice = "the template belongs to another tokenizer, or markers lack their token type"
        return Check(name, "warning", detail, advice, facts)
    return Check(name, "ok", detail, facts=facts)
