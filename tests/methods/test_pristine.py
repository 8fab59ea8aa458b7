"""Fits to pristine pictures: running sums, drawn pictures, and going on from any place of a journal."""

import subprocess
import sys

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import methods
from methods import ilniqe, niqe
from methods._shared.pristine import gaussian, ou

ROWS = np.random.default_rng(0).normal(size=(40, 5)) * np.geomspace(1e-3, 1e3, 5) + 1e3


@given(st.lists(st.integers(0, 40), max_size=6).map(sorted), st.integers(1, 50))
def test_sums_over_any_parts_are_those_of_the_whole(cuts, block):
    sums = gaussian.Sums()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaussian, "BLOCK", block)
        for part in np.split(ROWS, cuts):
            sums.add(torch.from_numpy(part))
        found = sums.gaussian()
    assert (found.rows, found.pictures) == (40, len(cuts) + 1)
    np.testing.assert_allclose(found.mean, ROWS.mean(0), rtol=1e-12)
    expected = np.cov(ROWS, rowvar=False)
    scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    np.testing.assert_allclose(found.covariance.numpy() / scale, expected / scale, atol=1e-9)


def test_drawn_pictures_follow_from_the_seed_and_each_name(tmp_path):
    paths = [tmp_path / folder / f"{k}.png" for folder in "ab" for k in range(40)]
    some = gaussian.drawn(paths, 30, 1)
    assert some == gaussian.drawn(paths[::-1], 30, 1) == sorted(some)
    assert len(set(some)) == 30
    assert some != gaussian.drawn(paths, 30, 2)
    assert set(gaussian.drawn(paths, 20, 1)) < set(some)
    elsewhere = [path.parents[1] / "moved" / path.relative_to(tmp_path) for path in paths]
    again = gaussian.drawn(elsewhere, 30, 1)
    assert [p.relative_to(tmp_path / "moved") for p in again] == [p.relative_to(tmp_path) for p in some]
    without = [path for path in paths if path != some[0]]
    assert len(set(gaussian.drawn(without, 30, 1)) - set(some)) == 1  # the next lot takes its place
    assert gaussian.drawn(paths[::-1], None, 1) == sorted(paths)
    for count in (0, 81):
        with pytest.raises(ValueError, match=f"count={count}: there are 80 pristine pictures"):
            gaussian.drawn(paths, count, 1)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for k in range(6):
        Image.fromarray(skimage.data.coffee()[60 * k :][:96, 100:260]).save(folder / f"{k}.png")
    return sorted(folder.iterdir())


def described(done):
    """A description that remembers which pictures it has seen; the number of rows is another for each."""

    def describe(path):
        done.append(path.name)
        draw = np.random.default_rng(int(path.stem))
        return torch.from_numpy(draw.normal(size=(int(path.stem), 5)))

    return describe


@pytest.fixture(scope="module")
def whole(files, tmp_path_factory):
    """A fit, its journal, and what that holds."""
    partial = tmp_path_factory.mktemp("fit") / "model.partial"
    fitted = gaussian.fit(files, described([]), partial=partial, about={"patch": 96})
    return fitted, partial, partial.read_bytes()


@given(share=st.floats(0, 1))
def test_a_fit_that_was_cut_off_anywhere_ends_as_one_that_was_not(files, whole, share):
    whole, partial, content = whole
    partial.write_bytes(content[: int(share * len(content))])
    done = []
    again = gaussian.fit(files, described(done), partial=partial, about={"patch": 96})
    assert torch.equal(again.mean, whole.mean)
    assert torch.equal(again.covariance, whole.covariance)
    assert (again.rows, again.pictures) == (whole.rows, whole.pictures) == (15, 6)
    assert partial.read_bytes() == content
    assert done == [path.name for path in files][6 - len(done) :]
    assert len(done) < 6 or share < 0.5


def test_what_was_described_is_not_described_again(files, tmp_path):
    partial, done = tmp_path / "model.partial", []

    def stopped(path):
        if path.stem == "4":
            raise KeyboardInterrupt
        return described(done)(path)

    with pytest.raises(KeyboardInterrupt):
        gaussian.fit(files, stopped, partial=partial)
    assert done == ["0.png", "1.png", "2.png", "3.png"]
    gaussian.fit(files, described(done), partial=partial)
    assert done == [path.name for path in files]


@pytest.mark.parametrize("change", ["settings", "picture", "list", "garbage"])
def test_a_journal_of_another_fit_is_not_taken_up(files, tmp_path, change):
    paths = [tmp_path / path.name for path in files]
    for path, copy in zip(files, paths, strict=True):
        copy.write_bytes(path.read_bytes())
    partial = tmp_path / "model.partial"
    gaussian.fit(paths, described([]), partial=partial, about={"patch": 96})
    if change == "picture":
        Image.open(paths[0]).save(paths[2])
    if change == "garbage":
        partial.write_bytes(b"no journal")
    asked = paths[1:] if change == "list" else paths
    done = []
    gaussian.fit(asked, described(done), partial=partial, about={"patch": 48 if change == "settings" else 96})
    assert done == [path.name for path in asked]


class Encoder:
    name = "plain"
    seen = 0

    def features(self, images):
        Encoder.seen += len(images)
        return torch.stack([images.mean((1, 2, 3)), images.std((1, 2, 3)), images[:, 0].amax((1, 2))], 1)


@pytest.fixture
def quick(monkeypatch):
    """IL-NIQE with numbers that take no time."""

    def describe(image):
        draw = np.random.default_rng(round(float(image.sum())))
        rows, sharpness = draw.normal(size=(36, 468)), draw.uniform(0.5, 1, 36)
        return torch.from_numpy(rows), torch.from_numpy(sharpness)

    describe.__module__ = ilniqe.describe.__module__
    monkeypatch.setattr(ilniqe, "describe", describe)


FITS = {
    "niqe": (lambda files, partial: niqe.fit(files, 16, 0.0, partial=partial), niqe),
    "ilniqe": (lambda files, partial: ilniqe.fit(files, 0.2, partial=partial), ilniqe),
    "ou": (lambda files, partial: ou.fit(Encoder(), files, ou.Settings(48, 24), partial=partial), ou),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", FITS)
def test_each_method_goes_on_where_it_was(files, tmp_path, monkeypatch, name):
    fit, module = FITS[name]
    files = files[:3]
    partial = tmp_path / "model.partial"
    image = torch.from_numpy(skimage.data.coffee()[100:220, 200:360]).permute(2, 0, 1)[None].float() / 255
    expected = fit(files, None).score(image)
    read, seen = module.pictures_io.read, []

    def stops(path):
        seen.append(path)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(module.pictures_io, "read", stops)
    with pytest.raises(KeyboardInterrupt):
        fit(files, partial)
    assert torch.equal(fit(files, partial).score(image), expected)
    assert seen == [*files, files[2]]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["niqe", "ilniqe"])
def test_training_draws_and_leaves_no_journal(files, tmp_path, name):
    settings = {"niqe": {"patch": 16, "sharpness": 0.0}, "ilniqe": {"sharpness": 0.2}}[name]
    found = methods.train(name, files, tmp_path / "out", seed=3, settings={**settings, "count": 3})
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    module = {"niqe": niqe, "ilniqe": ilniqe}[name]
    expected = module.fit(gaussian.drawn(files, 3, 3), **settings)
    image = torch.from_numpy(skimage.data.coffee()[100:220, 200:360]).permute(2, 0, 1)[None].float() / 255
    assert torch.equal(methods.load(name, **found).score(image), expected.score(image))
    with pytest.raises(ValueError, match="count=7: there are 6 pristine pictures"):
        methods.train(name, files, tmp_path / "out", seed=3, settings={"count": 7})


PEAK = """
import resource, sys
from pathlib import Path
import torch
from methods._shared.pristine import gaussian

def peak(count):
    folder = Path(sys.argv[1])
    files = [folder / f"{k}.png" for k in range(count)]
    for file in files:
        file.touch()
    rows = lambda path: torch.randn(2000, 36, dtype=torch.float64)
    found = gaussian.fit(files, rows, partial=folder / f"{count}.partial")
    assert found.rows == 2000 * count
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

few, many = peak(20), peak(220)
print(many - few)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pictures(tmp_path):
    """What 200 further pictures give takes 115 MB: none of it may be held."""
    found = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert float(found.stdout) < 40
