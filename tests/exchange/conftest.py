"""What one checkout exported, and a second one that may take it in."""

import shutil
from contextlib import chdir

import pytest

from tests.exchange.checkout import a_checkout, iqa


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkout with one rated data set and sharpness, `first`, and what it exported, `sent`."""
    top = tmp_path_factory.mktemp("made")
    with chdir(a_checkout(top / "first")):
        assert iqa("export", top / "sent").exit_code == 0
    return top


@pytest.fixture
def sent(made, tmp_path, monkeypatch):
    """What a first checkout exported, while the working folder is a second one with the same data set."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    shutil.copytree(tmp_path / "first/data", tmp_path / "second/data")
    shutil.copy(tmp_path / "first/params.yaml", tmp_path / "second")
    monkeypatch.chdir(tmp_path / "second")
    return tmp_path / "sent/sharpness/lab.json"
