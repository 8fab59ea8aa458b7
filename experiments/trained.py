"""Methods as a training left them: a folder with ``method.json`` and, where something was learnt, weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import methods
from benchmark.method import Method
from experiments import stage


def load_trained(name: str, models: Path = stage.MODELS) -> Method:
    """Load a method as its stage left it in ``models/<name>/``, or wherever that folder is by now.

    Raises
    ------
    ValueError
        If it has not been trained.
    """
    path = models / name / "method.json"
    if not path.is_file():
        raise ValueError(f"{path} is missing; run `dvc repro train@{name}`")
    trained = json.loads(path.read_text())
    if "method" not in trained:
        raise ValueError(f"{path} is of another version of the suite; run `dvc repro -f train@{name}`")
    method = methods.load(trained["method"], **_found(path.parent, trained["load"]))
    method.name = trained["name"]
    return method


def _found(folder: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments whose files lie beside ``method.json`` point there, whatever folder they were written in."""
    beside = {key: folder / Path(value).name for key, value in arguments.items() if isinstance(value, str)}
    return {**arguments, **{key: str(path) for key, path in beside.items() if path.is_file()}}


def load_here(name: str, models: Path = stage.MODELS) -> Method:
    """Load a method from a folder that training left, as the pipeline trained it, or else as it comes.

    Raises
    ------
    ValueError
        If there is no such method, or it is neither trained nor usable without training.
    """
    folder = Path(name) if (Path(name) / "method.json").is_file() else models / name
    if (folder / "method.json").is_file():
        return load_trained(folder.name, folder.parent)
    try:
        return methods.load(name)
    except ValueError as error:
        base = name.partition(":")[0]
        told = "iqa train" in str(error)
        if told or base.replace("-", "_") not in methods.names() or not hasattr(methods.find(base), "train"):
            raise
        how = f"iqa train {base} --images FOLDER --out OUT"
        raise ValueError(f"{error}; or train it: `{how}`, then take --method OUT") from error
