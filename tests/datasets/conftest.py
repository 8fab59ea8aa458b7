"""A checkout's top with pictures, for what a user types there."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A checkout's top with twelve pictures, of which two are one file and one is another's thumbnail."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "lab"
    folder.mkdir()
    (tmp_path / "experiments").mkdir()
    draw = np.random.default_rng(0)
    for index in range(10):
        fields = draw.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(fields).resize((90, 72), Image.Resampling.BICUBIC).save(folder / f"p{index}.png")
    (folder / "p10.png").write_bytes((folder / "p0.png").read_bytes())
    Image.open(folder / "p1.png").resize((60, 48)).save(folder / "p11.jpg", quality=60)
    return tmp_path
