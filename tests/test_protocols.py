from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats
from sklearn.linear_model import Ridge

from benchmark import published
from benchmark.protocols import (
    Features,
    Resampling,
    across_sets,
    by_distortion,
    compare,
    cross_set,
    data_hash,
    differences,
    discrimination,
    facts,
    named_in,
    probe,
    seeds,
    shared_files,
    sign,
    structure,
    wins,
    worst_distortion,
    zero_shot,
)
from benchmark.protocols.probe import ALPHAS, ridge_path
from benchmark.protocols.rows import COLUMNS
from benchmark.protocols.samples import split_by_reference
from benchmark.statistics import bootstrap, fit, interval
from benchmark.statistics.bootstrap import draw

SHARED = Path(__file__).resolve().parents[1] / "../shared/data/scores"
UP = {"higher_is_better": True, "mos_higher_is_better": True}
TYPES = ("blur", "jpeg", "noise")


@pytest.fixture
def manifest():
    g = np.random.default_rng(0)
    rows = [
        (f"{r:02d}_{t}_{k}", f"ref{r:02d}", t, k) for r in range(20) for t in TYPES for k in (1, 2, 3, 4, 5)
    ]
    frame = pd.DataFrame(rows, columns=["image", "reference", "distortion", "level"])
    content = np.repeat(g.normal(size=20), 15)
    mos = 8 - frame["level"] + 0.5 * content + 0.5 * g.normal(size=len(frame))
    return frame.assign(mos=mos, mos_std=0.4, split="")


def scores_of(manifest, noise=1.0, seed=1):
    g = np.random.default_rng(seed)
    return pd.DataFrame(
        {"image": manifest["image"], "score": manifest["mos"] + noise * g.normal(size=len(manifest))}
    )


def row(table, statistic, **keys):
    for key, value in {"statistic": statistic, **keys}.items():
        table = table[table[key].eq(value)]
    assert len(table) == 1
    return table.iloc[0]


class TestZeroShot:
    def test_values_are_those_of_scipy(self, manifest):
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
        assert (table["n"] == 300).all()
        bounded = table.dropna(subset=["low"])
        assert (bounded["low"] <= bounded["value"]).all()
        assert (bounded["value"] <= bounded["high"]).all()
        assert table["protocol"].str.contains("references \\(20\\)").all()

    def test_interval_is_that_of_references_written_out(self, manifest):
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

    @pytest.mark.parametrize("score_up", [True, False])
    @pytest.mark.parametrize("mos_up", [True, False])
    def test_directions_are_turned_and_the_sign_is_kept(self, manifest, score_up, mos_up):
        scores = scores_of(manifest)
        turned, frame = scores.copy(), manifest.copy()
        turned["score"] *= 1 if score_up else -1
        frame["mos"] *= 1 if mos_up else -1
        directions = {"higher_is_better": score_up, "mos_higher_is_better": mos_up}
        expected = zero_shot(scores, manifest, **UP, how=Resampling(20))
        found = zero_shot(turned, frame, **directions, how=Resampling(20))
        np.testing.assert_allclose(found["value"], expected["value"], atol=1e-6)
        wrong = zero_shot(
            turned, frame, higher_is_better=not score_up, mos_higher_is_better=mos_up, how=Resampling(20)
        )
        for name in ("srcc", "krcc", "plcc", "plcc_raw", "srcc_level"):
            assert row(wrong, name).value == pytest.approx(-row(expected, name).value, abs=1e-6)
        assert "the fitted curve falls" in row(wrong, "plcc").protocol

    def test_order_of_the_files_does_not_matter(self, manifest):
        scores = scores_of(manifest)
        mixed = zero_shot(
            scores.sample(frac=1, random_state=1),
            manifest.sample(frac=1, random_state=2),
            **UP,
            how=Resampling(20),
        )
        pd.testing.assert_frame_equal(
            mixed, zero_shot(scores, manifest, **UP, how=Resampling(20)), check_exact=True
        )

    def test_what_is_missing_is_counted(self, manifest):
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

    def test_no_opinions_leave_the_levels(self, manifest):
        table = zero_shot(scores_of(manifest), manifest.drop(columns="mos"), **UP, how=Resampling(20))
        assert list(table["statistic"]) == ["srcc_level"]

    def test_levels_by_hand(self, manifest):
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

    def test_median_over_splits(self, manifest):
        scores = scores_of(manifest)
        found = row(zero_shot(scores, manifest, **UP, how=Resampling(20, seed=4)), "srcc_splits")
        frame = manifest.merge(scores, on="image").sort_values("image").reset_index(drop=True)
        tests = [frame.iloc[test] for *_, test in split_by_reference(frame, seed=4)]
        assert all(len(t) == 60 for t in tests)
        expected = np.median([stats.spearmanr(t["score"], t["mos"]).statistic for t in tests])
        assert found.value == pytest.approx(expected)
        assert "srcc_splits" not in set(
            zero_shot(scores, manifest, **UP, how=Resampling(20), splits=0)["statistic"]
        )

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
    def test_degenerate_scores_give_a_reason(self, scores, undefined):
        names = [f"{k}.png" for k in range(len(scores))]
        frame = pd.DataFrame({"image": names, "mos": np.arange(len(scores)) ** 1.5})
        table = zero_shot(pd.DataFrame({"image": names, "score": scores}), frame, **UP, how=Resampling(50))
        nothing = table[table["value"].isna()]
        assert set(nothing["statistic"]) == undefined
        assert nothing["protocol"].str.contains("undefined").all()
        if len(scores) < 4:
            assert table["low"].isna().all()
            assert table["protocol"].str.contains("undefined|no interval").all()

    def test_bad_files_are_named(self, manifest):
        scores = scores_of(manifest)
        with pytest.raises(ValueError, match="lack the column 'score'"):
            zero_shot(scores.rename(columns={"score": "value"}), manifest, **UP)
        with pytest.raises(ValueError, match="list the image '00_blur_1' twice"):
            zero_shot(pd.concat([scores, scores.iloc[:1]]), manifest, **UP)
        with pytest.raises(ValueError, match="share no image"):
            zero_shot(scores.assign(image="x" + scores["image"]), manifest, **UP)

    def test_mapping_held_fixed_agrees_with_refitting(self):
        """The envelope theorem in docs/protocols.md: bounds differ by little of their width."""
        g = np.random.default_rng(0)
        x = g.normal(size=200)
        y = np.tanh(1.5 * x) + 0.4 * g.normal(size=200)
        fixed, refitted = fit(x, y)(x), []
        for counts in draw(200, 60, 0):
            for count in counts.astype(int):
                a, b = np.repeat(x, count), np.repeat(y, count)
                refitted.append(np.corrcoef(fit(a, b)(a), b)[0, 1])
        low, high = interval(refitted)
        assert interval(bootstrap(fixed, y, "plcc", resamples=60)[0]) == pytest.approx(
            (low, high), abs=0.15 * (high - low)
        )

    def test_correlations_take_the_jackknife_written_out(self, manifest):
        """Whole references left out; Student's t on Fisher's z."""
        scores = scores_of(manifest)
        found = row(zero_shot(scores, manifest, **UP, how=Resampling(20)), "plcc_raw")
        x, y = scores["score"].to_numpy(), manifest["mos"].to_numpy()
        left = []
        for reference in manifest["reference"].unique():
            keep = manifest["reference"].ne(reference).to_numpy()
            left.append(np.arctanh(np.corrcoef(x[keep], y[keep])[0, 1]))
        error = np.sqrt(19 / 20 * np.sum((np.array(left) - np.mean(left)) ** 2))
        half = stats.t.ppf(0.975, 19) * error
        z = np.arctanh(np.corrcoef(x, y)[0, 1])
        assert (found.low, found.high) == pytest.approx(tuple(np.tanh([z - half, z + half])))


class TestDistortions:
    def test_types_and_levels(self, manifest):
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
        lowest = table[table["statistic"].eq("srcc")]["value"].min()
        assert worst_distortion(table)["value"].tolist() == [lowest]
        two = pd.concat([table.assign(method="a"), table.assign(method="b")])
        assert worst_distortion(two)["method"].tolist() == ["a", "b"]

    def test_one_type_and_no_type(self, manifest):
        one = manifest[manifest["distortion"].eq("blur")]
        assert set(by_distortion(scores_of(one), one, **UP, how=Resampling(20))["distortion"]) == {"blur"}
        none = by_distortion(scores_of(manifest), manifest.drop(columns="distortion"), **UP)
        assert none.empty
        assert list(none.columns) == ["distortion", *COLUMNS]


class TestPairs:
    def test_differences_are_paired_and_holm_corrected(self, manifest):
        scores = {
            "good": scores_of(manifest, 0.3),
            "fair": scores_of(manifest, 1.5, 2),
            "poor": scores_of(manifest, 9, 3),
        }
        up = dict.fromkeys(scores, True)
        table = differences(
            scores, manifest, higher_is_better=up, mos_higher_is_better=True, how=Resampling(200)
        )
        assert len(table) == 3
        first = row(table, "srcc", method_a="good", method_b="poor")
        expected = [stats.spearmanr(scores[m]["score"], manifest["mos"]).statistic for m in ("good", "poor")]
        assert first.value == pytest.approx(expected[0] - expected[1])
        assert first.low > 0
        assert first.p_holm < 1e-6
        assert (table["p_holm"] >= table["p"]).all()
        counted = wins(table.assign(dataset="one"))
        assert counted.set_index(["method_a", "method_b"]).loc[("good", "poor")].tolist() == [1, 0, 0]

    def test_a_method_and_itself(self, manifest):
        scores = {"a": scores_of(manifest), "b": scores_of(manifest)}
        up = dict.fromkeys(scores, True)
        found = differences(
            scores, manifest, higher_is_better=up, mos_higher_is_better=True, how=Resampling(20)
        ).iloc[0]
        assert (found.value, found.p, found.p_holm) == (0, 1, 1)

    def test_unknown_names(self, manifest):
        scores = {"a": scores_of(manifest)}
        with pytest.raises(ValueError, match="direction of 'a'"):
            differences(scores, manifest, higher_is_better={}, mos_higher_is_better=True)
        with pytest.raises(ValueError, match="unknown statistic"):
            differences(
                scores, manifest, higher_is_better={"a": True}, mos_higher_is_better=True, statistic="r"
            )

    def test_compare_two_files(self, manifest):
        mos = manifest[["image", "mos"]]
        a, b = scores_of(manifest, 0.5), scores_of(manifest, 2, 2)
        b["score"] *= -1
        found = compare(a, b, mos, higher_is_better=(True, False), how=Resampling(50))
        assert (
            row(found.agreement, "srcc", method="A").value
            > row(found.agreement, "srcc", method="B").value
            > 0
        )
        assert list(found.differences["statistic"]) == ["srcc", "krcc", "plcc"]
        assert (found.differences["p"] < 0.001).all()
        assert set(found.closed_forms["test"]) == {"meng", "steiger", "williams"}
        assert (found.closed_forms["p"] < 0.001).all()
        assert compare(a, b, manifest, how=Resampling(20)).closed_forms.empty  # references: not independent
        with pytest.raises(ValueError, match="two names"):
            compare(a, b, mos, names=("x", "x"))
        with pytest.raises(ValueError, match="an opinion"):
            compare(a.iloc[:9], b.iloc[9:], mos)

    def test_discrimination_tables(self, manifest):
        scores = {"good": scores_of(manifest, 0.3), "poor": scores_of(manifest, 3, 2)}
        up = dict.fromkeys(scores, True)
        methods, pairs = discrimination(scores, manifest, higher_is_better=up, mos_higher_is_better=True)
        good, poor = (row(methods, "auc_better_worse", method=m) for m in scores)
        assert good.low < good.value < good.high
        assert good.value > poor.value
        gap = row(pairs, "auc_better_worse")
        assert gap.value == pytest.approx(good.value - poor.value)
        assert gap.p_delong < gap.p < 0.01
        assert "error mos_std;" in good.protocol
        finer, _ = discrimination(
            scores, manifest, higher_is_better=up, mos_higher_is_better=True, ratings=16
        )
        assert "mos_std / sqrt(16)" in finer["protocol"].iloc[0]
        with pytest.raises(ValueError, match="no mos_std"):
            discrimination(
                scores, manifest.drop(columns="mos_std"), higher_is_better=up, mos_higher_is_better=True
            )


class TestOverlap:
    def test_files_shared_with_the_training_set_are_counted(self, tmp_path):
        for name, content in {"a": b"one", "b": b"two", "c": b"three", "x": b"two", "y": b"six"}.items():
            (tmp_path / name).write_bytes(content)
        train, test = ([tmp_path / n for n in names] for names in ("ab", "xyc"))
        assert shared_files(train, test) == 1
        assert shared_files(train, [tmp_path / "y", tmp_path / "absent"]) == 0
        assert shared_files([tmp_path / "absent"], test) == 0

    @pytest.mark.parametrize(
        ("words", "title", "found"),
        [
            ("KonIQ-10k, training split", "KonIQ-10k", True),
            ("koniq 10k", "KonIQ-10k (authentic)", True),
            ("400 million image-text pairs", "KonIQ-10k", False),
            ("trained on LIVE", "LIVE", True),
            ("lively pictures", "LIVE", False),
            ("LIVE in the Wild", "LIVE", False),
            ("pictures", "", False),
        ],
    )
    def test_a_card_that_names_the_data_set(self, words, title, found):
        assert named_in(words, title) is found


class TestProbe:
    @pytest.mark.parametrize(("n", "d"), [(60, 8), (20, 50)])
    def test_ridge_is_that_of_scikit_learn(self, n, d):
        g = np.random.default_rng(0)
        x, y = g.normal(size=(n, d)) + 3, g.normal(size=n)
        coefficients, intercepts = ridge_path(x, y)
        for k in (0, 40, 99):
            expected = Ridge(alpha=ALPHAS[k]).fit(x, y)
            np.testing.assert_allclose(coefficients[:, k], expected.coef_, atol=1e-6)
            assert intercepts[k] == pytest.approx(expected.intercept_, abs=1e-5)

    def test_references_are_never_split(self, manifest):
        parts = split_by_reference(manifest, splits=10, seed=3)
        assert len(parts) == 10
        for split in parts:
            references = [set(manifest["reference"].iloc[part]) for part in split]
            assert [len(r) for r in references] == [14, 2, 4]
            assert set().union(*references) == set(manifest["reference"])
            assert sum(map(len, split)) == len(manifest)
        assert any(not np.array_equal(a[2], b[2]) for a, b in pairwise(parts))

    def test_same_set_by_hand(self, manifest):
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

        def predict(alpha, train, test):
            mine = np.isin(owner, train)
            model = Ridge(alpha=alpha).fit(crops[mine], frame["mos"].to_numpy()[owner[mine]])
            each = model.predict(crops).reshape(-1, 3).mean(axis=1)
            return stats.spearmanr(each[test], frame["mos"].iloc[test]).statistic

        quality = [np.median([predict(a, p[0], p[1]) for p in parts]) for a in ALPHAS]
        alpha = ALPHAS[int(np.argmax(quality))]
        values = [predict(alpha, p[0], p[2]) for p in parts]
        assert row(table, "srcc").value == pytest.approx(np.median(values))
        assert row(table, "srcc_q1").value == pytest.approx(np.quantile(values, 0.25))
        assert f"alpha {alpha:.3g}" in row(table, "srcc").protocol
        assert row(table, "srcc").low <= row(table, "srcc").value <= row(table, "srcc").high

    def test_full_matrix_marks_shared_pictures(self, manifest):
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
        assert away.value == pytest.approx(
            stats.spearmanr(model.predict(y), -other["mos"]).statistic, abs=0.003
        )
        y[7] = x[3]  # one picture in both
        sets["b"] = Features.of(other["image"], y)
        marked = cross_set(sets, manifests, mos_higher_is_better=up, splits=3, how=Resampling(20))
        assert (marked["overlap"] == marked["train"].ne(marked["test"])).all()

    def test_bad_features(self, manifest):
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


class TestRuns:
    def test_seeds_bound_the_next_run(self):
        values = [0.80, 0.82, 0.81, 0.83]
        runs = pd.DataFrame(
            {"method": "m", "dataset": "d", "seed": range(4), "statistic": "srcc", "value": values}
        ).assign(low=0.0, high=1.0, n=9, protocol="")
        found = seeds(runs).iloc[0]
        assert found.value == pytest.approx(0.815)
        half = stats.t.ppf(0.975, 3) * np.std(values, ddof=1) * np.sqrt(1.25)
        assert (found.low, found.high) == pytest.approx((0.815 - half, 0.815 + half))
        assert (found.n, found.sd) == (4, pytest.approx(np.std(values, ddof=1)))
        assert published.verdict(0.84, found.low, found.high) == "agrees"
        assert published.verdict(0.90, found.low, found.high) == "lower"
        assert np.isnan(seeds(runs.iloc[:1]).iloc[0].low)
        with pytest.raises(ValueError, match="twice"):
            seeds(pd.concat([runs, runs.iloc[:1]]))
        with pytest.raises(ValueError, match="column 'seed'"):
            seeds(runs.drop(columns="seed"))

    def test_across_sets(self):
        rows = [
            (m, d, "srcc", v + 0.1 * k)
            for m, v in (("a", 0.5), ("b", 0.6), ("c", 0.7))
            for k, d in enumerate("wxyz")
        ]
        table = pd.DataFrame(rows, columns=["method", "dataset", "statistic", "value"])
        pairs, ranks = across_sets(table)
        assert ranks.ranks.to_dict() == {"c": 1.0, "b": 2.0, "a": 3.0}
        assert (pairs["p"] == 2 / 2**4).all()
        with pytest.raises(ValueError, match="no rows of statistic 'rmse'"):
            across_sets(table, statistic="rmse")
        with pytest.raises(ValueError, match="duplicate"):
            across_sets(pd.concat([table, table]))

    def test_signature(self, manifest):
        digest = data_hash(manifest)
        assert digest == data_hash(manifest.sample(frac=1, random_state=0)[manifest.columns[::-1]])
        changed = manifest.copy()
        changed.loc[0, "mos"] += 1e-9
        assert digest != data_hash(changed)
        table = zero_shot(scores_of(manifest), manifest, **UP, how=Resampling(20))
        signed = sign(table, method="0123456789abcdef", resolution="whole image", data=digest)
        assert signed["signature"].iloc[0].startswith("n=300|zero-shot, whole set;")
        assert (
            signed["signature"].iloc[0].endswith(f"input=whole image|method=0123456789ab|data={digest[:12]}")
        )

    def test_facts_are_those_of_the_files(self, tmp_path):
        Image.new("RGB", (7, 5)).save(tmp_path / "a.png")
        table = facts(tmp_path, ["a.png"])
        assert table.iloc[0].tolist() == ["a.png", 7, 5, (tmp_path / "a.png").stat().st_size]
        (tmp_path / "b.png").write_bytes(b"no picture")
        for name in ("b.png", "absent.png"):
            with pytest.raises(ValueError, match=name):
                facts(tmp_path, [name])

    def test_structure(self, manifest):
        g = np.random.default_rng(0)
        size = g.integers(1000, 9000, len(manifest))
        facts = pd.DataFrame({"image": manifest["image"], "width": 64, "height": 32, "bytes": size})
        reader = pd.DataFrame({"image": manifest["image"], "score": size * 1.0})
        table = structure(reader, manifest, facts, **UP, how=Resampling(20))
        assert row(table, "srcc_bytes").value == pytest.approx(1)
        assert row(table, "srcc_bytes_per_pixel").value == pytest.approx(1)
        assert np.isnan(row(table, "srcc_pixels").value)  # all of one size
        assert row(table, "mos_bytes").value == pytest.approx(
            stats.spearmanr(size, manifest["mos"]).statistic
        )
        assert np.isnan(row(table, "srcc_without_bytes_per_pixel").value)  # nothing is left of the score
        with pytest.raises(ValueError, match="say nothing of"):
            structure(reader, manifest, facts.iloc[1:], **UP)


class TestPublished:
    def test_table_is_sound(self):
        table = published.figures()
        assert set(table["standing"]) == {"V", "S", "R"}
        assert set(table["setting"]) == set(published.SETTINGS)
        assert set(table["statistic"]) == {"srcc", "plcc", "plcc_raw"}
        assert table["value"].between(-1, 1).all()
        keys = ["method", "dataset", "setting", "train", "statistic", "version"]
        assert not table.duplicated(keys).any()
        assert table[table["setting"].eq("cross_set")]["train"].ne("").all()

    def test_default_and_version(self):
        latest = published.lookup("qualiclip", "clive", "srcc")
        assert (latest.value, latest.version, latest.standing) == (0.725, "v3", "S")
        assert published.lookup("qualiclip", "clive", "srcc", version="v1").value == 0.753
        assert published.lookup("arniqa", "csiq", "srcc", setting="cross_set", train="live").value == 0.904
        assert published.lookup("arniqa", "csiq", "srcc") is None
        with pytest.raises(ValueError, match="did you mean 'zero_shot'"):
            published.lookup("qualiclip", "clive", "srcc", setting="zeroshot")
        with pytest.raises(ValueError, match="pass train="):
            published.lookup("arniqa", "csiq", "srcc", setting="cross_set")

    def test_attached_to_tables(self):
        ours = pd.DataFrame(
            {"method": ["qualiclip", "mine"], "dataset": "koniq10k", "statistic": "srcc", "value": 0.8}
        )
        found = published.attach(ours)
        assert found["published"].tolist()[0] == 0.817
        assert np.isnan(found["published"][1])
        assert found["standing"].tolist() == ["S", ""]
        matrix = pd.DataFrame(
            {"method": "arniqa", "train": ["live", "live"], "test": ["live", "csiq"], "statistic": "srcc"}
        )
        assert published.attach(matrix, setting="cross_set")["published"].tolist() == [0.966, 0.904]

    def test_verdicts(self):
        assert published.verdict(0.5, 0.4, 0.6) == "agrees"
        assert published.verdict(0.3, 0.4, 0.6) == "higher"
        assert published.verdict(0.7, 0.4, 0.6) == "lower"
        assert published.verdict(np.nan, 0.4, 0.6) == published.verdict(0.5, np.nan, np.nan) == ""


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the human scores beside the checkout are absent")
def test_references_of_a_real_set_are_never_split():
    listing = pd.read_csv(SHARED / "TID2013.txt")
    frame = pd.DataFrame({"image": listing["dis_img_path"], "reference": listing["ref_img_path"]})
    assert (len(frame), frame["reference"].nunique()) == (3000, 25)
    for split in split_by_reference(frame):
        parts = [set(frame["reference"].iloc[part]) for part in split]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 25
