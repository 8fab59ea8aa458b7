"""The contrastive loss of SimCLR: of all projections in a batch, the two of a pair shall lie nearest."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def nt_xent(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross entropy, mean over the ``2 N`` rows.

    Row i of ``a`` and row i of ``b`` are a pair; for each of the two all other rows are negatives.

    Parameters
    ----------
    a, b
        Unit vectors ``[N, D]``.
    temperature
        Divides the cosines.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton. A simple framework for contrastive learning of visual
       representations. ICML 2020, equation 1.
    """
    rows = torch.cat([a, b])
    cosines = rows @ rows.T / temperature
    cosines = cosines.masked_fill(torch.eye(len(rows), dtype=torch.bool, device=rows.device), -torch.inf)
    partner = torch.arange(len(rows), device=rows.device).roll(len(a))
    return F.cross_entropy(cosines, partner)
