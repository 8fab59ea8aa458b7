"""Methods as a training left them: a folder with ``method.json`` and, where something was learnt, weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import methods
from benchmark.files import hidden
from benchmark.method import Method, Trained, check_scores
from experiments.runs import stage
from experiments.runs.closure import closure
from experiments.runs.releases import releases

#: What stands before the name of a method that was trained here.
TRAINED = "trained"


def load_trained(name: str, models: Path = stage.MODELS) -> Method:
    """Load a method as its stage left it in ``models/<name>/``, or wherever that folder is by now.

    Raises
    ------
    ValueError
        If it has not been trained.
    """
    folder = models / name
    trained = Trained.read(folder)
    method = methods.load(trained.method, **_found(folder, trained.load))
    method.name = trained.name
    return method


def _found(folder: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments whose files lie beside ``method.json`` point there, whatever folder they were written in."""
    beside = {key: folder / Path(value).name for key, value in arguments.items() if isinstance(value, str)}
    return {**arguments, **{key: str(path) for key, path in beside.items() if path.is_file()}}


def version_of(folder: Path) -> str:
    """Digest of all that training left in a folder, weights too: others may have taken their place."""
    return stage.sha256(path for path in folder.iterdir() if path.is_file())


def as_it_is(folder: Path) -> Trained:
    """Read what training wrote down, with the digest of the code that scores with it now.

    Scores rest on the code of the day, whichever the training had.
    """
    made = Trained.read(folder)
    return replace(made, code_sha256=code_sha256(made.method))


def load_here(name: str, models: Path = stage.MODELS, *, told: Mapping[str, Any] | None = None) -> Method:
    """Load a method that is to score, by one rule for the command line, Python and the hub.

    Parameters
    ----------
    name
        A method of ``methods/``, as published: ``"qualiclip"``; or a folder that training left; or
        ``"trained:qualiclip"``, what the pipeline has trained here.
    models
        Where the pipeline leaves what it trains.
    told
        Settings of a published method; what was trained loads as its training says.

    Raises
    ------
    ValueError
        If there is no such method, its published weights cannot be had, a setting is not one of it, or it
        has features alone (`benchmark.method.NoScores`).
    """
    folder = folder_of(name, models)
    if folder is None:
        method: Method = methods.load(name, **(told or {}))
        check_scores(method)
        return method
    if told:
        raise ValueError(
            f"--set {next(iter(told))}: {name} was trained, and loads as its training left it; settings are "
            "for published methods"
        )
    method = load_trained(folder.name, folder.parent)
    check_scores(method)
    return method


def folder_of(name: str, models: Path = stage.MODELS) -> Path | None:
    """Folder of a trained method that a name means; nothing where it means a published one."""
    kind, _, own = name.partition(":")
    if kind == TRAINED:
        return models / own
    return Path(name) if (Path(name) / "method.json").is_file() else None


def code_sha256(name: str) -> str:
    """Digest of the code that a method's scores rest on; of packages that score in its place, the release."""
    code = stage.sha256(code_files(name))
    scored_by = releases(Path(methods.find(name).__file__ or ""))
    return hashlib.sha256("\n".join([code, *scored_by]).encode()).hexdigest() if scored_by else code


def code_files(name: str) -> list[Path]:
    """Python files that a method's scores rest on, and the data that lie in its folder."""
    file = Path(methods.find(name).__file__ or "")
    if file.name != "__init__.py":
        return closure(f"methods.{file.stem}")
    beside = [p for p in file.parent.rglob("*") if p.is_file() and not hidden(p.relative_to(file.parent))]
    data = [path for path in beside if path.suffix not in (".py", ".pyc", ".md")]
    return [*closure(f"methods.{file.parent.name}"), *data]
