import numpy as np
import pytest
import torch

from benchmark.degradations import LEVELS, contact_sheet, degrade, degrade_file
from benchmark.images import read, write_png
from tests.degradations.pictures import photographs


def test_a_file_is_degraded_as_a_tensor_is(tmp_path):
    write_png(tmp_path / "in.png", photographs()[0])
    degrade_file(tmp_path / "in.png", "gaublur", 4, tmp_path / "out.png", seed=3)
    expected = degrade(photographs()[:1], "gaublur", 4, [3])[0]
    assert (read(tmp_path / "out.png") - expected).abs().max() <= 0.5 / 255 + 1e-6


def test_a_file_that_would_lose_again_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"out\.jpg: give a name that ends in \.png"):
        degrade_file(tmp_path / "in.png", "gaublur", 4, tmp_path / "out.jpg")
    with pytest.raises(ValueError, match=r"in\.png"):
        degrade_file(tmp_path / "in.png", "gaublur", 4, tmp_path / "out.png")
    assert not list(tmp_path.iterdir())


def test_the_sheet_shows_every_type_at_every_level():
    image = photographs()[0, :, :40, :48]
    sheet = torch.from_numpy(np.asarray(contact_sheet(image)).copy()).permute(2, 0, 1)
    assert sheet.shape == (3, 8 * (40 + 28), 3 * (5 * 48 + 10))
    for place, kind in enumerate(LEVELS):
        top, left = place % 8 * 68 + 18, place // 8 * 250
        for level in range(1, 6):
            tile = sheet[:, top : top + 40, left + (level - 1) * 48 : left + level * 48] / 255
            assert (tile - degrade(image[None], kind, level, [0])[0]).abs().max() <= 0.5 / 255 + 1e-6
