import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.degradations import LEVELS, contact_sheet, degrade, degrade_file, sheet_file
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


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_sheet_of_a_file_is_that_of_its_largest_central_square(tmp_path):
    picture = photographs()[0]
    write_png(tmp_path / "in.png", picture[:, :48, :90])
    sheet_file(tmp_path / "in.png", tmp_path / "OUT.PNG", 5, order="monotone", side=48)
    middle = read(tmp_path / "in.png")[:, :, 21:69]
    expected = np.asarray(contact_sheet(middle, 5, order="monotone"))
    assert np.array_equal(pixels(tmp_path / "OUT.PNG"), expected)
    sheet_file(tmp_path / "in.png", tmp_path / "small.png", side=32)
    assert pixels(tmp_path / "small.png").shape == (8 * (32 + 28), 3 * (5 * 32 + 10), 3)


@pytest.mark.parametrize(("columns", "rows"), [(1, 24), (5, 5), (24, 1)])
def test_a_sheet_has_as_many_rows_as_its_columns_leave(columns, rows):
    sheet = contact_sheet(photographs()[0, :, :32, :32], columns=columns)
    assert sheet.size == (columns * 170, rows * 60)
