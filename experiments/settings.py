"""The settings of a run: what ``params.yaml`` may hold, checked whole before any stage works."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

import methods
from benchmark import naming

PARAMS = Path("params.yaml")


class Section(BaseModel):
    """A section of ``params.yaml``; keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Prepare(Section):
    """Data sets to make or fetch, each with its settings.

    A list of names and, in ``settings``, the settings of some is read as well.
    """

    datasets: dict[str, dict[str, Any]]

    @model_validator(mode="before")
    @classmethod
    def _of_lists(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        listed, own = raw.get("datasets"), raw.get("settings") or {}
        if isinstance(listed, list):
            if twice := [name for place, name in enumerate(listed) if name in listed[:place]]:
                raise ValueError(f"datasets: {twice[0]!r} stands twice; leave one out")
            listed = {str(name): {} for name in listed}
        if not isinstance(listed, dict) or not isinstance(own, dict):
            return raw
        if unknown := [name for name in own if name not in listed]:
            hint = methods.hint(unknown[0], list(listed))
            raise ValueError(f"settings: {unknown[0]!r} is not declared in prepare.datasets; {hint}")
        rest = {key: value for key, value in raw.items() if key != "settings"}
        return {
            **rest,
            "datasets": {name: {**(one or {}), **own.get(name, {})} for name, one in listed.items()},
        }

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Settings of each data set."""
        return self.datasets


class Train(Section):
    """The pristine pictures that every method may learn from, and the rated ones that some do."""

    dataset: str
    rated: str | None = None
    #: Processes that share each batch of a method that can be trained so; torchrun starts them.
    processes: int = Field(ge=1, default=1)


class MethodSettings(Section):
    """Where a method's code lies, and the settings of its training and loading.

    The key of an entry names a row of the tables; ``code`` names the method, so that two rows may show one
    method with different settings. ``train: null`` takes the method as ``load`` gives it, untrained here.
    """

    code: str = Field(pattern=r"^methods/[a-z0-9]\w*(\.py)?$")
    train: dict[str, Any] | None = {}
    load: dict[str, Any] = {}

    @property
    def module(self) -> str:
        """Name of the method in ``methods/``."""
        return Path(self.code).stem


class Score(Section):
    """Data sets that every method scores: all that have opinions, if none are listed."""

    datasets: list[str]
    batch: int = Field(ge=1)
    #: Processes of a Ray cluster, of ``RAY_ADDRESS`` or of this machine, in place of the stage's own.
    engine: Literal["local", "ray"] = "local"


class Evaluate(Section):
    """Agreement with the scores of each data set."""

    resamples: int = Field(ge=100)
    interval: Literal["bca", "percentile"]
    mapping: Literal["logistic4", "logistic5"]
    #: Ratings behind each opinion of a data set, where known: its deviation then becomes a standard error.
    ratings: dict[str, float]


class CrossDataset(Section):
    """Probes trained on one data set and tested on another: all that are scored, if none are listed."""

    #: None: all that have features, but for those `without`.
    methods: list[str] | None = None
    without: list[str] = []
    datasets: list[str]

    def takes(self, method: str) -> bool:
        """Whether probes are trained on what a method sees, if it has features."""
        return method in self.methods if self.methods is not None else method not in self.without


class Sweep(Section):
    """Score against rising intensity."""

    dataset: str
    images: int = Field(ge=1)
    #: Kinds of degradation.
    kinds: Literal["all"] | list[str]


class Cost(Section):
    """Size of the picture, in pixels, whose scoring is counted."""

    width: int = Field(ge=32)
    height: int = Field(ge=32)


class Robustness(Section):
    """What harmless changes do to scores, what unknown damage does, and what features hold."""

    dataset: str
    #: Pictures of the changes that leave quality alone.
    images: int = Field(ge=3)
    #: Pristine photographs of the damage beyond training, its kinds and their highest level.
    references: int = Field(ge=1)
    kinds: list[str]
    levels: int = Field(ge=6)
    #: Data set of `cross_dataset` that has references, and methods of it whose features are laid out.
    manifold: str
    #: None: all that have features.
    features: list[str] | None = None


class Gmad(Section):
    """Group maximum differentiation competition: of all methods, on all that is scored if none are listed."""

    datasets: list[str]
    levels: int = Field(ge=2)
    half_width: float = Field(gt=0)
    scale: Literal["rank", "logistic"]
    #: Folder of the JSON files that people saved on the study page, by data set.
    answers: dict[str, str]


class Gradcam(Section):
    """Attribution maps and what is measured on them."""

    dataset: str
    #: None: all that have gradients.
    methods: list[str] | None = None
    #: Those of them measured with shuffled weights too, as a floor.
    shuffled: list[str]
    how: Literal["gradcam", "hirescam", "scorecam", "eigencam"]
    images: int = Field(ge=1)
    kinds: list[str]
    levels: list[int]


class Ablation(Section):
    """Variants of one method, each a file in ``experiments/ablation/``, equally trained."""

    method: str
    variants: list[str]
    #: Further trainings of the variant ``full``, each from its seed: what luck alone does to a number.
    seeds: list[Annotated[int, Field(ge=0)]]
    datasets: list[str]
    changes: dict[str, Any]


class Report(Section):
    """Notebooks that become pages, in the order of the menu."""

    pages: list[str]


class Settings(Section):
    """All of ``params.yaml``."""

    profile: str
    seed: int = Field(ge=0)
    threads: int = Field(ge=1)
    prepare: Prepare
    train: Train
    methods: dict[str, MethodSettings]
    score: Score
    evaluate: Evaluate
    cross_dataset: CrossDataset
    sweep: Sweep
    cost: Cost
    robustness: Robustness
    gmad: Gmad
    gradcam: Gradcam
    ablation: Ablation
    report: Report


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
    problems = [*_unfit_names(settings), *_unknown_names(settings)]
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
        raise ValueError(f"methods: {method!r} is not declared in params.yaml; {methods.hint(method, known)}")


def declared_dataset(name: str, settings: Settings) -> dict[str, Any]:
    """Return the settings of a data set.

    Raises
    ------
    ValueError
        If the settings do not declare it, with what was probably meant.
    """
    known = settings.prepare.datasets
    if name not in known:
        hint = methods.hint(name, list(known))
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
        raw = yaml.safe_load(path.read_text())
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


def source_of(name: str, path: Path = PARAMS) -> str | None:
    """Folder of a data set's release by the settings; nothing where they do not say, or are not here."""
    return load(path).prepare.settings.get(name, {}).get("source") if path.is_file() else None


def _known_keys(section: type[BaseModel]) -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation)
    return keys


#: What tables of gradCAM call their floors, beside a method's own name with `SHUFFLED` after it.
FLOORS = ("centre_prior", "random_map")
SHUFFLED = "_shuffled"


def _unfit_names(settings: Settings) -> Iterator[str]:
    """Names that no folder or stage can have, and those that two would share."""
    named = {
        "prepare.datasets": list(settings.prepare.datasets),
        "methods": list(settings.methods),
        "ablation.variants": settings.ablation.variants,
    }
    for key, names in named.items():
        yield from (f"{key}: {name!r} {why}" for name in names if (why := naming.fault(name)))
        for one, other in naming.twins(names):
            how = "stands twice; leave one out" if one == other else f"and {one!r} differ in case; rename one"
            yield f"{key}: {other!r} {how}"
    for name in settings.methods:
        if name in FLOORS or name.endswith(SHUFFLED):
            yield f"methods: {name!r} is what gradCAM's tables call a floor; choose another name"
    for name in settings.ablation.variants:
        if re.fullmatch(r"seed_\d+", name):
            yield f"ablation.variants: {name!r} is what a further seed is called; choose another name"


def _unknown_names(settings: Settings) -> list[str]:
    """Names of data sets and methods that are used but not declared."""
    prepared, every = list(settings.prepare.datasets), list(settings.methods)
    used: dict[str, tuple[list[str], list[str]]] = {
        "train.dataset": ([settings.train.dataset], prepared),
        "train.rated": ([settings.train.rated or settings.train.dataset], prepared),
        "score.datasets": (settings.score.datasets, prepared),
        "cross_dataset.methods": (settings.cross_dataset.methods or [], every),
        "cross_dataset.without": (settings.cross_dataset.without, every),
        "cross_dataset.datasets": (settings.cross_dataset.datasets, settings.score.datasets),
        "evaluate.ratings": (list(settings.evaluate.ratings), settings.score.datasets),
        "sweep.dataset": ([settings.sweep.dataset], prepared),
        "robustness.dataset": ([settings.robustness.dataset], settings.score.datasets),
        "robustness.manifold": ([settings.robustness.manifold], settings.cross_dataset.datasets),
        "robustness.features": (settings.robustness.features or [], settings.cross_dataset.methods or every),
        "gmad.answers": (list(settings.gmad.answers), settings.gmad.datasets),
        "gmad.datasets": (settings.gmad.datasets, settings.score.datasets),
        "gradcam.dataset": ([settings.gradcam.dataset], prepared),
        "gradcam.methods": (settings.gradcam.methods or [], every),
        "gradcam.shuffled": (settings.gradcam.shuffled, settings.gradcam.methods or every),
        "ablation.method": ([settings.ablation.method], every),
        "ablation.datasets": (settings.ablation.datasets, prepared),
        "methods": ([own.module for own in settings.methods.values()], methods.names()),
    }
    problems = [
        f"{key}: {name!r} is not declared; {methods.hint(name, known)}"
        for key, (names, known) in used.items()
        for name in names
        if name not in known
    ]
    problems += [
        f"{key}: {name!r} stands twice; leave one out"
        for key, (names, _) in used.items()
        for place, name in enumerate(names)
        if key != "methods" and name in names[:place]  # two rows may show one method
    ]
    return problems


def check_methods(settings: Settings) -> None:
    """Check the settings of every method against its code, which this imports.

    Raises
    ------
    ValueError
        Naming every setting that a method does not know or that has the wrong type.
    """
    problems = []
    for name, own in settings.methods.items():
        try:
            methods.check(own.module, train_settings=own.train or {}, load_settings=own.load)
        except ValueError as error:
            problems.append(f"methods.{name}: {error}")
    if problems:
        raise ValueError("\n".join(problems))
