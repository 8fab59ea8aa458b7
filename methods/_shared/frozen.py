"""Networks of torchvision, timm and open_clip as they are: pictures to what the classifier would see."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from benchmark import naming
from methods._shared.arniqa.encoder import MEAN, STD
from methods._shared.clip.encoder import ImageEncoder
from methods._shared.clip.towers import any_size, at_size, is_transformer
from methods._shared.clip.weights import fill, load_clip
from methods._shared.devices import at_least_single
from methods._shared.weights.tensor_files import read_tensors
from methods._shared.weights.undrawn import Undrawn
from methods._shared.weights.weight_cache import Source, first_of, weights_file

Library = Literal["torchvision", "timm", "open_clip"]

#: Pictures that a network must take before anything is scored: it would end the scoring of a data set.
TRIED = ((96, 96), (96, 160))


class Frozen(nn.Module):
    """A network without its classifier; normalises pictures as its weights were trained.

    Parameters
    ----------
    network
        Normalised pictures ``[B, 3, H, W]`` to ``[B, D]``.
    mean, std
        Of the pictures that it was trained on.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return features ``[B, D]`` of ``images [B, 3, H, W]`` (RGB in [0, 1])."""
        normalised = (images - self.mean) / self.std
        with at_size(self.network, normalised) as seen:
            return at_least_single(self.network(seen))


def frozen(library: Library, model: str, weights: str | None, seed: int = 0) -> nn.Module:
    """Load a network without its classifier, in evaluation mode.

    Parameters
    ----------
    library
        Whose network it is.
    model
        Its name there: ``"mobilenet_v2"``, ``"vit_small_patch14_dinov2.lvd142m"``, ``"ViT-B-16-SigLIP2"``.
    weights
        Path of a file in the library's naming; or a name, fetched at first use: of torchvision such as
        ``"IMAGENET1K_V1"``, of timm ``"hub"`` for those that the model's name means, of open_clip a tag.
        ``None``: random weights.
    seed
        Of random weights.

    Returns
    -------
    Module
        Pictures ``[B, 3, H, W]`` in [0, 1] to ``[B, D]``.

    Raises
    ------
    ValueError
        If there is no such network or file, the file does not fit, or the network takes images of one size.
    """
    if library not in get_args(Library):
        raise ValueError(f"library: {naming.hint(library, get_args(Library))}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: dict[str, Callable[[str, str | None, int], nn.Module]] = {
            "torchvision": _torchvision, "timm": _timm, "open_clip": _open_clip,
        }  # fmt: skip
        network = made[library](model, weights, seed).eval().requires_grad_(False)
    for size in TRIED:
        try:
            with torch.inference_mode():
                found = network(torch.zeros(1, 3, *size))
        except (AssertionError, RuntimeError, ValueError) as error:
            raise ValueError(
                f"model: {model} of {library} cannot take a picture of {size[1]}x{size[0]} ({error}); "
                "choose one that takes any size: a convolutional network, or a ViT of timm or open_clip"
            ) from error
        if found.ndim != 2:
            raise ValueError(f"model: {model} of {library} gives {list(found.shape)}, no features [B, D]")
    return network


def _torchvision(model: str, weights: str | None, seed: int) -> nn.Module:
    from torchvision import models

    if model not in models.list_models(module=models):
        raise ValueError(f"model: {naming.hint(model, models.list_models(module=models))}")
    known: Any = models.get_model_weights(model)
    with nullcontext() if weights is None else Undrawn():
        network = models.get_model(model, weights=None)
    heads = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not heads:
        raise ValueError(f"model: {model} of torchvision has no linear classifier to leave out")
    *inside, last = heads[-1].split(".")
    setattr(network.get_submodule(".".join(inside)), last, nn.Identity())
    entry = known.DEFAULT if weights is None or weights not in known.__members__ else known[weights]
    if weights in known.__members__:
        _fill(network, weights_file(entry.url.rsplit("/", 1)[-1], [entry.url]), heads[-1:])
    elif weights is not None:
        _fill(network, _file(weights, list(known.__members__)), heads[-1:])
    how = entry.transforms()
    return Frozen(network, tuple(getattr(how, "mean", MEAN)), tuple(getattr(how, "std", STD)))


def _timm(model: str, weights: str | None, seed: int) -> nn.Module:
    try:
        timm: Any = importlib.import_module("timm")
    except ImportError as error:
        raise ValueError("library: timm is not installed: `pip install timm`") from error
    try:
        with nullcontext() if weights is None else Undrawn():
            network = timm.create_model(model, pretrained=False, num_classes=0)
    except RuntimeError as error:
        names = timm.list_models() + timm.list_pretrained()
        raise ValueError(f"model: {naming.hint(model, names)}") from error
    about = network.pretrained_cfg
    heads = about.get("classifier") or ()
    heads = (heads,) if isinstance(heads, str) else tuple(heads)
    if weights == "hub":
        repository = about.get("hf_hub_id")
        if not repository:
            raise ValueError(f"weights: timm records none of {model}; give the path of a file, or null")
        files = ("model.safetensors", "pytorch_model.bin")
        address = f"https://huggingface.co/{repository}/resolve/main"
        name = repository.replace("/", "--")
        sources = [Source(f"{name}--{file}", f"{address}/{file}") for file in files]
        _fill(network, first_of(f"weights of {model}", sources), heads)
    elif weights is not None:
        _fill(network, _file(weights, ["hub"]), heads)
    if is_transformer(network):
        any_size(network)
    return Frozen(network, tuple(about["mean"]), tuple(about["std"]))


def _open_clip(model: str, weights: str | None, seed: int) -> nn.Module:
    return ImageEncoder(load_clip(model, weights, seed).visual)


def _file(weights: str, names: list[str]) -> Path:
    if not Path(weights).is_file():
        known = " or ".join(map(repr, names))
        raise ValueError(f"weights: {weights!r} is neither a file nor {known}")
    return Path(weights)


def _fill(network: nn.Module, path: Path, heads: tuple[str, ...] | list[str]) -> None:
    """Load a file whole, but for the classifier that was left out."""
    prefixes = tuple(f"{head}." for head in heads)
    state = {key.removeprefix("module."): value for key, value in read_tensors(path).items()}
    kept = {key: value.float() for key, value in state.items() if not key.startswith(prefixes or "\0")}
    fill(network, kept, f"weights: {path} does not fit")
