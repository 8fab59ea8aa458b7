"""Counts against sums done by hand."""

import torch
from torch import Tensor, nn

from benchmark.cost import Cost, cost


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
    assert found == Cost(weights, 4 * (weights + 2 * 8) + 8, 16 * 12 * 8 * 27 + 8 * 16 * 12 * 5)


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

    assert cost(Brightness(), torch.rand(2, 3, 8, 8)) == Cost(0, 0, 0)
    assert cost(Shell(nn.Conv2d(3, 1, 1)), torch.rand(2, 3, 4, 4)).multiply_adds == 2 * 16 * 3
