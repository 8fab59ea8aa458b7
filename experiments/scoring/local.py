"""A method on a device of this machine: where it computes, how precisely, and its scores of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from benchmark.images import Reader, decoders, read, read_samples, unit
from benchmark.machine import cores
from benchmark.method import Method, check_scores
from benchmark.scoring import LOOKED_AT, Row, scored, stream
from benchmark.scoring.guard import as_alone

if TYPE_CHECKING:
    from experiments.scoring.inputs import Picture

Size = tuple[int, int]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["fp32", "bf16"]
#: Most processes that decode unless told otherwise, and fewest pictures that are worth their start (seconds).
MOST_DECODERS, MANY = 12, 2_000


@dataclass(frozen=True)
class How:
    """What scores may depend on besides the method, and what they do not: threads that decode, and memory.

    Parameters
    ----------
    device
        Where the method computes; ``auto`` takes the fastest that is there.
    precision
        ``fp32``, or ``bf16`` for faster and coarser matrix products. CUDA's convolutions would take ten bits
        of fp32's 23 (TF32) by torch's default; here they take all.
    batch
        Most pictures of one size scored at once. More than two or three no longer fit a CPU's cache.
    workers
        Threads that decode; for many pictures on a CUDA device each has a process that does it. `suited`
        knows what a CUDA device wants of both.
    short_side
        Scale pictures to this short side, in pixels; 0 leaves them.
    pixels
        Most pixels in memory at once, see `benchmark.scoring.stream`.
    engine
        ``local``, this process, or ``ray``, the workers of a cluster.
    """

    device: Device = "auto"
    precision: Precision = "fp32"
    batch: int = 2
    workers: int = 2
    short_side: int = 0
    pixels: int | None = None
    engine: Literal["local", "ray"] = "local"


def available() -> Device:
    """Return the fastest kind of device that torch finds here."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def suited(device: Device) -> tuple[int, int]:
    """Return how many pictures at once and how many threads that decode suit a device."""
    if available() != "cuda" or device not in ("auto", "cuda"):
        return How.batch, How.workers
    return 32, max(How.workers, min(MOST_DECODERS, cores() - 2))


def place(method: Method, device: Device) -> Device:
    """Move a method to a device and return where it is; one that cannot move stays on the CPU.

    Raises
    ------
    ValueError
        If the device is not there, or the method computes on the CPU alone and another one was asked for.
    """
    target = available() if device == "auto" else device
    if target != "cpu" and target != available():
        raise ValueError(f"--device {target}: torch finds none here; take --device {available()}")
    if target != "cpu" and not hasattr(method, "to"):
        if device != "auto":
            raise ValueError(f"--device {target}: {method.name} computes on the CPU only")
        return "cpu"
    if target != "cpu":
        method.to(target)  # type: ignore[attr-defined]
    return target


class Placed:
    """A method on the fastest device here that it can use, for pictures that lie anywhere.

    ``score`` is in float32 whatever surrounds it, ``score_bf16`` the same in bfloat16.
    """

    def __init__(self, method: Method) -> None:
        check_scores(method)
        self.name, self.higher_is_better = method.name, method.higher_is_better
        self.score = function_of(method, How())
        self.score_bf16 = function_of(method, How(precision="bf16"))


def function_of(method: Method, how: How) -> Callable[[Tensor], Tensor]:
    """Return the method's ``score`` on its device, in its precision; it takes bytes too."""
    device = place(method, how.device)
    coarse = how.precision == "bf16"

    def score(images: Tensor) -> Tensor:
        images = unit(images, torch.device(device))
        with _all_bits(coarse or device != "cuda"), torch.autocast(device, torch.bfloat16, enabled=coarse):
            return method.score(images)

    return score


@contextmanager
def _all_bits(as_it_is: bool) -> Iterator[None]:
    """Keep convolutions of float32 on CUDA from rounding to TF32, unless they are to stay as they are."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = before and as_it_is
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def local_rows(
    paths: Sequence[Picture], method: Method, how: How, done: Mapping[int, Size | None]
) -> Iterator[list[Row]]:
    """Score pictures in this process, a batch at a time; `done` as for `benchmark.scoring.stream`."""
    function = function_of(method, how)
    if how.precision == "fp32" and len(paths) - len(done) >= LOOKED_AT:  # bfloat16 alone moves scores as far
        function = as_alone(function, method.name)
    options: Any = {"batch": how.batch, "workers": how.workers, "short_side": how.short_side}
    options["pixels"] = how.pixels
    fast = place(method, how.device) == "cuda"
    with _reader(fast, how.workers if len(paths) - len(done) >= MANY else 0) as reader:
        for part in stream(paths, function, done=done, reader=reader, **options):
            yield scored(part, method)


@contextmanager
def _reader(fast: bool, processes: int) -> Iterator[Reader]:
    """What reads pictures: for a fast device as bytes, which division there turns into the same numbers.

    They are a quarter of what goes there, and so many processes decode them.
    """
    if fast and processes:
        with decoders(processes) as reader:
            yield reader
    else:
        yield read_samples if fast else read
