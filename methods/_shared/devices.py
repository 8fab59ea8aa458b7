"""Where a method computes, and how precisely."""

from __future__ import annotations

import torch
from torch import Tensor


def device() -> torch.device:
    """Return the accelerator where there is one that torch was built for, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def computes_in_bf16(kind: str) -> bool:
    """Whether a device of this type has arithmetic for bf16; one that emulates it is far slower than in fp32.

    A CPU has it with AVX-512 or, on Arm, with the extension of that name; NVIDIA's from Ampere on.
    """
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind != "cpu" or not torch.backends.mkldnn.is_available():  # builds without oneDNN cannot be asked
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def in_bf16(asked: bool | None, where: torch.device) -> bool:
    """Whether to compute in bf16: as asked; where nothing was, if the device has arithmetic for it."""
    return computes_in_bf16(where.type) if asked is None else asked


def at_least_single(x: Tensor) -> Tensor:
    """Return half precision as single; single and double pass as they are."""
    return x if x.dtype == torch.float64 else x.float()
