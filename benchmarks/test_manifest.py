"""Seconds to read and check a large manifest: ``pytest benchmarks/test_manifest.py --benchmark-only``."""

import numpy as np
import pandas as pd
import pytest

from benchmark import datasets

ROWS = 100_000


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data set of KADID-10k's kind, ten times as large."""
    root = tmp_path_factory.mktemp("data")
    (root / "big").mkdir()
    index = np.arange(ROWS)
    frame = pd.DataFrame({"image": [f"images/{row // 125:05d}_{row % 125}.png" for row in range(ROWS)]})
    frame = frame.assign(mos=np.linspace(1, 5, ROWS), reference=index // 125, level=index % 5 + 1)
    frame.reindex(columns=datasets.COLUMNS).to_csv(root / "big" / "manifest.csv", index=False)
    record = datasets.Record("big", "Big", "", "", "mos", 1, 5, True, "people")
    datasets.write_record(record, root / "big" / "record.json")
    return root


def test_reading_a_manifest(benchmark, root):
    assert len(benchmark(datasets.load, "big", root).manifest) == ROWS
