"""Official weight files of ARNIQA with seeded random numbers, and what the official code makes of them.

The golden values of ``tests/methods/golden/arniqa.json`` are the official code's, on a processor in float32:

    git clone https://github.com/miccunifi/ARNIQA
    python -m tests.reference.arniqa ARNIQA > tests/methods/golden/arniqa.json
"""

import json
import re
import sys
import tempfile
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn

SIZES = [(231, 315), (150, 201), (389, 517)]
"""Heights and widths, none a multiple of 32; the second is smaller than a crop."""

EVERY = 127
"""Of 4096 features, those that are kept are so far apart."""


def random_tensor(name, shape):
    """Draw a tensor from the generator that its name seeds, on a scale that keeps a deep network alive."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return torch.tensor(1)
    if name.endswith(("running_var", "weight")) and len(shape) == 1:
        return 0.5 + torch.rand(shape, generator=generator)
    scale = (2 / max(1, torch.Size(shape[1:]).numel())) ** 0.5 if len(shape) > 1 else 0.1
    return scale * torch.randn(shape, generator=generator)


class Narrow(torchvision.models.ResNet):
    """A ResNet with a quarter of torchvision's channels: a sixteenth of the weights and of the time."""

    def __init__(self, block, layers):
        super().__init__(block, layers)
        self.conv1 = nn.Conv2d(3, 16, 7, 2, 3, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.bn1 = nn.BatchNorm2d(16)
        self.fc = nn.Linear(128 * block.expansion, 1000)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        if planes == 64:
            self.inplanes = 16
        return super()._make_layer(block, planes // 4, blocks, stride, dilate)


def tiny():
    """Return a ResNet small enough for quick tests."""
    return Narrow(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1])


def narrow(patch):
    """Have the methods build their ResNets as narrow as `tiny`, until ``patch`` is undone."""
    for module in ("methods._shared.resnets", "methods._shared.arniqa.encoder"):
        patch.setattr(f"{module}.ResNet", Narrow)


def shallow():
    """Return a ResNet of the blocks of ResNet-50, and as wide, with five of its sixteen."""
    return torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 2, 1, 1])


def encoder_state(network=torchvision.models.resnet50):
    """State dict with the names of the official ``models/resnet.py``."""
    model = network()
    width = model.fc.in_features
    parts = nn.ModuleDict({
        "model": nn.Sequential(*list(model.children())[:-1]),
        "projector": nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 128)),
    })  # fmt: skip
    return {name: random_tensor(name, value.shape) for name, value in parts.state_dict().items()}


class Ridge(nn.Module):
    """Laid out as the published regressors, whose state torchmetrics reads: ``weights`` and ``biases``."""

    def __init__(self, width):
        super().__init__()
        self.weights = nn.Parameter(random_tensor("regressor.weights", (1, width)) * 20)
        self.biases = nn.Parameter(torch.tensor(3.0))

    def forward(self, x):
        return (x @ self.weights.t() + self.biases).flatten()


def write_files(folder, network=torchvision.models.resnet50):
    """Write ``ARNIQA.pth`` and ``regressor_kadid10k.pth``; returns their paths."""
    state = encoder_state(network)
    torch.save(state, folder / "ARNIQA.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        width = 2 * state["projector.0.weight"].shape[0]
        torch.jit.script(Ridge(width)).save(str(folder / "regressor_kadid10k.pth"))
    return folder / "ARNIQA.pth", folder / "regressor_kadid10k.pth"


def picture(height, width):
    """8-bit RGB pixels ``[height, width, 3]``: waves and seeded noise."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 11 + k) * np.cos(columns / (9 + k)) for k in range(3)]
    noise = np.random.default_rng([height, width]).normal(size=(height, width, 3))
    return (127 + 70 * np.stack(waves, 2) + 20 * noise).clip(0, 255).astype(np.uint8)


def official(clone):
    """Return the official model's class and its function for five crops, with nothing fetched."""
    sys.path.insert(0, str(clone))
    source = (clone / "utils" / "utils_data.py").read_text()
    # Its degradations need more libraries than its forward pass.
    stub = types.ModuleType("utils.distortions")
    vars(stub).update(dict.fromkeys(re.findall(r'": (\w+),', source)), torch=torch, np=np)
    sys.modules["utils.distortions"] = stub
    import models.resnet
    from utils.utils_data import center_corners_crop

    import hubconf

    models.resnet.resnet50 = lambda weights: shallow()
    return hubconf.ARNIQA, center_corners_crop


def golden(clone):
    """Scores by the official code: whole pictures as in its README, five crops as in its script."""
    model_class, five_crops = official(clone)
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), shallow)
        here = lambda url, **_: load(Path(folder) / Path(url).name)  # noqa: E731
        torch.hub.load_state_dict_from_url = here
        model = model_class(regressor_dataset="kadid10k").eval()
    normalise = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    to_tensor = torchvision.transforms.ToTensor()
    scores = []
    for height, width in SIZES:
        image = Image.fromarray(picture(height, width))
        half = torchvision.transforms.Resize((height // 2, width // 2))(image)
        with torch.no_grad():
            whole = model(*(normalise(to_tensor(i))[None] for i in (image, half)))
            crops = [torch.stack([normalise(to_tensor(c)) for c in five_crops(i)]) for i in (image, half)]
            both = {"hub": whole.item(), "five-crops": model(*crops).mean().item()}
            given = [normalise(to_tensor(i))[None] for i in (image, half)]
            unscaled, embedding = model(*given, return_embedding=True, scale_score=False)
            more = {"unscaled": unscaled.item(), "embedding": embedding[0, ::EVERY].tolist()}
        scores.append({"size": [height, width], **both, **more})
    return scores


def load(path):
    return torch.jit.load(path) if path.name.startswith("regressor") else torch.load(path)


if __name__ == "__main__":
    print(json.dumps(golden(Path(sys.argv[1])), indent=1))
