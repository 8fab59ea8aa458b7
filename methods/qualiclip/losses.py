"""QualiCLIP's three margin losses (arXiv 2403.11176, section 3.3), vectorised.

Similarities have shape ``[L, B, C]``: level (mildest first), image, crop of the same image. The paper's sums
over levels, pairs of levels and crops are sums here, or their means where ``reduction`` says so.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["sum", "mean"]


def consistency_loss(similarity: Tensor, margin: float, reduction: Reduction = "sum") -> Tensor:
    """Two crops of one image, equally degraded, must lie equally near to a prompt.

    ``sum_i max(0, |s_{i,1} - s_{i,2}| - margin)``, mean over the images.

    Parameters
    ----------
    similarity
        Cosines to one prompt ``[L, B, 2]``.
    margin
        Difference that is let pass.
    reduction
        Over the levels.
    """
    first, second = similarity.unbind(dim=-1)
    excess = ((first - second).abs() - margin).clamp_min(0)
    return _over(excess, (0,), reduction).mean()


def ranking_loss(similarity: Tensor, margin: float, reduction: Reduction = "sum") -> Tensor:
    """A milder level must lie nearer to the prompt than a stronger one, by a margin.

    ``sum_{i<k} sum_{c,c'} max(0, margin - (s_{i,c} - s_{k,c'}))``, mean over the images. The positive prompt
    takes it as it is; the negative one with the sign of the similarities turned.

    Parameters
    ----------
    similarity
        Cosines to one prompt ``[L, B, C]``, or their negatives.
    margin
        Difference that is asked for.
    reduction
        Over the pairs of levels and of crops.
    """
    levels = similarity.shape[0]
    milder, stronger = torch.triu_indices(levels, levels, offset=1, device=similarity.device)
    difference = similarity[milder].unsqueeze(-1) - similarity[stronger].unsqueeze(-2)
    return _over((margin - difference).clamp_min(0), (0, 2, 3), reduction).mean()


def loss_terms(
    positive: Tensor,
    negative: Tensor,
    margin_consistency: float,
    margin_rank: float,
    reduction: Reduction = "sum",
) -> dict[str, Tensor]:
    """Return the three terms by name: ``consistency``, ``positive``, ``negative``.

    Parameters
    ----------
    positive, negative
        Cosines to the positive and to the negative prompt ``[L, B, 2]``.
    margin_consistency, margin_rank
        Margins of the consistency and of the ranking terms.
    reduction
        Over levels, pairs of levels, and crops.
    """
    return {
        "consistency": consistency_loss(positive, margin_consistency, reduction)
        + consistency_loss(negative, margin_consistency, reduction),
        "positive": ranking_loss(positive, margin_rank, reduction),
        "negative": ranking_loss(-negative, margin_rank, reduction),
    }


def ranking_across(similarity: Tensor, margin: float, reduction: Reduction = "sum") -> Tensor:
    """A milder level of one image must lie nearer to the prompt than a stronger level of another.

    Not in the paper: its losses order the levels within an image and leave the scores of different images
    free. As :func:`ranking_loss`, with ``s_{i,c}`` and ``s_{k,c'}`` of two images; mean over the ordered
    pairs of images, 0 where there is but one.

    Parameters
    ----------
    similarity
        Cosines to one prompt ``[L, B, C]``, or their negatives.
    margin
        Difference that is asked for.
    reduction
        Over the pairs of levels and of crops.
    """
    levels, images, _ = similarity.shape
    milder, stronger = torch.triu_indices(levels, levels, offset=1, device=similarity.device)
    # [pairs of levels, image of the milder, image of the stronger, crop, crop]
    difference = similarity[milder][:, :, None, :, None] - similarity[stronger][:, None, :, None, :]
    lacking = _over((margin - difference).clamp_min(0), (0, 3, 4), reduction)
    other = ~torch.eye(images, dtype=torch.bool, device=similarity.device)
    return (lacking * other).sum() / max(1, images * (images - 1))


def _over(hinges: Tensor, dims: tuple[int, ...], reduction: Reduction) -> Tensor:
    return hinges.sum(dim=dims) if reduction == "sum" else hinges.mean(dim=dims)
