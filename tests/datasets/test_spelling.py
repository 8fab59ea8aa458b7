"""Pictures are found under every spelling that leaves no choice, and under no other."""

import shutil
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmark import datasets
from benchmark.datasets import splits
from benchmark.datasets._files import Pictures
from benchmark.datasets._spelling import match, on_disk
from benchmark.datasets.fingerprints import fingerprints
from benchmark.datasets.prepared import linked
from experiments.scoring.inputs import pictures

NFC, NFD = (unicodedata.normalize(form, "café/Grün é.png") for form in ("NFC", "NFD"))
FORMS = [(NFC, NFD), (NFD, NFC)]


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    return path


@pytest.mark.parametrize(
    ("names", "known", "expected"),
    [
        (["pics/1001.JPG", "pics/2.jpg"], ["1001.JPG", "2.jpg"], {"pics/1001.JPG": "1001.JPG"}),
        (["1001.JPG"], ["1001.jpg"], {"1001.JPG": "1001.jpg"}),
        (["./a/1.png", "b\\1.png"], ["a/1.png", "b/1.png"], {"./a/1.png": "a/1.png", "b\\1.png": "b/1.png"}),
        (["/x/set/a/1.png", "/x/set/b/1.png"], ["a/1.png", "b/1.png"], {"/x/set/a/1.png": "a/1.png"}),
        (["1024/1.png", "1024/2.png"], ["images/1.png", "images/2.png"], {"1024/1.png": "images/1.png"}),
        ([NFD], [NFC], {NFD: NFC}),
        (["NA", "nan", ""], ["nan", "NA", ""], {"NA": "NA", "nan": "nan", "": ""}),
    ],
)
def test_names_that_leave_no_choice_are_matched(names, known, expected):
    found = match(names, known)
    assert len(found.found) == len(names)
    assert expected.items() <= found.found.items()
    assert not found.ambiguous


@pytest.mark.parametrize(
    ("names", "known", "ambiguous", "found"),
    [
        (["a/1.png", "b/1.png"], ["1.png"], {"a/1.png", "b/1.png"}, {}),
        (["1.png"], ["a/1.png", "b/1.png"], {"1.png"}, {}),
        (["A.png"], ["x/a.png", "x/A.PNG", "y/b.png"], {"A.png"}, {}),
        # What is there as written is no other's.
        (["1.png", "a/1.png"], ["1.png"], set(), {"1.png": "1.png"}),
        # Folders that contradict each other, where the lists have no one folder.
        (["p/1.png", "q/2.png"], ["r/1.png", "q/2.png"], set(), {"q/2.png": "q/2.png"}),
    ],
)
def test_names_that_leave_a_choice_are_not(names, known, ambiguous, found):
    matches = match(names, known)
    assert set(matches.ambiguous) == ambiguous
    assert matches.found == found


PATH = st.lists(st.sampled_from("abAB"), min_size=1, max_size=3).map("/".join)


@given(st.lists(PATH, unique=True, max_size=6), st.lists(PATH, unique=True, max_size=6))
@settings(max_examples=100, deadline=None)
def test_no_name_is_taken_twice_and_what_is_there_is_itself(names, known):
    found = match(names, known)
    assert len(set(found.found.values())) == len(found.found)
    assert set(found.found.values()) <= set(known)
    assert not found.found.keys() & found.ambiguous
    assert all(found.found[name] == name for name in set(names) & set(known))


@pytest.mark.parametrize(("listed", "disk"), FORMS)
def test_releases_and_lists_find_the_other_unicode_form(tmp_path, listed, disk):
    put(tmp_path / disk)
    assert Pictures(tmp_path).find(listed) == disk
    assert Pictures(tmp_path).find_all([listed.upper()], "list") == [disk]
    assert on_disk(tmp_path / listed) == tmp_path / disk
    (tmp_path / "list.csv").write_text(f"image\n{listed}\n")
    for argument in (tmp_path / "list.csv", tmp_path / listed):
        assert pictures([str(argument)]) == [tmp_path / disk]


def test_two_forms_on_one_disk_are_told_apart_or_named(tmp_path):
    names = [name.split("/")[1] for name in (NFC, NFD)]
    for name in names:
        put(tmp_path / name)
    held = Pictures(tmp_path)
    assert [held.find(name) for name in names] == names
    mixed = unicodedata.normalize("NFD", "Grün") + " é.png"
    with pytest.raises(ValueError, match=r"it could be '.*' or '"):
        held.find_all([mixed], "list")
    with pytest.raises(ValueError, match="2 files of this name"):
        on_disk(tmp_path / mixed)


@pytest.mark.parametrize(("listed", "disk"), FORMS)
def test_a_folder_with_a_table_is_prepared_under_the_names_of_the_disk(tmp_path, listed, disk):
    put(tmp_path / "mine" / disk)
    (tmp_path / "t.csv").write_bytes(f"image;mos\n{listed};1,5\n".encode("utf-16"))
    how = {"source": tmp_path / "mine", "scores": tmp_path / "t.csv"}
    datasets.prepare("own", tmp_path / "data", kind="folder", **how)
    data = datasets.load("own", tmp_path / "data")
    assert data.manifest["image"].tolist() == [f"images/{disk}"]
    assert data.manifest["mos"].tolist() == [1.5]
    assert (data.root / data.manifest["image"][0]).is_file()


@pytest.mark.parametrize(("listed", "disk"), FORMS)
def test_a_manifest_in_the_other_form_is_explained(tmp_path, listed, disk):
    put(tmp_path / "mine" / listed)
    datasets.prepare("own", tmp_path / "data", kind="folder", source=tmp_path / "mine")
    shutil.rmtree(tmp_path / "mine")
    put(tmp_path / "mine" / disk)
    with pytest.raises(ValueError, match=r"does not exist in this Unicode form, '.*' does.*dvc repro"):
        linked.check(tmp_path / "data/own")
    (found,) = fingerprints(tmp_path / "mine", [listed], tmp_path / "journal.csv")
    assert "does not exist in this Unicode form" in found.reason


def test_splits_match_or_name(tmp_path):
    known = pd.DataFrame({"image": [f"images/{NFC}", "images/NA", "images/1.JPG"]})
    path = tmp_path / "splits.csv"
    path.write_text(f"image;split_1\n{NFD};train\nNA;test\n1.jpg;val\n")
    with pytest.warns(UserWarning, match=r"3 images matched, such as"):
        table = splits.read_splits(path, known)
    assert table["image"].tolist() == known["image"].tolist()
    assert table["split_1"].tolist() == ["train", "test", "val"]
    path.write_text("image,split_1\n1.JPG,train\nimages/1.JPG,test\n")
    with pytest.raises(ValueError, match=r"row 2: '1\.JPG' is not an image of this data set"):
        splits.read_splits(path, known)
    path.write_text("image,split_1\n1.png,train\n")
    with pytest.raises(ValueError, match=r"row 2: '1\.png' could be several: 'a/1\.png', 'b/1\.png'"):
        splits.read_splits(path, pd.DataFrame({"image": ["a/1.png", "b/1.png"]}))
