"""ResNets of torchvision out of other people's checkpoints: their trunks, filled whole."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import ResNet
from torchvision.models.resnet import BasicBlock, Bottleneck

from methods._shared.clip.weights import fill
from methods._shared.frozen import Frozen
from methods._shared.weights.undrawn import Undrawn

#: Where torchvision's layers stand in ``nn.Sequential(*network.children())``, which many checkpoints name.
PLACES = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")

#: Mean and deviation for networks that saw pictures in [0, 1] as they are.
AS_THEY_ARE = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class Unit(nn.Module):
    """Rows to unit length."""

    def forward(self, rows: Tensor) -> Tensor:
        """Return ``rows [B, D]`` divided by their norms."""
        return F.normalize(rows, dim=1)


def by_name(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give tensors of a numbered ``nn.Sequential`` (``4.0.conv1.weight``) the names that torchvision has."""
    numbers = {str(place): name for place, name in enumerate(PLACES)}
    parts = [(key, *key.partition(".")) for key in state]
    return {f"{numbers.get(first, first)}{dot}{rest}": state[key] for key, first, dot, rest in parts}


def part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors below ``prefix``, named without it."""
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def trunk(state: Mapping[str, Tensor], complaint: str) -> ResNet:
    """Build a ResNet without its classifier, its depth read off the tensors, in evaluation mode.

    Parameters
    ----------
    state
        With torchvision's names.
    complaint
        What a refusal begins with: the file, and what it should be.

    Returns
    -------
    ResNet
        Pictures to pooled activations of its last layer, ``[B, 2048]`` for a ResNet-50.

    Raises
    ------
    ValueError
        If tensors are missing, too many or of another shape.
    """
    blocks = [{key.split(".")[1] for key in state if key.startswith(f"layer{n}.")} for n in (1, 2, 3, 4)]
    if not all(blocks):
        raise ValueError(f"{complaint}: it lacks a ResNet")
    kind = Bottleneck if "layer1.0.conv3.weight" in state else BasicBlock
    with Undrawn():
        network = ResNet(kind, [len(found) for found in blocks])
    network.fc = nn.Identity()
    fill(network, {key: value.float() for key, value in state.items()}, complaint)
    return network.eval().requires_grad_(False)


def pooled(
    network: nn.Module, pictures: tuple[tuple[float, ...], tuple[float, ...]], *, unit: bool
) -> nn.Module:
    """Return a network from pictures in [0, 1] to its features.

    Parameters
    ----------
    network
        Normalised pictures to ``[B, D]``.
    pictures
        Mean and deviation of the pictures that it was trained on, or `AS_THEY_ARE`.
    unit
        Whether features are brought to unit length.
    """
    made = Frozen(network, *pictures)
    # Convolutions over pixels whose channels lie together take two thirds of the time on a CPU.
    whole = nn.Sequential(made, Unit()) if unit else made
    return whole.eval().to(memory_format=torch.channels_last)
