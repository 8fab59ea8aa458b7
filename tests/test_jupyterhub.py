"""What the page of clusters says of JupyterHub, as far as one machine can show it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
import torch

from benchmark.images import write_png
from experiments.scheduling.status import allowed
from tests.reporting.results import write

ROOT = Path(__file__).parents[1]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A session of a hub: kernels of others come first, the home is not ours to write, TMPDIR is long."""
    home, theirs, long = tmp_path / "home", tmp_path / "theirs", tmp_path / ("t" * 120)
    for folder in (home, long):
        folder.mkdir()
    for name in ("python3", "python", "qualibench"):
        kernel = theirs / "kernels" / name
        kernel.mkdir(parents=True)
        launcher = [sys.executable, "-c", "raise SystemExit('the kernel of somebody else')"]
        (kernel / "kernel.json").write_text(json.dumps({"argv": launcher, "display_name": name}))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / "own" / name.lower()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    subprocess.run(
        [
            sys.executable, "-m", "ipykernel", "install", "--prefix", str(tmp_path / "own"),
            "--name", "qualibench", "--env", "PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "--env", "IQA_PIXELS", "48",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("JUPYTER_PATH", f"{tmp_path}/own/share/jupyter:{theirs}")
    return tmp_path


def executed(notebook, folder):
    client = nbclient.NotebookClient(
        notebook, kernel_name="qualibench", resources={"metadata": {"path": str(folder)}}, timeout=300
    )
    return client.execute()


def texts(notebook):
    return [
        "".join(output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.slow
def test_a_notebook_scores_in_the_kernel_that_the_page_installs_and_goes_on(hub):
    work = hub / "work"
    for index in range(4):
        (work / "pictures").mkdir(parents=True, exist_ok=True)
        write_png(work / f"pictures/{index}.png", torch.rand(3, 40, 48))
    score = f"!{sys.executable} -m experiments.cli score pictures --method sharpness --out s.csv"
    cells = [
        "import os, sys; print(sys.executable, os.environ['IQA_PIXELS'])",
        score,
        "from pathlib import Path; book = Path('.s.csv.sharpness.journal'); os.rename('s.csv', 'whole.csv')\n"
        "book.write_bytes(b''.join(book.read_bytes().splitlines(True)[:2]))",  # as a session that was ended
        f"{score} --resume",
        "print(open('s.csv').read() == open('whole.csv').read())",
        "from benchmark import score_files; import methods\n"
        "print(len(score_files(['pictures/0.png'], methods.load('sharpness'))))",
    ]
    made = executed(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), work)
    found = texts(made)
    assert found[0].split() == [sys.executable, "48"]
    assert "error" not in found[1] + found[3]
    assert found[4:] == ["True\n", "1\n"]
    assert list((hub / "home").iterdir()) == []


@pytest.mark.slow
def test_a_page_of_the_suite_runs_there_as_the_page_of_clusters_says(hub):
    run = write(hub / "run")
    (run / "notebooks").mkdir()
    notebook = nbformat.read(ROOT / "notebooks/cost.ipynb", as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%cd .."))
    made = executed(notebook, run / "notebooks")
    assert not [
        output for cell in made.cells for output in cell.get("outputs", ()) if output.output_type == "error"
    ]


def test_the_memory_of_a_session_is_that_of_the_narrowest_group_it_is_in(tmp_path):
    groups, mounted = tmp_path / "cgroup", tmp_path / "fs"
    inner = mounted / "user.slice/hub/jupyter-a"
    inner.mkdir(parents=True)
    groups.write_text("0::/user.slice/hub/jupyter-a\n")
    assert allowed(groups, mounted) is None
    (inner / "memory.max").write_text("max\n")
    assert allowed(groups, mounted) is None
    (inner.parent / "memory.max").write_text("2147483648\n")
    assert allowed(groups, mounted) == 2 << 30
    (inner / "memory.max").write_text("1073741824\n")
    assert allowed(groups, mounted) == 1 << 30
    # The older kind; inside a container the group has another path than outside.
    (mounted / "memory").mkdir()
    (mounted / "memory/memory.limit_in_bytes").write_text("500000000\n")
    groups.write_text("5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n")
    assert allowed(groups, mounted) == 500_000_000
    assert allowed(tmp_path / "nowhere", mounted) is None
