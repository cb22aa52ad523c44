"""Errors that fastscore raises on purpose.

Every message says what was wrong, the value, the limit, and what to do. The command line prints
the message alone and exits with ``exit_code``: 2 where the user asked for something that cannot
be, 1 where something failed on the way.
"""

from __future__ import annotations


class FastscoreError(Exception):
    """Base of all errors that fastscore raises on purpose."""

    exit_code = 1


class UsageError(FastscoreError, ValueError):
    """The request itself cannot be met: an unknown task, a bad option, a contradiction."""

    exit_code = 2


class DataError(FastscoreError):
    """A row, or a file of rows, cannot be read; the message names file and line."""


class DownloadError(FastscoreError):
    """A file could not be fetched from the hub, or what arrived was not whole."""


class ModelError(FastscoreError):
    """The model file cannot be loaded or cannot do what scoring needs."""


class TokenizerError(FastscoreError):
    """A text cannot be tokenised under the conventions in force."""


class DecodeError(FastscoreError):
    """llama.cpp refused or failed a batch, or returned logits that are no numbers."""


class EngineMismatchError(FastscoreError):
    """The installed llama-cpp-python does not fit this fastscore; the message names both."""


class MemoryLimitError(FastscoreError):
    """The run would not fit into the memory there is; said before anything is allocated."""


class QuantizeError(FastscoreError):
    """A model file could not be written in another type; the message has llama.cpp's reason."""


class ResultsError(FastscoreError):
    """Results cannot be read, written or compared."""


class SandboxError(FastscoreError):
    """Untrusted programs cannot be run as safely as asked; the message says what is missing."""
