"""The library's class activation maps, kept before it clips, resizes and normalises each map by itself.

Importing the library takes seconds: torchvision and scikit-learn come with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pytorch_grad_cam import EigenCAM, GradCAM, HiResCAM, ScoreCAM
from torch import Tensor, nn


class _Raw:
    """Returns what the library has computed of a layer."""

    def compute_cam_per_layer(self, images: Tensor, targets: list[Any], eigen_smooth: bool) -> np.ndarray:
        kept = self.activations_and_grads  # type: ignore[attr-defined]
        activations = kept.activations[0].numpy()
        gradients = kept.gradients[0].numpy() if kept.gradients else None
        return np.asarray(
            self.get_cam_image(images, self.target_layers[0], targets, activations, gradients, eigen_smooth)  # type: ignore[attr-defined]
        )

    def aggregate_multi_layers(self, layer: np.ndarray) -> np.ndarray:
        return layer


class RawGradCAM(_Raw, GradCAM):
    """Grad-CAM."""


class RawHiResCAM(_Raw, HiResCAM):
    """HiResCAM."""


class RawScoreCAM(_Raw, ScoreCAM):
    """Score-CAM."""


class RawEigenCAM(_Raw, EigenCAM):
    """Eigen-CAM, signed."""

    def get_cam_image(
        self, images: Tensor, layer: nn.Module, targets: Any, activations: np.ndarray, *rest: Any
    ) -> np.ndarray:
        """First principal direction of the activations of each picture."""
        # The sign of a principal direction is arbitrary: take the one along which activation rises.
        projected = super().get_cam_image(images, layer, targets, activations, *rest)
        strength = activations.mean(axis=1)
        strength = strength - strength.mean(axis=(1, 2), keepdims=True)
        return np.asarray(
            projected * np.where((projected * strength).sum(axis=(1, 2), keepdims=True) < 0, -1, 1)
        )


CAMS: dict[str, type] = {
    "gradcam": RawGradCAM,
    "hirescam": RawHiResCAM,
    "scorecam": RawScoreCAM,
    "eigencam": RawEigenCAM,
}
