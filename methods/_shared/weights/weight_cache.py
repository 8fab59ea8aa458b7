"""Where the weights of other people's methods are kept, and how they get there."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from benchmark.files import inside, sha256_of
from benchmark.files.fetching import HUB, FetchError, Patience, fetch

#: A few seconds: whoever loads a method waits for the answer.
PATIENCE = Patience(rounds=3)


def cache_folder() -> Path:
    """Return the folder of what is fetched: ``IQA_CACHE``, or ``qualibench`` among the platform's caches."""
    return Path(os.environ.get("IQA_CACHE") or user_cache_path("qualibench"))


def cached(name: str) -> Path:
    """Return where the weights file ``name`` lies once it is fetched."""
    return inside(cache_folder() / "weights", name)


def hub_cache() -> Path:
    """Return the cache of huggingface_hub, found as that library finds it, from the environment of now."""
    told = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    home = os.environ.get("HF_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"
    )
    return Path(os.path.expandvars(os.path.expanduser(told or os.path.join(home, "hub"))))


def in_hub_cache(urls: Sequence[str]) -> Path | None:
    """Return the file of the first address of the hub that huggingface_hub has fetched already."""
    found = [re.fullmatch(rf"{HUB}/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", url) for url in urls]
    if not any(found) or not hub_cache().is_dir():
        return None
    from huggingface_hub import try_to_load_from_cache

    for repository, revision, file in (match.groups() for match in found if match):
        path = try_to_load_from_cache(repository, file, cache_dir=hub_cache(), revision=revision)
        if isinstance(path, str):
            return Path(path)
    return None


def here(name: str, urls: Sequence[str]) -> Path | None:
    """Return where a weights file lies already: our cache, else that of huggingface_hub."""
    return cached(name) if cached(name).is_file() else in_hub_cache(urls)


def weights_file(name: str, urls: Sequence[str], sha256: str | None = None) -> Path:
    """Return a weights file from our cache or that of huggingface_hub, fetched first where neither has it.

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
    if (found := here(name, urls)) is None or found == cached(name):
        return fetch(urls, cached(name), sha256=sha256, patience=PATIENCE)
    blob = found.resolve().name  # large files are kept under their digest
    expected = sha256 or (blob if re.fullmatch("[0-9a-f]{64}", blob) else "")
    if expected and sha256_of(found) != expected.lower():
        raise FetchError(f"{found}: its sha256 is not {expected}; delete it and fetch it again")
    return found


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
    for source in sorted(sources, key=lambda source: here(source.name, [source.url]) is None):
        try:
            return weights_file(source.name, [source.url], source.sha256)
        except ValueError as error:
            problems.append(str(error))
    raise ValueError(f"{what}: {'; '.join(problems)}")
