"""The Python that is asked for is the one that is taken."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from setuptools.discovery import PEP420PackageFinder

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path):
    """The Makefile beside a .venv whose Python says that it is 3.11.7."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name, version in ((".venv/bin/python", "3.11.7"), ("same", "3.11.7"), ("other", "3.13.0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"#!/bin/sh\necho Python {version}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def make(folder, *arguments, **environment):
    bare = {
        key: value for key, value in os.environ.items() if key not in ("PYTHON", "MAKEFLAGS", "MAKELEVEL")
    }
    return subprocess.run(
        ["make", "asked-python", *arguments], cwd=folder, env={**bare, **environment}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_a_venv_of_another_python_than_the_one_asked_for_is_refused(folder):
    for found in (make(folder, "PYTHON=./other"), make(folder, PYTHON="./other")):
        assert found.returncode != 0
        assert ".venv has Python 3.11.7, PYTHON=./other is Python 3.13.0: remove .venv" in found.stderr
    assert make(folder, "PYTHON=./same").returncode == 0
    assert make(folder).returncode == 0
    shutil.rmtree(folder / ".venv")
    assert make(folder, "PYTHON=./other").returncode == 0


def test_the_pages_name_the_pythons_that_are_supported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    first, last = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()
    assert (int(first), int(last)) == (11, 14)
    for page in ("README.md", "docs/quick-start.md", "docs/limits.md", "Makefile", ".ci/run"):
        text = (ROOT / page).read_text()
        assert re.search(r"3\.11, 3\.12 (or|and) 3\.13", text), page


def test_hooks_before_a_commit_are_the_commands_of_lint():
    makefile = (ROOT / "Makefile").read_text()
    commands = re.search(r"^lint: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1].split("\n\t")
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == [command.strip() for command in commands]


def test_a_release_has_one_version_and_one_licence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert project["version"] == citation["version"] == newest
    assert project["license"] == citation["license"] == "Apache-2.0"
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence


def test_the_wheel_holds_the_suite_and_nothing_beside_it():
    tree = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    found = PEP420PackageFinder.find(str(ROOT), include=tree["include"])
    assert {name.split(".")[0] for name in found} == {"benchmark", "experiments", "methods", "qualibench"}
