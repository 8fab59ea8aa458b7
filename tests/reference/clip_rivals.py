"""MA-CLIP and GRepQ written plainly, and GRepQ's files as its authors save them, with random values."""

import numpy as np
import open_clip
import torch
from scipy import stats
from torch import nn

from methods._shared.clip.encoder import SMALL, build
from tests.reference import arniqa, contrastive


def clip(seed):
    """Return the small CLIP whose weights are drawn from a seed."""
    return build(SMALL, seed)


def embed(model, x):
    """Embeddings ``[D]`` by open_clip itself, its positional embedding 0, of ``x [3, H, W]`` in [0, 1]."""
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    pool = model.visual.attnpool
    tokens = (x.shape[1] // 32) * (x.shape[2] // 32) + 1
    pool.positional_embedding = nn.Parameter(torch.zeros(tokens, pool.k_proj.in_features))
    with torch.no_grad():
        return model.encode_image(((x - mean) / std)[None])[0].double().numpy()


def read(model, prompts):
    """Embeddings ``[P, D]`` of prompts by open_clip itself."""
    with torch.no_grad():
        return model.encode_text(open_clip.get_tokenizer("RN50")(prompts)).double().numpy()


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def squeeze(x, side=224):
    """``[3, H, W]`` to ``[3, side, side]`` bilinearly between pixel centres, one pixel at a time."""
    out = np.empty((3, side, side))
    places = []
    for length in x.shape[1:]:
        at = np.clip((np.arange(side) + 0.5) * length / side - 0.5, 0, None)
        low = np.floor(at).astype(int)
        places.append((low, np.minimum(low + 1, length - 1), at - low))
    (top, bottom, down), (left, right, along) = places
    for i in range(side):
        upper = x[:, top[i]][:, left] * (1 - along) + x[:, top[i]][:, right] * along
        lower = x[:, bottom[i]][:, left] * (1 - along) + x[:, bottom[i]][:, right] * along
        out[:, i] = upper * (1 - down[i]) + lower * down[i]
    return out


PROMPTS = [
    "Good image",
    "bad image",
    "Sharp image",
    "blurry image",
    "sharp edges",
    "blurry edges",
    "High resolution image",
    "low resolution image",
    "Noise-free image",
    "noisy image",
]


def maclip(model, x):
    """Score of a picture ``[3, H, W]`` in [0, 1]: views, both cues and their weights, one by one."""
    words, scale = read(model, PROMPTS), float(model.logit_scale.detach().exp())
    _, height, width = x.shape
    views = [
        x[:, i : i + 224, j : j + 224]
        for i in range(0, height - 223, 128)
        for j in range(0, width - 223, 128)
    ]
    views.append(torch.from_numpy(squeeze(x.double().numpy())).float())
    scores = []
    for view in views:
        f = embed(model, view)
        good = []
        for pair in range(5):
            logits = [scale * cosine(f, words[2 * pair + side]) for side in (0, 1)]
            good.append(1 / (1 + np.exp(logits[1] - logits[0])))
        c = np.mean(good)
        m = stats.boxcox(abs(f) / (abs(f).std(ddof=1) + 1e-6) + 1, 0.5).mean()
        powers = np.exp([1.0 + (c - m), 0.6 - (c - m)])
        scores.append((powers[0] * c + powers[1] * m) / powers.sum())
    return np.mean(scores)


def write_grepq(folder, network=arniqa.tiny, clip_seed=2):
    """Write GRepQ's two files; returns their paths and what they hold."""
    model = network()
    layers = list(model.children())
    width = model.fc.in_features
    head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 128))
    trunk = nn.ModuleDict({"base_model": model, "resnet18": nn.Sequential(*layers[:-1])})
    state = contrastive.drawn(nn.ModuleDict({"encoder": trunk, "head": head}))
    saved = {
        "model": {"state_dict": state},
        "current_iteration": 7,
        "optimizer": {"state_dict": {"state": {}}},
    }
    low, high = folder / "low_level_model_weights.tar", folder / "high_level_model_weights.pth"
    torch.save(saved, low)
    tuned = clip(clip_seed).visual.state_dict()
    torch.save(
        {name: value.half() if value.is_floating_point() else value for name, value in tuned.items()}, high
    )
    return low, high, state


def low_features(state, x):
    """Projections ``[N, 128]`` of GRepQ's low-level model of ``x [N, 3, H, W]`` in [0, 1], as it is."""
    state = {name: value.double() for name, value in state.items()}
    rows = contrastive.resnet(state, x.double(), [f"encoder.resnet18.{n}" for n in (0, 1, 4, 5, 6, 7)])
    rows = (rows @ state["head.0.weight"].T + state["head.0.bias"]).relu()
    return (rows @ state["head.2.weight"].T + state["head.2.bias"]).numpy()


def patches(x, stride):
    """Patches ``[N, 3, 96, 96]`` of ``x [3, H, W]``, row by row."""
    _, height, width = x.shape
    corners = [(i, j) for i in range(0, height - 95, stride) for j in range(0, width - 95, stride)]
    return torch.stack([x[:, i : i + 96, j : j + 96] for i, j in corners])


def grepq(state, high, words, pristine, x):
    """Score of ``x [3, H, W]``; ``high`` is the tuned CLIP, ``words`` the two prompts' embeddings."""
    rows, theirs = low_features(state, patches(x, 48)), low_features(state, pristine)
    away = rows.mean(0) - theirs.mean(0)
    both = (np.cov(rows, rowvar=False) + np.cov(theirs, rowvar=False)) / 2 + 1e-3 * np.eye(rows.shape[1])
    distance = np.sqrt(away @ np.linalg.inv(both) @ away)
    f = embed(high, x)
    good, bad = (cosine(f, word) for word in words)
    return 1 / (1 + np.exp(10 * (bad - good))) + 1 - 1 / (1 + np.exp(-distance / 100))
