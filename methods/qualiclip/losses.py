"""QualiCLIP's three margin losses (arXiv 2403.11176, section 3.3), vectorised.

Similarities have shape ``[L, B, C]``: level (mildest first), image, crop of the same image.
"""

from __future__ import annotations

import torch
from torch import Tensor


def consistency_loss(similarity: Tensor, margin: float) -> Tensor:
    """Two crops of one image, equally degraded, must lie equally near to a prompt.

    ``sum_i max(0, |s_{i,1} - s_{i,2}| - margin)``, mean over the images.

    Parameters
    ----------
    similarity
        Cosines to one prompt ``[L, B, 2]``.
    margin
        Difference that is let pass.
    """
    first, second = similarity.unbind(dim=-1)
    return ((first - second).abs() - margin).clamp_min(0).sum(dim=0).mean()


def ranking_loss(similarity: Tensor, margin: float) -> Tensor:
    """A milder level must lie nearer to the prompt than a stronger one, by a margin.

    ``sum_{i<k} sum_{c,c'} max(0, margin - (s_{i,c} - s_{k,c'}))``, mean over the images. The positive prompt
    takes it as it is; the negative one with the sign of the similarities turned.

    Parameters
    ----------
    similarity
        Cosines to one prompt ``[L, B, C]``, or their negatives.
    margin
        Difference that is asked for.
    """
    levels = similarity.shape[0]
    milder, stronger = torch.triu_indices(levels, levels, offset=1, device=similarity.device)
    difference = similarity[milder].unsqueeze(-1) - similarity[stronger].unsqueeze(-2)
    return (margin - difference).clamp_min(0).sum(dim=(0, 2, 3)).mean()


def loss_terms(
    positive: Tensor, negative: Tensor, margin_consistency: float, margin_rank: float
) -> dict[str, Tensor]:
    """Return the three terms by name: ``consistency``, ``positive``, ``negative``.

    Parameters
    ----------
    positive, negative
        Cosines to the positive and to the negative prompt ``[L, B, 2]``.
    margin_consistency, margin_rank
        Margins of the consistency and of the ranking terms.
    """
    return {
        "consistency": consistency_loss(positive, margin_consistency)
        + consistency_loss(negative, margin_consistency),
        "positive": ranking_loss(positive, margin_rank),
        "negative": ranking_loss(-negative, margin_rank),
    }


def ranking_across(similarity: Tensor, margin: float) -> Tensor:
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
    """
    levels, images, _ = similarity.shape
    milder, stronger = torch.triu_indices(levels, levels, offset=1, device=similarity.device)
    # [pairs of levels, image of the milder, image of the stronger, crop, crop]
    difference = similarity[milder][:, :, None, :, None] - similarity[stronger][:, None, :, None, :]
    lacking = (margin - difference).clamp_min(0).sum(dim=(0, 3, 4))
    other = ~torch.eye(images, dtype=torch.bool, device=similarity.device)
    return (lacking * other).sum() / max(1, images * (images - 1))
