import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from benchmark.protocols import (
    Resampling,
    facts,
    structure,
)
from tests.protocols.data import UP, row


def test_facts_are_those_of_the_files(tmp_path):
    Image.new("RGB", (7, 5)).save(tmp_path / "a.png")
    table = facts(tmp_path, ["a.png"])
    assert table.iloc[0].tolist() == ["a.png", 7, 5, (tmp_path / "a.png").stat().st_size]
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert facts(tmp_path, ["b.png", "a.png"])["image"].tolist() == ["a.png"]
    with pytest.raises(ValueError, match=r"absent\.png: is missing"):
        facts(tmp_path, ["absent.png"])


def test_structure(manifest):
    g = np.random.default_rng(0)
    size = g.integers(1000, 9000, len(manifest))
    facts = pd.DataFrame({"image": manifest["image"], "width": 64, "height": 32, "bytes": size})
    reader = pd.DataFrame({"image": manifest["image"], "score": size * 1.0})
    table = structure(reader, manifest, facts, **UP, how=Resampling(20))
    assert row(table, "srcc_bytes").value == pytest.approx(1)
    assert row(table, "srcc_bytes_per_pixel").value == pytest.approx(1)
    assert np.isnan(row(table, "srcc_pixels").value)  # all of one size
    assert row(table, "mos_bytes").value == pytest.approx(stats.spearmanr(size, manifest["mos"]).statistic)
    assert np.isnan(row(table, "srcc_without_bytes_per_pixel").value)  # nothing is left of the score
    with pytest.raises(ValueError, match="say nothing of"):
        structure(reader, manifest, facts.iloc[1:], **UP)


def test_facts_of_pictures_of_many_sizes_are_pixels_bytes_and_bytes_a_pixel(manifest):
    g = np.random.default_rng(1)
    width, height, size = g.integers(40, 400, (3, len(manifest))) * np.array([[1], [1], [50]])
    facts = pd.DataFrame({"image": manifest["image"], "width": width, "height": height, "bytes": size})
    density = size / (width * height)
    score = stats.rankdata(density) + stats.rankdata(manifest["mos"])
    table = structure(
        pd.DataFrame({"image": manifest["image"], "score": score}), manifest, facts, **UP, how=Resampling(20)
    )
    known = {"pixels": width * height, "bytes": size, "bytes_per_pixel": density}
    for name, fact in known.items():
        assert row(table, f"srcc_{name}").value == pytest.approx(stats.spearmanr(score, fact).statistic)
        assert row(table, f"mos_{name}").value == pytest.approx(
            stats.spearmanr(manifest["mos"], fact).statistic
        )
    ranks = [stats.rankdata(v) for v in (score, manifest["mos"], density)]
    rest = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    assert row(table, "srcc_without_bytes_per_pixel").value == pytest.approx(np.corrcoef(rest)[0, 1])
