"""What the instrument expects of a method: Protocols, no base class to inherit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard

if TYPE_CHECKING:  # reading settings and cards must not wait for torch
    from torch import Tensor, nn


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


class Method(Protocol):
    """Anything that scores pictures."""

    name: str
    higher_is_better: bool

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1], any size); returns ``[B]`` float32 on the CPU."""
        ...


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


def has_features(method: object) -> TypeGuard[HasFeatures]:
    """Whether a method is one of `HasFeatures`; see `has_gradients`."""
    return hasattr(method, "features")


def has_gradients(method: object) -> TypeGuard[HasGradients]:
    """Whether a method is one of `HasGradients`.

    Asked of the object, as `isinstance` did until Python 3.12. Since then that looks into the class and the
    object's own dictionary alone, where a torch module does not keep the modules that are assigned to it.
    """
    return all(hasattr(method, part) for part in GRADIENTS)
