"""The command ``fastscore-lm-eval``: lm-eval's own command line, with the model ``fastscore``."""

from __future__ import annotations

import sys

from fastscore.errors import FastscoreError

_COMMANDS = ("ls", "validate")  # that run nothing
_HELP = ("-h", "--help")
# Options after which lm-eval knows which model it runs.
_NAMES_MODEL = ("--model", "-M", "--config", "-C")


def main() -> None:
    """Run lm-eval's command line; ends the process with its exit code."""
    try:
        from fastscore.integrations import lm_eval as _registers_the_model  # noqa: F401

        sys.argv[1:] = with_model(sys.argv[1:])
        from lm_eval.__main__ import cli_evaluate

        cli_evaluate()
    except FastscoreError as error:
        print(f"fastscore-lm-eval: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def with_model(arguments: list[str]) -> list[str]:
    """Arguments of lm-eval with ``--model fastscore``, where they run something and name no model.

    lm-eval's own default is ``hf``.
    """
    rest = arguments[1:] if arguments[:1] == ["run"] else arguments
    names = {argument.partition("=")[0] for argument in rest}
    # Nothing at all is a question for help too.
    asks = not rest or not names.isdisjoint(_HELP)
    if asks or rest[0] in _COMMANDS or not names.isdisjoint(_NAMES_MODEL):
        return list(arguments)
    return ["run", "--model", "fastscore", *rest]
