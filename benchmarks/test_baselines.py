"""Speed of the baselines that learn nothing from people: one picture of 512 x 512, one thread."""

import pytest
import torch

from methods import brisque, ilniqe, niqe, sharpness
from methods._shared.pristine import ou


@pytest.fixture(scope="module")
def picture():
    torch.set_num_threads(1)
    return torch.rand(1, 3, 512, 512, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "method",
    [sharpness.load(), niqe.Niqe(torch.zeros(36).double(), torch.eye(36).double())],
    ids=lambda method: method.name,
)
def test_score(benchmark, picture, method):
    assert benchmark.pedantic(method.score, args=(picture,), rounds=5, warmup_rounds=1).isfinite().all()


def test_brisque_features(benchmark, picture):
    method = brisque.load()
    assert benchmark.pedantic(method.features, args=(picture,), rounds=5, warmup_rounds=1).shape == (1, 36)


def test_ilniqe_blocks(benchmark, picture):
    rows = benchmark.pedantic(ilniqe.block_rows, args=(picture[0],), rounds=3, warmup_rounds=1)
    assert rows.shape == (36, 468)


class Encoder:
    """2,048 features of nothing: what remains is the distance itself."""

    name = "wide"

    def features(self, images):
        return images.flatten(1)[:, :2048]


def test_distance_over_2048_features(benchmark, picture):
    method = ou.OpinionUnaware(Encoder(), torch.zeros(2048).double(), torch.eye(2048).double())
    assert benchmark.pedantic(method.score, args=(picture,), rounds=5, warmup_rounds=1).isfinite().all()
