"""What an adapter says where its tool is not installed."""

from __future__ import annotations

from fastscore.errors import FastscoreError


class MissingToolError(FastscoreError, ImportError):
    """A tool that an adapter is for is not installed; the message says how to get it."""


def missing_tool(tool: str, extra: str, error: ImportError) -> MissingToolError:
    """Return the error for a tool that could not be imported; ``extra`` is fastscore's for it."""
    return MissingToolError(
        f"{tool} cannot be imported ({error}); install it with "
        f"\"pip install 'fastscore-gguf[{extra}]'\""
    )
