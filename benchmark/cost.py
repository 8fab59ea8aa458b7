"""What one picture costs a method, counted and not timed, so that equal inputs give equal figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils.flop_counter import FlopCounterMode

from benchmark.method import Method


@dataclass(frozen=True)
class Cost:
    """What scoring takes.

    Parameters
    ----------
    parameters
        Parameters of the modules that a picture passes through; text encoded before is not counted.
    weight_bytes
        Bytes of these parameters and of the buffers beside them, as they lie in memory.
    multiply_adds
        Multiplications with their additions, of convolutions and matrix products alone.
    """

    parameters: int
    weight_bytes: int
    multiply_adds: int


def cost(method: Method, images: Tensor) -> Cost:
    """Count what ``method.score(images)`` takes.

    The fused attention of ``nn.MultiheadAttention`` is taken apart meanwhile: torch counts its parts alone.

    Parameters
    ----------
    method
        What is measured.
    images
        ``[B, 3, H, W]``, RGB in [0, 1]. ``multiply_adds`` is their sum over the pictures.
    """
    passed: dict[int, nn.Module] = {}

    def note(module: nn.Module, inputs: Any) -> None:
        passed.setdefault(id(module), module)

    handle = register_module_forward_pre_hook(note)
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter:
            method.score(images)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        handle.remove()
    held = {id(tensor): tensor for module in passed.values() for tensor in module.parameters()}
    buffers = {id(tensor): tensor for module in passed.values() for tensor in module.buffers()}
    size = sum(tensor.numel() * tensor.element_size() for tensor in (held | buffers).values())
    # torch counts a multiplication and its addition as two.
    return Cost(sum(tensor.numel() for tensor in held.values()), size, counter.get_total_flops() // 2)
