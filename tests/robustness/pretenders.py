"""Methods that are wrong or right in a known way, and pictures for them."""

import numpy as np
import pandas as pd
import torch

TIDY = ["statistic", "value", "low", "high", "n", "units", "protocol", "published", "standing"]


class Brightness:
    """A linear model: the mean of all pixels."""

    name = "brightness"
    higher_is_better = True

    def score(self, images):
        return images.mean((1, 2, 3))


class Darkness(Brightness):
    name = "darkness"
    higher_is_better = False

    def score(self, images):
        return -images.mean((1, 2, 3))


class Constant(Brightness):
    name = "constant"

    def score(self, images):
        return torch.zeros(len(images))


def photographs(count=3, height=40, width=48):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(3, height, width, generator=generator) * 0.6 + 0.2 for _ in range(count)]


def degraded_set(noise, references=5, kinds=("jpeg", "jitter"), seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        {"reference": f"r{r}", "distortion": kind, "level": level, "truth": 100 - 15 * level}
        for r in range(references)
        for kind, level in [("", 0), *((kind, level) for kind in kinds for level in range(1, 6))]
    ]
    frame = pd.DataFrame(rows)
    frame["image"] = [f"{row.reference}{row.distortion}{row.level}" for row in frame.itertuples()]
    return frame.assign(score=frame.truth + rng.normal(0, noise, len(frame)))
