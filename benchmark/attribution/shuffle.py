"""A method whose weights are shuffled: what its maps find without having learnt anything."""

from __future__ import annotations

import copy
import hashlib

import torch

from benchmark.attribution.maps import Attributable


def shuffled(method: Attributable, seed: int = 0) -> Attributable:
    """Copy a method with the values of every weight tensor shuffled, its name ending in ``_shuffled``.

    The sanity check of J. Adebayo et al. (Sanity checks for saliency maps, NeurIPS 2018) with weights of the
    trained distribution: maps that point as well without training owe it to the architecture. Buffers
    (prompt embeddings, running means) stay; each tensor is shuffled by ``seed`` and its own name.
    """
    other = copy.deepcopy(method)
    with torch.no_grad():
        for name, values in other.cam_module.named_parameters():
            digest = hashlib.blake2b(f"{seed} {name}".encode(), digest_size=7).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest, "big"))
            order = torch.randperm(values.numel(), generator=generator).to(values.device)
            values.copy_(values.flatten()[order].view_as(values))
    other.name = f"{method.name}_shuffled"
    return other
