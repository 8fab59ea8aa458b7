"""Records that somebody offers: in a folder, at an address, or where Git or DVC keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark import exchange
from benchmark.exchange.record import parsed
from benchmark.files import web
from benchmark.images.addresses import is_address

#: Seconds for a record or its scores to come.
PATIENCE = 600.0

#: From ``METHOD/DATASET`` to the record and its scores; ValueError or OSError where there is none.
Offer = Callable[[str], tuple[exchange.Record, bytes]]


@contextmanager
def offers(source: str, repo: str = "", rev: str = "", remote: str = "") -> Iterator[Offer]:
    """Open what offers records.

    Parameters
    ----------
    source
        A folder, the address of one, or with ``repo`` or ``remote`` a folder of that repository.
    repo, rev, remote
        As `dvc get` takes them: a repository of Git, folder or address, this checkout without one; a revision
        of it; the remote of its DVC configuration that holds the files.

    Yields
    ------
    Offer
        Takes ``METHOD/DATASET``.

    Raises
    ------
    ValueError
        If ``source`` is neither an address nor a folder, or the repository or its remote is not there.
    """
    if repo or rev or remote:
        with _repository(repo, rev, remote) as opened:
            yield lambda place: _both(
                lambda ending: _in_repository(opened, f"{source}/{place}{ending}", ending), place
            )
    elif is_address(source):
        web.check_address(source)
        yield lambda place: _both(lambda ending: _at(f"{source.rstrip('/')}/{place}{ending}", ending), place)
    elif Path(source).is_dir():
        yield lambda place: _in_folder(Path(source) / f"{place}.json")
    else:
        raise ValueError(f"{source}: is not a folder of records, nor an address")


def _both(content: Callable[[str], bytes], place: str) -> tuple[exchange.Record, bytes]:
    return parsed(content(".json"), place), content(".csv")


def _in_folder(path: Path) -> tuple[exchange.Record, bytes]:
    record, scores = exchange.read(path), exchange.beside(path)
    if scores is None:
        raise ValueError(f"{path}: no scores lie beside")
    return record, scores


def _at(url: str, ending: str) -> bytes:
    try:
        return web.read(url, seconds=PATIENCE, largest=exchange.LARGEST[ending])
    except ValueError as error:
        raise ValueError(f"{url}: {error}") from error


@contextmanager
def _repository(repo: str, rev: str, remote: str) -> Iterator[Any]:
    """Open the files of a repository, those that DVC keeps too."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    opened = DVCFileSystem(repo or ".", rev=rev or None, remote=remote or None)
    try:
        known = opened.repo.config["remote"]  # opens it
        if remote and remote not in known:
            raise ValueError(
                f"--remote {remote}: its DVC configuration has {', '.join(known) or 'no remote'}"
            )
        yield opened
    except (DvcException, SCMError) as error:
        raise ValueError(f"--repo {repo or '.'}: {error}") from error
    finally:
        opened.close()


def _in_repository(opened: Any, path: str, ending: str) -> bytes:
    largest = exchange.LARGEST[ending]
    try:
        with opened.open(path, "rb") as file:
            content: bytes = file.read(largest + 1)
    except Exception as error:  # every kind of remote raises errors of its own
        raise ValueError(f"{path}: {error or type(error).__name__}") from error
    if len(content) > largest:
        raise ValueError(f"{path}: more than {largest / 1e6:g} MB")
    return content
