"""Read bytes as the one picture of a file."""

import warnings

import numpy as np
import pytest

from benchmark.images import ImageNotice, read


@pytest.fixture
def pixels(tmp_path):
    """A function from the bytes of a file to ``[H, W, 3]`` in [0, 1]; its `said` holds the notices."""

    def decoded(data, name="picture"):
        path = tmp_path / name
        path.write_bytes(data)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tensor = read(path)
        decoded.said = [str(one.message) for one in caught if issubclass(one.category, ImageNotice)]
        assert tensor.is_contiguous()
        return tensor.permute(1, 2, 0).numpy().astype(np.float64)

    return decoded
