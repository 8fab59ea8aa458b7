"""What one picture costs a method, counted and not timed, so that equal inputs give equal figures."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmark.method import Method, check_scores, is_remote


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
    peak_bytes
        Most bytes that tensors made on the way hold at one time, beside the weights and the picture. What an
        operation needs inside itself, and arrays outside torch, are not counted.
    """

    parameters: int
    weight_bytes: int
    multiply_adds: int
    peak_bytes: int


class _Alive(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make, from their birth to their end.

    And the products with zeros that a sparse matrix does not hold, which torch counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.peak = self.unheld = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for given in _storages((args, kwargs)):  # weights and pictures, which were there before
            self._note(given, 0)
        made = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.mm.default and args[0].layout == torch.sparse_coo:
            self.unheld += (args[0].numel() - args[0]._nnz()) * args[1].shape[1]
        for storage in _storages(made):
            self._note(storage, storage.nbytes())
        return made

    def _note(self, storage: torch.UntypedStorage, size: int) -> None:
        key = storage._cdata
        if key not in self._known:
            self._known.add(key)
            self.bytes += size
            self.peak = max(self.peak, self.bytes)
            weakref.finalize(storage, self._end, key, size)

    def _end(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.bytes -= size


def _storages(values: Any) -> list[torch.UntypedStorage]:
    tensors = (value for value in tree_leaves(values) if isinstance(value, Tensor))
    return [part.untyped_storage() for value in tensors for part in _parts(value)]


def _parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """Return the tensors that hold one: a sparse one has places and values."""
    return (tensor._indices(), tensor._values()) if tensor.layout == torch.sparse_coo else (tensor,)


@contextmanager
def _by_reference_alone() -> Iterator[None]:
    """Let nothing end tensors at times of its own: those in cycles would end now or later as it pleases."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def cost(method: Method, images: Tensor) -> Cost | None:
    """Count what ``method.score(images)`` takes; None of one that is ``remote``, which is not asked.

    The fused attention of ``nn.MultiheadAttention`` is taken apart meanwhile: torch counts its parts alone.

    Parameters
    ----------
    method
        What is measured.
    images
        ``[B, 3, H, W]``, RGB in [0, 1]. ``multiply_adds`` is their sum over the pictures, ``peak_bytes``
        that of scoring them at once.
    """
    if is_remote(method):
        return None
    check_scores(method)
    method.score(images)  # fills whatever the method keeps from its first picture on
    passed: dict[int, nn.Module] = {}

    def note(module: nn.Module, inputs: Any) -> None:
        passed.setdefault(id(module), module)

    handle = register_module_forward_pre_hook(note)
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # The counter stands inside: it takes apart what is made of other operations.
        with _by_reference_alone(), _Alive() as alive, FlopCounterMode(display=False) as counter:
            method.score(images)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        handle.remove()
    held = {id(tensor): tensor for module in passed.values() for tensor in module.parameters()}
    buffers = {id(tensor): tensor for module in passed.values() for tensor in module.buffers()}
    size = sum(tensor.numel() * tensor.element_size() for tensor in (held | buffers).values())
    # torch counts a multiplication and its addition as two.
    numbers = sum(tensor.numel() for tensor in held.values())
    return Cost(numbers, size, counter.get_total_flops() // 2 - alive.unheld, alive.peak)
