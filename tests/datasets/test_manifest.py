"""What a prepared data set may hold, and what is said of one that is at fault."""

import hashlib
import json
import math
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark import datasets
from benchmark.datasets import COLUMNS, Record, load, write_dataset

RECORD = Record("toy", "Toy", "nobody", "CC0", "mos", 1, 5, True, "people", ("a note",))
HEADER = ",".join(COLUMNS)
GOOD = f"{HEADER}\na.png,3.5,.2,r1,gaublur,2,train\nb.png,,,,,,\n"


def prepared(tmp_path, text, encoding="utf-8"):
    folder = tmp_path / "toy"
    folder.mkdir(exist_ok=True)
    datasets.write_record(RECORD, folder / "record.json")
    (folder / "manifest.csv").write_bytes(text.encode(encoding))
    return folder


def test_columns_are_typed_and_empty_values_kept(tmp_path):
    folder = prepared(tmp_path, GOOD)
    data = load("toy", tmp_path)
    assert data.record == RECORD
    assert data.root == folder
    assert data.manifest["mos"].dtype == data.manifest["level"].dtype == np.float64
    first, second = data.manifest.to_dict("records")
    assert first == {
        "image": "a.png",
        "mos": 3.5,
        "mos_std": 0.2,
        "reference": "r1",
        "distortion": "gaublur",
        "level": 2.0,
        "split": "train",
    }
    assert second.pop("image") == "b.png"
    assert all(math.isnan(value) for value in second.values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends_do_not_matter(tmp_path, encoding, ends):
    prepared(tmp_path, GOOD.replace("a.png", "NA.png").replace("\n", ends), encoding)
    assert load("toy", tmp_path).manifest["image"].tolist() == ["NA.png", "b.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("mos,", "moss,", 1), r"column 'mos' is missing.*did you mean to rename 'moss'"),
        (GOOD.replace(HEADER, HEADER.replace(",", ";")), "column 'image' is missing"),
        (f"{HEADER}\n", "lists no image"),
        ("", "cannot be read as CSV"),
        (GOOD + 'c.png,"1\n', "cannot be read as CSV"),
        (GOOD + "a.png,2,,,,,\n", r"row 4, column 'image': 'a.png'.*earlier row"),
        (GOOD + ",2,,,,,\n", r"row 4, column 'image'.*names an image"),
        (GOOD + "../c.png,2,,,,,\n", r"row 4.*below the data set's folder"),
        (GOOD + "..\\c.png,2,,,,,\n", r"row 4.*below the data set's folder"),
        (GOOD + "C:\\c.png,2,,,,,\n", r"row 4.*below the data set's folder"),
        (GOOD + "x/../../c.png,2,,,,,\n", r"row 4.*below the data set's folder"),
        (GOOD + "/c.png,2,,,,,\n", r"row 4.*below the data set's folder"),
        (GOOD + "c.png,good,,,,,\n", r"row 4, column 'mos': 'good': write a number"),
        (GOOD + "c.png,nan,,,,,\nd.png,inf,,,,,\n", r"row 4, column 'mos': 'nan'.*1 more rows"),
        (GOOD + "c.png,2,,,,two,\n", r"row 4, column 'level': 'two'"),
        (GOOD + "c.png,2,-.5,,,,\n", r"row 4, column 'mos_std': '-.5': it cannot be less than 0"),
        (GOOD + "c.png,2,,,,-1,\n", r"row 4, column 'level': '-1': it cannot be less than 0"),
        (GOOD + "c.png,5.01,,,,,\n", r"row 4, column 'mos': .*5.01.*range is 1 to 5"),
        (GOOD + "c.png,0.9,,,,,\n", r"row 4, column 'mos': .*0.9.*range is 1 to 5"),
        (GOOD + "c.png,2,,,,,traning\n", r"row 4, column 'split': 'traning': use train, val, test"),
    ],
)
def test_faults_are_named_with_file_row_and_cure(tmp_path, text, words):
    folder = prepared(tmp_path, text)
    with pytest.raises(ValueError, match=words) as caught:
        load("toy", tmp_path)
    assert str(folder / "manifest.csv") in str(caught.value)


def test_another_encoding_is_named(tmp_path):
    prepared(tmp_path, GOOD, "utf-16")
    with pytest.raises(ValueError, match=r"manifest\.csv: is not UTF-8.*save it as CSV"):
        load("toy", tmp_path)


def test_a_name_with_two_dots_inside_is_a_name(tmp_path):
    prepared(tmp_path, GOOD + "photo..final.png,2,,,,,\n")
    assert load("toy", tmp_path).manifest["image"].iloc[2] == "photo..final.png"


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "toy"}', '{"nam": 1}'])
def test_record_at_fault_is_named(tmp_path, content):
    folder = prepared(tmp_path, GOOD)
    (folder / "record.json").write_text(content)
    with pytest.raises(ValueError, match=r"record\.json.*prepare"):
        load("toy", tmp_path)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(low=st.floats(max_value=1e9, allow_nan=False), notes=st.lists(st.text(), max_size=3))
def test_record_survives_its_file_which_is_strict_json(tmp_path_factory, low, notes):
    path = tmp_path_factory.mktemp("record") / "record.json"
    record = Record("näme", "t", "c", "l", "s", low, math.inf, False, "proxy", tuple(notes))
    datasets.write_record(record, path)
    assert datasets.read_record(path) == record

    def refuse(constant):
        pytest.fail(f"{constant} is not JSON")

    json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_unknown_and_unprepared_names_come_with_the_cure(tmp_path):
    prepared(tmp_path, GOOD)
    with pytest.raises(ValueError, match=r"unknown data set: 'tpy'; did you mean 'toy'\?"):
        load("tpy", tmp_path)
    with pytest.raises(ValueError, match=r"unknown data set: 'dmo'; did you mean 'demo'\?"):
        load("dmo", tmp_path)
    with pytest.raises(ValueError, match=r"'demo' is not prepared; run `dvc repro prepare@demo`"):
        load("demo", tmp_path)


def test_written_data_set_is_read_again(tmp_path):
    frame = pd.DataFrame({"image": ["a.png", "b.png"], "mos": [1.25, 1 + 1 / 3], "level": [0, 3]})
    for name in frame["image"]:
        (tmp_path / name).write_bytes(name.encode())
    write_dataset(tmp_path, RECORD, frame)
    again = datasets.load(tmp_path.name, tmp_path.parent).manifest
    assert again["mos"].tolist() == [1.25, pytest.approx(4 / 3, rel=1e-9)]
    assert again["level"].tolist() == [0, 3]
    assert again["split"].isna().all()
    there = sorted(path.name for path in tmp_path.iterdir())
    assert there == ["a.png", "b.png", "manifest.csv", "pictures.csv", "record.json"]
    digest = hashlib.sha256(b"a.png").hexdigest()
    assert (tmp_path / "pictures.csv").read_text().splitlines()[:2] == [
        "image,size,sha256",
        f"a.png,5,{digest}",
    ]


def test_what_cannot_be_read_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="earlier row"):
        write_dataset(tmp_path, RECORD, pd.DataFrame({"image": ["a.png", "a.png"]}))
    assert not list(tmp_path.iterdir())


def calls(work):
    """How many functions of Python `work` calls."""
    count = 0

    def seen(frame, event, argument):
        nonlocal count
        count += event == "call"

    outer = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(outer)
    return count


def test_a_row_more_costs_few_calls(tmp_path):
    """So that a hundred thousand rows are read in a second; seconds themselves are in ``benchmarks``."""
    took = []
    for count in (1000, 3000):
        rows = "".join(
            f"{row // 21}_{row % 21}.bmp,{1 + row % 5},,{row // 21},,{row % 6},\n" for row in range(count)
        )
        prepared(tmp_path, f"{HEADER}\n{rows}")
        assert len(load("toy", tmp_path).manifest) == count  # what is imported on the way is imported now
        took.append(calls(lambda: load("toy", tmp_path)))
    assert (took[1] - took[0]) / 2000 < 40
