"""What ``params.yaml`` may hold: a class a section."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from benchmark import naming

#: The variant of the ablation that the others are compared with, and that further seeds train again.
BASE = "full"


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
            hint = naming.hint(unknown[0], list(listed))
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
    """The pristine pictures that every method may learn from, and the rated ones that some do.

    Where no method learns from scores, ``rated`` may name the pristine ones: `dvc.yaml` asks for both.
    """

    dataset: str
    rated: str
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
    ratings: dict[str, Annotated[float, Field(ge=1, allow_inf_nan=False)]]
    #: Difference of SRCC up to which two methods count as equally good.
    margin: float = Field(gt=0, lt=1, default=0.01)


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

    #: None: all but those that ask an endpoint about each picture.
    methods: list[str] | None = None
    dataset: str
    images: int = Field(ge=1)
    #: Kinds of degradation.
    kinds: Literal["all"] | Annotated[list[str], Field(min_length=1)]


class Cost(Section):
    """Size of the picture, in pixels, whose scoring is counted."""

    width: int = Field(ge=32)
    height: int = Field(ge=32)


class Robustness(Section):
    """What harmless changes do to scores, what unknown damage does, and what features hold."""

    #: Whose scores of changed pictures are looked at; None: all but those that ask an endpoint about each.
    methods: list[str] | None = None
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
    kinds: list[str] = Field(min_length=1)
    levels: list[Annotated[int, Field(ge=1, le=5)]] = Field(min_length=1)


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

    pages: list[str] = Field(min_length=1)
    #: "none" makes the same pages without any picture, for data whose terms let nobody pass them on.
    pictures: Literal["all", "none"] = "all"


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

    def resampling(self, dataset: str) -> dict[str, Any]:
        """Return how figures of a data set are made, as a record of results states it."""
        asked = self.evaluate
        return {
            "resamples": asked.resamples,
            "seed": self.seed,
            "interval": asked.interval,
            "mapping": asked.mapping,
            "ratings": asked.ratings.get(dataset),
        }
