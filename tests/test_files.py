"""Files that several processes may want: whole at any moment, held by one, kept inside their folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import files

ROOT = Path(__file__).parents[1]
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
        if fixed.search(line) and "uuid" not in line
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
