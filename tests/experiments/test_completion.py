"""What a shell is told when it asks to complete a name, and the version."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

import methods
from experiments.cli import app

TOP = Path(__file__).parents[2]
CODE = "import sys; sys.argv[0] = 'iqa'; from experiments.cli import app; app(prog_name='iqa')"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("iqa score a.png -m qua", {n for n in methods.names() if n.startswith("qua")}),
        ("iqa evaluate niq", {"niqe"}),
        ("iqa verify kad", {"kadid10k", "kadis700k"}),
    ],
)
def test_names_of_methods_and_data_sets_are_completed(words, expected):
    place = str(len(words.split()) - 1)
    asked = {"_IQA_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place}
    how = {"cwd": TOP, "env": os.environ | asked, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", CODE], **how, check=False)
    assert set(done.stdout.split()) == expected, done.stderr


def test_the_version_is_that_of_the_package():
    assert CliRunner().invoke(app, ["--version"]).output.strip() == metadata.version("qualibench")
