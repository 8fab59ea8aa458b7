"""How the weights of QualiCLIP-small are made: the photographs, the squares, and a training of one step."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from skimage.data import astronaut

import methods
from benchmark.images import read
from experiments.small_weights import __main__ as making
from experiments.small_weights import photographs, squares


@pytest.fixture
def picture():
    """A sharp photograph of 512 x 512."""
    return Image.fromarray(astronaut())


def drawn(picture, seed):
    return squares.square(picture, np.random.default_rng(seed))


def test_photographs_are_told_by_their_content(tmp_path, monkeypatch):
    rows = []
    for index in range(3):
        data = bytes([index]) * 100
        rows.append((f"there/{index}.jpg", "a package", hashlib.sha256(data).hexdigest()))
        if index != 1:
            path = tmp_path / f"folder{index}" / f"renamed{5 - index}.jpg"
            path.parent.mkdir()
            path.write_bytes(data)
    monkeypatch.setattr(photographs, "LIST", tmp_path / "list.csv")
    pd.DataFrame(rows, columns=["file", "source", "sha256"]).to_csv(photographs.LIST, index=False)
    with pytest.raises(ValueError, match=r"1 of 3 .*\n  there/1.jpg \(a package\)"):
        photographs.find(tmp_path)
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "x.jpg").write_bytes(bytes([1]) * 100)
    found = photographs.find(tmp_path / "folder0", tmp_path / "second", tmp_path / "folder2")
    assert [path.name for path in found] == ["renamed5.jpg", "x.jpg", "renamed3.jpg"]


def test_the_list_says_whose_each_photograph_is():
    table = photographs.listed()
    assert table["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert table["sha256"].is_unique
    assert table["licence"].ne("").all()
    assert table.loc[table["author"].eq(""), "licence"].eq("CC0-1.0").all()


def test_squares_are_drawn_from_the_content_and_the_seed_alone(tmp_path, picture):
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.png")
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder, file, seed in zip(folders, "aba", (1, 1, 2), strict=True):
        folder.mkdir()
        squares.write(tmp_path / f"{file}.png", "0123456789abcdef", folder, seed)
    first, same, other = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in folders)
    assert first == same
    assert len(first) > squares.EACH / 2
    assert all(first[name] != other[name] for name in first.keys() & other.keys())
    assert all(read(path).shape == (3, 224, 224) for path in folders[0].iterdir())


def test_squares_have_many_scales():
    # A ramp rises by one a pixel, so its slope in a square is the scale.
    ramp = Image.fromarray(
        np.tile(np.arange(2016, dtype=np.float32) / 8, (2016, 1)).astype(np.uint8)
    ).convert("RGB")
    cuts = [
        np.asarray(squares.cut(ramp, np.random.default_rng(seed)))[112, :, 0].astype(float)
        for seed in range(200)
    ]
    scales = np.array([8 * (cut[200] - cut[24]) / 176 for cut in cuts])
    assert scales.min() >= 1.3
    assert scales.max() > 7
    # Uniform in the logarithm from 1.5 to 9: the median is their geometric mean.
    assert np.median(scales) == pytest.approx(np.sqrt(1.5 * 9), rel=0.25)


def test_what_shows_nothing_sharp_is_left_out(picture):
    flat = Image.new("RGB", (600, 600), (90, 120, 60))
    soft = picture.resize((600, 600)).filter(ImageFilter.GaussianBlur(12))
    assert all(drawn(flat, seed) is None and drawn(soft, seed) is None for seed in range(10))
    assert sum(drawn(picture, seed) is not None for seed in range(20)) >= 15


def test_squares_differ_in_tone_and_colour(picture):
    found = [np.asarray(one, dtype=float) for seed in range(60) if (one := drawn(picture, seed)) is not None]
    grey = np.mean([np.ptp(one, axis=-1).max() == 0 for one in found])
    assert 0.02 < grey < 0.3
    assert np.std([one.mean() for one in found]) > 10


def test_the_weights_are_made_by_one_command(tmp_path, picture, monkeypatch, capsys):
    picture.save(tmp_path / "one.png")
    digest = hashlib.sha256((tmp_path / "one.png").read_bytes()).hexdigest()
    monkeypatch.setattr(
        photographs, "listed", lambda: pd.DataFrame({"file": ["one.png"], "sha256": [digest]})
    )
    monkeypatch.setattr(squares, "EACH", 2)
    few = making.SETTINGS.model_copy(update={"steps": 1, "batch": 2, "crop": 64, "width": 8})
    monkeypatch.setattr(making, "SETTINGS", few)
    making.main(tmp_path, tmp_path / "out", workers=1)
    weights = capsys.readouterr().out.strip()
    assert methods.load("qualiclip", weights=weights).score is not None
    made = sorted(path.name for path in (tmp_path / "out" / "pictures").iterdir())
    assert [name for name in made if name.startswith("leaves")] == ["leaves_0000.png", "leaves_0001.png"]
    assert len(made) == 4
