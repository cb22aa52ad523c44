"""Which hub, which cache, and whether to go there at all: asked at each call.

``huggingface_hub`` reads its environment once, when it is imported, which may be before the user
set a variable; so the endpoint is read here and handed to the library outright.
"""

from __future__ import annotations

import os
from pathlib import Path

from fastscore.machine import home_expanded


def endpoint() -> str:
    """Give the address of the hub: ``HF_ENDPOINT``, else the library's own."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or str(constants.ENDPOINT)).rstrip("/")


def cache_dir() -> Path:
    """Give the library's cache directory (``HF_HUB_CACHE``, ``HF_HOME``)."""
    from huggingface_hub import constants

    return home_expanded(constants.HF_HUB_CACHE)


def is_offline(asked: bool | None) -> bool:
    """Say whether to stay off the network: as asked, else as ``HF_HUB_OFFLINE`` says."""
    from huggingface_hub import constants

    if asked is not None:
        return asked
    value = os.environ.get("HF_HUB_OFFLINE", "").upper()
    return value in constants.ENV_VARS_TRUE_VALUES or bool(constants.HF_HUB_OFFLINE)
