"""Where the weights of other people's methods are kept, and how they get there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return the folder of what is fetched: ``IQA_CACHE``, or ``qualibench`` among the platform's caches."""
    return Path(os.environ.get("IQA_CACHE") or user_cache_path("qualibench"))


def weights_file(name: str, urls: Sequence[str], sha256: str | None = None) -> Path:
    """Return a weights file from the cache, fetched first where it is not there yet.

    Parameters
    ----------
    name
        File name in :func:`cache_folder`, below ``weights/``.
    urls
        Where the very same file can be had, tried in turn.
    sha256
        Its known hash; without one, that of the first download is kept beside the file and checked from then
        on.

    Raises
    ------
    ValueError
        If it cannot be fetched, or is not the file that the hash names.
    """
    from benchmark.fetching import fetch

    return fetch(urls, cache_folder() / "weights" / name, sha256=sha256)
