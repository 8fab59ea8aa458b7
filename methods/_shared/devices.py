"""Where a method computes."""

from __future__ import annotations

import torch


def device() -> torch.device:
    """Return the accelerator where there is one that torch was built for, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
