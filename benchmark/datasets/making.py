"""Making a data set: a release that is linked, or pictures that the suite makes itself."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from benchmark import files
from benchmark.datasets import _release, catalogue
from benchmark.datasets._known import MADE, names, unknown
from benchmark.datasets.prepared import contents, linked

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
    asked = _asked(kind, settings)
    seen = linked.state(name, asked)  # before it is read: what changes meanwhile is looked at again
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
            _note(name, final, seen, asked)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            with suppress(OSError):  # another data set is being made there
                aside.parent.rmdir()
            lock.unlink(missing_ok=True)  # stages depend on all of `root`; who waits for it takes a new one
    return final


def is_current(
    name: str, root: str | os.PathLike[str] = "data", kind: str | None = None, **settings: object
) -> bool:
    """Whether ``<root>/<name>`` is what `prepare` would make of these settings and of the files here.

    Where its release is not here, what was made of it stands. What nobody has noted the origin of, as after
    `dvc pull`, is taken for current and noted.
    """
    final = Path(root) / name
    if not (final / "manifest.csv").is_file():
        return False
    asked = _asked(kind, settings)
    _, found = seen = linked.state(name, asked)
    if found is None:
        return True
    note = _note_of(name)
    if not note.is_file():
        _note(name, final, seen, asked)
        return True
    return note.read_text(encoding="utf-8") == _noted(final, seen, asked)


def check_current(
    name: str, root: str | os.PathLike[str] = "data", settings: Mapping[str, object] | None = None
) -> None:
    """Refuse the data set ``<root>/<name>`` where what it was prepared from has changed since.

    Parameters
    ----------
    name, root
        As for `prepare`.
    settings
        Its settings as they are now, ``kind`` among them; default: those that it was prepared with.

    Raises
    ------
    ValueError
        If its release, scores, record or settings are others than this machine has noted of it.
    """
    note, final = _note_of(name), Path(root) / name
    *_, told = noted = note.read_text(encoding="utf-8").splitlines() if note.is_file() else [""]
    if not told.startswith("{") or noted[2:-1] != _made(final):
        return  # it came from elsewhere, by `dvc pull` say: nothing is known of what it was made from
    asked: dict[str, Any] = json.loads(told) if settings is None else dict(settings)
    if not is_current(name, root, **asked):
        raise ValueError(
            f"{final}: the release, scores, record or settings of data set {name!r} have changed since it "
            f"was prepared; prepare it again (`dvc repro -f prepare@{name}`)"
        )


def _asked(kind: str | None, settings: Mapping[str, object]) -> dict[str, object]:
    """All settings of a data set, as ``params.yaml`` has them."""
    return {**settings, **({"kind": kind} if kind else {})}


def _note_of(name: str) -> Path:
    """File of this machine that says what a data set was made from."""
    return contents.JOURNALS / f"{name}.made"


def _note(name: str, final: Path, seen: tuple[str, str | None], asked: Mapping[str, object]) -> None:
    """Note what a data set was made from; where that cannot be written, it is not known later."""
    with suppress(OSError):
        files.write_text(_note_of(name), _noted(final, seen, asked))


def _noted(final: Path, seen: tuple[str, str | None], asked: Mapping[str, object]) -> str:
    """What a data set was made from, what came of it (another version may take its place), its settings."""
    told = json.dumps(asked, sort_keys=True, default=str)
    return "\n".join([*map(str, seen), *_made(final), told, ""])


def _made(final: Path) -> list[str]:
    """Digests of what a data set says of itself; "" for what is not there."""
    files_of = [final / name for name in ("manifest.csv", "record.json", contents.FILE)]
    return [files.sha256_of(path) if path.is_file() else "" for path in files_of]


def _maker(name: str) -> Callable[..., None]:
    """Return what fills the folder of a data set."""
    if name in MADE:
        made: Callable[..., None] = importlib.import_module(f"{__package__}.{name}").prepare
        return made
    if name in catalogue.names():
        return functools.partial(_release.prepare, entry=catalogue.entry(name))
    raise ValueError(unknown("data set", name, names()))


def _check_settings(name: str, make: Callable[..., None], settings: dict[str, object]) -> None:
    """Refuse settings that `make` does not take, and values of another type; name those it still needs."""
    known = dict(list(inspect.signature(make).parameters.items())[1:])
    known.pop("entry", None)
    hints = get_type_hints(make.func if isinstance(make, functools.partial) else make)
    for given, value in settings.items():
        if given not in known:
            raise ValueError(unknown(f"setting of data set {name!r}", given, list(known)))
        try:  # "false" in quotes is a word, which Python takes for true
            TypeAdapter(hints[given]).validate_python(value, strict=True)
        except ValidationError as error:
            why = error.errors()[0]["msg"]
            raise ValueError(f"setting {given!r} of data set {name!r}: {why} (got {value!r})") from None
    for needed, parameter in known.items():
        if parameter.default is parameter.empty and needed not in settings:
            raise ValueError(f"data set {name!r} needs the setting {needed!r}")
