"""A checkpoint of DUBMA as its authors save it, with random values, and its score written plainly.

Names as the authors' loader asks for them (wzhsysu/DUMBA: ``TrainModel.py``, ``ResNet18_AE.py``).
"""

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn

from tests.reference.contrastive import drawn, resnet


def write(path, network=torchvision.models.resnet18):
    """Write a checkpoint, wrapped for several devices, its annotators beside; returns both states."""
    model = network()
    head = {
        "linear": nn.Linear(model.fc.in_features, 64, bias=False),
        "qualityfc": nn.Linear(64, 1, bias=False),
    }
    encoder = drawn(nn.ModuleDict({"module": nn.ModuleDict({"ResNet18": model})}))
    ranker = drawn(nn.ModuleDict({"module": nn.ModuleDict(head)}))
    annotators = {name: torch.rand(1, 10).requires_grad_() for name in ("sensitivity", "specificity")}
    torch.save({"epoch": 3, **annotators, "netF_dict": encoder, "netQ_dict": ranker}, path)
    return encoder, ranker


def patches(pixels):
    """Patches ``[N, 3, 224, 224]`` of a picture ``[H, W, 3]`` of 8 bits, in [0, 1]."""
    image = Image.fromarray(pixels)
    width, height = image.size
    if width < 384 or height < 384:
        if width < height:
            image = image.resize((384, int(384 * height / width)), Image.Resampling.BICUBIC)
        else:
            image = image.resize((int(384 * width / height), 384), Image.Resampling.BICUBIC)
    elif width >= 768 and height >= 768:
        image = torchvision.transforms.functional.resize(image, 768)
    x = torch.from_numpy(np.array(image)).double().permute(2, 0, 1) / 255
    tops, lefts = ([*range(0, side - 224, 112), side - 224] for side in x.shape[1:])
    return torch.stack([x[:, top : top + 224, left : left + 224] for top in tops for left in lefts])


def score(states, pixels):
    """Score a picture ``[H, W, 3]`` of 8 bits."""
    encoder, ranker = ({k: v.double() for k, v in state.items()} for state in states)
    names = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")
    rows = resnet(encoder, patches(pixels), [f"module.ResNet18.{name}" for name in names])
    rows = rows / rows.norm(dim=1, keepdim=True)
    inner = (rows @ ranker["module.linear.weight"].T).clamp(min=0)
    return (3 * torch.tanh(inner @ ranker["module.qualityfc.weight"].T)).mean().item()
