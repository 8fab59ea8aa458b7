"""MDFS written plainly: loops over places, from the formulas of Ni et al. and their published code."""

import numpy as np
import torch
import torchvision


def network(seed=0):
    """Return an EfficientNet-B0 of torchvision with random weights, means and variances too."""
    torch.manual_seed(seed)
    made = torchvision.models.efficientnet_b0(weights=None).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return made


def bell(side):
    line = np.exp(-((np.arange(side) - side // 2) ** 2) / (2 * (side / 3) ** 2))
    return np.outer(line, line) / line.sum() ** 2


def halved(maps, height, width):
    """Blur ``[C, h, w]`` with reflected borders, take every second place, and bring to a size."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)), "reflect")
    rows, columns = -(-maps.shape[1] // 2), -(-maps.shape[2] // 2)
    out = np.empty((len(maps), rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[:, i, j] = (padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] * bell(3)).sum((1, 2))
    if (rows, columns) == (height, width):
        return out
    ys, xs = np.linspace(0, rows - 1, height), np.linspace(0, columns - 1, width)  # corners meet corners
    down = np.stack(
        [[np.interp(ys, range(rows), out[c, :, j]) for j in range(columns)] for c in range(len(out))]
    )
    return np.stack(
        [[np.interp(xs, range(columns), down[c, :, i]) for i in range(height)] for c in range(len(out))]
    )


def places(made, x):
    """Rows ``[N, D]`` and mean local deviations ``[N]`` of ``x [3, H, W]`` in [0, 1]."""
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    maps, at = [], ((x - mean) / std)[None]
    with torch.no_grad():
        for number, layer in enumerate(made.features[:6]):
            at = layer(at)
            if number:
                maps.append(at[0].double().numpy())
    *first, fourth, fifth = maps
    groups = []
    for start, one in enumerate(first):
        for below in [*first[start + 1 :], fourth]:
            one = halved(one, *below.shape[1:])
        groups.append(one)
    groups += [fourth, fifth]
    _, height, width = fourth.shape
    side = max(3, min(height, width) // 32 * 2 + 1)
    rows, deviations = [], []
    for i in range(0, height - side + 1, side // 2):
        for j in range(0, width - side + 1, side // 2):
            parts, spread = [], []
            for group in groups:
                window = group[:, i : i + side, j : j + side]
                local = (window * bell(side)).sum((1, 2))
                square = (window**2 * bell(side)).sum((1, 2))
                spread.append(np.sqrt(np.maximum(square - local**2, 0)))
                parts.append(local / np.linalg.norm(local))
            rows.append(np.concatenate(parts))
            deviations.append(np.concatenate(spread).mean())
    return np.array(rows), np.array(deviations)


def score(made, pristine, x):
    """Weighted mean of the places' distances from pristine rows ``[N, D]``."""
    rows, deviations = places(made, x)
    inverse = np.linalg.inv((np.cov(rows, rowvar=False) + np.cov(pristine, rowvar=False)) / 2)
    distances = [np.sqrt((row - pristine.mean(0)) @ inverse @ (row - pristine.mean(0))) for row in rows]
    weights = 1 / (1 + np.exp(-(deviations - deviations.mean()) / deviations.std(ddof=1)))
    return (weights * distances).sum() / weights.sum()
