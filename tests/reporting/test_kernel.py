"""The report's kernel is this interpreter, and takes nothing from the user's folders."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import matplotlib
import nbformat
import pytest

from benchmark.figures.canvas import look
from experiments import warm
from experiments.pages import kernel
from experiments.pages.notebooks import execute

WHO = "import sys\n[sys.executable, sorted(n for n in globals() if n.startswith('planted'))]"


def shown() -> str:
    """What a notebook shows that says who runs it and what was planted there."""
    cells = [nbformat.v4.new_code_cell(WHO, id="who")]
    # As somebody's Jupyter wrote it: a kernel that is not here, and no word of the language.
    spec = {"kernelspec": {"name": "their-env", "display_name": "Theirs"}}
    with kernel.kernel() as started:
        made = execute(nbformat.v4.new_notebook(cells=cells, metadata=spec), {}, started)
        assert started["manager"].ip.startswith(("/", "127."))
    return str(made.cells[-1].outputs[0].data["text/plain"])


OURS = repr([sys.executable, []])


@pytest.mark.skipif(sys.platform != "linux", reason="the warm process is kept on Linux alone")
def test_a_fork_of_what_has_the_packages_loaded_is_this_interpreter_and_prints_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with warm.kept(["ipykernel.kernelapp"]):
        assert shown() == OURS
    assert capfd.readouterr() == ("", "")


def test_other_kernels_of_the_same_names_are_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("python3", "python", kernel.NAME):
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": ["false"], "display_name": name, "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    # Where Jupyter would keep how a kernel is spoken to: a folder that cannot be made.
    (tmp_path / "file").touch()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "file" / "runtime"))
    assert shown() == OURS


def test_start_up_files_and_settings_of_the_user_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    for number, ipython in enumerate((home / ".ipython", tmp_path / "other")):
        profile = ipython / "profile_default"
        (profile / "startup").mkdir(parents=True)
        (profile / "startup" / "00.py").write_text(f"planted_at_start_{number} = 1\n")
        lines = f"c.InteractiveShellApp.exec_lines = ['planted_by_config_{number} = 1']\n"
        for name in ("ipython_config.py", "ipython_kernel_config.py"):
            (profile / name).write_text(f"c = get_config()\n{lines}")
    (tmp_path / "start.py").write_text("planted_by_python = 1\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "start.py"))
    monkeypatch.delenv("IPYTHONDIR", raising=False)
    assert shown() == OURS
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "other"))
    assert shown() == OURS


@pytest.mark.parametrize("elsewhere", [True, False], ids=["a short folder", "none"])
def test_a_folder_too_long_for_sockets_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    if not elsewhere:
        monkeypatch.setattr(kernel, "SHORT", (str(long), str(tmp_path / "missing")))
    assert shown() == OURS
    assert not list(long.iterdir())


def test_a_file_of_matplotlib_does_not_change_the_look() -> None:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        look()
        wanted = dict(matplotlib.rcParams)
        matplotlib.rcParams.update({"axes.titlecolor": "red", "image.cmap": "jet", "savefig.pad_inches": 1})
        look()
        assert dict(matplotlib.rcParams) == wanted
