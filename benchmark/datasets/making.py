"""Making a data set: a release that is linked, or pictures that the suite makes itself."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmark import files
from benchmark.datasets import _release, catalogue
from benchmark.datasets._known import MADE, names, unknown

#: Seconds to wait for another process that prepares the same data set.
PATIENCE = 3600.0


def prepare(
    name: str, root: str | os.PathLike[str] = "data", kind: str | None = None, **settings: object
) -> Path:
    """Make ``<root>/<name>`` anew: built aside and renamed, so a half-made folder is never taken for a whole.

    Parameters
    ----------
    name
        Name of the data set, and of its folder.
    root
        Folder that holds all data sets.
    kind
        What it is made as; default: `name`. ``"folder"`` takes any pictures, under any name.
    settings
        Keyword arguments of the module's ``prepare``; for the data sets of the catalogue, those of
        `benchmark.datasets._release.prepare`.

    Returns
    -------
    Path
        The finished folder.

    Raises
    ------
    ValueError
        For an unknown data set or setting, or what the data set's own ``prepare`` refuses.
    """
    make = _maker(kind or name)
    _check_settings(kind or name, make, settings)
    final = Path(root) / name
    aside = Path(root) / ".aside" / name
    lock = Path(root) / f".{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    # One at a time: what a killed run left can then be removed, and nobody's half is another's.
    busy = f"{final}: another process is preparing it"
    with files.alone(lock, busy, patience=PATIENCE):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            make(aside, **settings)
            if final.is_dir():
                shutil.rmtree(final)
            os.replace(aside, final)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            with suppress(OSError):  # another data set is being made there
                aside.parent.rmdir()
            lock.unlink(missing_ok=True)  # stages depend on all of `root`; who waits for it takes a new one
    return final


def _maker(name: str) -> Callable[..., None]:
    """Return what fills the folder of a data set."""
    if name in MADE:
        made: Callable[..., None] = importlib.import_module(f"{__package__}.{name}").prepare
        return made
    if name in catalogue.names():
        return functools.partial(_release.prepare, entry=catalogue.entry(name))
    raise ValueError(unknown("data set", name, names()))


def _check_settings(name: str, make: Callable[..., None], settings: dict[str, object]) -> None:
    """Refuse settings that `make` does not take, and name those it still needs."""
    known = dict(list(inspect.signature(make).parameters.items())[1:])
    known.pop("entry", None)
    for given in settings:
        if given not in known:
            raise ValueError(unknown(f"setting of data set {name!r}", given, list(known)))
    for needed, parameter in known.items():
        if parameter.default is parameter.empty and needed not in settings:
            raise ValueError(f"data set {name!r} needs the setting {needed!r}")
