"""Checkpoints of CONTRIQUE and Re-IQA as their authors save them, with random values, and a plain ResNet.

Names as the authors' loaders ask for them, strictly (pavancm/CONTRIQUE: ``modules/CONTRIQUE_model.py``;
avinabsaha/ReIQA: ``networks/build_backbone.py``, ``learning/base_trainer.py``).
"""

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torch import nn

from tests.reference.arniqa import random_tensor


def drawn(module, salt=""):
    """State dict of a module with every value drawn from its name; activations of the last stage about 1."""
    state = {name: random_tensor(salt + name, value.shape) for name, value in module.state_dict().items()}
    last = ("layer4.", "encoder.7.", "resnet18.7.")
    norms = [k for k, v in state.items() if any(n in k for n in last) and v.ndim == 1 and "running" not in k]
    return {name: value * 0.02 if name in norms else value for name, value in state.items()}


def write_contrique(path, network=torchvision.models.resnet50):
    """Write a checkpoint of CONTRIQUE; returns its state."""
    model = network()
    width = model.fc.in_features
    projector = nn.Sequential(
        nn.Linear(width, width, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, 128, bias=False),
        nn.BatchNorm1d(128),
    )
    encoder = nn.Sequential(*list(model.children())[:-2])
    state = drawn(nn.ModuleDict({"encoder": encoder, "projector": projector}))
    torch.save(state, path)
    return state


def write_reiqa(path, salt, network=torchvision.models.resnet50):
    """Write a checkpoint of Re-IQA, with what else its trainer saves; returns the state of its model."""
    model = network()
    width = model.fc.in_features
    model.fc = nn.Identity()
    head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 128))
    state = drawn(nn.ModuleDict({"module": nn.ModuleDict({"encoder": model, "head": head})}), salt)
    rest = {
        "contrast": {"memory": torch.zeros(3, 2)},
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save({"model": state, **rest, "epoch": 40, "model_ema": drawn(head)}, path)
    return state


def layer(state, name, x, stride, padding, norm):
    """Convolve, and normalise by the running mean and variance."""
    x = F.conv2d(x, state[f"{name}.weight"], stride=stride, padding=padding)
    mean, variance = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
    gain = state[f"{norm}.weight"] / (variance + 1e-5).sqrt()
    return (x - mean.view(-1, 1, 1)) * gain.view(-1, 1, 1) + state[f"{norm}.bias"].view(-1, 1, 1)


def block(state, at, x, stride):
    """One residual block (He et al., CVPR 2016), with its stride in the 3 x 3 convolution."""
    away = x
    if f"{at}.conv3.weight" in state:
        away = layer(state, f"{at}.conv1", away, 1, 0, f"{at}.bn1").relu()
        away = layer(state, f"{at}.conv2", away, stride, 1, f"{at}.bn2").relu()
        away = layer(state, f"{at}.conv3", away, 1, 0, f"{at}.bn3")
    else:
        away = layer(state, f"{at}.conv1", away, stride, 1, f"{at}.bn1").relu()
        away = layer(state, f"{at}.conv2", away, 1, 1, f"{at}.bn2")
    if f"{at}.downsample.0.weight" in state:
        x = layer(state, f"{at}.downsample.0", x, stride, 0, f"{at}.downsample.1")
    return (x + away).relu()


def resnet(state, x, names):
    """Pooled activations ``[B, D]``; ``names`` are those of conv1, bn1 and the four stages in the state."""
    conv, norm, *stages = names
    x = F.max_pool2d(layer(state, conv, x, 2, 3, norm).relu(), 3, 2, 1)
    for number, stage in enumerate(stages):
        at = 0
        while f"{stage}.{at}.conv1.weight" in state:
            x = block(state, f"{stage}.{at}", x, 2 if number and not at else 1)
            at += 1
    return x.mean((2, 3))


def scales(pixels):
    """A picture ``[H, W, 3]`` of 8 bits and its half by Pillow's bicubic filter, as tensors in [0, 1]."""
    image = Image.fromarray(pixels)
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    return [torch.from_numpy(np.array(x)).permute(2, 0, 1)[None].double() / 255 for x in (image, small)]


def contrique(state, pixels):
    """Features ``[1, 2 D]`` of CONTRIQUE: unit length at each scale, pictures as they are."""
    state = {name: value.double() for name, value in state.items()}
    names = [f"encoder.{place}" for place in (0, 1, 4, 5, 6, 7)]
    rows = [resnet(state, x, names) for x in scales(pixels)]
    return torch.cat([row / row.norm() for row in rows], 1)


def reiqa(quality, content, pixels):
    """Features ``[1, 4 D]`` of Re-IQA: quality and content at full scale, then at half scale."""
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    names = [f"module.encoder.{name}" for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")]
    quality, content = ({k: v.double() for k, v in state.items()} for state in (quality, content))
    rows = []
    for x in scales(pixels):
        rows += [resnet(quality, x, names), resnet(content, (x - mean) / std, names)]
    return torch.cat(rows, 1)
