"""Where a method computes, and how what is prepared for it comes there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor


def device() -> torch.device:
    """Return the accelerator where there is one that torch was built for, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def beside(device: torch.device) -> Iterator[None]:
    """Compute on a CUDA stream of its own, which is idle when the context ends; elsewhere do nothing.

    In the default stream, every value that a thread reads back from the device would wait for all that other
    threads have asked of it before: degrading the next batch, for the network's work on this one.
    """
    if device.type != "cuda":
        yield
        return
    with torch.cuda.stream(_stream(device)):
        yield
        torch.cuda.current_stream().synchronize()


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    # Short operations of a prior stream start between the network's long ones.
    return torch.cuda.Stream(device, priority=-1)


def taken(tensor: Tensor) -> Tensor:
    """Return a tensor made `beside`, whose memory is kept until the current stream has done with it."""
    if tensor.is_cuda:
        tensor.record_stream(torch.cuda.current_stream(tensor.device))
    return tensor


def from_bytes(pictures: Tensor, device: torch.device) -> Tensor:
    """Bring pictures of bytes to a device and to [0, 1], to the bit as on the CPU."""
    if device.type == "cuda":
        pictures = pictures.pin_memory()
    # CUDA multiplies by the inverse of a number that the host knows, which rounds otherwise than division.
    white = torch.full((), 255.0, device=device)
    return pictures.to(device, non_blocking=True).float() / white
