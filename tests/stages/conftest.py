"""The planted run, fresh for a test or shared by those that only read what the stages made of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from experiments.runs import signatures
from tests.stages.planted import write

Tables = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planted run to copy: to write one takes twenty times as long."""
    return write(tmp_path_factory.mktemp("pattern"))


@pytest.fixture
def planted(pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A planted run, in whose folder the test runs."""
    monkeypatch.chdir(shutil.copytree(pattern, tmp_path, dirs_exist_ok=True))
    signatures._facts.cache_clear()
    return tmp_path


@pytest.fixture(scope="session")
def made(pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planted run after the stages that need no method loaded."""
    from experiments.stages import ablation, cross_dataset, evaluate, gmad

    root = shutil.copytree(pattern, tmp_path_factory.mktemp("planted"), dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        signatures._facts.cache_clear()
        for stage in (evaluate.evaluate, gmad.gmad, cross_dataset.cross_dataset, ablation.ablation):
            stage()
    signatures._facts.cache_clear()
    return root


@pytest.fixture(scope="session")
def table(made: Path) -> Tables:
    """Reads a table of the stages by name."""
    return lambda name: pd.read_csv(
        made / f"results/tables/{name}.csv", keep_default_na=False, na_values=[""]
    )
