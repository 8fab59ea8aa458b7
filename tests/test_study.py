import torch

from benchmark.study import content_seed


def test_content_seed_depends_on_pixels_shape_and_labels():
    image = torch.zeros(3, 32, 64)
    seeds = {
        content_seed(image, 0, "a"),
        content_seed(image, 1, "a"),
        content_seed(image, 0, "b"),
        content_seed(image.reshape(3, 64, 32), 0, "a"),
        content_seed(image + 1e-3, 0, "a"),
    }
    assert len(seeds) == 5
    assert content_seed(image, 0, "a") == content_seed(image.clone(), 0, "a")
    assert all(0 <= seed < 2**62 for seed in seeds)
