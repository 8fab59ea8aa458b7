"""`iqa datasets add`: a data set of the user's own, from a folder and tables."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from openpyxl import Workbook
from PIL import Image

from benchmark import datasets
from benchmark.images import write_png
from tests.datasets.releases import lines
from tests.datasets.typed import SCALE, add, iqa, own


def test_an_own_data_set_is_added_and_takes_part(here):
    ended = add(here)
    assert ended.exit_code == 0, ended.output
    assert "score: 'DMOS', from 10 to 21; deviation: std" in ended.stderr
    record = yaml.safe_load((here / "experiments/datasets/lab.yaml").read_text())
    assert record["score"]["higher_is_better"] is False
    assert "lab" in datasets.names()
    datasets.prepare("lab", here / "data")
    data = datasets.load("lab", here / "data")
    assert data.manifest["mos"].tolist() == list(range(10, 22))
    assert data.manifest["mos_std"].eq(2.5).all()
    assert (data.record.low, data.record.high, data.record.higher_is_better) == (0, 100, False)
    assert all((data.root / image).is_file() for image in data.manifest["image"])
    assert "12  complete" in iqa("datasets").stdout
    assert iqa("verify", "lab").stderr.endswith("lab: 12 images, 0 faults, 1 notes\n")


def test_a_wrong_guess_is_not_written(here):
    ended = add(here, input="100\nn\n")
    assert isinstance(ended.exception, ValueError)
    assert not list((here / "experiments").rglob("*.yaml"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "lab",
            "file,a,b\np0.png,1,2\n",
            r"which column is the score \(a, b\)\? name it",
        ),
        ("lab", "file,mos\np0,1\n", "no column holds names of pictures; name it with --image-column"),
        (
            "lab",
            "file,mos\np0.png,1\ngone.png,2\n",
            r"1 of 2 rows .*'gone\.png'.*--leave-out",
        ),
        ("lab", "file,mos\np0.png,1\np1.png,\n", r"1 of 2 rows have no picture .* or no score.*'p1\.png'"),
        (
            "lab",
            "file,mos\np0.png,1\np1.png,101\n",
            "from 1 to 101, beyond the scale from 0 to 100",
        ),
        (
            "lab",
            "file,mos\np0.png,1\n\nP0.png,2\n",
            r"^[^ ]*/s\.csv: row 4, column 'file': 'P0\.png' stands earlier too, in row 2 of [^ ]*/s\.csv",
        ),
        ("lab", "file,mos,sd\np0.png,1,.5\np1.png,2,-.5\n", r"/s\.csv: row 3, column 'sd': '-\.5': .*than 0"),
        ("lab", "file,mos,sd\np0.png,1,.5\np1.png,2,n/a\n", r"/s\.csv: row 3, column 'sd': 'n/a'"),
        ("lab", "file,mos,ratings\np0.png,1,0\n", r"/s\.csv: row 2, column 'ratings': '0': .*than 1"),
        ("lab", "file,mos,level\np0.png,1,-1\n", r"/s\.csv: row 2, column 'level': '-1': .*than 0"),
        ("lab", "file,mos,split\np0.png,1,third\n", r"/s\.csv: row 2, column 'split': 'third'"),
        ("lab", "file,mos\np0.png,1\np1.png,bad\n", r"row 3, column 'mos': 'bad'"),
        (
            "lab",
            "p0.png,1\np1.png,2\np2.png,3\n",
            r"/s\.csv: has no header, .* names a picture \('p0\.png'\)",
        ),
        ("lab", "file,mos\np0.png,50%\n", r"/s\.csv: no column holds numbers \(file, mos\)"),
        ("lab", "file,mos\np0.png,1\ntwice.png,2\n", r"/s\.csv: row 3, column 'file': 'twice\.png' could be"),
        ("koniq10k", "file,mos\np0.png,1\n", "the suite has a data set of this name"),
        ("über", "file,mos\np0.png,1\n", "small letters, digits and underscores"),
        ("off", "file,mos\np0.png,1\n", "YAML takes the word"),
        ("nul", "file,mos\np0.png,1\n", "Windows takes it for a device"),
        ("lab", "file;mos\np0.png;1,250\np1.png;2,500\n", "row 2, column 'mos': '1,250': may be a decimal"),
    ],
)
def test_what_cannot_be_added_is_said_and_not_written(here, name, text, words):
    (here / "s.csv").write_text(text)
    for folder in ("one", "other"):
        (here / "lab" / folder).mkdir()
        write_png(here / "lab" / folder / "twice.png", torch.zeros(3, 8, 8))
    told = ("--images", here / "lab", "--scores", here / "s.csv", *SCALE, "--higher-is-better", "--yes")
    ended = iqa("datasets", "add", name, *told)
    with pytest.raises(ValueError, match=words):
        raise ended.exception
    assert not list((here / "experiments").rglob("*.yaml"))


@pytest.mark.parametrize(
    ("head", "options", "deviation"),
    [
        ("file,mos_quality,std_quality,std_align", (), "std_quality"),
        ("file,mos_align,std_quality,std_align", ("--score-column", "mos_align"), "std_align"),
        ("file,quality,sd,quality_std", (), "quality_std"),
        ("file,mos,mos_sd,x", (), "mos_sd"),
        ("file,mos,spread,std", ("--std-column", "spread"), "spread"),
    ],
)
def test_the_deviation_is_that_of_the_score(here, head, options, deviation):
    lines(here / "s.csv", [head, "p0.png,1,.2,.3", "p1.png,2,.4,.5"])
    ended = own(here, "lab", here / "s.csv", more=("--yes", *options))
    assert f"deviation: {deviation}\n" in ended.stderr
    datasets.prepare("lab", here / "data")
    expected = pd.read_csv(here / "s.csv")[deviation].tolist()
    assert datasets.load("lab", here / "data").manifest["mos_std"].tolist() == expected


def test_a_deviation_that_is_not_there_is_said(here):
    lines(here / "s.csv", ["file,mos", "p0.png,1"])
    with pytest.raises(ValueError, match="has no column 'spread', only file, mos"):
        raise own(here, "lab", here / "s.csv", more=("--yes", "--std-column", "spread")).exception


def test_full_paths_become_names_below_the_folder(here):
    lines(here / "s.csv", ["file,mos", f"{here}/lab/p0.png,1", "p1.png,2"])
    assert own(here, "lab", here / "s.csv").exit_code == 0
    assert (here / "experiments/datasets/lab.csv").read_text() == "image,mos\np0.png,1\np1.png,2\n"
    lines(here / "s.csv", ["file,mos", f"{here}/other/p0.png,1"])
    with pytest.raises(ValueError, match=r"other/p0\.png: is not below .*lab; --images names"):
        raise own(here, "lab2", here / "s.csv").exception


def test_paths_as_windows_writes_them_are_paths(here):
    (here / "lab/deep").mkdir()
    (here / "lab/p0.png").rename(here / "lab/deep/p0.png")
    lines(here / "s.csv", ["file,mos", "deep\\p0.png,1", "p1.png,2"])
    ended = own(here, "lab", here / "s.csv")
    assert ended.exit_code == 0, ended.output
    assert (here / "experiments/datasets/lab.csv").read_text() == "image,mos\ndeep/p0.png,1\np1.png,2\n"


def test_a_column_is_one_thing(here):
    lines(here / "s.csv", ["file,mos", "p0.png,1"])
    with pytest.raises(ValueError, match=r"score \('mos'\) and deviation \('mos'\) are columns of their own"):
        raise own(here, "lab", here / "s.csv", more=("--yes", "--std-column", "mos")).exception


def test_a_score_is_kept_where_another_row_of_its_picture_has_none(here):
    lines(here / "s.csv", ["file,mos", "p0.png,1", "p0.png,", "p1.png,2"])
    assert own(here, "lab", here / "s.csv", more=("--yes", "--leave-out")).exit_code == 0
    assert (here / "experiments/datasets/lab.csv").read_text() == "image,mos\np0.png,1\np1.png,2\n"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["file", "mos", "mos"], ["p0.png", 1, 2]], r"s\.xlsx: has the column 'mos' twice"),
        ([["file", "mos", "x", "x"], ["p0.png", 1, 2, 3]], r"s\.xlsx: has the column 'x' twice"),
        ([], r"s\.xlsx: has no sheet with a table"),
    ],
)
def test_a_workbook_that_is_no_table_is_refused(here, rows, words):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(here / "s.xlsx")
    with pytest.raises(ValueError, match=words):
        raise own(here, "lab", here / "s.xlsx").exception


def test_a_workbook_of_several_tables_is_refused_and_one_of_empty_sheets_beside_its_table_is_read(here):
    book = Workbook()
    for title, score in (("Session 1", 1), ("all", 4)):
        sheet = book.create_sheet(title)
        sheet.append(["file", "mos"])
        sheet.append(["p0.png", score])
    book.save(here / "s.xlsx")  # beside an empty one, as spreadsheets make it
    with pytest.raises(ValueError, match=r"s\.xlsx: has several sheets, 'Session 1', 'all'; save the one"):
        raise own(here, "lab", here / "s.xlsx").exception
    del book["Session 1"]
    book.save(here / "s.xlsx")
    assert own(here, "lab", here / "s.xlsx").exit_code == 0
    assert (here / "experiments/datasets/lab.csv").read_text() == "image,mos\np0.png,4\n"


def test_a_column_of_a_workbook_without_a_name_is_named_among_those_not_used(here):
    book = Workbook()
    for row in (["file", "mos", None], ["p0.png", 1, "one", "x"], ["p1.png", 2, "two"]):
        book.active.append(row)
    book.save(here / "s.xlsx")
    ended = own(here, "lab", here / "s.xlsx")
    assert ended.exit_code == 0, ended.output
    assert "column 3" in ended.output
    assert "column 4" in ended.output


def test_rows_of_blanks_at_the_end_of_a_workbook_are_none(here):
    book = Workbook()
    for row in (["file", "mos"], ["p0.png", 1], [" ", None], [None, "  "]):
        book.active.append(row)
    book.save(here / "s.xlsx")
    ended = own(here, "lab", here / "s.xlsx")
    assert ended.exit_code == 0, ended.output
    assert (here / "experiments/datasets/lab.csv").read_text() == "image,mos\np0.png,1\n"


def test_what_is_passed_over_is_said_once(here):
    """In a process of its own: what the folder is listed for several times warns each time."""
    (here / "lab/__MACOSX").mkdir()
    for name in ("lab/odd.jpgx", "lab/__MACOSX/x.png"):
        (here / name).write_bytes((here / "lab/p0.png").read_bytes())
    lines(here / "s.csv", ["file,mos", *(f"p{k}.png,{1 + k / 4}" for k in range(10))])
    told = [
        "--images",
        "lab",
        "--scores",
        "s.csv",
        "--low",
        "1",
        "--high",
        "5",
        "--higher-is-better",
        "--yes",
    ]
    command = [sys.executable, "-m", "experiments.cli", "datasets", "add", "lab", *told]
    paths = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=os.environ | paths, capture_output=True, text=True, check=True)
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert len(notes) == 2, done.stderr
    assert "odd.jpgx" in notes[0]
    assert "1 __MACOSX" in notes[1]


def test_nothing_is_added_outside_a_checkout(here):
    (here / "experiments").rmdir()
    lines(here / "s.csv", ["file,mos", "p0.png,1"])
    with pytest.raises(ValueError, match="no folder experiments; run from the top of the repository"):
        raise own(here, "lab", here / "s.csv").exception
    assert not (here / "experiments").exists()


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_table_of_a_spreadsheet_with_decimal_commas_is_added(here, mark):
    text = mark.join(["file", "mos", "mos_std"]) + "\n"
    text += "".join(mark.join([f"p{k}.png", f"{k},5", "0,25"]) + "\n" for k in range(3))
    (here / "s.csv").write_bytes(text.encode("utf-16"))
    told = ("--images", here / "lab", "--scores", here / "s.csv", *SCALE, "--higher-is-better", "--yes")
    ended = iqa("datasets", "add", "lab", *told)
    assert ended.exit_code == 0, ended.output
    datasets.prepare("lab", here / "data")
    manifest = datasets.load("lab", here / "data").manifest
    assert manifest["mos"].tolist() == [0.5, 1.5, 2.5]
    assert manifest["mos_std"].eq(0.25).all()


def test_what_has_no_picture_no_score_and_no_row_is_listed_and_left_out(here):
    rows = ["p0.png,1,x", "gone one.png,2,x", "p1.png,,", "p2.png,3,"]
    lines(here / "s.csv", ["file,mos,reference", *rows])
    ended = own(here, "lab", here / "s.csv", more=("--yes", "--leave-out"))
    assert ended.exit_code == 0, ended.output
    assert "1 rows have no picture:\n  gone one.png\n" in ended.stderr
    assert "1 pictures have no score:\n  p1.png\n" in ended.stderr
    assert "9 pictures are not in the table and left out:\n  p10.png\n" in ended.stderr
    assert "reference: 2 of 4 rows are empty" in ended.stderr
    datasets.prepare("lab", here / "data")
    assert datasets.load("lab", here / "data").manifest["mos"].tolist() == [1, 3]


def test_rows_are_left_out_when_the_user_says_so(here):
    lines(here / "s.csv", ["file,mos", "p0.png,1", "gone.png,2"])
    assert isinstance(own(here, "lab", here / "s.csv", more=(), input="n\n").exception, ValueError)
    assert own(here, "lab", here / "s.csv", more=(), input="y\ny\n").exit_code == 0


@pytest.mark.parametrize("told", [("{}/train.csv", "{}/My test.csv"), ("TRAIN={}/a.csv", "test={}/b.csv")])
def test_several_tables_become_the_split(here, told):
    for name, rows in (("train", ["p 0.png,1", "p1.png,2"]), ("My test", ["p2.png,3"])):
        lines(here / f"{name}.csv", ["image name,mos", *rows])
    (here / "a.csv").write_bytes((here / "train.csv").read_bytes())
    (here / "b.csv").write_bytes((here / "My test.csv").read_bytes())
    (here / "lab/p0.png").rename(here / "lab/p 0.png")
    ended = own(here, "My own-Lab", *(word.format(here) for word in told))
    assert ended.exit_code == 0, ended.output
    datasets.prepare("my_own_lab", here / "data")
    data = datasets.load("my_own_lab", here / "data")
    assert data.record.title == "My own-Lab"
    assert data.manifest["image"].tolist() == ["images/p 0.png", "images/p1.png", "images/p2.png"]
    assert data.manifest["split"].tolist() == ["train", "train", "test"]


def test_tables_that_do_not_say_which_part_they_are_or_share_a_picture_are_refused(here):
    for name in ("a", "b", "train", "test"):
        lines(here / f"{name}.csv", ["file,mos", "p0.png,1"])
    with pytest.raises(ValueError, match=r"a\.csv: which part is it\?.*write --scores train="):
        raise own(here, "lab", here / "a.csv", here / "b.csv").exception
    with pytest.raises(ValueError, match=r"'p0\.png' stands earlier too"):
        raise own(here, "lab", here / "train.csv", here / "test.csv").exception
    lines(here / "test.csv", ["file,score", "p1.png,1"])
    with pytest.raises(ValueError, match=r"test\.csv: column 'mos' is missing"):
        raise own(here, "lab", here / "train.csv", here / "test.csv").exception


def test_scores_that_were_replaced_are_those_that_count(here):
    """The data set was prepared from others."""
    draw = np.random.default_rng(0)
    for index in range(10):
        noise = draw.normal(128, 2 + 10 * index, (40, 40, 3)).clip(0, 255)
        Image.fromarray(noise.astype(np.uint8)).save(here / f"lab/p{index}.png")

    def srcc(values):
        lines(here / "s.csv", ["file,mos", *(f"p{k}.png,{value}" for k, value in enumerate(values))])
        assert own(here, "lab", here / "s.csv", more=("--yes", "--replace")).exit_code == 0
        done = iqa("evaluate", "sharpness", "lab", "--resamples", 100, "--out", here / "out.csv")
        assert done.exit_code == 0, done.output
        return pd.read_csv(here / "out.csv", index_col="statistic")["value"]["srcc"]

    rising = np.linspace(1, 5, 10).tolist()
    assert srcc(rising) == pytest.approx(1)
    assert srcc(rising[::-1]) == pytest.approx(-1)
    (here / "lab").rename(here / "away")  # nothing else can be made of it now
    with pytest.raises(ValueError, match="is not a folder"):
        raise iqa("evaluate", "sharpness", "lab").exception


def test_what_is_there_is_replaced_only_when_told(here):
    lines(here / "s.csv", ["file,mos", "p0.png,1"])
    assert own(here, "lab", here / "s.csv").exit_code == 0
    lines(here / "s.csv", ["file,mos", "p0.png,2"])
    with pytest.raises(ValueError, match=r"lab\.yaml: is there already.*--replace"):
        raise own(here, "lab", here / "s.csv").exception
    assert (here / "experiments/datasets/lab.csv").read_text() == "image,mos\np0.png,1\n"
    assert own(here, "lab", here / "s.csv", more=("--yes", "--replace")).exit_code == 0
    assert (here / "experiments/datasets/lab.csv").read_text() == "image,mos\np0.png,2\n"


def test_range_and_direction_are_asked_and_never_taken_from_what_was_observed(here):
    lines(here / "s.csv", ["file,mos", "p0.png,1.5", "p1.png,4"])
    told = ("datasets", "add", "lab", "--images", here / "lab", "--scores", here / "s.csv")
    with pytest.raises(ValueError, match=r"give the scale of 'mos', whose scores run from 1\.5 to 4: --low"):
        raise iqa(*told, "--yes").exception
    # The proposals: the first usual scale that holds the scores, and the direction of the name.
    assert iqa(*told, input="\n\n\ny\n").exit_code == 0
    record = yaml.safe_load((here / "experiments/datasets/lab.yaml").read_text())["score"]
    assert (record["low"], record["high"], record["higher_is_better"]) == (1, 5, True)
    assert iqa(*told, "--replace", input="0\n9\nn\ny\n").exit_code == 0
    record = yaml.safe_load((here / "experiments/datasets/lab.yaml").read_text())["score"]
    assert (record["low"], record["high"], record["higher_is_better"]) == (0, 9, False)


def test_further_columns_are_taken_however_they_are_spelt_and_what_is_not_is_said(here):
    rows = [f"r{i % 4}.png,p{i}.png,{1 + i / 4},0.5,{i % 3},20,x" for i in range(11)]
    head = "Reference,File,MOS,SD,Level,Ratings,Generator"
    lines(here / "scores.csv", [head, *rows, "r3.png,p11.jpg,4,0.5,2,20,x"])
    ended = own(here, "lab", here / "scores.csv")
    assert ended.exit_code == 0, ended.output
    assert "image: 'File'; score: 'MOS'" in ended.stderr
    assert "taken too: reference, level, ratings\n" in ended.stderr
    assert "not used: Generator; a column called reference, distortion," in ended.stderr
    datasets.prepare("lab", here / "data")
    manifest = datasets.load("lab", here / "data").manifest
    assert manifest["reference"].tolist() == [f"r{i % 4}.png" for i in range(11)] + ["r3.png"]
    assert manifest["level"].tolist() == [i % 3 for i in range(12)]
    assert manifest["ratings"].eq(20).all()
