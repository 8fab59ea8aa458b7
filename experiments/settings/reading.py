"""``params.yaml`` read and checked whole, before any stage works."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

import methods
from benchmark import files, naming
from experiments.settings.names import undeclared, unfit
from experiments.settings.sections import Settings

PARAMS = Path("params.yaml")


def parse(raw: dict[str, Any], where: str = "params.yaml") -> Settings:
    """Check raw settings.

    Raises
    ------
    ValueError
        Naming every key that is unknown, missing or of the wrong type, and every name not declared.
    """
    try:
        settings = Settings.model_validate(_filled(raw), strict=True)
    except ValidationError as error:
        raise ValueError(f"{where}:\n{methods.explain('', error.errors(), _known_keys(Settings))}") from None
    problems = [*unfit(settings), *undeclared(settings)]
    runs = [settings.seed, *settings.ablation.seeds]
    if len(set(runs)) < len(runs):
        problems.append(f"ablation.seeds: {runs[1:]} must differ from each other and from seed {runs[0]}")
    if problems:
        raise ValueError(f"{where}:\n" + "\n".join(problems))
    return settings


def declared(method: str, settings: Settings) -> None:
    """Refuse a method that the settings do not declare.

    Raises
    ------
    ValueError
        With what was probably meant.
    """
    if method not in settings.methods:
        known = list(settings.methods)
        raise ValueError(f"methods: {method!r} is not declared in params.yaml; {naming.hint(method, known)}")


def declared_dataset(name: str, settings: Settings) -> dict[str, Any]:
    """Return the settings of a data set.

    Raises
    ------
    ValueError
        If the settings do not declare it, with what was probably meant.
    """
    known = settings.prepare.datasets
    if name not in known:
        hint = naming.hint(name, list(known))
        raise ValueError(f"prepare.datasets: {name!r} is not declared in params.yaml; {hint}")
    return known[name]


def load(path: Path = PARAMS) -> Settings:
    """Read and check ``params.yaml``.

    Raises
    ------
    ValueError
        If the file is missing, is not YAML, or fails :func:`parse`.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing; run from the top of the repository")
    try:
        raw = files.read_yaml(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ValueError(f"{path} holds no settings")
    return parse(raw, str(path))


def has_opinions(name: str, own: Mapping[str, Any]) -> bool:
    """Whether somebody, or a proxy, rated the pictures of a data set, by its record."""
    from benchmark.datasets import _known, catalogue

    kind = str((own or {}).get("kind", name))
    if kind in _known.MADE:
        return kind not in ("folder", "pristine")
    return kind not in _known.recorded() or catalogue.entry(kind).score is not None


def _filled(raw: dict[str, Any]) -> dict[str, Any]:
    """Lists that are left open: every data set that has opinions is scored, probed and competed on."""
    prepare = raw.get("prepare")
    listed = prepare.get("datasets") if isinstance(prepare, dict) else None
    if not isinstance(listed, list | dict):
        return raw
    named = listed if isinstance(listed, dict) else (prepare or {}).get("settings") or {}
    filled = dict(raw)
    rated = [name for name in listed if has_opinions(str(name), named.get(name) or {})]
    for key, otherwise in (("score", None), ("cross_dataset", "score"), ("gmad", "score")):
        section = filled.get(key)
        if isinstance(section, dict) and section.get("datasets") is None:
            every = filled.get(otherwise, {}).get("datasets", rated) if otherwise else rated
            filled[key] = {**section, "datasets": every}
    return filled


def sources(path: Path = PARAMS) -> dict[str, str]:
    """Folders of the releases for which the settings say one, by data set; none without settings."""
    told = load(path).prepare.settings if path.is_file() else {}
    return {name: own["source"] for name, own in told.items() if own.get("source")}


def _known_keys(section: type[BaseModel]) -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation)
    return keys


def check_methods(settings: Settings) -> None:
    """Check the settings of every method against its code, which this imports.

    Raises
    ------
    ValueError
        Naming every setting that a method does not know or that has the wrong type, and data sets that its
        card names and that there are not.
    """
    from benchmark.datasets._known import check_opinions

    problems = []
    for name, own in settings.methods.items():
        try:
            methods.check(own.module, train_settings=own.train or {}, load_settings=own.load)
            check_opinions(methods.card(own.module).opinions_of, "opinions_of of its card")
        except ValueError as error:
            problems.append(f"methods.{name}: {error}")
    if problems:
        raise ValueError("\n".join(problems))
