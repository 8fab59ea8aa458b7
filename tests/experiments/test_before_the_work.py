"""What can fail before the work does so, and what fails after it loses nothing of it."""

import io
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import methods
from benchmark import files
from benchmark.images import write_png
from benchmark.scoring import journal
from experiments.cli import app
from experiments.scoring import outputs, runner
from experiments.scoring.inputs import pictures
from methods._shared.training import loop
from tests.full_disk import room_for
from tests.made import trained

run = CliRunner()
#: A name that is no UTF-8, as old file systems hold.
STRANGE = os.fsdecode(b"caf\xe9.png")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Twelve pictures of one size in ``pictures/``, seen from their parent."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for index in range(12):
        generator = torch.Generator().manual_seed(index)
        write_png(tmp_path / f"pictures/{index:02d}.png", torch.rand(3, 40, 48, generator=generator))
    return tmp_path


@pytest.fixture
def no_work(monkeypatch):
    """Whatever scores, trains, draws or compares raises instead."""

    def worked(*_arguments, **_options):
        raise AssertionError("it worked before it looked")

    for place in (
        "experiments.scoring.runner.Run.frame", "experiments.runs.training.train_into",
        "benchmark.images.read",
        "benchmark.degradations.sheet.degrade_file", "experiments.pages.notebooks.report",
        "experiments.pages.comparison.write", "experiments.scoring.score_files.read",
        "benchmark.gmad.study.questions",
        "benchmark.gmad.tally.read_answers", "benchmark.datasets.own.guess", "benchmark.datasets.load",
        "benchmark.datasets.verify.verify", "benchmark.datasets.download.download",
    ):  # fmt: skip
        monkeypatch.setattr(place, worked)


def said(*arguments):
    """Run a command; returns the one line that it ended with."""
    result = run.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 1
    assert isinstance(result.exception, ValueError | OSError), result.exception
    return str(result.exception)


SCORE = ("score", "pictures", "--method", "sharpness", "--out")
LOOK = [
    (*SCORE, "file/a.csv"),
    ("train", "niqe", "--images", "pictures", "--out", "file/model"),
    ("train", "niqe", "--images", "pictures", "--out", "file"),
    ("splits", "make", "x", "--out", "file/a.csv"),
    ("splits", "check", "x", "--out", "file/a.csv"),
    ("gmad", "judge", "--dataset", "x", "--out", "file/a.html"),
    ("gmad", "tally", "a.json", "--dataset", "x", "--out", "file/a"),
    ("compare", "a.csv", "b.csv", "--scores", "c.csv", "--out", "file/a.csv"),
    ("degrade", "pictures/00.png", "--kind", "jpeg", "--out", "file/a.png"),
    ("evaluate", "sharpness", "koniq10k", "--out", "file/a.csv"),
    ("weights", "compare", "a.pt", "b.pt", "--csv", "file/a.csv"),
]


@pytest.mark.parametrize("command", LOOK, ids=lambda command: "-".join(command[:2]))
def test_an_output_below_a_file_is_refused_before_the_work(command, no_work):
    Path("file").write_text("")
    assert "file is not a folder" in said(*command)


#: Commands, and the one of their inputs that --out would take the place of.
OVER = [
    ("a.csv", ("score", "a.csv", "--method", "sharpness", "--out", "a.csv")),
    ("a.csv", ("score", "pictures", "a.csv", "--method", "sharpness", "--out", "./pictures/../a.csv")),
    ("a.csv", ("compare", "a.csv", "b.csv", "--scores", "c.csv", "--out", "a.csv")),
    ("c.csv", ("compare", "a.csv", "b.csv", "--scores", "c.csv", "--out", "c.csv")),
    ("a.csv", ("evaluate", "a.csv", "koniq10k", "--out", "a.csv")),
    ("a.csv", ("splits", "check", "x", "--splits", "a.csv", "--out", "a.csv")),
    ("pairs.csv", ("gmad", "judge", "--dataset", "x", "--pairs", "pairs.csv", "--out", "pairs.csv")),
    ("pairs.csv", ("gmad", "tally", "a.json", "--dataset", "x", "--pairs", "pairs.csv", "--out", ".")),
    ("b.pt", ("weights", "compare", "a.pt", "b.pt", "--csv", "b.pt")),
    ("pictures/00.png", ("degrade", "pictures/00.png", "--kind", "jpeg", "--out", "pictures/00.png")),
]


@pytest.mark.parametrize(("given", "command"), OVER, ids=lambda part: part[0])
def test_a_result_does_not_take_the_place_of_what_it_is_made_from(given, command, no_work):
    for name in ("a.csv", "b.csv", "c.csv", "pairs.csv", "a.pt", "b.pt"):
        Path(name).write_text("image,mos\npictures/00.png,3\n")
    before = Path(given).read_bytes()
    assert "is read for the result" in said(*command)
    assert Path(given).read_bytes() == before


@pytest.mark.parametrize("inside", ["pictures", "pictures/maps", "linked/maps"])
def test_no_picture_is_written_where_the_next_run_would_read_it(inside, no_work):
    Path("linked").symlink_to("pictures")
    for command in (
        ("score", "pictures", "--method", "qualiclip-small", "--explain", inside),
        ("train", "qualiclip", "--images", "pictures", "--out", inside),
    ):
        assert f"{inside}: lies in pictures" in said(*command)
    assert len(list(Path("pictures").iterdir())) == 12


def test_pages_and_records_look_at_their_place_first(no_work, monkeypatch):
    Path("reports").write_text("")
    assert "reports is not a folder" in said("report")
    Path("experiments").mkdir()
    Path("experiments/datasets").write_text("")
    add = ("datasets", "add", "mine", "--images", "pictures", "--scores", "s.csv", "--yes")
    assert "experiments/datasets is not a folder" in said(*add)
    assert "has a data set of this name" in said("datasets", "add", "koniq10k", *add[3:])


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("score", "pictures", "--method", "sharpness", "--method", "sharpnes"), "sharpnes"),
        (("bench", "--method", "sharpness", "--method", "sharpnes"), "sharpnes"),
        (("download", "koniq10k", "--method", "sharpnes"), "sharpnes"),
        (("download", "koniq10k", "koniq"), "koniq"),
        (("report", "--compare", "nowhere"), "nowhere"),
    ],
)
def test_a_name_that_comes_second_is_looked_at_before_the_first_begins(command, says, no_work, monkeypatch):
    monkeypatch.setattr("experiments.scoring.speed.bench", None)
    assert says in said(*command)


@pytest.mark.parametrize(
    "command",
    [
        ("score", "pictures", "--method", "sharpness", "--method", "brisque"),
        ("evaluate", "brisque", "koniq10k"),
        ("bench", "--method", "brisque", "--size", "32"),
    ],
    ids=lambda command: command[0],
)
def test_a_method_that_has_features_alone_is_refused_with_the_cure_and_once(command, no_work, monkeypatch):
    monkeypatch.setattr("experiments.scoring.speed.bench", None)
    told = said(*command)
    assert told.startswith("brisque: has features and no scores of its own; set `regressor` to a file")
    assert told.count("brisque: ") == 1


def test_a_table_in_parquet_needs_pyarrow_before_it_needs_scores(no_work, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert "parquet needs pyarrow, which is not installed; name a .csv" in said(*SCORE, "a.parquet")


def test_a_disk_without_room_for_table_and_journal_is_refused(no_work, monkeypatch):
    free = shutil.disk_usage(".")._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    assert "a.csv: may take 0.0" in said(*SCORE, "a.csv")


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize("broken", [False, True])
def test_table_and_journal_take_no_more_than_was_foreseen(kind, broken):
    for index in range(12):
        path = Path(f"pictures/{'ä' * 40}{index}.png")
        Path(f"pictures/{index:02d}.png").rename(path)
        if broken:
            path.write_bytes(b"no picture")
    result = run.invoke(app, ["score", "pictures", "--method", "sharpness", "--out", f"o.{kind}"])
    assert result.exit_code == (3 if broken else 0)
    made = dict.fromkeys(
        ("method", "weights", "weights_sha256", "direction", "precision", "version"), "x" * 9
    )
    taken = Path(f"o.{kind}").stat().st_size + Path(f".o.{kind}.sharpness.journal").stat().st_size
    overhead = 8_000 if kind == "parquet" else 0  # the schema of an Arrow file
    assert taken < outputs.largest(pictures(["pictures"]), made) + overhead


def test_methods_that_would_share_a_journal_are_refused(no_work):
    for name in ("a/m", "b/m"):
        trained().write(Path(name))
    assert "share the name 'm'" in said("score", "pictures", "--method", "a/m", "--method", "b/m")


def test_a_journal_of_another_run_is_refused_before_the_first_method_begins(no_work):
    Path(".o.csv.qualiclip-small.journal").write_text('{"method": "other"}\n')
    arguments = [*SCORE, "o.csv", "--resume", "--method", "qualiclip-small"]
    assert ".o.csv.qualiclip-small.journal is of a run with other" in said(*arguments)


def test_a_disk_that_fills_up_loses_nothing_that_was_scored(monkeypatch):
    """Not in the run that met it, nor in one that was resumed while it was still full."""
    arguments = [*SCORE, "o.csv", "--batch", "1"]
    assert run.invoke(app, [*SCORE, "whole.csv", "--batch", "1"]).exit_code == 0
    book = Path(".o.csv.sharpness.journal")
    with room_for(1_000):
        assert "o.csv.sharpness.journal" in (why := said(*arguments))
        assert "what is in it stays; make room and resume" in why
        torn = book.read_bytes()
        assert len(torn) == 1_000
        said(*arguments, "--resume")
        assert book.read_bytes()[: torn.rfind(b"\n") + 1] == torn[: torn.rfind(b"\n") + 1]
    kept = torn.count(b"\n") - 1
    assert kept > 3
    again = []
    inner = runner.local_rows

    def counted(paths, method, how, done):
        for part in inner(paths, method, how, done):
            again.extend(row.index for row in part)
            yield part

    monkeypatch.setattr(runner, "local_rows", counted)
    assert run.invoke(app, [*arguments, "--resume"]).exit_code == 0
    assert again == list(range(kept, 12))
    assert Path("o.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_a_table_that_the_disk_does_not_take_is_written_later_from_the_journal(monkeypatch):
    Path("o.csv").write_text("old")
    write = outputs.write_frame

    def full(frame, path):
        with room_for(20):
            write(frame, path)

    with monkeypatch.context() as patched:
        patched.setattr(outputs, "write_frame", full)
        assert "its scores are in the journal: --resume writes it from there" in said(*SCORE, "o.csv")
    assert Path("o.csv").read_text() == "old"
    with monkeypatch.context() as patched:
        patched.setattr("experiments.scoring.local.read", None)  # no picture is read again
        assert run.invoke(app, [*SCORE, "o.csv", "--resume"]).exit_code == 0
    assert len(pd.read_csv("o.csv")) == 12


def test_a_journal_that_goes_on_is_never_written_a_second_time():
    book = Path("j.part")
    with journal.Journal(book, {"method": "m"}, resume=False):
        pass
    before = book.stat().st_ino, book.read_bytes()
    with room_for(0), journal.Journal(book, {"method": "m"}, resume=True):
        pass
    assert (book.stat().st_ino, book.read_bytes()) == before


def test_a_name_that_is_no_utf8_is_scored_and_explained():
    Path("pictures/00.png").rename(Path("pictures") / STRANGE)
    result = run.invoke(
        app, ["score", "pictures", "--method", "qualiclip-small", "--out", "o.csv", "--explain", "maps"]
    )
    assert result.exit_code == 0, result.output
    assert os.fsencode(STRANGE) in Path("o.csv").read_bytes()
    names = list(np.load("maps/qualiclip-small/maps.npz"))
    assert len(names) == 12
    assert sorted(f"{name}.png" for name in names) == sorted(
        path.name for path in Path("maps/qualiclip-small").glob("*.png")
    )


def test_a_picture_that_cannot_be_explained_leaves_the_others_their_maps(monkeypatch):
    """Gone between score and map, as on a shared disk."""
    inner = runner.Run.frame

    def collected(*arguments, **options):
        found = inner(*arguments, **options)
        Path("pictures/03.png").unlink()
        return found

    monkeypatch.setattr(runner.Run, "frame", collected)
    result = run.invoke(
        app, ["score", "pictures", "--method", "qualiclip-small", "--out", "o.csv", "--explain", "maps"]
    )
    assert result.exit_code == 0, result.output
    assert "pictures/03.png: not explained" in result.output
    assert len(np.load("maps/qualiclip-small/maps.npz")) == 11


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_table_on_standard_output_has_the_bytes_of_the_file(encoding, monkeypatch):
    Path("pictures/00.png").rename(Path("pictures") / STRANGE)
    Path("pictures/01.png").rename("pictures/é☃.png")
    assert run.invoke(app, [*SCORE, "o.csv"]).exit_code == 0
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    app(list(SCORE[:-1]), standalone_mode=False)
    assert raw.getvalue() == Path("o.csv").read_bytes()


def test_a_training_whose_result_the_disk_does_not_take_goes_on_from_its_state(folder, monkeypatch):
    own = {"architecture": "small", "pretrained": None, "norm": "train", "steps": 4, "batch": 2, "crop": 32}
    own |= {"checkpoint_every": 2, "log_every": 1}
    shown = sorted(Path("pictures").iterdir())
    steps = []
    save = loop.Checkpoint.save

    def watched(self, step, rows):
        steps.append(step)
        save(self, step, rows)

    monkeypatch.setattr(loop.Checkpoint, "save", watched)

    def full(*_arguments, **_options):
        raise files.full(Path("out/weights.safetensors"), 28)

    monkeypatch.setattr("methods.qualiclip.training.save_scorer", full)
    with pytest.raises(OSError, match="No space left"):
        methods.train("qualiclip", shown, folder / "out", seed=0, settings=own)
    assert Path("out.partial").is_file()
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    begun = []
    restore = loop.Checkpoint.restore
    monkeypatch.setattr(
        loop.Checkpoint, "restore", lambda self: begun.append(found := restore(self)) or found
    )
    methods.train("qualiclip", shown, folder / "out", seed=0, settings=own)
    assert [step for step, _ in begun] == [4]
    assert steps == [2, 4]
    assert not Path("out.partial").exists()


SMALL = ("architecture=small", "width=8", "pretrained=null", "norm=train", "steps=1", "batch=2", "crop=32")
TRAIN = ("train", "qualiclip", "--images", "pictures", "--out", "own")
TRAIN = (*TRAIN, *(part for setting in SMALL for part in ("--set", setting)))


def test_a_folder_that_another_process_trains_into_is_left_to_it(no_work, monkeypatch):
    monkeypatch.setattr("experiments.runs.training.PATIENCE", 0.1)
    with files.alone(Path(".own.lock"), "busy"):
        assert "own: another process is training into it" in said(*TRAIN)
        assert "own: another process is training into it" in said(*TRAIN, "--force")


def test_no_description_stays_beside_weights_that_it_is_not_of(folder, monkeypatch):
    """Whenever a forced training is killed: what stands beside describes what is there, or nothing does."""
    assert run.invoke(app, TRAIN).exit_code == 0
    described = Path("own/method.json")
    made = described.read_bytes()
    seen = []

    def learn(*_arguments, **_options):
        seen.append(described.exists())
        if len(seen) == 2:
            Path("own/weights.safetensors").write_bytes(b"of the new training")
        raise ValueError("stopped")

    monkeypatch.setattr(methods, "train", learn)
    assert said(*TRAIN, "--force") == "stopped"
    assert described.read_bytes() == made  # nothing else has changed
    assert said(*TRAIN, "--force") == "stopped"
    assert not described.exists()
    assert seen == [False, False]


def test_what_killed_saves_left_is_removed_and_nothing_else(folder):
    state = folder / "out.partial"
    others = [
        folder / name for name in (".out.partial.tmp", f".about.partial.{'0' * 32}.tmp", "out.partial.x")
    ]
    left = folder / f".out.partial.{'0a' * 16}.tmp"
    for path in (left, *others):
        path.write_bytes(b"half")
    loop.Checkpoint(folder / "out", {}, {})
    assert not left.exists()
    assert all(path.exists() for path in others)
    assert not state.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_weights_can_be_read_by_whom_the_umask_lets(folder):
    before = os.umask(0o022)
    try:
        assert run.invoke(app, TRAIN).exit_code == 0
    finally:
        os.umask(before)
    assert {oct(path.stat().st_mode & 0o777) for path in Path("own").iterdir()} == {"0o644"}


def test_a_state_that_cannot_be_saved_is_refused_before_the_first_step(folder):
    (folder / "out.partial").mkdir()
    own = {"architecture": "small", "pretrained": None, "norm": "train", "steps": 4, "batch": 2, "crop": 32}
    with pytest.raises(ValueError, match=r"out\.partial: is a folder"):
        methods.train("qualiclip", sorted(Path("pictures").iterdir()), folder / "out", seed=0, settings=own)
