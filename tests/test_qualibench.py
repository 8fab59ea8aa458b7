"""The suite in a program that has modules of the same names: installed, and through torch's hub."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import qualibench

TOP = Path(__file__).parents[1]

#: Names of ours that this program has too; the second is imported first, the third is no Python.
OWN = {
    "methods.py": "OWN = 'methods'",
    "benchmark/__init__.py": "OWN = 'benchmark'",
    "experiments.py": "no python",
}

PROGRAM = f"""
import pickle, sys
import torch
import benchmark

# From the hub, as torch.hub does it: the copy of the suite is on the path while its hubconf.py is read.
assert "qualibench" not in sys.modules
hub = torch.hub.load({str(TOP)!r}, "qualiclip-small", source="local")
images = torch.rand(2, 3, 64, 48)
first = hub(images)
assert {str(TOP)!r} not in sys.path

# Installed: beside it in one folder of the path.
for name in [name for name in sys.modules if name.split(".")[0] == "qualibench"]:
    del sys.modules[name]
sys.path.append({str(TOP)!r})
import qualibench
method = qualibench.load("qualiclip-small")
assert torch.equal(method.as_module()(images), first)
assert torch.equal(pickle.loads(pickle.dumps(method)).score(images), method.score(images))
frame = qualibench.score_files(["a.png"], qualibench.load("sharpness"))
assert frame["score"].notna().all()
from qualibench.benchmark.images import read
from qualibench.experiments.settings import MethodSettings

# What the program calls by these names is its own.
import methods
assert (benchmark.OWN, methods.OWN) == ("benchmark", "methods")
rooms = ("benchmark.", "methods.", "experiments")
assert not [name for name in sys.modules if name.startswith(rooms)]
print("all is well")
"""


def test_a_program_keeps_its_own_modules_and_the_suite_has_its_own(tmp_path):
    from benchmark.images import write_png
    from tests.degradations.pictures import photographs

    for name, text in OWN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    write_png(tmp_path / "a.png", photographs()[0])
    bare = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
    )
    assert done.stdout == "all is well\n", done.stderr


def test_names_of_the_suite_lead_to_where_they_are_defined():
    assert qualibench.load.__module__ == "qualibench.methods"
    assert qualibench.score_files.__module__ == "qualibench.benchmark.scoring"
    assert qualibench.evaluate.__module__ == "qualibench.benchmark.evaluation"
    assert qualibench.hub.QualiCLIP.__module__ == "qualibench.methods._hub"
    assert Path(qualibench.benchmark.__file__) == TOP / "benchmark/__init__.py"
    with pytest.raises(AttributeError, match="no attribute 'numpy'"):
        _ = qualibench.numpy
    with pytest.raises(ModuleNotFoundError):
        __import__("qualibench.numpy")


def test_the_hub_refuses_to_mix_two_copies_of_the_suite(monkeypatch, tmp_path):
    import torch

    (tmp_path / "qualibench").mkdir()
    monkeypatch.setattr(qualibench, "__file__", str(tmp_path / "qualibench/__init__.py"))
    with pytest.raises(ImportError, match=r"is of another copy of the suite: take its qualibench\.hub"):
        torch.hub.load(str(TOP), "sharpness", source="local")
