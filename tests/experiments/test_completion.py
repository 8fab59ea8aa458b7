"""What a shell is told when it asks to complete a name, and the version."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.main import get_command
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


def options(command, path=()):
    """Every parameter of every command, with the command's name."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from options(inner, (*path, name))
    else:
        yield from (("-".join(path), parameter) for parameter in command.params)


def test_what_names_a_method_or_a_data_set_is_completed_and_frequent_options_are_short():
    found = list(options(get_command(app)))
    asked = {"method", "dataset", "names", "words"}
    named = [
        (where, p) for where, p in found if p.name in asked or (where, p.name) == ("check-method", "name")
    ]
    assert len(named) >= 12
    assert not [(where, p.name) for where, p in named if p._custom_shell_complete is None]
    for long, short in (("--method", "-m"), ("--out", "-o")):
        assert not [where for where, p in found if long in p.opts and short not in p.opts]
