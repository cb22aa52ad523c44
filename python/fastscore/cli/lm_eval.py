"""The command ``fastscore-lm-eval``: lm-eval's own command line, with the model ``fastscore``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from fastscore.cli.failures import INTERRUPTED
from fastscore.errors import FastscoreError
from fastscore.reporters import say

_COMMANDS = ("ls", "validate")  # that run nothing
_HELP = ("-h", "--help")
_READ_ARGUMENTS = ("lm_eval._cli.utils", "lm_eval.config.", "lm_eval.api.registry")


def main() -> None:
    """Run lm-eval's command line; ends the process with its exit code."""
    try:
        from fastscore.integrations import lm_eval as _registers_the_model  # noqa: F401

        sys.argv[1:] = with_model(sys.argv[1:])
        from lm_eval.__main__ import cli_evaluate

        cli_evaluate()
    except FastscoreError as error:
        say(f"fastscore-lm-eval: {error}")
        raise SystemExit(error.exit_code) from None
    except (ValueError, TypeError, FileNotFoundError) as error:
        if not _is_about_arguments(error):
            raise
        say(f"fastscore-lm-eval: {error}")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        say("\nStopped. With --use_cache, the answers so far are kept for the next run.")
        raise SystemExit(INTERRUPTED) from None


def _is_about_arguments(error: Exception) -> bool:
    """Say whether lm-eval raised this itself as it read what it was asked for."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return module.startswith(_READ_ARGUMENTS)


def with_model(arguments: list[str]) -> list[str]:
    """Arguments of lm-eval with ``--model fastscore``, where they run something and name no model.

    lm-eval's own default is ``hf``.
    """
    rest = arguments[1:] if arguments[:1] == ["run"] else arguments
    # Nothing at all is a question for help too.
    asks = not rest or not set(rest).isdisjoint(_HELP)
    if asks or rest[0] in _COMMANDS or _names_model(rest):
        return list(arguments)
    return ["run", "--model", "fastscore", *rest]


def _names_model(arguments: list[str]) -> bool:
    """Say whether the model is named, by an option or in the file of ``--config``."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--model", "-M")
    parser.add_argument("--config", "-C", type=Path)
    try:
        named, _ = parser.parse_known_args(arguments)
        if named.model is not None or named.config is None:
            return named.model is not None
        settings = yaml.safe_load(named.config.read_text(encoding="utf-8"))
    except (argparse.ArgumentError, OSError, ValueError, yaml.YAMLError):
        return True  # lm-eval says what is wrong with it
    return not isinstance(settings, dict) or "model" in settings
