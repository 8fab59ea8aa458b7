import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.protocols import (
    Resampling,
    by_distortion,
    zero_shot,
)
from benchmark.protocols.samples import split_by_reference
from benchmark.statistics import bootstrap, fit, interval
from benchmark.statistics.bootstrap import draw
from benchmark.statistics.estimates import COLUMNS
from tests.protocols.data import TYPES, UP, row, scores_of


def test_values_are_those_of_scipy(manifest):
    scores = scores_of(manifest)
    table = zero_shot(scores, manifest, **UP, how=Resampling(50))
    x, y = scores["score"], manifest["mos"]
    assert row(table, "srcc").value == pytest.approx(stats.spearmanr(x, y).statistic)
    assert row(table, "krcc").value == pytest.approx(stats.kendalltau(x, y).statistic)
    assert row(table, "plcc_raw").value == pytest.approx(stats.pearsonr(x, y).statistic)
    curve = fit(x, y)(x)
    assert row(table, "plcc").value == pytest.approx(stats.pearsonr(curve, y).statistic)
    assert row(table, "rmse").value == pytest.approx(np.sqrt(np.mean((curve - y) ** 2)))
    assert row(table, "outlier_ratio").value == pytest.approx(np.mean(np.abs(curve - y) > 0.8))
    assert list(table.columns) == COLUMNS
    halves = table["statistic"].str.endswith("_half")
    assert table["n"].tolist() == [150 if half else 300 for half in halves]
    bounded = table.dropna(subset=["low"])
    assert (bounded["low"] <= bounded["value"]).all()
    assert (bounded["value"] <= bounded["high"]).all()
    assert table["protocol"].str.contains("references \\(20\\)").all()


def test_outliers_are_counted_among_the_images_with_a_deviation(manifest):
    scores, none = scores_of(manifest), manifest.index[::7]
    some = manifest.assign(mos_std=manifest["mos_std"].mask(manifest.index.isin(none)))
    table = zero_shot(scores, some, **UP, how=Resampling(16))
    x = scores.set_index("image")["score"][manifest["image"]].to_numpy()
    missed = np.abs(fit(x, manifest["mos"].to_numpy())(x) - manifest["mos"]) > 2 * manifest["mos_std"]
    found = row(table, "outlier_ratio")
    assert found.value == pytest.approx(missed.drop(none).mean())
    assert found.n == 300 - len(none)
    assert f"{len(none)} images without mos_std left out" in found.protocol
    assert row(table, "rmse").n == 300
    assert "without mos_std" not in row(table, "rmse").protocol


def test_interval_is_that_of_references_written_out(manifest):
    scores = scores_of(manifest).sort_values("image")
    frame = manifest.sort_values("image").reset_index(drop=True)
    found = row(zero_shot(scores, manifest, **UP, how=Resampling(64, 5, "percentile")), "srcc")
    groups = frame["reference"].to_numpy()
    values = []
    for counts in draw(len(frame), 64, 5, groups):
        for count in counts.astype(int):
            x, y = np.repeat(scores["score"].to_numpy(), count), np.repeat(frame["mos"].to_numpy(), count)
            values.append(stats.spearmanr(x, y).statistic)
    assert (found.low, found.high) == pytest.approx(interval(values, units=20))


@pytest.fixture(scope="module")
def expected(manifest):
    """What the other orders and directions of the same scores must give."""
    return zero_shot(scores_of(manifest), manifest, **UP, how=Resampling(20))


@pytest.mark.parametrize("score_up", [True, False])
@pytest.mark.parametrize("mos_up", [True, False])
def test_directions_are_turned_and_the_sign_is_kept(manifest, expected, score_up, mos_up):
    turned, frame = scores_of(manifest), manifest.copy()
    turned["score"] *= 1 if score_up else -1
    frame["mos"] *= 1 if mos_up else -1
    directions = {"higher_is_better": score_up, "mos_higher_is_better": mos_up}
    found = zero_shot(turned, frame, **directions, how=Resampling(20))
    np.testing.assert_allclose(found["value"], expected["value"], atol=1e-6)
    wrong = zero_shot(
        turned, frame, higher_is_better=not score_up, mos_higher_is_better=mos_up, how=Resampling(20)
    )
    for name in ("srcc", "krcc", "plcc", "plcc_raw", "srcc_level"):
        assert row(wrong, name).value == pytest.approx(-row(expected, name).value, abs=1e-6)
    assert "the fitted curve falls" in row(wrong, "plcc").protocol


def test_order_of_the_files_does_not_matter(manifest, expected):
    scores = scores_of(manifest)
    mixed = zero_shot(
        scores.sample(frac=1, random_state=1),
        manifest.sample(frac=1, random_state=2),
        **UP,
        how=Resampling(20),
    )
    pd.testing.assert_frame_equal(mixed, expected, check_exact=True)


def test_what_is_missing_is_counted(manifest):
    scores = scores_of(manifest)
    scores.loc[[3, 4], "score"] = np.nan
    scores = pd.concat([scores.iloc[:-1], pd.DataFrame({"image": ["elsewhere"], "score": [1.0]})])
    frame = manifest.copy()
    frame.loc[[10, 11, 12, 13], "mos"] = np.nan
    table = zero_shot(scores, frame, **UP, how=Resampling(20))
    found = row(table, "srcc")
    assert found.n == 300 - 3 - 4
    for note in (
        "3 of 300 scores missing",
        "1 scored images not in the manifest",
        "4 of 297 images without",
    ):
        assert note in found.protocol
    # Levels need no opinion.
    assert row(table, "srcc_level").n == 297


def test_a_method_without_any_score_keeps_its_rows(manifest):
    table = zero_shot(scores_of(manifest).assign(score=np.nan), manifest, **UP, how=Resampling(20))
    assert table[table["statistic"].eq("srcc")]["value"].isna().all()
    assert table["n"].eq(0).all()
    assert "300 of 300 scores missing" in row(table, "srcc").protocol
    assert {"srcc", "krcc", "plcc_raw", "plcc", "rmse"} <= set(table["statistic"])


def test_no_opinions_leave_the_levels(manifest):
    table = zero_shot(scores_of(manifest), manifest.drop(columns="mos"), **UP, how=Resampling(20))
    assert list(table["statistic"]) == ["srcc_level"]


def test_levels_by_hand(manifest):
    scores = scores_of(manifest).set_index("image")["score"]
    scores[manifest.query("reference == 'ref07' and distortion == 'jpeg'")["image"]] = 3.0
    values = []
    for _, part in manifest.groupby(["reference", "distortion"]):
        x = scores[part["image"]].to_numpy()
        values.append(0.0 if np.ptp(x) == 0 else stats.spearmanr(x, -part["level"]).statistic)
    table = zero_shot(scores.reset_index(), manifest, **UP, how=Resampling(20))
    found = row(table, "srcc_level")
    assert found.value == pytest.approx(np.mean(values))
    assert "60 series, of which 1 with one score" in found.protocol.replace(";", ",").replace(",,", ",")


def test_the_only_level_of_a_series_does_not_count(manifest):
    """Of sixteen references one picture a type is left, of four all: those and their pictures are counted."""
    whole = ["ref00", "ref01", "ref02", "ref03"]
    frame = manifest[manifest["reference"].isin(whole) | manifest["level"].eq(3)]
    assert frame["reference"].nunique() > 10
    found = row(zero_shot(scores_of(manifest), frame, **UP, how=Resampling(20)), "srcc_level")
    assert found.n == manifest["reference"].isin(whole).sum()
    assert found.units == 4
    assert np.isnan(found.low)
    blur = by_distortion(scores_of(manifest), frame, **UP, how=Resampling(20))
    assert row(blur, "srcc_level", distortion="blur").units == 4


def test_a_series_whose_scores_differ_in_their_last_bits_has_no_order(manifest):
    scores = scores_of(manifest).set_index("image")["score"]
    series = manifest.query("reference == 'ref07' and distortion == 'jpeg'").set_index("image")
    found = []
    for noise in (0.0, 6e-8):
        scores[series.index] = 3.0 - noise * series["level"]
        found.append(row(zero_shot(scores.reset_index(), manifest, **UP, how=Resampling(20)), "srcc_level"))
    flat, noisy = found
    assert noisy.value == flat.value
    assert "of which 1 with one score" in noisy.protocol


def test_a_missing_score_leaves_the_splits_as_they_are(manifest):
    """Splits by hand over all rated pictures: methods that lack different pictures are read on the same."""
    frame = manifest.drop(columns="reference").sort_values("image").reset_index(drop=True)
    scores = scores_of(frame)
    scores.loc[::17, "score"] = np.nan
    there = scores["score"].notna().to_numpy()
    tests = [split[2] for split in split_by_reference(frame, splits=10, seed=4)]
    expected = [
        stats.spearmanr(scores["score"][part], frame["mos"][part])[0] for part in (t[there[t]] for t in tests)
    ]
    found = row(zero_shot(scores, frame, **UP, how=Resampling(20, seed=4)), "srcc_splits")
    assert found.value == pytest.approx(np.median(expected))
    assert found.n == there.sum()


def test_median_over_splits(manifest):
    scores = scores_of(manifest)
    found = row(zero_shot(scores, manifest, **UP, how=Resampling(20, seed=4)), "srcc_splits")
    frame = manifest.merge(scores, on="image").sort_values("image").reset_index(drop=True)
    tests = [frame.iloc[test] for *_, test in split_by_reference(frame, seed=4)]
    assert all(len(t) == 60 for t in tests)
    expected = np.median([stats.spearmanr(t["score"], t["mos"]).statistic for t in tests])
    assert found.value == pytest.approx(expected)
    for splits in (0, 1):
        table = zero_shot(scores, manifest, **UP, how=Resampling(20), splits=splits)
        assert ("srcc_splits" in set(table["statistic"])) == bool(splits)


@pytest.mark.parametrize(("n", "size"), [(16, 3), (20, 4), (25, 5)])
def test_a_median_over_test_parts_of_a_few_pictures_has_no_interval(n, size):
    """Of three pictures the correlation is 1, .5, -.5 or -1 in the data and in every resample."""
    g = np.random.default_rng(n)
    frame = pd.DataFrame({"image": [f"{k:03d}" for k in range(n)], "mos": g.normal(size=n)})
    table = zero_shot(scores_of(frame, 0.7), frame, **UP, how=Resampling(50))
    for name in ("srcc_splits", "plcc_raw_splits"):
        found = row(table, name)
        assert np.isfinite(found.value)
        assert np.isfinite(found.low) == (size >= 5)
        assert (f"no interval: test parts of {size} pictures" in found.protocol) == (size < 5)


@pytest.mark.parametrize("curve", [np.exp, np.asarray])
def test_a_perfect_order_has_no_interval_and_the_row_says_why(curve):
    """Ten pictures in the order of their opinions are so in every resample, which says nothing of others."""
    frame = pd.DataFrame({"image": [f"{k}" for k in range(10)], "mos": np.linspace(1, 5, 10)})
    scores = frame[["image"]].assign(score=curve(frame["mos"]))
    table = zero_shot(scores, frame, **UP, how=Resampling(50))
    for name in ("srcc", "krcc", *(["plcc_raw"] if curve is np.asarray else [])):
        found = row(table, name)
        assert found.value == pytest.approx(1)
        assert np.isnan([found.low, found.high]).all()
        assert "no interval where every value or resample is the same" in found.protocol
    known = table.dropna(subset="low")
    assert (known["high"] - known["low"] > 1e-9).all()


@pytest.mark.parametrize(
    ("scores", "undefined"),
    [
        ([2.0] * 9, {"srcc", "krcc", "plcc_raw", "plcc", "rmse"}),
        ([*range(8), np.inf], {"plcc_raw", "plcc", "rmse"}),
        ([1.0], {"srcc", "krcc", "plcc_raw", "plcc", "rmse"}),
        ([1.0, 2.0], {"plcc", "rmse"}),
        ([1.0, 2.0, 3.0], {"plcc", "rmse"}),
    ],
)
def test_degenerate_scores_give_a_reason(scores, undefined):
    names = [f"{k}.png" for k in range(len(scores))]
    frame = pd.DataFrame({"image": names, "mos": np.arange(len(scores)) ** 1.5})
    table = zero_shot(pd.DataFrame({"image": names, "score": scores}), frame, **UP, how=Resampling(50))
    nothing = table[table["value"].isna()]
    halves = {"srcc_lower_half", "srcc_upper_half"}  # of so few pictures
    assert set(nothing["statistic"]) - halves == undefined
    assert nothing["protocol"].str.contains("undefined").all()
    if len(scores) < 4:
        assert table["low"].isna().all()
        assert table["protocol"].str.contains("undefined|no interval").all()


def test_bad_files_are_named(manifest):
    scores = scores_of(manifest)
    with pytest.raises(ValueError, match="lack the column 'score'"):
        zero_shot(scores.rename(columns={"score": "value"}), manifest, **UP)
    with pytest.raises(ValueError, match="list the image '00_blur_1' twice"):
        zero_shot(pd.concat([scores, scores.iloc[:1]]), manifest, **UP)
    with pytest.raises(ValueError, match="share no image"):
        zero_shot(scores.assign(image="x" + scores["image"]), manifest, **UP)


def test_mapping_held_fixed_agrees_with_refitting():
    """The envelope theorem in docs/protocols.md: from draw to draw they differ by little of their scatter."""
    g = np.random.default_rng(0)
    x = g.normal(size=200)
    y = np.tanh(1.5 * x) + 0.4 * g.normal(size=200)
    fixed, refitted = fit(x, y)(x), []
    for counts in draw(200, 16, 0):
        for count in counts.astype(int):
            a, b = np.repeat(x, count), np.repeat(y, count)
            refitted.append(np.corrcoef(fit(a, b)(a), b)[0, 1])
    drawn = bootstrap(fixed, y, "plcc", resamples=16)[0]
    np.testing.assert_allclose(drawn, refitted, rtol=0, atol=0.5 * np.std(refitted))
    assert np.corrcoef(drawn, refitted)[0, 1] > 0.98


@pytest.mark.parametrize(("follows", "given"), [(0.0, (0.0, 0.15)), (0.6, (1.0, 1.0))])
def test_a_curve_fitted_to_chance_is_not_called_a_relation(follows, given):
    """Where scores have nothing to do with opinions, an interval of 95% may leave 0 out in one set of 20."""
    g = np.random.default_rng(7)
    names, left_out = [f"{k:03d}" for k in range(100)], []
    for _ in range(30):
        mos = g.normal(size=100)
        frame = pd.DataFrame({"image": names, "mos": mos, "split": "train"})
        frame.loc[:89, "split"] = "test"
        scores = pd.DataFrame(
            {"image": names, "score": follows * mos + np.sqrt(1 - follows**2) * g.normal(size=100)}
        )
        table = zero_shot(scores, frame, **UP, how=Resampling(2), splits=0)
        ends = [row(table, name) for name in ("plcc", "plcc_test")]
        left_out += [not (np.isnan(one.low) or one.low <= 0 <= one.high) for one in ends]
        said = [np.isnan(one.low) == ("no interval" in one.protocol) for one in ends]
        assert all(said)
    assert given[0] <= np.mean(left_out) <= given[1]


@pytest.mark.parametrize(("n", "times"), [(25, np.sqrt(25 / 21)), (199, np.sqrt(199 / 195)), (200, 1.0)])
def test_the_interval_of_an_error_counts_the_parameters_of_its_curve(n, times):
    g = np.random.default_rng(n)
    frame = pd.DataFrame({"image": [f"{k:03d}" for k in range(n)], "mos": g.normal(size=n)})
    scores = scores_of(frame, 0.7)
    found = row(zero_shot(scores, frame, **UP, how=Resampling(64, 5, "percentile"), splits=0), "rmse")
    curve = fit(scores["score"], frame["mos"])
    squares = (curve(scores["score"]) - frame["mos"].to_numpy()) ** 2
    assert found.value == pytest.approx(np.sqrt(squares.mean()))
    drawn = [np.sqrt(count @ squares / n) for counts in draw(n, 64, 5) for count in counts]
    assert (found.low, found.high) == pytest.approx(tuple(times * np.array(interval(drawn, units=n))))
    assert ("degrees of freedom" in found.protocol) == (times > 1)


def test_correlations_take_the_jackknife_written_out(manifest, expected):
    """Whole references left out; Student's t on Fisher's z."""
    scores = scores_of(manifest)
    found = row(expected, "plcc_raw")
    x, y = scores["score"].to_numpy(), manifest["mos"].to_numpy()
    left = []
    for reference in manifest["reference"].unique():
        keep = manifest["reference"].ne(reference).to_numpy()
        left.append(np.arctanh(np.corrcoef(x[keep], y[keep])[0, 1]))
    error = np.sqrt(19 / 20 * np.sum((np.array(left) - np.mean(left)) ** 2))
    half = stats.t.ppf(0.975, 19) * error
    z = np.arctanh(np.corrcoef(x, y)[0, 1])
    assert (found.low, found.high) == pytest.approx(tuple(np.tanh([z - half, z + half])))


def test_types_and_levels(manifest):
    scores = scores_of(manifest)
    table = by_distortion(scores, manifest, **UP, how=Resampling(20))
    joined = manifest.merge(scores, on="image")
    for name in TYPES:
        part = joined[joined["distortion"].eq(name)]
        expected = stats.spearmanr(part["score"], part["mos"]).statistic
        assert row(table, "srcc", distortion=name).value == pytest.approx(expected)
        level = part[part["level"].eq(3)]
        expected = stats.spearmanr(level["score"], level["mos"]).statistic
        assert row(table, "srcc_at_level_3", distortion=name).value == pytest.approx(expected)


def test_a_type_that_a_method_is_blind_to_has_no_order_but_rounding(manifest):
    scores, jpeg = scores_of(manifest), manifest["distortion"].eq("jpeg")
    scores.loc[jpeg, "score"] = (
        3.0 + 6e-8 * manifest["mos"]
    )  # the last bits, here in the order of the opinions
    table = by_distortion(scores, manifest, **UP, how=Resampling(20))
    assert row(table, "srcc_level", distortion="jpeg").value == 0
    for name in ("srcc", "srcc_at_level_3"):
        blind = row(table, name, distortion="jpeg")
        assert np.isnan(blind.value)
        assert "all values equal" in blind.protocol
    seen = manifest.merge(scores, on="image").query("distortion == 'blur'")
    expected = stats.spearmanr(seen["score"], seen["mos"]).statistic
    assert row(table, "srcc", distortion="blur").value == pytest.approx(expected)


def test_one_type_and_no_type(manifest):
    one = manifest[manifest["distortion"].eq("blur")]
    assert set(by_distortion(scores_of(one), one, **UP, how=Resampling(20))["distortion"]) == {"blur"}
    none = by_distortion(scores_of(manifest), manifest.drop(columns="distortion"), **UP)
    assert none.empty
    assert list(none.columns) == ["distortion", *COLUMNS]
