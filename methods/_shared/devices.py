"""Where a method computes, and how precisely."""

from __future__ import annotations

import torch
from torch import Tensor


def device() -> torch.device:
    """Return the accelerator where there is one that torch was built for, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def at_least_single(x: Tensor) -> Tensor:
    """Return half precision as single; single and double pass as they are."""
    return x if x.dtype == torch.float64 else x.float()
