"""The weights in the repository: small enough, whole, and worth more than none."""

import numpy as np
import pytest
from scipy.stats import spearmanr

import methods
from benchmark.degradations import LEVELS, ladder
from methods.qualiclip_small import WEIGHTS
from tests.degradations.pictures import photographs


def test_the_file_stays_small():
    assert WEIGHTS.stat().st_size < 6e6


def test_scores_fall_as_photographs_get_worse():
    method, images = methods.load("qualiclip-small"), photographs()[:3]
    found = {}
    for kind in LEVELS:
        scores = method.score(ladder(images, kind, range(3)).flatten(0, 1)).view(5, 3).numpy()
        found[kind] = np.mean([spearmanr(range(5), -one).statistic for one in scores.T])
    assert np.mean(list(found.values())) > 0.7
    assert sum(value > 0 for value in found.values()) >= 22


@pytest.mark.parametrize("name", ["qualiclip-small", "qualiclip_small"])
def test_either_spelling_names_it(name):
    assert methods.load(name).card.title == "QualiCLIP-small"
