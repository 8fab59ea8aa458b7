"""Which pictures a study starts from."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark.datasets import Record, write_dataset
from benchmark.images import write_png
from experiments.runs import results, stage


@pytest.fixture
def data_set(tmp_path, monkeypatch):
    """Return what writes a data set of twelve pictures with the columns given."""
    monkeypatch.setattr(stage, "DATA", tmp_path)

    def write(**columns):
        record = Record("own", "Own", "", "", "MOS", 0, 100, True, "people")
        names = [f"{index:02d}.png" for index in range(12)]
        frame = pd.DataFrame({"image": names, "mos": np.arange(12.0), **columns})
        (tmp_path / "own").mkdir()
        for index, name in enumerate(names):
            write_png(tmp_path / "own" / name, torch.full((3, 8, 8), index / 255))
        write_dataset(tmp_path / "own", record, frame)

    return write


def test_undistorted_pictures_go_round_the_references(data_set):
    data_set(reference=["a", "b", "c"] * 4, level=[0] * 6 + [1] * 6)
    pictures = results.pristine(results.dataset("own"), 4, drawn=1)
    assert pictures.names == ["00.png", "01.png", "02.png", "03.png"]
    assert [round(float(picture.mean()) * 255) for picture in pictures] == [0, 1, 2, 3]
    assert len(pictures[1:3]) == 2


def test_of_a_set_without_any_the_best_or_a_draw(data_set):
    data_set()
    assert results.pristine(results.dataset("own"), 3).names == ["11.png", "10.png", "09.png"]
    drawn = [results.pristine(results.dataset("own"), 12, drawn=seed).names for seed in range(40)]
    assert all(sorted(names) == sorted(drawn[0]) for names in drawn)
    assert (
        results.pristine(results.dataset("own"), 5, drawn=7).names == drawn[7][:5]
    )  # fewer pictures are the first of more
    firsts = [names[0] for names in drawn]
    assert len(set(firsts)) > 6  # six or fewer of twelve in forty draws: less than one in a million


def test_degraded_pictures_alone_are_refused(data_set):
    data_set(reference=["a", "b", "c"] * 4, level=[1, 2] * 6)
    with pytest.raises(ValueError, match="'own' has no undistorted pictures"):
        results.pristine(results.dataset("own"), 3)


def test_a_picture_that_is_gone_has_the_digest_that_it_was_prepared_with(data_set, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data_set()
    there, gone = tmp_path / "own/03.png", tmp_path / "own/05.png"
    before = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (there, gone)}
    gone.unlink()
    there.write_bytes(b"another")
    now = results.digests_now(results.dataset("own"), ["05.png", "03.png", "never.png"])
    assert now == [before["05.png"], hashlib.sha256(b"another").hexdigest(), ""]
    assert now[1] != before["03.png"]
