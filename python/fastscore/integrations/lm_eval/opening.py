"""From lm-eval's model arguments to an open model, and what is said of it in lm-eval's files."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from importlib.metadata import version
from numbers import Integral
from pathlib import Path
from typing import Any

from fastscore.errors import UsageError
from fastscore.model import Model
from fastscore.model.sampling import check_sampling
from fastscore.nearest import did_you_mean
from fastscore.settings import refuse_options
from fastscore.types import Sampling

_log = logging.getLogger(__name__)


_WHOLE = ((Integral,), "a whole number")
_TRUTH = ((bool,), "True or False")
_TEXT = ((str,), "a text")
# Arguments out of lm-eval's command line are what their text looks like. `Model` checks its own.
_KINDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("max_length", "max_gen_toks", "seed", "n_parallel"), _WHOLE),
    **dict.fromkeys(("add_bos_token", "enable_thinking"), _TRUTH),
    **dict.fromkeys(("think_end_token", "device"), _TEXT),
    "chat_template_args": ((Mapping,), "names with values"),
}
_NEEDED = ("max_gen_toks", "seed")
_AT_LEAST_ONE = ("max_gen_toks", "n_parallel")


def check_arguments(own: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raise UsageError for an argument that does not exist or has a value of another kind.

    ``own`` are those of the model that lm-eval sees, ``options`` those of `fastscore.Model`.
    """
    known = ["pretrained", *own, *list(inspect.signature(Model).parameters)[1:]]
    for name, value in {**own, **options}.items():
        if name not in known:
            raise UsageError(
                f"fastscore's lm-eval model has no argument {name} (given as {value!r}); "
                f"{did_you_mean(name, known, 'it takes ' + ', '.join(known))}"
            )
        if name not in _KINDS or (value is None and name not in _NEEDED):
            continue
        kinds, wanted = _KINDS[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise UsageError(f"{name} is {value!r}; give {wanted}")
        if name in _AT_LEAST_ONE and value < 1:
            raise UsageError(f"{name} is {value}; give {wanted}, 1 or more")
    check_sampling(Sampling(seed=own["seed"]))


def open_model(
    model: str | Path | Model | None, device: str | None, options: dict[str, Any]
) -> tuple[Model, bool]:
    """Open a model unless it is open already; say whether it was opened here.

    ``options`` are those of `fastscore.Model`.
    """
    if isinstance(model, Model):
        refuse_options(options, "a model", "Model")
        return model, False
    if (device or "").partition(":")[0] == "cpu":
        options.setdefault("n_gpu_layers", 0)
    opened = Model(model, **options)  # type: ignore[arg-type]  # one of the two names is given
    # lm-eval's command line asks for cuda:0 where nothing else is said, whatever there is.
    if device is not None and opened.settings.n_gpu_layers == 0:
        _log.info("device %s is asked for; the model is on the CPU", device)
    return opened, True


def check_bos(model: Model, add_bos_token: bool | None) -> None:
    """Raise UsageError where BOS is asked for otherwise than the model file says."""
    says = model.info.add_bos
    if add_bos_token is not None and add_bos_token != says:
        raise UsageError(
            f"add_bos_token is {add_bos_token!r}, and the model file says {says}; leave it "
            "out, or correct tokenizer.ggml.add_bos_token in the file with gguf-set-metadata"
        )


def facts_of(model: Model) -> dict[str, Any]:
    """Facts of a model for lm-eval's results file, by its names where it has one."""
    info = model.info
    return {
        "model_num_parameters": info.n_params,
        "model_dtype": info.quantisation,
        "model_revision": model.located.revision or "",
        "model_sha": model.fingerprint,
        "model_name": info.name,
        "model_path": info.path,
        "max_length": model.settings.max_length,
        "fastscore_version": version("fastscore-gguf"),
        "engine": model.settings.to_dict(),
    }
