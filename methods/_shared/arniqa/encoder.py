"""A ResNet of torchvision without its classifier, and a projector over it (Agnolucci et al., WACV 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn
from torchvision.models import ResNet
from torchvision.models.resnet import BasicBlock, Bottleneck

from benchmark import files
from methods._shared.devices import at_least_single
from methods._shared.weights.tensor_files import read_tensors
from methods._shared.weights.undrawn import Undrawn
from methods._shared.weights.weight_cache import weights_file

#: Mean and deviation of ImageNet's pictures, by which torchvision's weights were trained.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

#: Blocks and depths; ``small`` is for a processor: 4.9 million parameters, 512 features.
BACKBONES: dict[str, tuple[type[BasicBlock] | type[Bottleneck], list[int]]] = {
    "small": (BasicBlock, [1, 1, 1, 1]),
    "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]),
    "resnet50": (Bottleneck, [3, 4, 6, 3]),
}

#: torchvision's weights IMAGENET1K_V1, from which training starts.
IMAGENET = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
}

#: Where torchvision's layers stand in the official checkpoint's ``model.<n>``.
_LAYERS = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool")


class Encoder(nn.Module):
    """Pictures to unit features and, for the contrastive loss, unit projections of them.

    Parameters
    ----------
    network
        ResNet of torchvision; its classifier is left out.
    embedding
        Length of a projection.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: ResNet, embedding: int = 128) -> None:
        super().__init__()
        self.width = network.fc.in_features
        # Names as in the official checkpoint.
        self.model = nn.Sequential(*(getattr(network, name) for name in _LAYERS))
        self.projector = nn.Sequential(
            nn.Linear(self.width, self.width), nn.ReLU(), nn.Linear(self.width, embedding)
        )
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return unit features ``[B, D]`` of ``images [B, 3, H, W]`` (RGB in [0, 1], any size)."""
        return self.describe((images - self.mean) / self.std)

    def describe(self, normalised: Tensor) -> Tensor:
        """Return unit features ``[B, D]`` of pictures ``[B, 3, H, W]`` in ImageNet's normalisation."""
        pixels = normalised.to(next(self.model.parameters()).dtype)
        return F.normalize(at_least_single(self.model(pixels).flatten(1)), dim=1)

    def project(self, images: Tensor) -> Tensor:
        """Return unit projections ``[B, embedding]`` of ``images [B, 3, H, W]`` in [0, 1]."""
        return F.normalize(self.projector(self(images)).float(), dim=1)


def build(backbone: str, seed: int, embedding: int = 128) -> Encoder:
    """Build an encoder with random weights drawn from ``seed``; the global generator is left as it was.

    Raises
    ------
    ValueError
        If there is no such backbone.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbone: there is no {backbone!r}; take one of {', '.join(BACKBONES)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(ResNet(*BACKBONES[backbone]), embedding).eval()


def start(encoder: Encoder, backbone: str, weights: str) -> None:
    """Fill a new encoder with weights trained on ImageNet.

    Parameters
    ----------
    encoder, backbone
        As built.
    weights
        ``"imagenet"`` for torchvision's IMAGENET1K_V1, fetched at first use; or the path of a state dict with
        torchvision's names.

    Raises
    ------
    ValueError
        If there are no such weights, or they are another network's.
    """
    if weights == "imagenet":
        if backbone not in IMAGENET:
            raise ValueError(f"pretrained: torchvision has no weights of {backbone!r}; set it to null")
        name = IMAGENET[backbone]
        path = weights_file(name, [f"https://download.pytorch.org/models/{name}"])
    else:
        path = Path(weights)
    places = {layer: str(place) for place, layer in enumerate(_LAYERS)}
    state = {}
    for key, value in read_tensors(path).items():
        layer, _, rest = key.partition(".")
        if layer in places:
            state[f"model.{places[layer]}.{rest}"] = value
    _fill(encoder, state, path)


def load_encoder(path: Path) -> Encoder:
    """Read an encoder: the official ``ARNIQA.pth``, a checkpoint of the official training, or our own file.

    The depth of the network is read off the tensors.

    Raises
    ------
    ValueError
        If the file is missing, damaged, holds more than tensors, or holds another network.
    """
    state = {key.removeprefix("encoder."): value for key, value in read_tensors(path).items()}
    stages = [_depth(state, f"model.{_LAYERS.index(f'layer{n}')}.") for n in (1, 2, 3, 4)]
    block = Bottleneck if "model.4.0.conv3.weight" in state else BasicBlock
    if "model.0.weight" not in state or 0 in stages:
        raise ValueError(f"{path} holds no encoder of ARNIQA: it lacks a ResNet under `model.`")
    last = state.get("projector.2.weight")
    with Undrawn():
        network = ResNet(block, stages)
    with torch.random.fork_rng(devices=[]):
        encoder = Encoder(network, len(last) if last is not None else 128)  # its projector may stay as drawn
    _fill(encoder, state, path)
    return encoder.eval()


def save_encoder(encoder: Encoder, path: Path) -> None:
    """Write an encoder as safetensors, with the official names: aside and then renamed."""
    files.write_bytes(path, save({k: v.detach().cpu().contiguous() for k, v in encoder.state_dict().items()}))


def _depth(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({key[len(prefix) :].split(".")[0] for key in state if key.startswith(prefix)})


def _fill(encoder: Encoder, state: Mapping[str, Tensor], path: Path) -> None:
    """Load tensors by name; only the projector, which no score needs, may be missing."""
    try:
        missing, unknown = encoder.load_state_dict(dict(state), strict=False)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit this ResNet: {error}") from error
    missing = [key for key in missing if not key.startswith("projector.")]
    # Weights older than 2018 lack the counters of batch norm, which play no part here.
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unknown:
        raise ValueError(f"{path} does not fit this ResNet: missing {missing[:3]}, unknown {unknown[:3]}")
