"""The commands around data sets, as a user types them."""

import json
import os
import re
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
from typer.testing import CliRunner

from benchmark import datasets, evaluate
from benchmark.datasets import catalogue, fingerprints
from benchmark.datasets._photographs import PHOTOGRAPHS, read_photograph
from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.gmad.study import pair_name, study_name
from benchmark.images import write_png
from experiments.cli import app
from experiments.commands.datasets import card, state
from experiments.runs import unchanged
from experiments.settings import Prepare
from tests.datasets.releases import lines
from tests.loopback import Loopback


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A checkout's top with twelve pictures, of which two are one file and one is another's thumbnail."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "lab"
    folder.mkdir()
    (tmp_path / "experiments").mkdir()
    draw = np.random.default_rng(0)
    for index in range(10):
        fields = draw.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(fields).resize((90, 72), Image.Resampling.BICUBIC).save(folder / f"p{index}.png")
    (folder / "p10.png").write_bytes((folder / "p0.png").read_bytes())
    Image.open(folder / "p1.png").resize((60, 48)).save(folder / "p11.jpg", quality=60)
    return tmp_path


def iqa(*words, **settings):
    return CliRunner().invoke(app, list(map(str, words)), **settings)


def scores(here, names, head="file;DMOS;std", rows="{};{};2.5"):
    lines(here / "scores.csv", [head, *(rows.format(name, 10 + i) for i, name in enumerate(names))])
    return here / "scores.csv"


SCALE = ("--low", 0, "--high", 100)


def add(here, *extra, **settings):
    names = [f"p{index}.png" for index in range(11)] + ["p11.jpg"]
    told = ("--images", here / "lab", "--scores", scores(here, names), "--low", 0, "--lower-is-better")
    return iqa("datasets", "add", "lab", *told, *extra, **({"input": "100\ny\n"} | settings))


@pytest.mark.parametrize("name", catalogue.names())
def test_every_record_has_a_card(name):
    entry = catalogue.entry(name)
    said = dict(re.findall(r"^  (\w+) +(.*)", card(entry), re.MULTILINE))
    assert said["licence"] == entry.licence
    if entry.score:
        assert entry.score.name in said["score"]
        assert ("within a reference alone" in said["score"]) == entry.score.within
        assert ("ratings" in said) == (entry.score.ratings is not None)


def test_the_table_says_what_is_here(here):
    (here / "downloads/agiqa3k/images").mkdir(parents=True)
    (here / "downloads/agiqa3k/images/a.png").touch()
    lines(here / "downloads/agiqa3k/data.csv", ["name,mos_quality,std_quality", "a.png,1,.1"])
    (here / "downloads/tid2013").mkdir()
    table = iqa("datasets").stdout.splitlines()
    found = {line.split()[0]: line for line in table}
    assert len(table) == 1 + len(catalogue.names())
    assert "1 of 2982 images" in found["agiqa3k"]
    assert "incomplete (iqa verify tid2013)" in found["tid2013"]
    assert found["koniq10k"].split()[1:3] == ["10073", "no"]


def test_a_set_that_lacks_only_its_split_is_not_called_complete(here):
    entry = catalogue.entry("flive").model_copy(update={"counts": {"images": 1}})
    lines(here / "downloads/flive/labels_image.csv", ["name,mos", "EE371R/a.jpg,50"])
    picture = here / "downloads/flive/database/EE371R/a.jpg"
    picture.parent.mkdir(parents=True)
    picture.touch()
    assert state(entry) == "incomplete (iqa verify flive)"
    lines(here / "downloads/flive/labels640.csv", ["mos_image,name_image", "50,EE371R/a.jpg"])
    lines(here / "downloads/flive/labels=640_padded.csv", ["name_image,is_valid", "EE371R/a.jpg,True"])
    assert state(entry) != "complete"  # no picture of the train and of the test split


def test_a_card_says_direction_terms_steps_and_faults():
    card = iqa("datasets", "clive").stdout
    for words in (
        "higher is better",
        "--accept-terms",
        "Fill the form",
        "first seven",
        "@article{ghadiyaram",
    ):
        assert words in card
    assert "lower is better" in iqa("datasets", "csiq").stdout
    assert "short side 512" in iqa("datasets", "spaq").stdout


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


def own(here, title, *tables, more=("--yes",), **settings):
    """Add the user's own data set of some tables, of a scale from 1 to 5."""
    told = [word for table in tables for word in ("--scores", table)]
    scale = ("--low", 1, "--high", 5, "--higher-is-better")
    return iqa("datasets", "add", title, "--images", here / "lab", *told, *scale, *more, **settings)


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


CHANGED = r"data.lab: the release, scores, record or settings of data set 'lab' have changed since"
PAIR = ("images/p2.png", "images/p3.png")


@pytest.fixture
def prepared(here):
    """The set `lab`, prepared, and files that the commands below want; returns what makes it anew."""

    def made(times=1, **settings):
        lines(here / "t.csv", ["file,mos", *(f"p{k}.png,{1 + times * k / 10}" for k in range(10))])
        assert own(here, "lab", here / "t.csv", more=("--yes", "--replace")).exit_code == 0
        return settings

    datasets.prepare("lab", "data", **made())
    images = datasets.load("lab").manifest["image"].tolist()
    pd.DataFrame({"image": images, "split_1": "train"}).to_csv("s.csv", index=False)
    head = "dataset,judge,defender,attacker,level,low_image,high_image,gap,weight"
    contests = [f"lab,mos,{both},1,{','.join(PAIR)},1,1" for both in ("a,b", "b,a")]
    lines(here / "pairs.csv", [head, *contests])
    answer = {"pair": pair_name(*PAIR), "left": PAIR[0], "right": PAIR[1], "choice": "left"}
    told = {"format": "gmad-answers-1", "study": study_name([pair_name(*PAIR)]), "subject": "a"}
    answers = [answer | {"strength": 60, "seconds": 2.0}]
    (here / "answers.json").write_text(json.dumps(told | {"answers": answers}))
    return made


@pytest.mark.parametrize("changed", ["scores", "picture", "settings"])
@pytest.mark.parametrize(
    "words",
    [
        "splits make lab --out made.csv",
        "splits check lab --splits s.csv",
        "splits check lab --test lab",
        "gmad judge --dataset lab --pairs pairs.csv --out page.html",
        "gmad tally answers.json --dataset lab --pairs pairs.csv",
    ],
)
def test_commands_refuse_a_set_that_has_changed_since_it_was_prepared(
    here, prepared, words, changed, monkeypatch
):
    assert iqa(*words.split()).exit_code in (0, 3)
    settings = {}
    if changed == "scores":
        prepared(2)
    elif changed == "picture":
        write_png(here / "lab/p5.png", torch.rand(3, 40, 40))
    else:
        settings = {"short_side": 30}
        monkeypatch.setattr(unchanged, "asked", lambda: Prepare(datasets={"lab": settings}))
    with pytest.raises(ValueError, match=CHANGED):
        raise iqa(*words.split()).exception
    datasets.prepare("lab", "data", **settings)  # the cure that it names
    assert iqa(*words.split()).exit_code in (0, 3)


def test_programs_are_refused_a_set_that_has_changed_since_it_was_prepared(prepared):
    given = {f"images/p{k}.png": k**2 for k in range(10)}
    assert set(evaluate(given, "lab")["dataset"]) == {"lab"}
    prepared(2)
    with pytest.raises(ValueError, match=CHANGED):
        evaluate(given, "lab")


def test_a_set_that_came_from_elsewhere_is_read_as_it_stands(here, prepared):
    manifest = pd.read_csv(here / "data/lab/manifest.csv")
    manifest.assign(mos=6 - manifest["mos"]).to_csv(here / "data/lab/manifest.csv", index=False)
    prepared(2)
    assert iqa("splits", "make", "lab", "--out", here / "made.csv").exit_code == 0


def test_leaks_are_found_within_a_set_and_across_sets(here):
    add(here, "--high", 100, "--yes")
    datasets.prepare("lab", here / "data")
    images = datasets.load("lab", here / "data").manifest["image"].tolist()
    parts = ["train"] * 10 + ["test"] * 2
    pd.DataFrame({"image": images, "split_1": parts}).to_csv(here / "s.csv", index=False)
    ended = iqa("splits", "check", "lab", "--splits", here / "s.csv", "--out", here / "leaks.csv")
    assert ended.exit_code == 3, ended.output
    found = pd.read_csv(here / "leaks.csv")[["kind", "train", "test"]].values.tolist()
    assert found == [["identical", images[0], images[10]], ["near", images[1], images[11]]]
    pd.DataFrame({"image": images[:10], "split_1": parts[1:11]}).to_csv(here / "s.csv", index=False)
    assert iqa("splits", "check", "lab", "--splits", here / "s.csv").exit_code == 0
    os.makedirs(here / "other")
    (here / "other/x.png").write_bytes((here / "lab/p3.png").read_bytes())
    datasets.prepare("other", here / "data", kind="folder", source=here / "other")
    ended = iqa("splits", "check", "lab", "--test", "other")
    assert ended.exit_code == 3
    assert f"lab -> other: 1 identical, first {images[3]} and images/x.png" in ended.stdout


def test_crops_across_sets_are_told_with_the_part_that_both_show_and_refuted_ones_are_said(here):
    photograph = read_photograph(PHOTOGRAPHS[0], 300)
    for name, image in {
        "lab/whole.png": photograph,
        "other/cut.png": photograph[:, 40:250, 100:415],
        "other/leaves.png": dead_leaves(300, 5),
        "other/flat.png": torch.full((3, 60, 60), 0.5),
        # Looks that agree by chance: one ramp, and in it other details.
        "lab/ramp.png": ramp(1),
        "other/ramp.png": ramp(2),
    }.items():
        os.makedirs(here / name.split("/")[0], exist_ok=True)
        write_png(here / name, image)
    for name in ("lab", "other"):
        datasets.prepare(name, here / "data", kind="folder", source=here / name)
    ended = iqa("splits", "check", "lab", "--test", "other", "--out", here / "leaks.csv")
    assert ended.exit_code == 3
    assert "lab -> other: 1 crop, first images/whole.png and images/cut.png\n" in ended.stdout
    assert "1 that looked near are not, first images/ramp.png and images/ramp.png" in ended.stderr
    assert "other: 1 of 4 pictures show too little" in ended.stderr
    assert "1 leaks" in ended.stderr
    found = pd.read_csv(here / "leaks.csv").set_index("kind")
    assert found["standing"].to_dict() == {"near": "refuted", "crop": "confirmed"}
    assert found.loc["crop", "of_train"] == pytest.approx(0.7 * 315 / 450, abs=0.02)
    assert found.loc["crop", "of_test"] == pytest.approx(1, abs=0.02)
    # Nothing but what was refuted: no leak.
    os.unlink(here / "other/cut.png")
    datasets.prepare("other", here / "data", kind="folder", source=here / "other")
    assert iqa("splits", "check", "lab", "--test", "other").exit_code == 0


def ramp(seed):
    """Brighter to the right and below, with details whose means over nine by nine fields are nought."""
    draw = torch.Generator().manual_seed(seed)
    details = torch.rand(9, 6, 9, 6, generator=draw)
    details -= details.mean((1, 3), keepdim=True)
    details = details.reshape(54, 54).repeat_interleave(6, 0).repeat_interleave(6, 1)
    way = torch.linspace(0.2, 0.5, 324)
    return ((way + way[:, None]) * 0.8 + 0.2 * details).expand(3, -1, -1)


def test_no_picture_is_decoded_twice_by_verify_and_splits_check(here, monkeypatch):
    add(here, "--high", 100, "--yes")
    datasets.prepare("lab", here / "data")
    manifest = datasets.load("lab", here / "data").manifest
    manifest.assign(split_1="train")[["image", "split_1"]].to_csv(here / "s.csv", index=False)
    assert iqa("verify", "lab").exit_code == 0
    monkeypatch.setattr(fingerprints.images, "read", lambda path: pytest.fail(f"{path} is decoded again"))
    assert iqa("splits", "check", "lab", "--splits", here / "s.csv").exit_code == 0
    assert iqa("verify", "lab").exit_code == 0


def test_splits_are_made_and_read_again(here):
    add(here, "--high", 100, "--yes")
    datasets.prepare("lab", here / "data")
    assert iqa("splits", "make", "lab", "--out", here / "s.csv", "--splits", 3).exit_code == 0
    table = pd.read_csv(here / "s.csv")
    assert list(table) == ["image", "split_1", "split_2", "split_3"]
    assert table["split_1"].value_counts().to_dict() == {"train": 8, "test": 3, "val": 1}
    ended = iqa("splits", "make", "lab", "--out", here / "o.csv", "--official")
    assert "lab has no official split" in str(ended.exception)


def test_a_set_without_official_split_is_checked_by_the_commands_that_the_message_names(here, monkeypatch):
    add(here, "--high", 100, "--yes")
    datasets.prepare("lab", here / "data")
    monkeypatch.chdir(here)
    commands = re.findall("`iqa ([^`]*)`", str(iqa("splits", "check", "lab").exception))
    assert [command.split()[:3] for command in commands] == [["splits", w, "lab"] for w in ("make", "check")]
    assert [iqa(*command.split()).exit_code for command in commands] in ([0, 0], [0, 3])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "make lab --out s.csv --official --published there",
            "--official and --published are different splits",
        ),
        ("make lab --out s.csv --official --splits 3", "--official and --splits or --seed are different"),
        (
            "make lab --out s.csv --published there --seed 3",
            "--published and --splits or --seed are different",
        ),
        ("check lab --splits s.csv --test other", "whatever --splits says"),
    ],
)
def test_options_of_splits_that_would_do_nothing_are_refused(here, words, said):
    with pytest.raises(ValueError, match=said):
        raise iqa("splits", *words.split()).exception
    assert not (here / "s.csv").exists()


def test_downloads_of_several_sets_go_on_past_one_that_fails(here, monkeypatch):
    monkeypatch.setenv("IQA_OFFLINE", "1")
    ended = iqa("download", "agiqa1k", "clive", "kadid10k")
    assert ended.exit_code == 3
    assert "agiqa1k: cannot be fetched by a program" in ended.stderr
    assert "clive: read its terms first" in ended.stderr
    assert "IQA_OFFLINE forbids" in ended.stderr
    assert "3 of 3 are missing" in ended.stderr
    assert isinstance(iqa("download").exception, ValueError)


def test_addresses_are_asked_what_they_offer(here, monkeypatch):
    entry = catalogue.entry("agiqa3k")
    images, scores = entry.sources[0].files
    zipped, table, page = (
        "/" + url.removeprefix("https://") for url in (images.urls[0], scores.urls[0], entry.page)
    )
    files, faulty = {zipped: b"x" * 5_000_000, table: b"y" * scores.size, page: b"page"}, {}
    monkeypatch.delenv("IQA_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Loopback(files, lambda number, path: faulty.get(path, "right")).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        ended = iqa("datasets", "--check-sources", "agiqa3k")
        assert ended.exit_code == 0, ended.output
        assert [line.split()[:2] for line in ended.stdout.splitlines()] == [["yes", "agiqa3k"]] * 3
        assert "0.005 GB" in ended.stdout
        assert all(headers["Range"] == "bytes=0-0" for _, headers in server.requests)
        faulty[zipped], files[table] = "404", b"moved"
        ended = iqa("datasets", "--check-sources", "agiqa3k")
    assert ended.exit_code == 3
    assert f"{images.urls[0]}: answered 404" in ended.stdout
    assert f"offers 5 bytes, the record says {scores.size}" in ended.stdout
    assert ended.stderr == "3 addresses, 2 faults\n"
    ended = iqa("datasets", "--check-sources", "agiqa3k")  # the server is gone
    assert ended.stdout.count("the connection failed (Connection refused)") == 3


def test_the_paper_profile_names_data_sets_of_the_catalogue():
    from experiments.commands.download import of_profile

    named = {
        "koniq10k",
        "clive",
        "flive",
        "spaq",
        "agiqa1k",
        "agiqa3k",
        "live",
        "csiq",
        "tid2013",
        "kadis700k",
    }
    assert named <= set(of_profile("paper"))
