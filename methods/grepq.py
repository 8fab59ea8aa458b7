"""GRepQ (Srinath et al., WACV 2024): a ResNet-18's distance from pristine patches, and a tuned CLIP.

The score is their sum, as in the authors' code (``suhas-srinath/GRepQ``, ``test_zeroshot.py``):
``sigmoid(10 (good - bad)) + sigmoid(-d / 100)`` with the cosines to "A good photo." and "A bad photo." and
the distance d of `methods._shared.pristine.ou` over the ResNet-18's projections of 96 x 96 patches.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.files import sha256_of
from benchmark.method import Card, Exposure, TrainingData
from methods._shared.clip.antonyms import AntonymScorer
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.weights import fill, load_clip, scorer
from methods._shared.exposure import HERE, OPENAI
from methods._shared.papers import GREPQ
from methods._shared.pristine import encoders, ou
from methods._shared.resnets import AS_THEY_ARE, by_name, part, pooled, trunk
from methods._shared.weights.noted_files import used
from methods._shared.weights.tensor_files import read_tensors

#: Prompts and the factor on their cosines, and what the distance is divided by.
PAIR, SCALE, SPREAD = (("A good photo.", "A bad photo."),), 10.0, 100.0

_CODE = "the authors' code, suhas-srinath/GRepQ"
_THEIRS = Exposure(
    "pictures", "the authors' pristine patches, of pictures not named", f"{_CODE}, README", "V"
)

CARD = Card(
    title="GRepQ",
    paper="Srinath, Mitra, Rao, Soundararajan: Learning Generalizable Perceptual Representations for "
    "Data-Efficient No-Reference Image Quality Assessment. WACV 2024",
    licence="MIT (code; of the weights nothing else is stated)",
    training_data="pictures of FLIVE, synthetically degraded (both models), and CLIP's 400 million "
    "image-text pairs (high-level model); no quality scores",
    opinion_aware=False,
    low=0.0,
    high=1.5,
    weights="the authors' low_level_model_weights.tar and high_level_model_weights.pth, files; CLIP's RN50 "
    "by OpenAI for the prompts, fetched at first use; pristine patches of the authors or of your pictures",
    input="high level: whole image, no resizing; low level: patches of 96 pixels, every 48",
    bibtex=GREPQ,
    exposure=(OPENAI, Exposure("pictures", "flive", f"{_CODE}: LIVE_FB_synthetic in configs.py", "V")),
)


class GRepQ:
    """High-level and low-level model, and the distance of the latter where it is fitted.

    Parameters
    ----------
    high
        Tuned CLIP with the two prompts.
    low
        ResNet-18 with its projection.
    distance
        Distance from pristine patches over ``low``; without it there are features and no scores.
    card
        What a reader must know about these weights.
    """

    name = "grepq"
    higher_is_better = True

    def __init__(
        self, high: AntonymScorer, low: nn.Module, distance: ou.OpinionUnaware | None, card: Card
    ) -> None:
        self.high = AntonymMethod(self.name, high, card)
        self.low = low
        self.distance = distance
        self.card = card

    def to(self, device: str | torch.device) -> GRepQ:
        """Move to a device and return itself."""
        self.high.to(device)
        self.low.to(device)
        return self

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` in [0, 1.5].

        Raises
        ------
        ValueError
            If no distance is fitted, or a picture is smaller than a patch.
        """
        if self.distance is None:
            raise ValueError(
                "grepq: its low-level score is a distance from pristine pictures; set `pristine` to the "
                "authors' file of patches or a folder of undistorted pictures, or train it (`train: {...}`)"
            )
        low = torch.sigmoid(-self.distance.score(images) / SPREAD)
        return self.high.score(images) + low

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Return ``[B, 1024 + 128]`` of whole pictures: embeddings of CLIP as they are, and projections."""
        there = self.high.scorer.positive.device
        seen = images.to(there, torch.float32)
        return torch.cat([self.high.scorer.encoder.raw(seen), self.low(seen)], dim=1).float().cpu()


def train(data: TrainingData, out: Path, *, low: str, high: str, count: int | None = None) -> dict[str, Any]:
    """Fit the low-level model's distance to pristine pictures and return what :func:`load` needs.

    ``count`` of the pictures, drawn from the seed; without it all of them. Neither model learns anything.
    """
    about = {"low": sha256_of(Path(low))}
    encoder = _patches(_low(Path(low)))
    made = encoders.train(encoder, data, out, ou.Settings(), count=count, about=about)
    return {"low": low, "high": high, "pristine": made}


def load(
    low: str,
    high: str,
    pristine: str | None = None,
    architecture: str = "RN50-quickgelu",
    pretrained: str | None = "openai",
) -> GRepQ:
    """Load GRepQ.

    Parameters
    ----------
    low, high
        Paths of the authors' low-level and high-level weights.
    pristine
        The authors' ``pristine_patches_096_0.75_0.80.hdf5`` (needs h5py), the ``.npz`` of :func:`train`, or a
        folder of undistorted pictures to fit to. Without it there are features and no scores.
    architecture, pretrained
        CLIP whose text tower reads the prompts and whose image tower ``high`` fills: a name of open_clip, and
        a tag, fetched at first use, or a path.

    Raises
    ------
    ValueError
        If a file is missing or does not fit.
    """
    clip = load_clip(architecture, pretrained, 0)
    state = {key: value.float() for key, value in read_tensors(Path(high)).items()}
    fill(clip.visual, state, f"{high} is no high-level model of GRepQ")
    network = _low(Path(low))
    made = scorer(clip, PAIR, SCALE)
    if pristine is None:
        return GRepQ(made, network, None, CARD)
    theirs = Path(pristine).suffix in (".hdf5", ".h5")
    distance = (_of_patches if theirs else encoders.fitted)(_patches(network), pristine)
    card = replace(CARD, exposure=(*(CARD.exposure or ()), _THEIRS if theirs else HERE))
    return GRepQ(made, network, distance, card)


def _patches(low: nn.Module) -> encoders.Encoder:
    return encoders.Encoder(low, "full", CARD, "grepq")


def _of_patches(encoder: encoders.Encoder, path: str) -> ou.OpinionUnaware:
    """Fit to the patches ``data [N, 3, 96, 96]`` in [0, 1] that the authors chose."""
    try:
        h5py: Any = importlib.import_module("h5py")
    except ImportError as error:
        raise ValueError(f"{path}: h5py is not installed: `pip install h5py`") from error
    try:
        with h5py.File(used(Path(path)), "r") as file:
            patches = torch.from_numpy(file["data"][:])
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} holds no patches (HDF5, `data`): {error}") from error
    return ou.of_rows(ou.encode(encoder, patches, ou.Settings().batch), encoder)


def _low(path: Path) -> nn.Module:
    """Read ``encoder.resnet18.<n>`` and ``head.*``; ``encoder.base_model`` holds the same trunk once more."""
    state, complaint = read_tensors(path), f"{path} is no low-level model of GRepQ"
    network = trunk(by_name(part(state, "encoder.resnet18.")), complaint)
    head = {key: value.float() for key, value in part(state, "head.").items()}
    if [head[key].ndim for key in ("0.weight", "2.weight") if key in head] != [2, 2]:
        raise ValueError(f"{complaint}: it lacks the projection head.0, head.2")
    (inner, width), (out, _) = head["0.weight"].shape, head["2.weight"].shape
    projection = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, out))
    fill(projection, head, complaint)
    made = nn.Sequential(pooled(network, AS_THEY_ARE, unit=False), projection)
    return made.eval().requires_grad_(False)
