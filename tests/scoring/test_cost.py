"""Counts against sums done by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from benchmark.reporting import studies
from benchmark.scoring.cost import Cost, cost
from benchmark.tables import Labels
from methods.niqe import Niqe


class Shell:
    """A method around a network, beside a module that no picture passes through."""

    name = "shell"
    higher_is_better = True

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()
        self.idle = nn.Linear(1000, 1000)

    @torch.inference_mode()
    def score(self, images: Tensor) -> Tensor:
        return self.network(images).flatten(1).mean(1)


def test_a_convolution_and_a_layer_are_counted_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 16 * 12, 5)
    )
    found = cost(Shell(network), torch.rand(1, 3, 32, 24))
    weights = (3 * 9 + 1) * 8 + 2 * 8 + (8 * 16 * 12 + 1) * 5
    # The running mean and variance are float32, the count of batches is int64.
    products = 16 * 12 * 8 * 27 + 8 * 16 * 12 * 5
    # At the most: what the convolution and the normalisation after it leave.
    assert (found.parameters, found.weight_bytes) == (weights, 4 * (weights + 2 * 8) + 8)
    assert found.multiply_adds == products
    assert found.peak_bytes == 2 * 4 * 8 * 16 * 12


def test_attention_is_counted_though_torch_would_fuse_it() -> None:
    width, tokens = 16, 10
    layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=32, batch_first=True)

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, images: Tensor) -> Tensor:
            return self.layer(images.reshape(1, tokens, width))

    found = cost(Shell(Tokens()), torch.rand(1, 1, tokens, width))
    projections = 4 * tokens * width * width
    attention = 2 * tokens * tokens * width
    assert found.multiply_adds == projections + attention + 2 * tokens * width * 32
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_method_without_a_network_has_no_parameters() -> None:
    class Brightness:
        name = "brightness"
        higher_is_better = True

        def score(self, images: Tensor) -> Tensor:
            return images.mean((1, 2, 3))

    # One mean a picture, all that it makes.
    assert cost(Brightness(), torch.rand(2, 3, 8, 8)) == Cost(0, 0, 0, 2 * 4)
    assert cost(Shell(nn.Conv2d(3, 1, 1)), torch.rand(2, 3, 4, 4)).multiply_adds == 2 * 16 * 3


def test_what_works_elsewhere_is_not_asked_and_nothing_of_it_is_counted() -> None:
    class Remote:
        remote = True

        def score(self, images: Tensor) -> Tensor:
            raise AssertionError("asked")

    assert cost(Remote(), torch.rand(1, 3, 8, 8)) is None  # type: ignore[arg-type]
    frame = pd.DataFrame({"method": ["far", "near"], "width": 8, "height": 8})
    for name in ("parameters", "weight_bytes", "multiply_adds", "peak_bytes"):
        frame[name] = [np.nan, 2**20 if name == "peak_bytes" else 0]
    table = studies.cost(frame, Labels())
    assert [[cell.text for cell in row[1:]] for row in table.rows] == [
        ["–"] * 4,
        ["none", "none", "1", "not counted"],
    ]
    assert "elsewhere" in table.notes[-1]


def test_of_a_sparse_matrix_what_it_holds_is_counted() -> None:
    class Taps:
        name = "taps"
        higher_is_better = True

        def score(self, images: Tensor) -> Tensor:
            places = torch.tensor([[0, 1, 2], [5, 6, 7]])
            matrix = torch.sparse_coo_tensor(places, torch.ones(3), (3, 16), check_invariants=True)
            return (matrix @ images[0, 0]).sum()[None]

    found = cost(Taps(), torch.rand(1, 3, 16, 10))
    assert found.multiply_adds == 3 * 10
    assert found.peak_bytes >= 4 * 3 * 10 + 4 * 3  # the product and the values, at the least


def test_of_niqe_the_halving_and_the_covariance_are_counted_and_its_filters_are_not() -> None:
    method = Niqe(torch.zeros(36).double(), torch.eye(36).double())
    generator = torch.Generator().manual_seed(0)
    found = cost(method, torch.rand(1, 3, 384, 512, generator=generator))
    statistics = (384 // 96) * (512 // 96) * 36 * 36 + 36 * 36 + 36
    halving = 8 * (192 * 480 + 192 * 240)  # eight taps over whole patches; at the edges some fall together
    assert statistics + 0.99 * halving < found.multiply_adds <= statistics + halving


@given(st.integers(1, 10**13), st.integers(0, 10**12), st.integers(1, 10**12), st.integers(1, 10**12))
def test_what_is_counted_is_never_shown_as_nothing(
    adds: int, parameters: int, weights: int, peak: int
) -> None:
    """And multiply-adds of a method without a network are said to be a part of its work."""
    counts = {"parameters": parameters, "weight_bytes": weights, "peak_bytes": peak, "multiply_adds": adds}
    table = studies.cost(pd.DataFrame([{"method": "m", "width": 8, "height": 8, **counts}]), Labels())
    cells, units = table.rows[0][1:], (1e6, 2**20, 2**20, 1e9)
    for cell, value, unit in zip(cells, counts.values(), units, strict=True):
        shown = 0 if cell.text == "none" else float(cell.text.replace(",", ""))
        assert shown == pytest.approx(value / unit, rel=0.005)
    assert cells[-1].small == ("" if parameters else "in part")
    assert any("counted in part" in note for note in table.notes)


def test_memory_is_that_of_the_tensors_alive_at_one_time() -> None:
    class Stages:
        name = "stages"
        higher_is_better = True

        def score(self, images: Tensor) -> Tensor:
            half = images[:, :, ::2]  # a view: nothing new
            double = torch.cat([images, images])  # 2 pictures
            triple = torch.cat([images, images, images])  # 3 more, 5 in all
            del double
            quadruple = triple.flatten().repeat(2)[: 4 * images.numel()]  # 6 more, 9 in all
            ring = [quadruple]
            ring.append(ring)  # ended by no count of references, so not before the score is known
            return half.new_zeros(len(images))

    images = torch.rand(1, 3, 16, 16)
    found = [cost(Stages(), images).peak_bytes for _ in range(2)]
    assert found == [9 * images.nbytes + 4] * 2
