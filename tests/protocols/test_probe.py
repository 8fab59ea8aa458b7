from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import Ridge

from benchmark.protocols import (
    Features,
    Resampling,
    cross_set,
    probe,
)
from benchmark.protocols.ridge import ALPHAS, ridge_path
from benchmark.protocols.samples import split_by_reference
from tests.protocols.data import row
from tests.reference.statistics import along

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/scores"


@pytest.mark.parametrize(("n", "d"), [(60, 8), (20, 50)])
def test_ridge_is_that_of_scikit_learn(n, d):
    g = np.random.default_rng(0)
    x, y = g.normal(size=(n, d)) + 3, g.normal(size=n)
    coefficients, intercepts = ridge_path(x, y)
    for k in (0, 40, 99):
        expected = Ridge(alpha=ALPHAS[k]).fit(x, y)
        np.testing.assert_allclose(coefficients[:, k], expected.coef_, atol=1e-6)
        assert intercepts[k] == pytest.approx(expected.intercept_, abs=1e-5)


def test_references_are_never_split(manifest):
    parts = split_by_reference(manifest, splits=10, seed=3)
    assert len(parts) == 10
    for split in parts:
        references = [set(manifest["reference"].iloc[part]) for part in split]
        assert [len(r) for r in references] == [14, 2, 4]
        assert set().union(*references) == set(manifest["reference"])
        assert sum(map(len, split)) == len(manifest)
    assert any(not np.array_equal(a[2], b[2]) for a, b in pairwise(parts))


def test_same_set_by_hand(manifest):
    g = np.random.default_rng(0)
    frame = manifest.sort_values("image").reset_index(drop=True)
    crops = g.normal(size=(len(frame) * 3, 6))
    crops[:, 0] += np.repeat(frame["mos"], 3)
    image = np.repeat(frame["image"], 3)
    table = probe(
        Features.of(image, crops), manifest, mos_higher_is_better=True, splits=4, how=Resampling(20)
    )
    parts = split_by_reference(frame, splits=4)
    owner = np.repeat(np.arange(len(frame)), 3)

    def predict(alphas, train, test):
        """The correlation that each strength reaches, by the normal equations of what the means leave."""
        mine = np.isin(owner, train)
        x, y = crops[mine], frame["mos"].to_numpy()[owner[mine]]
        left = x - x.mean(axis=0)
        shrunk = left.T @ left + np.multiply.outer(alphas, np.eye(6))
        weights = np.linalg.solve(shrunk, np.broadcast_to(left.T @ y, shrunk.shape[:2])[..., None])[..., 0]
        each = (weights @ crops.T).reshape(len(alphas), -1, 3).mean(axis=2)[:, test]
        return along("srcc", each, np.broadcast_to(frame["mos"].to_numpy()[test], each.shape))

    quality = np.median([predict(ALPHAS, p[0], p[1]) for p in parts], axis=0)
    alpha = ALPHAS[int(np.argmax(quality))]
    values = [predict([alpha], p[0], p[2])[0] for p in parts]
    assert row(table, "srcc").value == pytest.approx(np.median(values))
    assert row(table, "srcc_q1").value == pytest.approx(np.quantile(values, 0.25))
    assert f"alpha {alpha:.3g}" in row(table, "srcc").protocol
    assert "3 crops an image, predictions averaged" in row(table, "srcc").protocol
    assert row(table, "srcc").low <= row(table, "srcc").value <= row(table, "srcc").high


@pytest.mark.parametrize("references", [True, False])
def test_a_picture_without_features_leaves_the_splits_as_they_are(manifest, references):
    """Splits by hand over all rated pictures; what has no features is missing in its part, and moves none."""
    g = np.random.default_rng(2)
    frame = manifest.sort_values("image").reset_index(drop=True)
    frame = frame if references else frame.drop(columns="reference")
    x = g.normal(size=(len(frame), 4))
    x[:, 0] += frame["mos"]
    there = g.random(len(frame)) > 0.1
    there &= ~frame["image"].str.startswith("07") if references else True  # a whole reference
    mos = frame["mos"].to_numpy()
    parts = [[part[there[part]] for part in split] for split in split_by_reference(frame, splits=4, seed=5)]
    models = [[Ridge(alpha=alpha).fit(x[p[0]], mos[p[0]]) for alpha in ALPHAS] for p in parts]
    quality = [
        [stats.spearmanr(m.predict(x[p[1]]), mos[p[1]])[0] for m in path]
        for p, path in zip(parts, models, strict=True)
    ]
    best = int(np.argmax(np.median(quality, axis=0)))
    expected = [
        stats.spearmanr(path[best].predict(x[p[2]]), mos[p[2]])[0]
        for p, path in zip(parts, models, strict=True)
    ]
    described = Features.of(frame["image"][there], x[there])
    table = probe(described, frame, mos_higher_is_better=True, splits=4, how=Resampling(20, seed=5))
    assert row(table, "srcc").value == pytest.approx(np.median(expected), abs=1e-9)
    assert row(table, "srcc_q3").value == pytest.approx(np.quantile(expected, 0.75), abs=1e-9)
    assert row(table, "srcc").n == there.sum()


def test_splits_without_a_picture_to_train_or_to_test_on_do_not_count(manifest):
    frame = manifest.sort_values("image").reset_index(drop=True)
    few = frame[frame["reference"].isin(["ref00", "ref01", "ref02"])]
    usable = [
        split
        for split in split_by_reference(frame, splits=10)
        if all(np.isin(few.index, split[part]).any() for part in (0, 2))
    ]
    assert 0 < len(usable) < 10
    described = Features.of(few["image"], few[["mos", "level"]].to_numpy())
    table = probe(described, frame, mos_higher_is_better=True, how=Resampling(20))
    assert f"{10 - len(usable)} splits undefined" in row(table, "srcc").protocol
    one = frame.head(1)
    with pytest.raises(ValueError, match="no random split has features of both: 1 pictures have features"):
        probe(Features.of(one["image"], one[["mos"]].to_numpy()), frame, mos_higher_is_better=True)


def test_an_official_split_by_hand(manifest):
    g = np.random.default_rng(1)
    split = g.permutation(np.array(["train", "val", "test"])[np.arange(len(manifest)) % 3])
    frame = manifest.assign(split=split)
    x = g.normal(size=(len(frame), 6))
    x[:, 0] += frame["mos"]
    ready = Features.of(frame["image"], x)
    how = {"mos_higher_is_better": True, "how": Resampling(20)}
    table = probe(ready, frame, official=True, **how)
    train, val, test = (np.flatnonzero(split == part) for part in ("train", "val", "test"))
    mos = frame["mos"].to_numpy()
    models = [Ridge(alpha=alpha).fit(x[train], mos[train]) for alpha in ALPHAS]
    best = np.argmax([stats.spearmanr(model.predict(x[val]), mos[val])[0] for model in models])
    expected = stats.spearmanr(models[best].predict(x[test]), mos[test])[0]
    assert row(table, "srcc").value == pytest.approx(expected)
    assert set(table["statistic"]) == {"srcc", "plcc_raw"}
    assert "its official split" in row(table, "srcc").protocol
    assert (table["n"] == test.size).all()  # no other picture stands behind the number
    assert (table["units"] == frame["reference"].iloc[test].nunique()).all()
    twice = cross_set(
        {"a": ready}, {"a": frame}, official=["a"], mos_higher_is_better={"a": True}, how=how["how"]
    )
    pd.testing.assert_frame_equal(twice[table.columns], table)
    with pytest.raises(ValueError, match="a part of the official split"):
        probe(ready, frame.assign(split="train"), official=True, **how)


def test_full_matrix_marks_shared_pictures(manifest):
    g = np.random.default_rng(0)
    other = manifest.assign(image="b" + manifest["image"], mos=-manifest["mos"])
    x, y = (g.normal(size=(len(manifest), 5)) for _ in range(2))
    x[:, 0] += manifest["mos"]
    y[:, 0] -= other["mos"]
    sets = {"a": Features.of(manifest["image"], x), "b": Features.of(other["image"], y)}
    manifests, up = {"a": manifest, "b": other}, {"a": True, "b": False}
    table = cross_set(sets, manifests, mos_higher_is_better=up, splits=3, how=Resampling(20))
    assert not table["overlap"].any()
    assert (table[table["statistic"].eq("srcc")]["value"] > 0.7).all()
    assert set(zip(table["train"], table["test"], strict=True)) == {
        ("a", "a"),
        ("a", "b"),
        ("b", "a"),
        ("b", "b"),
    }
    away = row(table, "srcc", train="a", test="b")
    alpha = float(away.protocol.split("alpha ")[1].split(";")[0])
    model = Ridge(alpha=alpha).fit(x, manifest["mos"])
    assert away.value == pytest.approx(stats.spearmanr(model.predict(y), -other["mos"]).statistic, abs=0.003)
    y[7] = x[3]  # one picture in both
    sets["b"] = Features.of(other["image"], y)
    marked = cross_set(sets, manifests, mos_higher_is_better=up, splits=3, how=Resampling(20))
    assert (marked["overlap"] == marked["train"].ne(marked["test"])).all()


def test_across_sets_too_every_crop_is_learnt_from_and_predictions_are_averaged(manifest):
    """As ARNIQA's ``test.py``: five rows an image with its opinion; the mean of the five predictions."""
    g = np.random.default_rng(0)
    other = manifest.sample(120, random_state=0).assign(image=lambda frame: "b" + frame["image"])
    x, y = (g.normal(size=(len(frame) * 5, 6)) for frame in (manifest, other))
    x[:, 0] += np.repeat(manifest["mos"], 5)
    y[:, 0] += np.repeat(other["mos"], 5)
    sets = {
        name: Features.of(np.repeat(frame["image"], 5), rows)
        for name, frame, rows in (("a", manifest, x), ("b", other, y))
    }
    up = {"a": True, "b": True}
    table = cross_set(
        sets, {"a": manifest, "b": other}, mos_higher_is_better=up, splits=3, how=Resampling(20)
    )
    away = row(table, "srcc", train="a", test="b")
    assert "5 crops an image" in away.protocol
    alpha = ALPHAS[np.abs(ALPHAS - float(away.protocol.split("alpha ")[1].split(";")[0])).argmin()]
    predicted = (
        Ridge(alpha=alpha).fit(x, np.repeat(manifest["mos"], 5)).predict(y).reshape(-1, 5).mean(axis=1)
    )
    assert away.value == pytest.approx(stats.spearmanr(predicted, other["mos"]).statistic, abs=1e-12)


def test_bad_features(manifest):
    with pytest.raises(ValueError, match="do not belong together"):
        Features.of(["a"], np.zeros((2, 3)))
    with pytest.raises(ValueError, match="'b' are not finite"):
        Features.of(["a", "b"], [[1.0], [np.inf]])
    with pytest.raises(ValueError, match="three parts cannot be made of 2 references"):
        split_by_reference(manifest[manifest["reference"].isin(["ref00", "ref01"])])
    with pytest.raises(ValueError, match="learns from opinions"):
        probe(
            Features.of(manifest["image"], np.zeros((len(manifest), 2))),
            manifest.assign(mos=np.nan),
            mos_higher_is_better=True,
        )


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the human scores beside the checkout are absent")
def test_references_of_a_real_set_are_never_split():
    listing = pd.read_csv(SHARED / "TID2013.txt")
    frame = pd.DataFrame({"image": listing["dis_img_path"], "reference": listing["ref_img_path"]})
    assert (len(frame), frame["reference"].nunique()) == (3000, 25)
    for split in split_by_reference(frame):
        parts = [set(frame["reference"].iloc[part]) for part in split]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 25


@pytest.mark.parametrize(("splits", "quartiles"), [(1, False), (2, True)])
def test_quartiles_are_those_of_several_splits(manifest, splits, quartiles):
    features = Features.of(manifest["image"], np.random.default_rng(0).normal(size=(len(manifest), 3)))
    table = probe(features, manifest, mos_higher_is_better=True, splits=splits, how=Resampling(20))
    assert {"srcc_q1", "srcc_q3"}.issubset(table["statistic"]) == quartiles


def few(n, seed=0):
    """Pictures without references whose opinion a feature tells but for some noise."""
    g = np.random.default_rng(seed)
    frame = pd.DataFrame({"image": [f"{k:03d}" for k in range(n)], "mos": g.normal(size=n)})
    x = g.normal(size=(n, 3))
    x[:, 0] += 2 * frame["mos"]
    return Features.of(frame["image"], x), frame


@pytest.mark.parametrize(("n", "size"), [(12, 3), (16, 3), (20, 4), (25, 5)])
def test_a_median_over_test_parts_of_a_few_pictures_has_no_interval(n, size):
    features, frame = few(n)
    found = row(probe(features, frame, mos_higher_is_better=True, how=Resampling(50)), "srcc")
    assert {len(test) for *_, test in split_by_reference(frame)} == {size}
    assert np.isfinite(found.value)
    assert np.isfinite(found.low) == (size >= 5)
    assert (f"no interval: test parts of {size} pictures" in found.protocol) == (size < 5)


@pytest.mark.parametrize(("n", "chosen"), [(14, False), (15, True)])
def test_it_is_said_where_validation_parts_of_one_picture_choose_no_penalty(n, chosen):
    features, frame = few(n)
    frames, up = {"a": frame, "b": frame.assign(mos=-frame["mos"])}, {"a": True, "b": True}
    table = cross_set({"a": features, "b": features}, frames, mos_higher_is_better=up, how=Resampling(10))
    assert {len(part) for _, part, _ in split_by_reference(frame)} == {1 + chosen}
    assert table["protocol"].str.contains("not chosen").eq(not chosen).all()


def test_splits_that_are_undefined_do_not_count():
    features, frame = few(60)
    parts = split_by_reference(frame, splits=3)
    frame.loc[parts[1][2], "mos"] = 0.5  # in one test part all opinions are equal
    table = probe(features, frame, mos_higher_is_better=True, splits=3, how=Resampling(20))
    found = row(table, "srcc")
    alpha = ALPHAS[np.abs(ALPHAS - float(found.protocol.split("alpha ")[1].split(",")[0])).argmin()]
    x, mos, values = features.values, frame["mos"].to_numpy(), []
    for train, _, test in (parts[0], parts[2]):
        predicted = Ridge(alpha=alpha).fit(x[train], mos[train]).predict(x[test])
        values.append(stats.spearmanr(predicted, mos[test]).statistic)
    assert found.value == pytest.approx(np.mean(values), abs=1e-9)
    assert row(table, "srcc_q1").value == pytest.approx(np.quantile(values, 0.25), abs=1e-9)
    assert "1 splits undefined" in found.protocol
    nothing = probe(features, frame.assign(mos=1.0), mos_higher_is_better=True, how=Resampling(20))
    assert nothing["value"].isna().all()
    assert nothing["protocol"].str.contains("undefined: ").all()
