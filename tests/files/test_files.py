"""Files that several processes may want: whole at any moment, held by one, kept inside their folder."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from benchmark import files
from tests.full_disk import room_for

ROOT = Path(__file__).parents[2]
OUTSIDE = [
    "../x", "a/../../x", "..", "a/..", "/etc/x", "\\x", "..\\x", "a\\..\\..\\x", "C:x", "c:\\x", "C:/x", "",
    ".", "a\0b", "a\nb", "\\\\server\\share\\x", "//server/x", "a/\x1b[2J",
]  # fmt: skip


def test_processes_that_write_one_file_leave_the_whole_of_one(tmp_path):
    code = "import sys; from pathlib import Path; from benchmark import files\n"
    code += "for _ in range(100): files.write_bytes(Path(sys.argv[1]), sys.argv[2].encode() * 50_000)"
    writers = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "a", each]) for each in "1234"]
    assert [writer.wait(timeout=240) for writer in writers] == [0] * 4
    content = (tmp_path / "a").read_bytes()
    assert content == content[:1] * 50_000
    assert os.listdir(tmp_path) == ["a"]


def test_what_is_interrupted_leaves_the_old_file_and_nothing_beside(tmp_path):
    path = tmp_path / ("é" * 120)  # 240 of the 255 bytes that a name may have
    files.write_text(path, "old")

    def interrupted():
        with files.whole(path) as aside:
            aside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]


def test_a_new_file_may_be_read_by_whom_the_umask_lets(tmp_path):
    before = os.umask(0o022)
    try:
        files.write_text(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_no_fixed_name_aside_is_left_in_the_tree():
    """Two processes would write to the same one."""
    fixed = re.compile(r"""with_suffix\("\.tmp"\)|\+ "\.tmp"|\.tmp["']""")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for room in ("benchmark", "methods", "experiments")
        for path in (ROOT / room).rglob("*.py")
        for line in path.read_text().splitlines()
        if fixed.search(line) and "uuid" not in line and "fullmatch" not in line  # what finds them again
    ]
    assert not found


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="leads out of the folder"):
        files.inside(tmp_path, name)


@given(st.text(max_size=30))
def test_no_name_leads_out_of_the_folder(name):
    folder = Path("/nowhere/in")
    try:
        path = folder / files.plain(name)
    except ValueError:
        return
    assert os.path.normpath(path).startswith("/nowhere/in/")
    assert os.path.normpath(f"/nowhere/in/{name}").startswith("/nowhere/in/")


def test_a_link_on_the_way_is_not_followed_out(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="would follow a link out"):
        files.inside(tmp_path / "in", "link/x")
    assert files.inside(tmp_path / "in", "a/b.png") == tmp_path / "in/a/b.png"


@pytest.fixture
def of_another(tmp_path_factory):
    """A folder of somebody else's: of a user who may do there what `nobody` may not."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    (folder / "theirs.csv").write_text("old")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def nobody():
    """As a user who owns nothing: no longer than a test lasts, for what runs between tests writes too."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_place_that_takes_no_file_is_refused_beforehand(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    for place, says in (
        (tmp_path, "is a folder; name a file in it"),
        (tmp_path / "file/a/b.csv", "file is not a folder"),
        (tmp_path / "gone/b.csv", "gone is not a folder"),
        (tmp_path / "pipe", "is a device or pipe"),
        (Path("/dev/null"), "is a device or pipe"),
        (tmp_path / f"{'a' * 300}.csv", "File name too long"),
    ):
        with pytest.raises(ValueError, match=says):
            files.check_file(place)
    with pytest.raises(ValueError, match="file is not a folder"):
        files.check_folder(tmp_path / "file")
    for place in ("new.csv", "a/b/c.csv", "file", "gone"):
        files.check_file(tmp_path / place)
    files.check_folder(tmp_path / "a/b")
    assert sorted(os.listdir(tmp_path)) == ["file", "gone", "pipe"]


def test_a_folder_without_permission_is_refused_beforehand(of_another):
    for place in ("a.csv", "theirs.csv", "deep/a.csv"):
        with nobody(), pytest.raises(ValueError, match=r"takes no file \(Permission denied\)"):
            files.check_file(of_another / place)
    with nobody(), pytest.raises(ValueError, match="takes no file"):
        files.check_folder(of_another)


def test_a_file_that_only_its_owner_may_replace_is_refused_beforehand(of_another):
    of_another.chmod(0o1777)
    with nobody():
        files.check_file(of_another / "a.csv")
        with pytest.raises(ValueError, match="only owners replace"):
            files.check_file(of_another / "theirs.csv")
        with pytest.raises(PermissionError):
            files.write_text(of_another / "theirs.csv", "new")


def test_a_disk_with_less_room_is_refused_beforehand(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    files.check_file(tmp_path / "new/a.csv", free // 2)
    with pytest.raises(ValueError, match=r"may take .* MB, and .* MB are free; make room"):
        files.check_file(tmp_path / "new/a.csv", 2 * free)


def saved_by_torch(path):
    with path.open("wb") as file:  # as checkpoints are: by a path torch would tell nothing
        torch.save({"a": torch.zeros(10_000)}, file)


WRITERS = {
    "text": lambda path: path.write_text("x" * 10_000),
    "pandas": lambda path: pd.DataFrame({"a": range(10_000)}).to_csv(path),
    "safetensors": lambda path: save_file({"a": torch.zeros(10_000)}, path),
    "torch": saved_by_torch,
}


@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_full_disk_leaves_the_old_file_and_is_called_by_its_name(tmp_path, kind):
    """torch and safetensors raise errors of their own, which name neither file nor cause."""
    path = tmp_path / "a"
    path.write_text("old")
    with room_for(5_000), pytest.raises(OSError, match="make room") as caught, files.whole(path) as aside:
        WRITERS[kind](aside)
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "b: {a: 1, a: 1}\n", "- a: 1\n  a: 2\n"])
def test_a_key_that_stands_twice_is_refused_with_its_line(text):
    with pytest.raises(yaml.YAMLError, match=r"(?s)the key 'a' stands twice.*line [123]"):
        files.read_yaml(text)


def test_yaml_is_otherwise_what_pyyaml_reads():
    text = "x: &x {a: 1, b: no}\ny: {<<: *x, a: 2}\nz: {<<: *x, <<: {c: 3}}\n1: one\n'1': text\n"
    assert files.read_yaml(text) == yaml.safe_load(text)
