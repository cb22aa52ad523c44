"""Quantises one model file, in a process that may well die: ``-m fastscore.model.quantise_worker``.

Takes a job as JSON, a `fastscore.model.quantise_process.Job`. Writes a line of JSON for every
tensor, ``{"done": n, "total": n}``, for the size that llama.cpp expects, ``{"bytes": n}``, and at
the end ``{"error": message or null}``.

llama.cpp cannot be interrupted while it quantises. So Ctrl-C ends this process at once, and so does
the end of the process that started it, which closes the standard input.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import sys
import threading
from typing import Any

from fastscore.model import library

_TENSOR = re.compile(rb"\[\s*(\d+)/\s*(\d+)\]")
_SIZE = re.compile(rb"quant size\s*=\s*([\d.]+) MiB")
_ERROR, _CONTINUED = 4, 5  # GGML_LOG_LEVEL_*; the latter goes on with the message before
_OUTPUT = os.dup(1)


def _say(**facts: Any) -> None:
    os.write(_OUTPUT, json.dumps(facts).encode() + b"\n")


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def _log_to(api: Any, messages: list[str]) -> Any:
    """Report tensors as llama.cpp names them, and keep its errors.

    Warnings are left out: there may be one for every tensor.
    """
    before = 0

    @api.llama_log_callback  # type: ignore[untyped-decorator]
    def heard(level: int, text: bytes, _: Any) -> None:
        nonlocal before
        before = before if level == _CONTINUED else level
        if found := _TENSOR.match(text):
            _say(done=int(found[1]), total=int(found[2]))
        elif found := _SIZE.search(text):
            _say(bytes=int(float(found[1]) * 2**20))
        if before == _ERROR:
            messages.append(text.decode(errors="replace"))

    api.llama_log_set(heard, ctypes.c_void_p(0))
    return heard


def _overrides(api: Any, facts: dict[str, str]) -> Any:
    """Metadata to write beside the model's own; an empty entry ends the list."""
    overrides = (api.llama_model_kv_override * (len(facts) + 1))()
    for override, (key, text) in zip(overrides, facts.items(), strict=False):
        override.key, override.tag = key.encode(), api.LLAMA_KV_OVERRIDE_TYPE_STR
        override.value.val_str = text.encode()
    return overrides


def quantise(job: dict[str, Any]) -> str | None:
    """Do it; what llama.cpp says where it fails."""
    api, _ = library.load()
    messages: list[str] = []
    callback = _log_to(api, messages)
    overrides = _overrides(api, job["facts"])
    params = api.llama_model_quantize_default_params()
    params.ftype, params.nthread, params.pure = job["type"], job["n_threads"], job["pure"]
    params.allow_requantize, params.dry_run = True, job["dry_run"]
    params.max_buf_size, params.kv_overrides = job["buffer_bytes"], overrides
    source, target = os.fsencode(job["source"]), os.fsencode(job["target"])
    try:
        if api.llama_model_quantize(source, target, ctypes.byref(params)) != 0:
            return "".join(messages).strip() or "it gives no reason"
        return None if job["dry_run"] else _open(api, target, messages)
    finally:
        del callback, overrides  # llama.cpp used them until here


def _open(api: Any, path: bytes, messages: list[str]) -> str | None:
    """Have llama.cpp read what it wrote: metadata, vocabulary, and where each tensor lies."""
    messages.clear()
    params = api.llama_model_default_params()
    params.vocab_only = True
    model = api.llama_model_load_from_file(path, params)
    if not model:
        return f"it cannot read what it wrote: {''.join(messages).strip()}"
    api.llama_model_free(model)
    return None


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.dup2(2, 1)  # whatever libraries print is no answer
    _say(error=quantise(json.loads(sys.argv[1])))
    # llama.cpp logs up to its end, into a function that Python takes down before.
    os._exit(0)
