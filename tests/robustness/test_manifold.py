import numpy as np
import pandas as pd
import pytest
import sklearn.manifold
from scipy.spatial import distance

from benchmark.robustness import manifold
from benchmark.robustness.manifold import _retrieve
from tests.robustness.pretenders import degraded_set


def test_retrieval_finds_planted_types_and_levels():
    frame = degraded_set(0.0, references=4, kinds=("jpeg", "jitter", "gaublur"))
    codes = {kind: k for k, kind in enumerate(["", "jpeg", "jitter", "gaublur"])}
    planted = np.zeros((len(frame), 9))
    planted[np.arange(len(frame)), frame.distortion.map(codes)] = 10
    planted[np.arange(len(frame)), 3 + frame.level] += 1
    place, table = manifold(planted + 1e-3, frame, method="oracle", dataset="toy")
    assert list(place) == ["image", "distortion", "level", "x", "y"]
    assert len(place) == len(frame)
    assert np.isfinite(place[["x", "y"]]).all(axis=None)
    assert abs(np.corrcoef(place["x"], place["y"])[0, 1]) < 0.9  # two directions of the plane
    every = table[table.distortion == "all"].set_index("statistic").value
    assert every[["retrieval_type", "retrieval_level", "retrieval_both"]].tolist() == [1, 1, 1]
    assert every[["chance_type", "chance_level", "chance_both"]].tolist() == pytest.approx(
        [1 / 3, 1 / 5, 1 / 15]
    )
    assert table[["low", "high"]].isna().all(axis=None)  # of four references there is no interval
    content = pd.get_dummies(frame.reference).to_numpy(dtype=float)
    _, blind = manifold(content, frame, method="content", dataset="toy")
    assert blind[blind.distortion == "all"].set_index("statistic").value["retrieval_both"] < 0.2


def test_what_no_other_reference_has_is_no_miss():
    """Of r0 alone there is a jitter: perfect features find everything that can be found."""
    frame = degraded_set(0.0, references=6, kinds=("jpeg", "jitter"))
    frame = frame[frame.distortion.ne("jitter") | frame.reference.eq("r0")].reset_index(drop=True)
    planted = pd.get_dummies(frame.distortion.fillna("")).to_numpy(dtype=float)
    _, table = manifold(planted, frame, method="oracle", dataset="toy")
    rows = table[table.statistic.str.endswith("_type")].set_index(["distortion", "statistic"])
    assert rows.value["all", "retrieval_type"] == 1
    # Beside r0's five jpegs no other reference has anything else; the others see 25 of them and 5 jitters.
    assert rows.value["all", "chance_type"] == pytest.approx((1 + 5 * 25 / 30) / 6)
    assert (rows.n["all"] == 6).all()
    assert rows.protocol["all"].str.contains("; 5 images that none of another reference matches left").all()
    assert rows.value["jitter"].isna().all()
    assert (rows.n["jitter"] == 0).all()
    assert not rows.protocol["jpeg"].str.contains("left out").any()


@pytest.mark.parametrize(("references", "perplexity"), [(2, (2 * 6 - 1) / 3), (40, 30.0)])
def test_few_images_have_fewer_neighbours(monkeypatch, references, perplexity):
    """t-SNE wants a perplexity below the number of images; thirty is its authors' usual one."""
    asked = []

    class Told(sklearn.manifold.TSNE):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            asked.append(self.perplexity)

        def fit_transform(self, rows):
            return rows[:, :2]

    monkeypatch.setattr(sklearn.manifold, "TSNE", Told)
    frame = degraded_set(0.0, references=references, kinds=("jpeg",))
    features = np.random.default_rng(0).normal(size=(len(frame), 4))
    manifold(features, frame, method="m", dataset="d")
    assert len(frame) == 6 * references
    assert asked == [pytest.approx(perplexity)]


def test_manifold_names_what_is_wrong():
    frame = degraded_set(0.0, references=2)
    with pytest.raises(ValueError, match="do not belong"):
        manifold(np.zeros((3, 2)), frame, method="m", dataset="d")
    with pytest.raises(ValueError, match="not finite"):
        manifold(np.full((len(frame), 2), np.nan), frame, method="m", dataset="d")
    one = frame[frame.reference == "r0"]
    with pytest.raises(ValueError, match="at least two references"):
        manifold(np.zeros((len(one), 2)), one, method="m", dataset="d")


def test_neighbours_of_features_that_say_little_are_those_of_plain_loops():
    rng = np.random.RandomState(5)
    frame = degraded_set(0.0, references=7, kinds=("jpeg", "jitter", "gaublur"))
    frame = frame[rng.uniform(size=len(frame)) < 0.7].reset_index(drop=True)
    vectors = rng.normal(size=(len(frame), 4)) * rng.uniform(0.1, 9, size=(len(frame), 1))
    vectors += pd.get_dummies(frame["distortion"].fillna("")).to_numpy(dtype=float)
    found = _retrieve(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), frame)
    far = distance.cdist(vectors, vectors, "cosine")
    images = list(zip(frame["reference"], frame["distortion"], frame["level"], strict=True))
    rows = []
    for i, (reference, kind, level) in enumerate(images):
        if level == 0:
            continue
        others = [j for j, other in enumerate(images) if other[0] != reference and other[2] > 0]
        best = min(others, key=far[i].__getitem__)
        row = {"reference": reference, "distortion": kind}
        same = {
            "type": [j for j in others if images[j][1] == kind],
            "level": [j for j in others if images[j][2] == level],
            "both": [j for j in others if images[j][1:] == (kind, level)],
        }
        row |= {
            f"retrieval_{name}": float(best in alike) if alike else np.nan for name, alike in same.items()
        }
        row |= {
            f"chance_{name}": len(alike) / len(others) if alike else np.nan for name, alike in same.items()
        }
        rows.append(row)
    expected = pd.DataFrame(rows)
    assert 0.2 < expected["retrieval_type"].mean() < 0.9
    pd.testing.assert_frame_equal(found.astype(expected.dtypes)[expected.columns], expected)
