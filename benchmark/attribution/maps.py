"""Class activation maps as they are: signed, unscaled, at the resolution of the layer."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark import naming
from benchmark.method import HasGradients, has_gradients
from benchmark.scoring.guard import checked


class Attributable(HasGradients, Protocol):
    """A method with gradients, its name and direction."""

    name: str
    higher_is_better: bool


#: Ways to make a map.
HOW = ("gradcam", "hirescam", "scorecam", "eigencam")


def maps(
    method: HasGradients, images: Tensor, targets: Sequence[str] | None = None, how: str = "gradcam"
) -> Tensor:
    """Raw class activation maps.

    Parameters
    ----------
    method
        A method with gradients. Where its layer yields tokens instead of ``[B, C, h, w]`` (a transformer), it
        has a further attribute ``cam_reshape`` that turns the one into the other.
    images
        ``[B, 3, H, W]``, RGB in [0, 1].
    targets
        Which outputs to explain, of ``method.cam_targets``; default all.
    how
        ``"gradcam"`` (Selvaraju et al. 2017), ``"hirescam"`` (Draelos and Carin 2020), ``"scorecam"`` (Wang
        et al. 2020, one forward pass a channel) or ``"eigencam"`` (Muhammad and Yeasin 2020, the same for
        every target).

    Returns
    -------
    Tensor
        ``[B, T, h, w]`` float32 on the CPU: signed, neither clipped nor normalised, so maps of one target can
        be compared between images. Positive where the place raises the output.

    Raises
    ------
    ValueError
        If the method has no gradients, a target or ``how`` is unknown, or ``images`` are no pictures (see
        `benchmark.scoring.guard`).
    """
    images = checked(images)
    if not has_gradients(method):
        raise ValueError(
            f"method {getattr(method, 'name', method)!r} has no gradients to attribute; it needs cam_module, "
            "cam_layer and cam_targets (benchmark.method.HasGradients)"
        )
    chosen = list(method.cam_targets) if targets is None else list(targets)
    columns = [_place(name, list(method.cam_targets), "target") for name in chosen]
    _place(how, list(HOW), "how")
    from benchmark.attribution.cams import CAMS

    with _without_parameter_gradients(method.cam_module):
        cam = CAMS[how](method.cam_module, [method.cam_layer], getattr(method, "cam_reshape", None))
        # With frozen weights only the picture can carry a gradient to the layer.
        cam.compute_input_gradient = cam.uses_gradients
        with cam, torch.set_grad_enabled(cam.uses_gradients), contextlib.redirect_stderr(io.StringIO()):
            found = [cam(images, [_column(k)] * len(images)) for k in columns]
    return torch.from_numpy(np.stack(found, axis=1).astype(np.float32))


def upsample(raw: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize maps ``[B, T, h, w]`` to ``size`` (height, width), bilinear, values untouched otherwise."""
    return F.interpolate(raw, size=size, mode="bilinear", align_corners=False)


def _place(name: str, known: list[str], what: str) -> int:
    if name not in known:
        choice = f"choose from {', '.join(known)}"
        raise ValueError(f"unknown {what} {name!r}, {choice}; {naming.meant(name, known)}".rstrip("; "))
    return known.index(name)


def _column(k: int) -> Callable[[Tensor], Tensor]:
    return lambda output: output[k]


@contextlib.contextmanager
def _without_parameter_gradients(module: nn.Module) -> Iterator[None]:
    """Leave weights, their gradients and the training mode of ``module`` as they were found."""
    training = module.training
    learning = [p for p in module.parameters() if p.requires_grad]
    kept = [p.grad for p in learning]
    for p in learning:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p, gradient in zip(learning, kept, strict=True):
            p.requires_grad_(True)
            p.grad = gradient
        module.train(training)
