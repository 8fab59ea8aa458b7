"""The door of a method: what is no RGB picture in [0, 1] is refused, with the mistake that is likely.

Any tensor gives some number. Bytes, pictures normalised already, or one NaN among the pixels would give a
wrong one without a word. So would an answer of two numbers a picture, where somebody takes the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensor  # has a shape and no values, as one on the meta device

M = TypeVar("M")

#: Functions of pictures that a method may have.
DOORS = ("score", "features", "probabilities")

#: How far a value may lie outside [0, 1]: half a grey level of 8 bits, which an 8-bit file would round away.
#: Nearer ones (rounding in float arithmetic) are clamped; what resizing overshoots by more is refused.
TOLERANCE = 0.5 / 255

#: float32's bits of 1.0, read as a whole number.
_ONE = 0x3F800000


def checked(images: Tensor) -> Tensor:
    """Return pictures as a method may take them.

    Parameters
    ----------
    images
        ``[B, 3, H, W]``, RGB in [0, 1]. float32 and float64 pass as they are, float16 as float32. bfloat16 is
        refused: its eight bits round pixels by up to half a grey level.

    Returns
    -------
    Tensor
        The same tensor, or one whose values outside [0, 1] by no more than `TOLERANCE` are clamped. Gradients
        flow through.

    Raises
    ------
    TypeError
        If it is not a tensor.
    ValueError
        For no picture at all, another shape or type, values out of range, or values that are not finite.
    """
    _check_kind(images)
    images = images.float() if images.dtype == torch.float16 else images
    if images.is_meta or isinstance(images, FakeTensor) or _inside(images):
        return images
    low, high = torch.stack(images.detach().aminmax()).tolist()
    if low >= -TOLERANCE and high <= 1 + TOLERANCE:
        return images.clamp(0, 1)
    raise ValueError(f"pictures must hold values from 0 to 1: {_mistake(images, low, high)}")


def rows_of(found: Any, count: int, whose: str) -> Tensor:
    """Return what a function of pictures gave, which must be a tensor with a row for each of them.

    Parameters
    ----------
    found
        What it gave.
    count
        Number of the pictures.
    whose
        What to call the function in a message.

    Raises
    ------
    TypeError
        If it is another thing.
    """
    if not isinstance(found, Tensor):
        raise TypeError(f"{whose} must return a tensor, not {type(found).__name__}")
    if found.ndim == 0 or len(found) != count:
        raise TypeError(f"{whose} must return one row for each of {count} pictures, not {list(found.shape)}")
    return found


def scores_of(found: Any, count: int, whose: str) -> Tensor:
    """Return what a ``score`` gave, which must be one real number for each picture; see `rows_of`."""
    scores = rows_of(found, count, whose)
    if scores.ndim != 1:
        raise TypeError(f"{whose} must return one number a picture, [{count}], not {list(scores.shape)}")
    if scores.is_complex():
        raise TypeError(f"{whose} must return real numbers, not {str(scores.dtype).removeprefix('torch.')}")
    return scores


def as_alone(score: Callable[[Tensor], Tensor], whose: str) -> Callable[[Tensor], Tensor]:
    """Return a ``score`` that scores the first picture of its first batch of several once more, alone.

    A network left in training mode, or a mean over the batch, gives each picture a number that its
    neighbours decide. Sums in another order move scores too, far less than is asked here: a fiftieth of the
    range of the batch and a ten-thousandth of its largest score.

    Raises
    ------
    RuntimeError
        From the function that is returned, if the two differ by more.
    TypeError
        From it, too, if it gives another thing than one number a picture.
    """
    looked = False

    def held(images: Tensor) -> Tensor:
        nonlocal looked
        scores = scores_of(score(images), len(images), whose)
        if looked or len(images) < 2:
            return scores
        looked, (alone,) = True, scores_of(score(images[:1]), 1, whose).detach().double().cpu()
        batch = scores.detach().double().cpu()
        allowed = (batch.max() - batch.min()) / 50 + batch.abs().max() / 10_000
        if bool((alone - batch[0]).abs() > allowed):
            raise RuntimeError(
                f"{whose}: a picture has the score {alone:.6g} alone and {batch[0]:.6g} in a batch of "
                f"{len(batch)}; score each by itself (is a network in training mode, or a mean taken over "
                "the batch?), or have batches of one; `iqa check-method` looks closer"
            )
        return scores

    return held


def guarded(method: M) -> M:
    """Let every function of pictures that a method has look at them first; returns the method itself.

    What it gives must have a row for each picture, and ``score`` one number.

    Raises
    ------
    TypeError
        If nothing can be set on the method.
    """
    for name in DOORS:
        function = getattr(method, name, None)
        if callable(function) and not isinstance(function, _Door):
            try:
                object.__setattr__(method, name, _Door(function, _ANSWERS[name]))
            except AttributeError as error:
                raise TypeError(
                    f"{type(method).__name__} cannot be guarded: a method must not have __slots__"
                ) from error
    module = getattr(method, "cam_module", None)
    if isinstance(module, nn.Module) and _hook not in module._forward_pre_hooks.values():
        module.register_forward_pre_hook(_hook)
    return method


#: What each function of pictures must give.
_ANSWERS = {name: scores_of if name == "score" else rows_of for name in DOORS}


class _Door:
    """A function of pictures that looks at them first, and at what it gives. Can be copied and pickled."""

    def __init__(self, function: Callable[..., Any], answer: Callable[[Any, int, str], Tensor]) -> None:
        update_wrapper(self, function)
        self.function, self.answer = function, answer

    def __call__(self, images: Tensor, *rest: Any, **more: Any) -> Tensor:
        whose = getattr(self, "__qualname__", type(self.function).__name__)
        return self.answer(self.function(checked(images), *rest, **more), len(images), whose)


def _hook(_module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return (checked(given[0]), *given[1:])


def _inside(images: Tensor) -> bool:
    """Whether all values lie in [0, 1].

    Floats that are not negative are in the order of their bits, NaN lies above and the negative below: whole
    numbers are compared in half the time.
    """
    values = images.detach()
    if values.dtype == torch.float32:
        low, high = torch.stack(values.view(torch.int32).aminmax()).tolist()
        return bool(low >= 0 and high <= _ONE)
    low, high = torch.stack(values.aminmax()).tolist()
    return bool(low >= 0 and high <= 1)


def _check_kind(images: Tensor) -> None:
    if not isinstance(images, Tensor):
        raise TypeError(
            f"pictures must be a tensor [B, 3, H, W], not {type(images).__name__}: "
            "benchmark.images.read makes [3, H, W] of a file"
        )
    shape = list(images.shape)
    if images.ndim != 4 or shape[1] != 3:
        raise ValueError(f"pictures must have the shape [B, 3, H, W], not {shape}{_reshape(shape)}")
    if not shape[0]:
        raise ValueError(f"no pictures: the batch is empty, {shape}")
    if not shape[2] or not shape[3]:
        raise ValueError(f"pictures of {shape[3]}x{shape[2]} have no pixels")
    if images.dtype not in (torch.float32, torch.float64, torch.float16):
        cure = {
            torch.uint8: ": divide bytes by 255",
            torch.uint16: ": divide by 65535",
            torch.bfloat16: ": it rounds pixels by up to half a grey level; give float32, and let autocast "
            "choose the precision inside",
        }.get(images.dtype, "")
        raise ValueError(f"pictures must be float32, not {str(images.dtype).removeprefix('torch.')}{cure}")


def _reshape(shape: list[int]) -> str:
    if len(shape) == 3 and shape[0] == 3:
        return ": for one picture, images[None]"
    if shape[-1:] == [3] and len(shape) in (3, 4):
        return ": channels must come first, permute them"
    if len(shape) == 4 and shape[1] == 1:
        return ": for grey pictures, images.expand(-1, 3, -1, -1)"
    if len(shape) == 4 and shape[1] == 4:
        return ": a fourth channel is no colour; benchmark.images.read composes transparency"
    return ""


def _mistake(images: Tensor, low: float, high: float) -> str:
    """Say what values were found, and which mistake makes such values."""
    lost = int((~images.detach().isfinite()).sum())
    if lost:
        return f"{lost} of {images.numel()} values are NaN or infinite"
    seen = f"values from {low:.4g} to {high:.4g}"
    if low >= -0.25 and high <= 1.25:
        return f"{seen}: overshoot of resizing? clamp(0, 1)"
    if -1 - TOLERANCE <= low < 0 and high <= 1 + TOLERANCE:
        return f"{seen}: scaled to [-1, 1] (x / 2 + 0.5), or already normalised?"
    if low >= -3 and high <= 3:
        return f"{seen}: already normalised? methods normalise by themselves"
    if low >= 0 and high <= 255:
        return f"{seen}: divide by 255"
    if low >= 0 and high <= 65535:
        return f"{seen}: divide by 65535"
    return seen
