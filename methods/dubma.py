"""DUBMA (Wang et al., IJCAI 2025): a ResNet-18 that ranks patches as ten full-reference measures do.

The authors give three files (``wzhsysu/DUMBA``): one that learnt from degraded pictures alone, and two that
were brought to the pictures of KonIQ-10k and of SPAQ by optimal transport, without scores. What was adapted
to the pictures that it then scores is transductive, and is marked so. Sizes, patches and head are those of
their ``ImageDataset.py``, ``Transformers.py``, ``np_transforms.py`` and ``ResNet18_AE.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmark.method import Card, Exposure
from methods._shared.clip.weights import fill
from methods._shared.exposure import IMAGENET
from methods._shared.papers import DUBMA
from methods._shared.resnets import AS_THEY_ARE, part, pooled, trunk
from methods._shared.weights.tensor_files import read_tensors

#: Side and distance of patches; the least short side, and the one to which larger pictures are brought.
SIDE, STRIDE, LEAST, MOST = 224, 112, 384, 768
#: The score is so many times a hyperbolic tangent.
BOUND = 3.0
#: Data sets to whose pictures the authors adapted, by their names in this suite.
ADAPTED = {"koniq10k": "KonIQ-10k", "spaq": "SPAQ"}
Adapted = Literal["koniq10k", "spaq"]
#: Patches that the network sees at a time.
AT_ONCE = 32

_SOURCE = "the authors' README, wzhsysu/DUMBA"
_MEASURES = "SSIM, MS-SSIM, FSIM, VIF, VSI, SR-SIM, GMSD, MDSI, NLPD and A-DISTS, by their order of pairs"

CARD = Card(
    title="DUBMA",
    paper="Wang, Liu, Yan, Wen, Wang, Huang: Deep Opinion-Unaware Blind Image Quality Assessment by Learning "
    "and Adapting from Multiple Annotators. IJCAI 2025",
    licence="MIT by the badge of the authors' README, which no licence file follows; of the weights nothing "
    "is stated",
    training_data="Waterloo Exploration Database, synthetically degraded, pairs ranked by ten full-reference "
    "measures; ImageNet (ResNet-18); no quality scores",
    opinion_aware=False,
    low=-BOUND,
    high=BOUND,
    weights="the authors' checkpoint, a file",
    input="patches of 224 pixels, every 112; a short side below 384 is enlarged to it, one of 768 or more "
    "reduced to 768",
    bibtex=DUBMA,
    exposure=(
        IMAGENET,
        Exposure("teacher", _MEASURES, _SOURCE, "V"),
        Exposure("pictures", "waterloo", _SOURCE, "V"),
    ),
)


class Ranker:
    """Mean score of a picture's patches.

    Parameters
    ----------
    network
        Patches ``[N, 3, 224, 224]`` in [0, 1] to scores ``[N, 1]``.
    card
        What a reader must know about these weights.
    """

    name = "dubma"
    higher_is_better = True

    def __init__(self, network: nn.Module, card: Card) -> None:
        self.network = network
        self.card = card

    def to(self, device: str | torch.device) -> Ranker:
        """Move the network to a device and return itself."""
        self.network.to(device)
        return self

    @torch.inference_mode()
    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1], any size); returns ``[B]`` float32 on the CPU."""
        there = next(self.network.parameters())
        scores = [
            torch.cat([self.network(some.to(there)) for some in patches(sized(image)).split(AT_ONCE)]).mean()
            for image in images
        ]
        return torch.stack(scores).float().cpu()


class Bounded(nn.Module):
    """Keep values within `BOUND` by a hyperbolic tangent."""

    def forward(self, values: Tensor) -> Tensor:
        """Return ``values`` of any shape, bounded."""
        return BOUND * torch.tanh(values)


def sized(image: Tensor) -> Tensor:
    """Bring ``image [3, H, W]`` to a size that the network knows, by Pillow in 8 bits.

    A side below 384 makes a picture larger, bicubically: the width becomes 384 where it is the shorter side,
    else the height. Where both sides are 768 or more, the shorter becomes 768, bilinearly.
    """
    height, width = image.shape[1:]
    short, long = min(height, width), max(height, width)
    if LEAST <= short < MOST:
        return image
    to, kind = (LEAST, Image.Resampling.BICUBIC) if short < LEAST else (MOST, Image.Resampling.BILINEAR)
    other = int(to * long / short)
    size = (to, other) if width < height else (other, to)
    pixels = image.detach().float().mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    brought = np.array(Image.fromarray(pixels).resize(size, kind))
    return torch.from_numpy(brought).permute(2, 0, 1).to(image.device).float().div(255)


def patches(image: Tensor) -> Tensor:
    """Cut ``image [3, H, W]`` into patches ``[N, 3, 224, 224]``, row by row, the last at the borders."""
    height, width = image.shape[1:]
    cut = [image[:, y : y + SIDE, x : x + SIDE] for y in _starts(height) for x in _starts(width)]
    return torch.stack(cut)


def _starts(length: int) -> Iterator[int]:
    yield from range(0, length - SIDE + 1, STRIDE)
    if (length - SIDE) % STRIDE:
        yield length - SIDE


def load(weights: str, adapted_to: Adapted | None) -> Ranker:
    """Load DUBMA.

    Parameters
    ----------
    weights
        Path of one of the authors' checkpoints.
    adapted_to
        Data set to whose pictures that one was adapted; ``None`` for the one that learnt from degraded
        pictures alone. No file says it.

    Raises
    ------
    ValueError
        If the file is missing or does not fit.
    """
    path = Path(weights)
    complaint = f"{path} is no checkpoint of DUBMA"
    encoder = part(_state(path, "netF_dict"), "ResNet18.")
    encoder = {key: value for key, value in encoder.items() if not key.startswith("fc.")}
    head = {key: value.float() for key, value in _state(path, "netQ_dict").items()}
    if [head[key].ndim for key in ("linear.weight", "qualityfc.weight") if key in head] != [2, 2]:
        raise ValueError(f"{complaint}: it lacks linear and qualityfc")
    inner, width = head["linear.weight"].shape
    ranker = nn.ModuleDict(
        {"linear": nn.Linear(width, inner, bias=False), "qualityfc": nn.Linear(inner, 1, bias=False)}
    )
    fill(ranker, head, complaint)
    features = pooled(trunk(encoder, complaint), AS_THEY_ARE, unit=True)
    network = nn.Sequential(features, ranker["linear"], nn.ReLU(), ranker["qualityfc"], Bounded())
    return Ranker(network.eval().requires_grad_(False), _card(adapted_to))


def _state(path: Path, nest: str) -> dict[str, Tensor]:
    return {key.removeprefix("module."): value for key, value in read_tensors(path, nest).items()}


def _card(adapted_to: Adapted | None) -> Card:
    if adapted_to is None:
        return CARD
    title = ADAPTED[adapted_to]
    return replace(
        CARD,
        title=f"DUBMA (adapted to {title})",
        training_data=f"{CARD.training_data}; pictures of {title}, without their scores",
        exposure=(*(CARD.exposure or ()), Exposure("pictures", adapted_to, _SOURCE, "V")),
        transductive=True,
    )
