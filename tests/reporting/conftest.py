"""One complete run of plausible results, and the pages made of it, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmark.reporting.run import Run
from experiments.pages.kernel import kernel
from experiments.pages.notebooks import report
from tests.reporting.results import PAGES, write


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what wants all pages: making them takes longer than the tests of most folders."""
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker("page")


def roots(root: Path) -> dict[str, str]:
    """Return the parameters that point the notebooks at ``root``."""
    folders = {name: str(root / name) for name in ("results", "data", "models")}
    return folders | {"params": str(root / "params.yaml"), "commit": "0123456789ab"}


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def run(tree: Path) -> Run:
    return Run(**roots(tree))


@pytest.fixture(scope="session")
def running() -> Iterator[Mapping[str, Any]]:
    """Give one kernel for all reports of the session: starting it takes longer than a page."""
    with kernel() as started:
        yield started


@pytest.fixture(scope="session")
def site(tree: Path, tmp_path_factory: pytest.TempPathFactory, running: Mapping[str, Any]) -> Path:
    """Return the folder of all pages of a complete run."""
    out = tmp_path_factory.mktemp("reports")
    report([], roots(tree), pages=PAGES, reports=out, running=running)
    return out
