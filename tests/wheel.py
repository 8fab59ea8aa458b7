"""Install the suite as others do, into an empty environment, and score with it: ``make wheel-check``.

    python -m tests.wheel UV

No lock takes part: packages are the newest that ``pyproject.toml`` allows.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.images import write_png

TOP = Path(__file__).parents[1]
CALL = "import qualibench; print(qualibench.load('qualiclip-small').card.title)"


def copied(folder):
    """Copy what git keeps or would keep: setuptools builds beside the sources, and takes what lies there."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=TOP, text=True).split("\0"):
        if name and (TOP / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TOP / name, folder / name)
    return folder


def check(uv, folder):
    """Install, then score from a folder with a ``methods.py`` and an ``experiments.py`` of its own."""
    for name in ("methods.py", "experiments.py"):
        (folder / name).write_text("no python")
    write_png(folder / "photo.png", dead_leaves(128, 0))
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}

    def run(*words):
        subprocess.run(list(map(str, words)), cwd=folder, env=bare, check=True)

    run(uv, "venv", "--quiet", "--python", sys.executable, "venv")
    run(uv, "pip", "install", "--quiet", "--python", "venv/bin/python", copied(folder / "suite"))
    run("venv/bin/python", "-c", CALL)
    run("venv/bin/iqa", "score", "--method", "qualiclip-small", "photo.png", "--out", "scores.parquet")
    assert pd.read_parquet(folder / "scores.parquet")["score"].between(0, 1).all()
    installed = {path.name for path in (folder / "venv").glob("lib/python*/site-packages/*")}
    assert installed >= {"benchmark", "experiments", "methods", "qualibench"}
    assert not installed & {"benchmarks", "notebooks", "tests"}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        check(Path(sys.argv[1]).absolute(), Path(folder))
    print("installed into an empty environment, it scores")
