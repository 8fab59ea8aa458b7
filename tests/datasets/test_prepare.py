"""Data sets made from the user's own files, and the frame in which all are made."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark import datasets
from benchmark.datasets import load, prepare
from benchmark.images import write_png

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "my pictures"
    (folder / "below").mkdir(parents=True)
    for name in ("b.png", "a.PNG", "below/c.png"):
        write_png(folder / name, torch.rand(3, 8, 8))
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_every_module_is_a_data_set():
    assert datasets.names() == ["agiqa3k", "demo", "folder", "leaves", "pristine"]


def test_folder_without_scores_takes_every_picture(tmp_path, pictures):
    final = prepare("mine", tmp_path / "data", kind="folder", source=pictures)
    data = load("mine", tmp_path / "data")
    assert data.manifest["image"].tolist() == ["images/a.PNG", "images/b.png", "images/below/c.png"]
    assert data.manifest["mos"].isna().all()
    assert (data.record.name, data.record.rated_by) == ("mine", "none")
    assert all((data.root / name).is_file() for name in data.manifest["image"])
    assert (final / "images").is_symlink()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine"]


def test_folder_with_scores_keeps_rows_range_and_structure(tmp_path, pictures):
    table = pd.DataFrame(
        {"file": ["below/c.png", "b.png"], "dmos": [10, 90], "reference": ["x", "y"], "other": 1}
    )
    table.to_csv(tmp_path / "scores.csv", index=False)
    settings = {"scores": tmp_path / "scores.csv", "image_column": "file", "score_column": "dmos"}
    prepare(
        "m", tmp_path, kind="folder", source=pictures, low=0, high=100, higher_is_better=False, **settings
    )
    data = load("m", tmp_path)
    assert data.manifest["image"].tolist() == ["images/below/c.png", "images/b.png"]
    assert data.manifest["mos"].tolist() == [10, 90]
    assert data.manifest["reference"].tolist() == ["x", "y"]
    assert (data.record.low, data.record.high, data.record.higher_is_better) == (0, 100, False)
    assert data.record.rated_by == "people"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "image,mos\na.PNG,1\ngone.png,2\n",
            r"1 of the 2 pictures of .*scores\.csv are missing, the first is 'gone",
        ),
        ("image,score\na.PNG,1\n", r"scores\.csv: column 'mos' is missing \(the file has image, score\)"),
        ("image,mos\na.PNG,1\na.PNG,2\n", "earlier row"),
        ("image,mos\na.PNG,bad\n", r"row 2, column 'mos': 'bad'"),
    ],
)
def test_scores_at_fault_are_named_and_leave_nothing_behind(tmp_path, pictures, text, words):
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(ValueError, match=words):
        prepare("mine", tmp_path / "data", kind="folder", source=pictures, scores=tmp_path / "scores.csv")
    with pytest.raises(ValueError, match="unknown data set: 'mine'"):
        load("mine", tmp_path / "data")


def test_a_failed_preparation_leaves_the_old_data_set_whole(tmp_path, pictures):
    prepare("mine", tmp_path, kind="folder", source=pictures)
    with pytest.raises(ValueError, match="is no folder; set 'source'"):
        prepare("mine", tmp_path, kind="folder", source=tmp_path / "absent")
    assert len(load("mine", tmp_path).manifest) == 3


def test_preparing_again_replaces(tmp_path, pictures):
    prepare("mine", tmp_path, kind="folder", source=pictures)
    prepare("mine", tmp_path, kind="folder", source=pictures / "below")
    assert load("mine", tmp_path).manifest["image"].tolist() == ["images/c.png"]
    assert (pictures / "a.PNG").is_file()


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="lists no image"):
        prepare("mine", tmp_path, kind="folder", source=tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("demoo", {}, r"unknown data set: 'demoo'; did you mean 'demo'\?"),
        ("demo", {"sise": 3}, r"unknown setting of data set 'demo': 'sise'; did you mean 'size'\?"),
        ("agiqa3k", {}, "data set 'agiqa3k' needs the setting 'source'"),
    ],
)
def test_misspelt_names_and_settings_stop_before_any_work(tmp_path, name, settings, words):
    with pytest.raises(ValueError, match=words):
        prepare(name, tmp_path, **settings)
    assert not list(tmp_path.iterdir())


AGIQA = """name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align
AttnGAN_normal_000.jpg,statue of a man,,,,0.965602553,0.223270101,0.40889324,0.615607722
AttnGAN_normal_001.jpg,"a tray, of sushi",,,,1.361853219,0.645422466,0.428796637,0.667071153
"""


@pytest.mark.parametrize("below", ["images", "."])
def test_agiqa3k_reads_quality_not_alignment(tmp_path, below):
    source = tmp_path / "official"
    (source / below).mkdir(parents=True, exist_ok=True)
    (source / "data.csv").write_text(AGIQA)
    for index in range(2):
        write_png(source / below / f"AttnGAN_normal_00{index}.jpg", torch.rand(3, 8, 8))
    prepare("agiqa3k", tmp_path / "data", source=source)
    data = load("agiqa3k", tmp_path / "data")
    assert data.manifest["mos"].tolist() == [0.965602553, 1.361853219]
    assert data.manifest["mos_std"].tolist() == [0.223270101, 0.645422466]
    assert (data.record.low, data.record.high, data.record.rated_by) == (0, 5, "people")


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "agiqa3k").is_dir(), reason="AGIQA-3K is not beside the checkout")
def test_agiqa3k_whole(tmp_path):
    prepare("agiqa3k", tmp_path, source=SHARED / "agiqa3k")
    data = load("agiqa3k", tmp_path)
    table = np.genfromtxt(
        SHARED / "agiqa3k/data.csv", delimiter="\n", dtype=str, skip_header=1, comments=None
    )
    assert len(data.manifest) == len(table) == 2982
    assert (data.root / data.manifest["image"].iloc[-1]).is_file()
