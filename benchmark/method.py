"""What the instrument expects of a method: Protocols, no base class to inherit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

from benchmark import files

if TYPE_CHECKING:  # reading settings and cards must not wait for torch
    from torch import Tensor, nn

    from benchmark.datasets.prepared import Dataset


#: What weights can have learnt from.
KINDS = ("corpus", "teacher", "opinions", "pictures")


@dataclass(frozen=True)
class Exposure:
    """One thing that the weights of a method have learnt from.

    Parameters
    ----------
    kind
        ``"corpus"``: what its network was trained on before; ``"teacher"``: a network that it imitates;
        ``"opinions"``: scores by people; ``"pictures"``: pictures without opinions.
    what
        Name of a data set of this suite where it is one, else words.
    source
        Where that is said.
    standing
        ``"V"`` verified there, ``"S"`` from a second hand, ``"R"`` recalled.
    """

    kind: str
    what: str
    source: str
    standing: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.standing not in ("V", "S", "R") or not self.what or not self.source:
            raise ValueError(
                f"exposure: {self} needs a kind of {', '.join(KINDS)}, what, source, and standing V, S or R"
            )


@dataclass(frozen=True)
class Card:
    """What a reader must know before trusting a method's scores.

    Parameters
    ----------
    title
        Name as the literature prints it.
    paper
        Citation in one line, or "" for a method without one.
    licence
        Licence of the weights, or of the method where there are none.
    training_data
        What it learnt from, in words.
    opinion_aware
        Whether human scores took part in the training.
    low, high
        Range of the score; infinite where it has no bound.
    input
        Input protocol in words: whole image, crops, resizing.
    higher_is_better
        Direction of the score.
    weights
        Where the weights come from, in words, or "" for a method without any.
    opinions_of
        Data sets whose opinions it learnt, by their names in this suite, parted by spaces; "" where there are
        none. Its figures there are no evidence of generalisation. ``"unknown"``, alone or among others, says
        that it may have learnt from any; so does "" where `opinion_aware` is true.
    bibtex
        BibTeX entries of what to cite, or "" for a method without a paper.
    published_as
        Name in ``benchmark/provenance/published.csv`` of the figures that were measured with these weights,
        prompts and settings, or that its training is to reproduce; "" where there are none, and no figure
        stands beside its scores then.
    exposure
        What the weights have learnt from, each with its source; empty where nothing, ``None`` where the card
        does not say.
    transductive
        Whether the score of a picture depends on other pictures of the data set that is scored.
    """

    title: str
    paper: str
    licence: str
    training_data: str
    opinion_aware: bool
    low: float
    high: float
    input: str
    higher_is_better: bool = True
    weights: str = ""
    opinions_of: str = ""
    bibtex: str = ""
    published_as: str = ""
    exposure: tuple[Exposure, ...] | None = None
    transductive: bool = False

    def __post_init__(self) -> None:
        if self.exposure is not None:  # read from a file, entries are mappings
            entries: Sequence[Any] = self.exposure
            made = tuple(e if isinstance(e, Exposure) else Exposure(**e) for e in entries)
            object.__setattr__(self, "exposure", made)

    def setting(self, overlap: object) -> str:
        """Return in what way it meets a data set: "zero-shot" only where that is true.

        ``overlap`` says whether it has learnt from the data set: ``True``, ``False`` or ``"unknown"``, or
        their text.
        """
        return setting(overlap, self.transductive)


def setting(overlap: object, transductive: bool) -> str:
    """Return in what way a method meets a data set, see `Card.setting`."""
    known = {"True": "learnt from this data set", "unknown": "exposure to this data set not known"}
    words = [known.get(str(overlap), ""), "transductive" if transductive else ""]
    return ", ".join(filter(None, words)) or "zero-shot"


@dataclass(frozen=True)
class Trained:
    """A method as a training left it in a folder, where this is ``method.json``.

    Parameters
    ----------
    name
        Its folder, and its rows in every table.
    method
        Module of ``methods/``.
    card
        Card of what was made.
    higher_is_better
        Direction of its scores.
    train, load
        Settings of its training, or nothing where it is taken as published; arguments that load it.
    ablation
        Which ablation of the method it is, or "".
    rated
        Data set whose opinions it learnt here, or "".
    seed
        Of the training.
    pictures_sha256, code_sha256, weights_sha256
        Digests of the pictures that it learnt from, its code and its weights, "" where there are none.
    """

    name: str
    method: str
    card: Card
    higher_is_better: bool = True
    train: Mapping[str, Any] | None = None
    load: Mapping[str, Any] = field(default_factory=dict)
    ablation: str = ""
    rated: str = ""
    seed: int = 0
    pictures_sha256: str = ""
    code_sha256: str = ""
    weights_sha256: str = ""

    @property
    def published_as(self) -> str:
        """Whose published figures may stand beside it, "" for nobody's; an ablation is nobody's method."""
        return "" if self.ablation else self.card.published_as

    @property
    def version(self) -> str:
        """Hash of its code, its weights and the arguments that load it."""
        return version(self.code_sha256, self.weights_sha256, self.load)

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        files.write_json(asdict(self), folder / TRAINED)

    @classmethod
    def read(cls, folder: Path) -> Trained:
        """Read it from a folder.

        Raises
        ------
        ValueError
            If it is not there, or was written by another version of the suite.
        """
        path = folder / TRAINED
        if not path.is_file():
            raise ValueError(f"{path} is missing; run `dvc repro train@{folder.name}`")
        try:
            fields = json.loads(path.read_text())
            return cls(**{**fields, "card": Card(**fields["card"])})
        except (KeyError, TypeError, ValueError) as error:
            cure = f"run `dvc repro -f train@{folder.name}`"
            raise ValueError(f"{path} is of another version of the suite; {cure}") from error


#: File that says how a trained method is loaded.
TRAINED = "method.json"
#: File beside it: what a published checkpoint says of the training that is to repeat its own.
COURSE = "published.json"


def version(code_sha256: str, weights_sha256: str, load: object) -> str:
    """Version of a method: hash of its code, its weights and the settings that load it."""
    parts = [code_sha256, weights_sha256, json.dumps(load, sort_keys=True)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Method(Protocol):
    """Anything that scores pictures."""

    name: str
    higher_is_better: bool

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1], any size); returns ``[B]`` float32 on the CPU."""
        ...


@dataclass(frozen=True)
class TrainingData:
    """What a method may learn from.

    Parameters
    ----------
    pictures
        Pristine pictures without labels.
    held_out
        More of them, to validate on.
    rated
        Pictures that people scored, for a method that learns from scores (`Learner.LEARNS_FROM_SCORES`).
    seed
        Where every draw of the training comes from.
    """

    pictures: Sequence[Path]
    held_out: Sequence[Path] = ()
    rated: Dataset | None = None
    seed: int = 0

    def rated_or_refuse(self) -> Dataset:
        """Return the pictures that people scored.

        Raises
        ------
        ValueError
            If there are none.
        """
        if self.rated is None:
            raise ValueError("this method learns from scores: name a rated data set in `train.rated`")
        return self.rated


class HasFeatures(Protocol):
    """A method whose representation can be probed."""

    def features(self, images: Tensor) -> Tensor:
        """Return ``[B, D]``, or ``[B, C, D]`` for C crops of each image, float32 on the CPU."""
        ...


class HasGradients(Protocol):
    """A method whose outputs can be attributed to places in the picture (gradCAM).

    ``cam_module`` maps images ``[B, 3, H, W]`` in [0, 1] to ``[B, K]``; ``cam_targets`` names the K
    columns (``"positive"``, ``"negative"``, ``"score"``); ``cam_layer`` is the layer whose activations are
    weighted.
    """

    cam_module: nn.Module
    cam_layer: nn.Module
    cam_targets: Sequence[str]


#: What a method has that is one of `HasGradients`.
GRADIENTS = ("cam_module", "cam_layer", "cam_targets")


def unlike_card(method: object, card: Card) -> str:
    """Say what a method lacks of name and direction, or says otherwise than its card; "" where they agree."""
    name, better = getattr(method, "name", None), getattr(method, "higher_is_better", None)
    if not isinstance(name, str) or not name:
        return "the method has no `name`"
    if better is not card.higher_is_better:
        said = "nothing" if better is None else f"higher_is_better={better!r}"
        return f"the card says higher_is_better={card.higher_is_better}, the method says {said}"
    return ""


class NoScores(ValueError):
    """A method has features alone; the message says what would give it scores."""


def no_scores(method: object) -> str:
    """Say that a method has features alone, and what would give it scores; "" of one that scores.

    That is what its ``no_scores`` holds, which it has where `score` raises `NoScores`.
    """
    return str(getattr(method, "no_scores", ""))


def check_scores(method: object) -> None:
    """Make sure that a method scores, before pictures are read for it.

    Raises
    ------
    NoScores
        With what would give it scores.
    """
    if said := no_scores(method):
        raise NoScores(said)


def has_features(method: object) -> TypeGuard[HasFeatures]:
    """Whether a method is one of `HasFeatures`; see `has_gradients`."""
    return hasattr(method, "features")


def is_remote(method: object) -> bool:
    """Whether each picture is a request to somebody's endpoint: the method's ``remote`` says so."""
    return bool(getattr(method, "remote", False))


def has_gradients(method: object) -> TypeGuard[HasGradients]:
    """Whether a method is one of `HasGradients`.

    Asked of the object, as `isinstance` did until Python 3.12. Since then that looks into the class and the
    object's own dictionary alone, where a torch module does not keep the modules that are assigned to it.
    """
    return all(hasattr(method, part) for part in GRADIENTS)
