"""Splits keep contents together, and read what ARNIQA published."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.datasets import catalogue, layouts, splits
from benchmark.datasets.leaks import check
from tests.datasets import releases

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def manifest(references):
    images = [f"{index}.png" for index in range(len(references))]
    return pd.DataFrame({"image": images, "reference": references, "split": None})


def test_seeded_splits_keep_references_whole_and_hold_every_image():
    frame = manifest([f"r{index % 20}" for index in range(200)])
    table = splits.seeded(frame, seed=3)
    assert list(table) == ["image", *(f"split_{k}" for k in range(1, 11))]
    for name in table.columns[1:]:
        parts = table.groupby(frame["reference"])[name].nunique()
        assert parts.eq(1).all()
        counts = table[name].value_counts()
        assert counts.to_dict() == {"train": 140, "val": 20, "test": 40}
    assert table["split_1"].tolist() != table["split_2"].tolist()
    pd.testing.assert_frame_equal(table, splits.seeded(frame, seed=3))
    assert not table.equals(splits.seeded(frame, seed=4))


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "splits").is_dir(), reason="ARNIQA's splits are not beside the checkout")
@pytest.mark.parametrize(
    ("name", "folder", "sizes"),
    [
        ("live", "LIVE", (538, 81, 160)),
        ("csiq", "CSIQ", (607, 87, 172)),
        ("tid2013", "TID2013", (2160, 240, 600)),
        ("kadid10k", "KADID10K", (7125, 1000, 2000)),
    ],
)
def test_published_splits_fit_the_order_of_the_release(tmp_path, name, folder, sizes):
    # A wrong order would scatter references over both parts: none shared says that the order is right.
    rows = releases.table(SHARED / "scores", name)
    releases.BUILD[name](tmp_path, rows)
    frame = layouts.read(catalogue.entry(name), tmp_path).frame.reset_index(drop=True)
    table = splits.published(SHARED / "splits" / folder / "splits", frame)
    assert table.shape[1] == 11
    for column in table.columns[1:]:
        counts = table[column].value_counts()
        assert abs(counts["train"] - sizes[0]) <= 5
        assert abs(counts["test"] - sizes[2]) <= 5
        shared = set(frame["reference"][table[column] == "train"]) & set(
            frame["reference"][table[column] == "test"]
        )
        assert not shared
    assert check(frame, table).empty


def test_published_splits_at_fault_are_named(tmp_path):
    frame = manifest(["a", "b", "c", "d"])

    def save(train, val, test):
        for part, rows in (("train", train), ("val", val), ("test", test)):
            np.save(tmp_path / f"{part}.npy", np.array(rows))

    with pytest.raises(ValueError, match=r"train\.npy: cannot be read"):
        splits.published(tmp_path, frame)
    save([[0, 1]], [[2, -1]], [[3]])
    assert splits.published(tmp_path, frame)["split_1"].tolist() == ["train", "train", "val", "test"]
    save([0, 1], [2], [3])
    assert splits.published(tmp_path, frame).shape == (4, 2)
    save([[0, 1]], [[2]], [[4]])
    with pytest.raises(ValueError, match=r"test\.npy: holds what is not a row of the 4"):
        splits.published(tmp_path, frame)
    save([[0, 1]], [[2]], [[1]])
    with pytest.raises(ValueError, match="split 1 puts an image in two parts"):
        splits.published(tmp_path, frame)


def test_official_split_is_the_releases_own():
    frame = manifest(["a", "b"]).assign(split=["train", "test"])
    assert splits.official(frame, "lab")["split_1"].tolist() == ["train", "test"]
    with pytest.raises(ValueError, match=r"^lab has no official split; `iqa splits make lab --out"):
        splits.official(manifest(["a"]), "lab")


def test_a_split_table_is_read_again_and_its_faults_are_named(tmp_path):
    frame = manifest(["a", "b", "c", "d"])
    table = splits.seeded(frame, splits=2)
    table.loc[3, "split_2"] = None
    table.to_csv(tmp_path / "s.csv", index=False)
    pd.testing.assert_frame_equal(splits.read_splits(tmp_path / "s.csv", frame), table, check_dtype=False)
    for text, words in [
        ("image,split_1\nx.png,train\n", r"row 2: 'x\.png' is not an image"),
        ("image,split_1\n0.png,trian\n", "row 2, column 'split_1': 'trian'"),
        ("image,part\n0.png,train\n", "needs the column 'image' and columns split_1"),
    ]:
        (tmp_path / "s.csv").write_text(text)
        with pytest.raises(ValueError, match=words):
            splits.read_splits(tmp_path / "s.csv", frame)
