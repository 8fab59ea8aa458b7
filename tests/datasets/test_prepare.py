"""Data sets made from the user's own files, and the frame in which all are made."""

import pandas as pd
import pytest
import torch

from benchmark import datasets
from benchmark.datasets import catalogue, load, prepare
from benchmark.images import write_png
from tests import apart


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "my pictures"
    (folder / "below").mkdir(parents=True)
    for name in ("b.png", "a.PNG", "below/c.png"):
        write_png(folder / name, torch.rand(3, 8, 8))
    (folder / "notes.txt").write_text("no picture")
    return folder


PUBLISHED = [
    *("agiqa1k", "agiqa3k", "aigciqa2023", "aigiqa20k", "avtimage", "bid", "biq2021", "cid2013", "clive"),
    *("csiq", "cviu", "flive", "flive_patches", "gfiqa20k", "kadid10k", "kadis700k", "koniq10k", "koniqpp"),
    *("live", "livemd", "mdid", "pipal", "piq23", "pkuaigiqa4k", "shrq", "spaq", "tid2008", "tid2013"),
    *("uhdiqa", "waterloo"),
]


def test_what_can_be_prepared():
    assert catalogue.names() == PUBLISHED
    assert set(datasets.names()) == {*PUBLISHED, "demo", "folder", "leaves", "pristine"}


def test_folder_without_scores_takes_every_picture(tmp_path, pictures):
    final = prepare("mine", tmp_path / "data", kind="folder", source=pictures)
    data = load("mine", tmp_path / "data")
    assert data.manifest["image"].tolist() == ["images/a.PNG", "images/b.png", "images/below/c.png"]
    assert data.manifest["mos"].isna().all()
    assert (data.record.name, data.record.rated_by) == ("mine", "none")
    assert all((data.root / name).is_file() for name in data.manifest["image"])
    assert (final / "images").is_symlink()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine"]


def test_a_source_that_is_empty_is_not_the_folder_where_one_stands(tmp_path, pictures, monkeypatch):
    monkeypatch.chdir(pictures)
    with pytest.raises(ValueError, match="source is empty"):
        prepare("mine", tmp_path / "data", kind="folder", source="")


@pytest.mark.parametrize("named", [str, str.title, str.upper])
def test_folder_with_scores_keeps_rows_range_and_structure(tmp_path, pictures, named):
    table = pd.DataFrame({"file": ["below/c.png", "b.png"], "dmos": [10, 90], "other": 1})
    table = table.assign(**{named("reference"): ["x", "y"], named("ratings"): [7, 9]})
    table.to_csv(tmp_path / "scores.csv", index=False)
    settings = {"scores": tmp_path / "scores.csv", "image_column": "file", "score_column": "dmos"}
    prepare(
        "m", tmp_path, kind="folder", source=pictures, low=0, high=100, higher_is_better=False, **settings
    )
    data = load("m", tmp_path)
    assert data.manifest["image"].tolist() == ["images/below/c.png", "images/b.png"]
    assert data.manifest["mos"].tolist() == [10, 90]
    assert data.manifest["reference"].tolist() == ["x", "y"]
    assert data.manifest["ratings"].tolist() == [7, 9]
    assert (data.record.low, data.record.high, data.record.higher_is_better) == (0, 100, False)
    assert data.record.rated_by == "people"


def test_rows_of_one_content_have_one_reference_however_they_spell_it(tmp_path):
    rows = {
        **{"pristine/Caf\u00e9.png": "", "q/1.png": "Caf\u00e9.png", "q/2.png": "caf\u00e9.PNG"},
        **{"q/3.png": "Cafe\u0301.png ", "pristine/I02.bmp": " ", "q/4.png": "i02", "q/5.png": "I02"},
        **{"a/I03.png": "", "b/I03.png": "", "q/6.png": "I03.png"},  # which of two is not told
        **{"a/lone.png": "", "q/7.png": "other/set/I04.png", "pristine/I04.png": ""},
    }
    for name in rows:
        (tmp_path / "lab" / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / "lab" / name, torch.zeros(3, 8, 8))
    table = pd.DataFrame({"image": [*rows], "mos": 1, "reference": rows.values(), "distortion": "blur "})
    table.to_csv(tmp_path / "scores.csv", index=False)
    prepare("m", tmp_path, kind="folder", source=tmp_path / "lab", scores=tmp_path / "scores.csv")
    found = load("m", tmp_path).manifest
    assert found["distortion"].eq("blur").all()
    contents = found.groupby("reference")["image"].agg(lambda names: len(names))
    assert contents.to_dict() == {"Caf\u00e9.png": 4, "i02": 3, "I03.png": 1, "other/set/I04.png": 2}
    assert found.loc[found["reference"].isna(), "image"].tolist() == [
        f"images/{name}" for name in ("a/I03.png", "b/I03.png", "a/lone.png")
    ]


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


@pytest.mark.parametrize(
    "told",
    [{"low": 1.0}, {"high": 5}, {"higher_is_better": False}, {"score_column": "q"}, {"image_column": "name"}],
)
def test_what_is_said_of_a_table_of_scores_that_nobody_names_is_refused(tmp_path, pictures, told):
    with pytest.raises(ValueError, match=f"mine: {next(iter(told))!r} is of a table of scores"):
        prepare("mine", tmp_path / "data", kind="folder", source=pictures, **told)


def test_a_failed_preparation_leaves_the_old_data_set_whole(tmp_path, pictures):
    prepare("mine", tmp_path, kind="folder", source=pictures)
    with pytest.raises(ValueError, match="is not a folder; set 'source'"):
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
        (
            "agiqa1k",
            {},
            r"downloads/agiqa1k: is not a folder; Download file\.zip .*Unpack into",
        ),
        ("koniq10k", {}, r"downloads/koniq10k: is not a folder; run `iqa download koniq10k`"),
        (
            "koniq10k",
            {"sorce": "x"},
            "unknown setting of data set 'koniq10k': 'sorce'; did you mean 'source'",
        ),
        ("folder", {}, "data set 'folder' needs the setting 'source'"),
        (
            "folder",
            {"source": "x", "higher_is_better": "false"},
            "setting 'higher_is_better' of data set 'folder': .*boolean.*'false'",
        ),
        ("folder", {"source": "x", "low": "0"}, "setting 'low' of data set 'folder': .*number.*'0'"),
        ("leaves", {"levels": [1, True]}, "setting 'levels' of data set 'leaves': .*integer"),
        ("demo", {"types": "6"}, "setting 'types' of data set 'demo': .*integer.*'6'"),
        ("koniq10k", {"short_side": "384"}, "setting 'short_side' of data set 'koniq10k': .*integer.*'384'"),
    ],
)
def test_misspelt_names_and_settings_stop_before_any_work(tmp_path, name, settings, words):
    with pytest.raises(ValueError, match=words):
        prepare(name, tmp_path, **settings)
    assert not list(tmp_path.iterdir())


def prepare_often(data, pictures):
    for _ in range(5):
        prepare("mine", data, kind="folder", source=pictures)


def test_processes_that_prepare_one_set_make_the_whole_of_it(tmp_path, pictures, monkeypatch):
    monkeypatch.chdir(tmp_path)
    processes = [apart.start(prepare_often, tmp_path / "data", pictures) for _ in range(3)]
    assert [apart.ended(process) for process in processes] == [0] * 3
    assert len(load("mine", tmp_path / "data").manifest) == 3
    # Stages depend on the whole folder: a lock in it would be a change.
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine"]
