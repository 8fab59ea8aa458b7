"""Where the weights of other people's methods are kept, and how they get there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from benchmark.fetching import Patience, fetch

#: A few seconds: whoever loads a method waits for the answer.
PATIENCE = Patience(rounds=3)


def cache_folder() -> Path:
    """Return the folder of what is fetched: ``IQA_CACHE``, or ``qualibench`` among the platform's caches."""
    return Path(os.environ.get("IQA_CACHE") or user_cache_path("qualibench"))


def cached(name: str) -> Path:
    """Return where the weights file ``name`` lies once it is fetched."""
    return cache_folder() / "weights" / name


def weights_file(name: str, urls: Sequence[str], sha256: str | None = None) -> Path:
    """Return a weights file from the cache, fetched first where it is not there yet.

    Parameters
    ----------
    name
        File name in the cache.
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
    return fetch(urls, cached(name), sha256=sha256, patience=PATIENCE)


@dataclass(frozen=True)
class Source:
    """A file that holds the weights wanted; another source may hold them in another format.

    Parameters
    ----------
    name
        File name in the cache.
    url
        Its address.
    sha256
        Its hash where it is known from a source that can be trusted, see :func:`weights_file`.
    """

    name: str
    url: str
    sha256: str | None = None


def first_of(what: str, sources: Sequence[Source]) -> Path:
    """Return the file of the first source that has one: what is cached first, then each address in turn.

    Raises
    ------
    ValueError
        In one line that begins with ``what``, if none can be had.
    """
    problems = []
    for source in sorted(sources, key=lambda source: not cached(source.name).is_file()):
        try:
            return weights_file(source.name, [source.url], source.sha256)
        except ValueError as error:
            problems.append(str(error))
    raise ValueError(f"{what}: {'; '.join(problems)}")
