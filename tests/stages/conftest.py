"""The planted run, fresh for a test or shared by those that only read what the stages made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from experiments.runs import signatures
from tests.stages.planted import write

Tables = Callable[[str], pd.DataFrame]


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A planted run, in whose folder the test runs."""
    monkeypatch.chdir(write(tmp_path))
    signatures._facts.cache_clear()
    return tmp_path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planted run after the stages that need no method loaded."""
    from experiments.stages import ablation, cross_dataset, evaluate, gmad

    root = write(tmp_path_factory.mktemp("planted"))
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
