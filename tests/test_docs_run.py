"""Every command and every piece of Python in the documents, run as written in a clean checkout.

Addresses are served from this machine, with weights of random values and data sets in miniature. A block that
is not run says why in the page's source, in a line above it: ``<!-- not run: reason -->``; test_docs.py
counts them. A command may end with the exit code that its own comment names.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.images import write_png
from tests.rehearsal.rehearse import Rehearsal
from tests.rehearsal.weights import OPENAI, RELEASES
from tests.test_docs import PAGES, blocks, named

pytestmark = pytest.mark.slow

#: What the pages' examples take as given.
GIVEN = """
import torch
from pathlib import Path
images, seeds = torch.rand(2, 3, 128, 128), [0, 1]
kinds, levels = ["gaublur", "jpeg"], [1, 2]
pictures = sorted(Path("pictures").iterdir())
"""


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    return tmp_path_factory.mktemp("mirror") / "mirror"


@pytest.fixture
def checkout(tmp_path, mirror):
    """A clone in which the reader has pictures, scores and weights, under the names of the pages."""
    with Rehearsal(tmp_path, built=mirror).running() as rehearsal:
        reader(rehearsal.clone, tmp_path)
        for file in ("QualiCLIP/qualiclip.pth", "ARNIQA/ARNIQA.pth", "ARNIQA/regressor_kadid10k.pth"):
            method, name = file.split("/")
            (rehearsal.clone / name).symlink_to(mirror / f"served/{RELEASES.format(method)}/{name}")
        (rehearsal.clone / "RN50.pt").symlink_to(mirror / f"served/{OPENAI}")
        beside = Path(sys.executable).parent
        rehearsal.environment |= {"PATH": f"{beside}:{os.environ['PATH']}", "HOME": str(tmp_path)}
        yield rehearsal


FOLDERS = ("clone/folder", "clone/holidays", "clone/photographs", "clone/pictures", "lab/pictures")


def reader(top, home):
    """Put down what a reader has: photographs, and people's scores."""
    names = [f"{folder}/{index}.png" for folder in FOLDERS for index in range(3)]
    names += [f"clone/pictures/{index}.png" for index in range(3, 20)]  # enough to fit statistics to
    names += ["clone/photo.jpg", "clone/a.jpg", "clone/b.jpg", "clone/more/c.png"]
    for index, name in enumerate(names):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(home / name, dead_leaves(256, index % 4))
    for index, name in enumerate(["mine", "theirs", "mos"]):
        column = "mos" if name == "mos" else "score"
        values = np.random.default_rng(index).random(30)
        frame = pd.DataFrame({"image": [f"{number}.png" for number in range(30)], column: values})
        frame.to_csv(top / f"{name}.csv", index=False)
    scores = pd.DataFrame({"image": [f"{index}.png" for index in range(3)], "mos": [1.0, 3.0, 2.0]})
    scores.to_csv(home / "lab/scores.csv", index=False)


def expected(line):
    """Exit codes that a command may have: 0, or what its comment names."""
    _, _, comment = line.partition(" #")
    return {0, *(int(code) for code in re.findall(r"exit code (\d+)", comment))}


@named([page for page in PAGES if any(True for _ in blocks(page))])
def test_what_the_page_says_runs(page, checkout):
    for kind, text, reason in blocks(page):
        if reason:
            continue
        if kind == "python":
            done = subprocess.run(
                [sys.executable, "-c", GIVEN + text],
                cwd=checkout.clone, env=checkout.environment, capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode == 0, f"{page.name}:\n{text}\n{done.stderr[-3000:]}"
            continue
        lines = [line for line in text.splitlines() if line.strip()]
        script = "\n".join(f'{line}\necho "::$?" >&3' for line in lines)
        read_end, write_end = os.pipe()
        done = subprocess.run(
            ["bash", "-c", f"exec 3>&{write_end}\n{script}"],
            cwd=checkout.clone, env=checkout.environment, capture_output=True, text=True,
            pass_fds=[write_end], input="y\n" * 9,  # the reader's yes to what is asked
        )  # fmt: skip
        os.close(write_end)
        with os.fdopen(read_end) as ended:
            codes = [int(code) for code in re.findall(r"::(\d+)", ended.read())]
        for line, code in zip(lines, codes, strict=True):
            assert code in expected(line), f"{page.name}: {line}\nended with {code}\n{done.stderr[-3000:]}"
