"""MA-CLIP (Liao et al., AAAI 2026, arXiv 2511.09948): CLIP-IQA, and how large CLIP's features are.

Nothing is trained. Of each view of a picture, with f the image embedding before it is brought to unit length:

    cosine    c = mean over five pairs of P(positive), the softmax over scaled cosines
    magnitude m = mean over channels of ((a + 1)^0.5 - 1) / 0.5,  a = |f| / (deviation of |f| + 1e-6)
    score     w c + (1 - w) m,  w = softmax(1 + (c - m), 0.6 - (c - m))

The views are crops of 224 pixels every 128, and the whole picture squeezed to 224 x 224; the score is
the mean over them. Constants and views are those of the authors' code (``zhix000/MA-CLIP``,
``Maclip/model.py``).
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.method import Card
from methods._shared.clip.antonyms import FIVE_PAIRS, AntonymScorer
from methods._shared.clip.weights import load_clip, scorer
from methods._shared.exposure import OPENAI, corpus_of
from methods._shared.papers import MACLIP

#: Side of a view and distance between crops.
SIDE, STRIDE = 224, 128
#: Exponent of the Box-Cox transform; what the two cues start from before the softmax.
POWER, COSINE, MAGNITUDE = 0.5, 1.0, 0.6
#: Views that CLIP sees at once.
AT_ONCE = 16

CARD = Card(
    title="MA-CLIP",
    paper="Liao, Wu, Shi, Mai, Zhu, Zhu, Jiang, Chen: Beyond Cosine Similarity: Magnitude-Aware CLIP for "
    "No-Reference Image Quality Assessment. AAAI 2026",
    licence="CLIP's weights: MIT",
    weights="CLIP's RN50 by OpenAI, fetched at first use",
    training_data="400 million image-text pairs (CLIP); no quality scores",
    opinion_aware=False,
    exposure=(OPENAI,),
    low=0.0,
    high=float("inf"),
    input="crops of 224 pixels, every 128, and the whole image squeezed to 224 x 224",
    bibtex=MACLIP,
)


class MagnitudeAware:
    """Cosine and magnitude of CLIP's embeddings of views, weighed against each other.

    Parameters
    ----------
    scorer
        Image tower with the embeddings of the prompts.
    card
        What a reader must know about these weights.
    """

    name = "maclip"
    higher_is_better = True

    def __init__(self, scorer: AntonymScorer, card: Card) -> None:
        self.scorer = scorer.eval().to(memory_format=scorer.encoder.layout)
        self.card = card

    def to(self, device: str | torch.device) -> MagnitudeAware:
        """Move to a device and return itself."""
        self.scorer.to(device)
        return self

    @torch.inference_mode()
    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1], any size); returns ``[B]`` float32 on the CPU."""
        there = self.scorer.positive.device
        return torch.stack([self._of(views(image).to(there, torch.float32)).mean() for image in images]).cpu()

    def _of(self, seen: Tensor) -> Tensor:
        """Score each of the views ``[N, 3, 224, 224]``."""
        f = torch.cat([self.scorer.encoder.raw(some) for some in seen.split(AT_ONCE)])
        return fused(self.scorer.probabilities(F.normalize(f, dim=1)).mean(1), magnitude(f))


def views(image: Tensor) -> Tensor:
    """Cut ``image [3, H, W]`` into crops, row by row, and add the whole of it, squeezed.

    Returns
    -------
    Tensor
        ``[N, 3, 224, 224]``. What no crop reaches is seen in the whole alone, and so is a picture
        smaller than a crop, which the authors' code cannot score.
    """
    whole = F.interpolate(image[None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    if min(image.shape[1:]) < SIDE:
        return whole
    crops = image.unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE).permute(1, 2, 0, 3, 4)
    return torch.cat([crops.reshape(-1, 3, SIDE, SIDE), whole])


def magnitude(f: Tensor) -> Tensor:
    """Magnitude ``[N]`` of embeddings ``[N, D]``: mean of their absolute values after a Box-Cox transform.

    References
    ----------
    .. [1] G. E. P. Box, D. R. Cox. An analysis of transformations. Journal of the Royal Statistical Society B
       26(2), 1964, equation 1.
    """
    a = f.abs() / (f.abs().std(dim=1, keepdim=True) + 1e-6)
    return (((a + 1) ** POWER - 1) / POWER).mean(dim=1)


def fused(cosine: Tensor, size: Tensor) -> Tensor:
    """Weigh both cues ``[N]``: the larger one counts for more, the cosine where they are equal."""
    apart = cosine - size
    weight = torch.sigmoid(COSINE - MAGNITUDE + 2 * apart)  # the softmax over two
    return weight * cosine + (1 - weight) * size


def load(
    architecture: str = "RN50-quickgelu",
    pretrained: str | None = "openai",
    weights: str | None = None,
    seed: int = 0,
) -> MagnitudeAware:
    """Load MA-CLIP.

    Parameters
    ----------
    architecture
        ``"small"`` or an open_clip name.
    pretrained
        Tag of open_clip, fetched at first use; ``None`` for random weights.
    weights
        Path of CLIP weights, instead of ``pretrained``: OpenAI's archive, a state dict or safetensors.
    seed
        Seed of random weights.
    """
    clip = load_clip(architecture, weights or pretrained, seed)
    card = replace(CARD, exposure=corpus_of(weights or pretrained))
    return MagnitudeAware(scorer(clip, FIVE_PAIRS), card)
