"""Photographs of the installed wheels, cut to a size."""

from functools import cache

import numpy as np
import torch
from skimage import data
from sklearn.datasets import load_sample_image


@cache
def photographs(side=96):
    """Six colour photographs [6, 3, side, side], a piece with detail of each."""
    whole = [
        data.astronaut(),
        data.chelsea(),
        data.coffee(),
        data.rocket(),
        load_sample_image("china.jpg"),
        load_sample_image("flower.jpg"),
    ]
    cut = [picture[60 : 60 + side, 150 : 150 + side] for picture in whole]
    return torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).contiguous() / 255
