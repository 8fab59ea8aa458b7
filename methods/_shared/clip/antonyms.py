"""Scoring by antonym prompts: how much closer an image lies to the good prompt than to the bad one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmark import naming
from methods._shared.clip.encoder import ImageEncoder

#: QualiCLIP's prompts. Seven pairs: the list in its hub file lacks a comma and holds thirteen strings.
SEVEN_PAIRS: tuple[tuple[str, str], ...] = (
    ("Good photo.", "Bad photo."),
    ("Sharp image.", "Blurry image."),
    ("Sharp edges.", "Blurry edges."),
    ("High-resolution image.", "Low-resolution image."),
    ("Noise-free image.", "Noisy image."),
    ("High-quality image.", "Low-quality image."),
    ("Good picture.", "Bad picture."),
)

#: CLIP-IQA's single pair (Wang et al., AAAI 2023).
GOOD_BAD: tuple[tuple[str, str], ...] = (("Good photo.", "Bad photo."),)

#: The pairs that pyiqa's ``clipiqa`` averages in place of the published one.
FIVE_PAIRS: tuple[tuple[str, str], ...] = (
    ("Good image", "bad image"),
    ("Sharp image", "blurry image"),
    ("sharp edges", "blurry edges"),
    ("High resolution image", "low resolution image"),
    ("Noise-free image", "noisy image"),
)

#: CLIP-IQA's attributes, one pair each, in the published order: "Noisy" is the first of its pair.
ATTRIBUTES: dict[str, tuple[str, str]] = {
    "brightness": ("Bright photo.", "Dark photo."),
    "sharpness": ("Sharp photo.", "Blurry photo."),
    "noisiness": ("Noisy photo.", "Clean photo."),
    "colorfulness": ("Colorful photo.", "Dull photo."),
    "contrast": ("High contrast photo.", "Low contrast photo."),
}

#: Sets of prompts by name.
PROMPTS: dict[str, tuple[tuple[str, str], ...]] = {
    "clipiqa": GOOD_BAD,
    "pyiqa": FIVE_PAIRS,
    "qualiclip": SEVEN_PAIRS,
    **{name: (pair,) for name, pair in ATTRIBUTES.items()},
}


def prompt_pairs(prompts: str | Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """Return the pairs that a setting names: a name of :data:`PROMPTS`, or pairs ``[[positive, negative]]``.

    Raises
    ------
    ValueError
        If there is no such set, no pair, or one does not hold two different prompts.
    """
    if isinstance(prompts, str):
        if prompts not in PROMPTS:
            raise ValueError(f"prompts: no set {prompts!r}; {naming.hint(prompts, PROMPTS)}")
        return PROMPTS[prompts]
    pairs = tuple(tuple(pair) for pair in prompts)
    if not pairs:
        raise ValueError("prompts: at least one (positive, negative) pair is needed")
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(p, str) and p.strip() for p in pair) or pair[0] == pair[1]:
            raise ValueError(f"prompts: {pair!r} is not a pair of two different prompts")
    return pairs  # type: ignore[return-value]


class AntonymScorer(nn.Module):
    """Image encoder and prompt embeddings; maps images to similarities and a score.

    Parameters
    ----------
    encoder
        Maps images ``[B, 3, H, W]`` to unit embeddings ``[B, D]``.
    positive, negative
        Unit prompt embeddings ``[P, D]``, pair by pair.
    scale
        Factor on the cosines before the softmax of each pair.
    """

    encoder: ImageEncoder
    positive: Tensor
    negative: Tensor
    #: What the columns of :meth:`forward` are.
    targets = ("positive", "negative", "score")

    def __init__(self, encoder: ImageEncoder, positive: Tensor, negative: Tensor, scale: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("positive", positive)
        self.register_buffer("negative", negative)
        self.scale = scale

    def similarities(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines ``[B, P]`` to the positive and to the negative prompts."""
        return self.compare(self.encoder(images))

    def compare(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines ``[B, P]`` of embeddings ``[B, D]``, as `similarities`; in single precision always."""
        # Rounded to bf16, a cosine of 0.2 has steps of 0.001, which the scale makes 0.1 of a logit.
        with torch.autocast(embedding.device.type, enabled=False):
            positive, negative = self.positive.to(embedding.dtype), self.negative.to(embedding.dtype)
            return embedding @ positive.T, embedding @ negative.T

    def probabilities(self, embedding: Tensor) -> Tensor:
        """Probability ``[B, P]`` of the positive prompt of each pair, of embeddings ``[B, D]``."""
        positive, negative = self.compare(embedding)
        return torch.sigmoid(self.scale * (positive - negative))

    def forward(self, images: Tensor) -> Tensor:
        """Return ``[B, 3]``: mean cosine to the positive prompts, to the negative ones, and the score.

        The score is the mean over the pairs of P(positive) under a softmax over the scaled cosines of the
        pair (arXiv 2403.11176; arXiv 2207.12396 for one pair), in [0, 1].
        """
        positive, negative = self.similarities(images)
        score = torch.sigmoid(self.scale * (positive - negative)).mean(dim=1)
        return torch.stack([positive.mean(dim=1), negative.mean(dim=1), score], dim=1)
