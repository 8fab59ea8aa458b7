"""Where a method computes, and how what is prepared for it comes there."""

from __future__ import annotations

import torch
from torch import Tensor


def device() -> torch.device:
    """Return the accelerator where there is one that torch was built for, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def from_bytes(pictures: Tensor, device: torch.device) -> Tensor:
    """Bring pictures of bytes to a device and to [0, 1], to the bit as on the CPU."""
    if device.type == "cuda":
        pictures = pictures.pin_memory()
    # CUDA multiplies by the inverse of a number that the host knows, which rounds otherwise than division.
    white = torch.full((), 255.0, device=device)
    return pictures.to(device, non_blocking=True).float() / white
