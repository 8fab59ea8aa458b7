"""What systems and programs put beside pictures is not a picture, wherever a folder is listed."""

import io
import os
import warnings
from pathlib import Path

import fsspec
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import methods
from benchmark import datasets
from benchmark.datasets import _files, _known, own
from benchmark.files import archives, hidden
from benchmark.images import ImageNotice, below, walk, write_png
from experiments.cli import app
from experiments.runs import trained
from experiments.runs.training import train_into
from experiments.scoring import inputs
from experiments.settings import MethodSettings

PICTURES = ["a.png", "deep/b.png", "deep/c.d.png", "__macosx.png", "thumbs.db.png"]
#: Kind, and a file of it whose name ends as a picture's, as they are found on people's disks.
STRANGERS = {
    "._a.png": "._*",
    "deep/._b.png": "._*",
    "__MACOSX/deep/._b.png": "__MACOSX",
    "__MACOSX/c.png": "__MACOSX",
    ".ipynb_checkpoints/a-checkpoint.png": ".ipynb_checkpoints",
    "deep/@eaDir/b.png/SYNOPHOTO_THUMB_XL.jpg": "@eaDir",
    ".Trash-1000/files/old.png": ".Trash-1000",
    "$RECYCLE.BIN/$R1.png": "$RECYCLE.BIN",
    ".hidden.png": ".hidden.png",
}
OTHERS = ["Thumbs.db", "deep/Thumbs.db", ".DS_Store", "deep/.DS_Store", "desktop.ini", "notes.txt"]
SAID = r"passed over \(.*2 \._\*, .*1 \.ipynb_checkpoints, 1 @eaDir, 2 __MACOSX\)"


@pytest.fixture
def folder(tmp_path):
    """Pictures, and what macOS, Windows, Synology and Jupyter add to them."""
    root = tmp_path / "photographs"
    for index, name in enumerate(PICTURES):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, torch.rand(3, 100, 100, generator=torch.Generator().manual_seed(index)))
    for name in [*STRANGERS, *OTHERS]:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        none = "._" in name or name.endswith(".txt")
        path.write_bytes(b"\0\5\26\7 no picture" if none else (root / "a.png").read_bytes())
    return root


@pytest.mark.parametrize("name", list(STRANGERS))
def test_what_nobody_put_there_is_told_by_its_path(name):
    assert hidden(name) == STRANGERS[name]


@pytest.mark.parametrize(
    "name", [*PICTURES, "../a.png", "./a.png", "a/../b.png", "MACOSX/a.png", "a@eaDir.png"]
)
def test_what_people_put_there_is_not(name):
    assert hidden(name) == ""


def test_folders_are_scored_without_what_systems_put_there(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    with pytest.warns(ImageNotice, match=SAID) as told:
        found = inputs.pictures(["photographs"])
    assert len(told) == 1
    assert found == sorted(Path("photographs") / name for name in PICTURES)


def test_a_folder_that_is_named_is_listed_whatever_its_own_name(folder):
    inside = folder / ".ipynb_checkpoints"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert inputs.pictures([str(inside)]) == [inside / "a-checkpoint.png"]


def test_a_file_that_is_named_is_taken_as_named(folder):
    named = [str(folder / name) for name in STRANGERS]
    (folder / "list.csv").write_text("image\n" + "\n".join(STRANGERS) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        every = [Path(name) for name in named]
        assert inputs.pictures(named) == every
        assert inputs.pictures([str(folder / "list.csv")]) == every
        assert inputs.pictures(["-"], io.StringIO("\n".join(named))) == every


def test_a_pattern_takes_of_them_what_it_writes_out(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.warns(ImageNotice, match=r"1 @eaDir, 1 __MACOSX"):
        assert [str(p) for p in inputs.pictures(["**/[0-z]*g"])] == sorted(PICTURES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [str(p) for p in inputs.pictures(["**/@eaDir/*/*.jpg"])] == [list(STRANGERS)[5]]
        assert [str(p) for p in inputs.pictures(["._*.png"])] == ["._a.png"]


def test_a_pattern_follows_no_link_that_leads_back(tmp_path, monkeypatch):
    top = tmp_path / "a" / "top"
    (top / "one" / "deep").mkdir(parents=True)
    (top / "two").mkdir()
    for name in ("one/1.png", "one/deep/3.png", "two/2.png", "two/.2.png", "two/2.txt", "0.png"):
        (top / name).touch()
    (top / "one" / "back").symlink_to("..")  # to the folder that is listed
    (top / "one" / "above").symlink_to(tmp_path)  # to one that this lies in
    (top / "one" / "beside").symlink_to("../two")
    (top / "linked").symlink_to("two")
    every = ["0.png", "one/1.png", "one/deep/3.png", "two/2.png"]
    monkeypatch.chdir(top)

    def found(pattern):
        return sorted(str(path) for path in inputs.pictures([pattern]))

    assert found("**/*.png") == every
    assert found(f"{top}/**/*.png") == [f"{top}/{name}" for name in every]
    assert found("**/[12]*.png") == ["one/1.png", "two/2.png"]
    assert found("one/**/?.p**") == ["one/1.png", "one/beside/2.png", "one/deep/3.png"]
    assert found("o*/**/deep/*") == ["one/deep/3.png"]
    assert found("**/.*.png") == ["two/.2.png"]
    # What is written out is meant.
    assert found("one/back/two/*.png") == ["one/back/two/2.png"]
    assert found("one/back/t*/**/2.*g") == ["one/back/two/2.png"]
    with pytest.raises(ValueError, match="no/\\*\\* does not exist"):
        found("no/**")


def test_stores_are_listed_alike(folder):
    store = fsspec.filesystem("memory")
    for name in [*PICTURES, *STRANGERS]:
        store.pipe(f"/hidden/.top/{name}", b"")
    expected = sorted(f"memory:///hidden/.top/{name}" for name in PICTURES)
    for argument in ("memory://hidden/.top", "memory://hidden/.top/", "memory://hidden/.top/**"):
        with pytest.warns(ImageNotice, match="__MACOSX"):
            assert inputs.pictures([argument]) == expected


def test_an_empty_argument_is_not_the_folder_where_one_stands(folder):
    with pytest.raises(ValueError, match="an argument is empty; name a file"):
        inputs.pictures([str(folder / PICTURES[0]), ""])


def test_a_data_set_of_a_folder_has_none_of_them(folder, tmp_path):
    with pytest.warns(ImageNotice, match=SAID):
        datasets.prepare("mine", tmp_path / "data", kind="folder", source=str(folder))
    found = datasets.load("mine", tmp_path / "data").manifest["image"].tolist()
    assert sorted(found) == sorted(f"images/{name}" for name in PICTURES)


def test_a_data_set_of_a_table_has_what_the_table_names(folder, tmp_path):
    (tmp_path / "scores.csv").write_text("image,mos\n.hidden.png,1\na.png,2\n")
    datasets.prepare(
        "mine", tmp_path / "data", kind="folder", source=str(folder), scores=str(tmp_path / "scores.csv")
    )
    found = datasets.load("mine", tmp_path / "data").manifest["image"].tolist()
    assert found == ["images/.hidden.png", "images/a.png"]


def test_none_of_them_is_said_to_be_missing_from_a_table(folder):
    told = own.Guess("image", "mos", "", 0, 1, True)
    table = pd.DataFrame({"image": PICTURES, "mos": "1"})
    with pytest.warns(ImageNotice, match=SAID):
        left = own.gaps(folder, table, told).unlisted
    assert left == []


def test_training_on_a_folder_sees_none_of_them(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    with pytest.warns(ImageNotice, match=SAID):
        result = CliRunner().invoke(
            app,
            [
                "train",
                "niqe",
                "--images",
                str(folder),
                "--out",
                "out",
                "--set",
                "patch=32",
                "--set",
                "sharpness=0",
            ],
            catch_exceptions=False,
        )
    assert result.exit_code == 0
    assert f"trained on {len(PICTURES)} pictures" in result.output
    with pytest.warns(ImageNotice, match=SAID):
        assert below(folder) == sorted(folder / name for name in PICTURES)
    with pytest.warns(ImageNotice, match=SAID):
        methods.load("niqe", pristine=str(folder), patch=32)


def test_an_archive_packed_on_a_mac_holds_what_it_shows_there(folder, tmp_path):
    archive = tmp_path / "release.zip"
    import zipfile

    with zipfile.ZipFile(archive, "w") as file:
        for name in [*PICTURES, *STRANGERS, *OTHERS]:
            file.write(folder / name, f"release/{name}")
        file.writestr("__MACOSX/release/._scores.csv", b"\0\5\26\7")
        file.writestr("release/._scores.csv", b"\0\5\26\7")
        file.writestr("release/scores.csv", "image,mos\na.png,1\n")
    there = archives.unpack(archive, tmp_path / "unpacked")
    assert _files.find_root(there, ["*scores.csv"]) == there / "release"
    assert _files.files_of(there / "release", "*.csv") == [there / "release/scores.csv"]
    with pytest.warns(ImageNotice):
        assert sorted(_files.pictures(there / "release")) == sorted(PICTURES)


def test_what_a_mac_adds_to_the_suite_is_no_part_of_it(tmp_path, monkeypatch):
    """Records, and the files whose digests are the version of a method."""
    (tmp_path / "mine.yaml").write_text("")
    before = _known.recorded(tmp_path)
    (tmp_path / "._mine.yaml").write_text("")
    assert _known.recorded(tmp_path) == before
    package = Path(methods.find("qualiclip_small").__file__).parent
    before = trained.code_files("qualiclip_small")
    beside = package / "._weights.safetensors"
    beside.write_bytes(b"")
    try:
        assert trained.code_files("qualiclip_small") == before
    finally:
        beside.unlink()
    own_settings = MethodSettings(code="methods/sharpness.py")
    for name in ("plain", "seen"):
        out = tmp_path / name / "sharpness"
        out.mkdir(parents=True)
        if name == "seen":
            (out / ".DS_Store").write_bytes(b"")
        train_into(out, "sharpness", own_settings, [], seed=0)
    one, other = ((tmp_path / name / "sharpness/method.json").read_bytes() for name in ("plain", "seen"))
    assert one == other


def test_a_picture_by_its_system_name_alone_is_scored_when_asked_for(folder, monkeypatch):
    monkeypatch.chdir(folder)
    Image.open("a.png").save(".only.png")
    result = CliRunner().invoke(app, ["score", ".only.png", "--method", "sharpness"])
    assert result.exit_code == 0


@pytest.fixture
def linked(tmp_path):
    """A folder with links to one beside it, to one of its own, to itself, to what holds it, to nothing."""
    root, beside = tmp_path / "set", tmp_path / "beside"
    for name in ("set/own/a.png", "set/b.png", "beside/c.png", "beside/deep/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / name, torch.rand(3, 32, 32))
    for link, target in {
        "set/again": root / "own",
        "set/beside": beside,
        "set/also_beside": beside / "deep",
        "set/own/up": root,
        "set/higher": tmp_path,
        "beside/back": root,
        "set/round": root / "round",
    }.items():
        (tmp_path / link).symlink_to(target)
    return root


LINKED = ["b.png", "also_beside/d.png", "beside/c.png", "own/a.png"]


def test_links_to_folders_are_followed_and_each_folder_is_listed_once(linked):
    assert [path for path in walk(linked) if path != "round"] == LINKED
    assert inputs.pictures([str(linked)]) == sorted(linked / name for name in LINKED)
    assert below(linked) == sorted(linked / name for name in LINKED)
    assert _files.pictures(linked) == LINKED


def test_folders_that_may_not_be_read_are_counted(linked, monkeypatch):
    scan = os.scandir

    def forbidding(path):
        if Path(path).name in {"own", "lost+found"}:
            raise PermissionError(path)
        return scan(path)

    (linked / "lost+found").mkdir()
    monkeypatch.setattr(os, "scandir", forbidding)
    with pytest.warns(ImageNotice, match="1 folders may not be read and are passed over, such as 'own'"):
        assert below(linked) == sorted(linked / name for name in LINKED if not name.startswith("own"))


def test_a_data_set_of_a_folder_follows_links(linked, tmp_path):
    datasets.prepare("mine", tmp_path / "data", kind="folder", source=str(linked))
    found = datasets.load("mine", tmp_path / "data").manifest["image"].tolist()
    assert sorted(found) == sorted(f"images/{name}" for name in LINKED)


def test_a_folder_that_holds_a_link_alone_holds_pictures(linked, tmp_path):
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "link").symlink_to(tmp_path / "beside" / "deep")
    assert inputs.pictures([str(tmp_path / "alone")]) == [tmp_path / "alone/link/d.png"]


@pytest.mark.parametrize("name", ["x.tga", "x.dng", "deep/x", "x.psd", "x.jxl"])
@pytest.mark.parametrize("listed", [below, _files.pictures, lambda folder: inputs.pictures([str(folder)])])
def test_pictures_passed_over_for_their_ending_are_counted(tmp_path, name, listed):
    write_png(tmp_path / "a.png", torch.rand(3, 32, 32))
    (tmp_path / "notes.txt").write_text("BMP and PNG of the lab")
    (tmp_path / "deep").mkdir()
    (tmp_path / name).write_bytes((tmp_path / "a.png").read_bytes())
    said = f"passed over.*1 {Path(name).suffix or 'without ending'}.*such as '{name}'"
    with pytest.warns(ImageNotice, match=said) as told:
        assert len(listed(tmp_path)) == 1
    assert len(told) == 1


def test_formats_that_are_not_read_are_counted_too(tmp_path):
    write_png(tmp_path / "a.png", torch.rand(3, 32, 32))
    for name, head in {
        "x.psd": b"8BPS\0\1",
        "x.jxl": b"\xff\x0a",
        "x.nef": b"MM\0*",
        "x.pdf": b"%PDF-1",
    }.items():
        (tmp_path / name).write_bytes(head)
    with pytest.warns(ImageNotice, match=r"\(1 \.jxl, 1 \.nef, 1 \.psd\)"):
        assert below(tmp_path) == [tmp_path / "a.png"]


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".jif", ".PNM"])
def test_rarer_endings_are_listed(tmp_path, ending):
    write_png(tmp_path / f"a{ending}", torch.rand(3, 32, 32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert inputs.pictures([str(tmp_path)]) == [tmp_path / f"a{ending}"]
