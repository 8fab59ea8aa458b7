import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from benchmark.gmad import select_pairs, standings
from benchmark.gmad.study import pair_name
from benchmark.gmad.tally import by_people, krippendorff_alpha, read_answers, screen, tally
from benchmark.statistics import interval


def answers_of(table):
    """Frame of answers from subjects x pairs of values; pair k is about ``a<k>`` and ``b<k>``."""
    rows = [
        {"subject": f"s{s}", "pair": pair_name(f"a{k}", f"b{k}"), "first": f"a{k}", "second": f"b{k}"}
        | {"value": value, "seconds": 1.0 + s}
        for s, line in enumerate(table)
        for k, value in enumerate(line)
        if not np.isnan(value)
    ]
    return pd.DataFrame(rows)


def pairs_of(count):
    frame = pd.DataFrame(
        {"low_image": [f"a{k}" for k in range(count)], "high_image": [f"b{k}" for k in range(count)]}
    )
    return frame.assign(defender="x", attacker="y", level=range(1, count + 1), gap=1.0, weight=1 / count)


def crowd(subjects=12, pairs=40, noise=10.0, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-80, 80, pairs)
    return truth, np.clip(truth + rng.normal(0, noise, (subjects, pairs)), -100, 100)


def plain_bt500(table):
    """The recommendation, step by step."""
    above, below = np.zeros(len(table), int), np.zeros(len(table), int)
    for k in range(table.shape[1]):
        column = table[:, k]
        mean, deviation = column.mean(), column.std(ddof=1)
        second, fourth = ((column - mean) ** 2).mean(), ((column - mean) ** 4).mean()
        if second == 0:
            continue
        width = 2 if 2 <= fourth / second**2 <= 4 else 20**0.5
        for i, value in enumerate(column):
            above[i] += value >= mean + width * deviation
            below[i] += value <= mean - width * deviation
    both = above + below
    with np.errstate(invalid="ignore"):
        rejected = (both / table.shape[1] > 0.05) & (np.abs((above - below) / both) < 0.3)
    return above, below, ~rejected


@pytest.mark.parametrize("seed", range(5))
def test_screening_follows_the_recommendation(seed):
    table = crowd(seed=seed)[1]
    table[0] = np.random.default_rng(seed).choice([-100, 100], 40)
    found = screen(answers_of(table)).set_index("subject").loc[[f"s{k}" for k in range(12)]]
    above, below, kept = plain_bt500(table)
    assert found.outliers_above.tolist() == above.tolist()
    assert found.outliers_below.tolist() == below.tolist()
    assert found.kept.tolist() == kept.tolist()


def test_who_answers_at_random_is_rejected_and_does_not_count():
    table = crowd(30, 60, noise=4.0)[1]
    table[3] = np.random.default_rng(1).choice([-100.0, 100.0], 60)
    result = tally(pairs_of(60), answers_of(table), resamples=50)
    kept = result.subjects.set_index("subject").kept
    assert kept[~kept].index.tolist() == ["s3"]
    np.testing.assert_allclose(result.preference, np.delete(table, 3, axis=0).mean(0))
    both = pd.concat([pairs_of(60), pairs_of(60).assign(defender="y", attacker="x")], ignore_index=True)
    told = by_people(both, tally(both, answers_of(table), resamples=5), dataset="toy").table["protocol"]
    assert told.str.contains("29 of 30 subjects kept").all()
    assert result.subjects.set_index("subject").agreement["s3"] < 0.5
    assert result.subjects.set_index("subject").agreement["s0"] > 0.9


@pytest.mark.parametrize(
    ("above", "below", "pairs", "kept"),
    [
        *((1, 1, 40, True), (1, 1, 39, False)),  # 5 per cent are let pass, more are not
        *((13, 7, 40, True), (12, 7, 40, False)),  # |P - Q| / (P + Q): .3 is one-sided, .26 is not
        *((7, 13, 40, True), (7, 12, 40, False)),  # and so below the mean
        *((4, 0, 40, True), (0, 4, 40, True)),  # all on one side: an opinion
    ],
)
def test_edges_of_the_recommendation(above, below, pairs, kept):
    """Nine subjects spread as a normal law does; a tenth answers as their mean, or two deviations off."""
    crowd = np.array([-1.5, -1, -0.6, -0.3, 0, 0.3, 0.6, 1, 1.5])[:, None] + np.zeros(pairs)
    odd = np.zeros(pairs)
    odd[:above], odd[above : above + below] = 3.05, -3.05  # 2.07 deviations, a kurtosis of 2.95
    found = screen(answers_of(np.vstack([crowd, odd]))).set_index("subject")
    assert found.loc["s9", ["outliers_above", "outliers_below", "kept"]].tolist() == [above, below, kept]
    assert found["kept"].drop("s9").all()


@pytest.mark.parametrize(
    ("column", "outliers"),
    [
        *(([0] * 20 + [1], 0), ([0] * 21 + [1], 1)),  # 4.36 and 4.48 deviations; the root of 20 is 4.47
        ([0] * 14 + [1, 1, -1, -1], 0),  # 2.06 deviations, but a kurtosis of 4.5
        ([0] * 22 + [1, -1] * 20 + [2, -2], 2),  # a kurtosis of 2 is normal still
        ([-1] * 24 + [1] * 24 + [2.2], 0),  # 2.06 deviations, but a kurtosis of 1.24
    ],
)
def test_what_is_normal_and_how_far_off_an_outlier_lies(column, outliers):
    found = screen(answers_of(np.array(column, dtype=float)[:, None]))
    assert found[["outliers_above", "outliers_below"]].to_numpy().sum() == outliers


def test_all_alike_are_all_kept():
    assert screen(answers_of(np.tile([50.0, -30.0], (5, 1)))).kept.all()


def test_turned_pairs_turn_the_sign_and_same_pictures_are_equal():
    pairs = pd.DataFrame(
        {"low_image": ["a0", "b0", "a1", "a0", None], "high_image": ["b0", "a0", "b1", "a0", None]}
    )
    found = tally(pairs, answers_of(np.array([[40.0], [60.0]])), resamples=5).preference
    assert found[:2].tolist() == [50, -50]
    assert np.isnan(found[2])
    assert found[3] == 0
    assert np.isnan(found[4])


def test_preferences_of_people_enter_the_competition():
    rng = np.random.default_rng(0)
    truth = pd.Series(rng.permutation(np.linspace(0, 100, 60)), index=[f"i{k:02d}" for k in range(60)])
    scores = pd.DataFrame(
        {"right": truth, "wrong": 100 - truth, "blind": rng.permutation(truth)}, index=truth.index
    )
    pairs = select_pairs(scores)
    asked = pairs[pairs.low_image.notna()]
    said = {tuple(sorted(p)) for p in zip(asked.low_image, asked.high_image, strict=True) if p[0] != p[1]}
    rows = [
        {"subject": s, "pair": pair_name(a, b), "first": a, "second": b, "value": float(truth[b] - truth[a])}
        for s, (a, b) in itertools.product(["p", "q", "r"], said)
    ]
    result = tally(pairs, pd.DataFrame(rows).assign(seconds=1.0), resamples=5)
    found = standings(pairs.assign(preference=result.preference), list(scores), dataset="toy", judge="people")
    ranks = found.table[found.table.statistic == "rank_score"].set_index("method").value
    assert ranks.idxmax() == "right"
    assert set(found.table.judge) == {"people"}


tables = hnp.arrays(
    float,
    st.tuples(st.integers(2, 5), st.integers(2, 8)),
    elements=st.sampled_from([np.nan, -100, -33, 0, 67]),
)


@settings(max_examples=60, deadline=None)
@given(tables)
def test_alpha_follows_the_definition_pair_by_pair(table):
    units = [column[~np.isnan(column)] for column in table.T]
    units = [unit for unit in units if len(unit) >= 2]
    every = np.concatenate(units) if units else np.array([])
    n = len(every)
    expected = (every[:, None] - every[None]) ** 2
    found = krippendorff_alpha(table)
    if n == 0 or expected.sum() == 0:
        assert np.isnan(found)
        return
    observed = sum(((u[:, None] - u[None]) ** 2).sum() / (len(u) - 1) for u in units) / n
    assert found == pytest.approx(1 - observed / (expected.sum() / (n * (n - 1))))


def test_alpha_of_a_published_example():
    """Krippendorff, Computing Krippendorff's alpha-reliability (2011), section D: interval alpha .849."""
    x = np.nan
    data = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, x, x, x],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, x, 3],
        [x, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, x],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, x],
    ]
    for unit in (1, 0.01):  # the scale is one of intervals
        assert krippendorff_alpha(unit * np.array(data)) == pytest.approx(0.849, abs=5e-4)


def test_agreement_has_an_interval_that_holds_it():
    result = tally(pairs_of(40), answers_of(crowd(6, 40, 30.0)[1]), resamples=200).agreement
    row = result[result.statistic == "krippendorff_alpha"].iloc[0]
    assert 0.3 < row.low < row.value < row.high < 1
    assert row.n == 40


def test_the_interval_of_the_agreement_is_expanded_and_none_of_four_pairs(monkeypatch):
    drawn = []

    def told(draws, **how):
        drawn.append(np.asarray(draws))
        return interval(draws, **how)

    monkeypatch.setattr("benchmark.gmad.tally.interval", told)
    four, eight = (tally(pairs_of(n), answers_of(crowd(6, n, 30.0)[1])).agreement.iloc[0] for n in (4, 8))
    assert np.isnan([four.low, four.high]).all()
    # Hesterberg 2015, section 3.3.
    reach = stats.norm.cdf(stats.t.ppf(0.975, 7) * np.sqrt(8 / 7))
    assert (eight.low, eight.high) == pytest.approx(np.nanquantile(drawn[1], [1 - reach, reach]))


@pytest.mark.parametrize("both", [0, 4, 8])
def test_a_pair_that_one_subject_judged_makes_no_agreement_surer(both):
    table = crowd(6, 40, 30.0)[1]
    table[:, both:] = np.where(np.arange(6)[:, None] == np.arange(40 - both) % 6, table[:, both:], np.nan)
    row = tally(pairs_of(40), answers_of(table), resamples=200).agreement.iloc[0]
    some = tally(pairs_of(40), answers_of(table[:, :both]), resamples=200).agreement.iloc[0] if both else row
    assert row.n == both
    assert np.isnan(row.value) == (both == 0)
    assert np.isfinite([row.low, row.high]).all() == (both > 4)
    assert both == 0 or (row.value, row.n) == (pytest.approx(some.value), some.n)


def saved(folder, name="ann", **changes):
    answer = {
        "pair": pair_name("a", "b"),
        "left": "b",
        "right": "a",
        "choice": "left",
        "strength": 67,
        "seconds": 2.5,
    }
    content = {"format": "gmad-answers-1", "study": "s", "subject": name, "answers": [{**answer, **changes}]}
    file = folder / f"{name}.json"
    file.write_text(json.dumps(content))
    return file, content


def test_answers_are_read_by_name_and_not_by_side(tmp_path):
    files = [
        saved(tmp_path, "ann")[0],
        saved(tmp_path, "bob", left="a", right="b", choice="right")[0],
        saved(tmp_path, "cat", choice="right", strength=33)[0],
        saved(tmp_path, "dan", choice="same", strength=0)[0],
    ]
    found = read_answers(files)
    assert found[["subject", "first", "second", "value"]].to_numpy().tolist() == [
        ["ann", "a", "b", 67],
        ["bob", "a", "b", 67],
        ["cat", "a", "b", -33],
        ["dan", "a", "b", 0],
    ]


def test_bad_files_are_named(tmp_path):
    with pytest.raises(ValueError, match="no files"):
        read_answers([])
    with pytest.raises(ValueError, match=r"gone\.json does not exist"):
        read_answers([tmp_path / "gone.json"])
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json is not JSON"):
        read_answers([broken])
    broken.write_text("[]")
    with pytest.raises(ValueError, match=r"broken\.json is not a file of answers"):
        read_answers([broken])
    with pytest.raises(ValueError, match="changed by hand"):
        read_answers([saved(tmp_path, strength=167)[0]])
    with pytest.raises(ValueError, match="an answer is broken"):
        read_answers([saved(tmp_path, choice="neither")[0]])
    file, content = saved(tmp_path)
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="both by the subject 'ann'"):
        read_answers([file, other])
    other.write_text(json.dumps({**content, "subject": "bob", "study": "t"}))
    with pytest.raises(ValueError, match="different studies"):
        read_answers([file, other])
    file.write_text(json.dumps({**content, "answers": content["answers"] * 2}))
    with pytest.raises(ValueError, match="answered twice"):
        read_answers([file])


@pytest.mark.parametrize(("strength", "fits"), [(0, True), (100, True), (-1, False), (101, False)])
def test_a_strength_is_from_0_to_100(tmp_path, strength, fits):
    file = saved(tmp_path, strength=strength)[0]
    if fits:
        assert read_answers([file]).value.item() == strength
        return
    with pytest.raises(ValueError, match="changed by hand"):
        read_answers([file])


@pytest.mark.parametrize("changes", [{"left": None}, {"left": 7}, {"seconds": "soon"}, {"pair": "0" * 12}])
def test_an_answer_that_no_page_would_save_is_named(tmp_path, changes):
    with pytest.raises(ValueError, match=r"an answer (is broken|was changed by hand)"):
        read_answers([saved(tmp_path, **changes)[0]])


def test_agreement_with_the_others_needs_three_pairs():
    table = np.array([[10.0, 50, -20], [0, 60, -50], [20, 40, -30]])
    three = tally(pairs_of(3), answers_of(table), resamples=5).subjects.set_index("subject")
    assert three.agreement.tolist() == [1, 1, 1]
    assert three.seconds.tolist() == [1, 2, 3]
    two = tally(pairs_of(2), answers_of(table[:, :2]), resamples=5).subjects
    assert two.agreement.isna().all()


def test_answers_about_strange_pairs_are_named():
    with pytest.raises(ValueError, match="the first about 'a5' and 'b5'"):
        tally(pairs_of(5), answers_of(np.ones((2, 6))))


def test_a_subject_agrees_with_the_mean_of_the_others_that_were_kept():
    table = crowd(8, 30, noise=60.0)[1]
    table[2] = np.random.default_rng(1).choice([-100.0, 100.0], 30)
    table[5, :10] = np.nan
    found = tally(pairs_of(30), answers_of(table), resamples=5).subjects.set_index("subject")
    kept = [found["kept"][f"s{k}"] for k in range(8)]
    for k in range(8):
        others = [row for m, row in enumerate(table) if m != k and kept[m]]
        expected = stats.spearmanr(table[k], np.nanmean(others, axis=0), nan_policy="omit").statistic
        assert found["agreement"][f"s{k}"] == pytest.approx(expected)
        assert found["seconds"][f"s{k}"] == 1 + k


def test_intervals_of_what_people_judged_are_over_the_references():
    rng = np.random.default_rng(3)
    images = [f"i{k:02d}" for k in range(60)]
    scores = pd.DataFrame(rng.uniform(0, 100, (60, 3)), index=images, columns=list("abc"))
    references = pd.Series(np.arange(60) % 12, index=images)
    pairs = select_pairs(scores)
    asked = pairs[pairs["low_image"].notna() & pairs["low_image"].ne(pairs["high_image"])]
    said = sorted({tuple(sorted(p)) for p in zip(asked["low_image"], asked["high_image"], strict=True)})
    rows = [
        (f"s{s}", pair_name(a, b), a, b, float(np.clip(rng.normal(10, 40), -100, 100)), 1.0)
        for s in range(5)
        for a, b in said
    ]
    answers = pd.DataFrame(rows, columns=["subject", "pair", "first", "second", "value", "seconds"])
    found = tally(pairs, answers, resamples=5)
    judged = by_people(pairs, found, dataset="toy", seed=1, references=references).table
    expected = standings(
        pairs.assign(preference=found.preference), list("abc"),
        dataset="toy", judge="people", seed=1, references=references,
    ).table  # fmt: skip
    pd.testing.assert_frame_equal(judged.drop(columns="protocol"), expected.drop(columns="protocol"))
    met = {
        name: {references[image] for side in ("low_image", "high_image") for image in part[side]}
        for name, part in asked.groupby("attacker")
    }
    own = judged[judged["statistic"].eq("aggressiveness")].set_index("method")["units"]
    assert own.to_dict() == {name: len(of) for name, of in met.items()}
    assert judged["protocol"].str.contains("bootstrap of references (12)", regex=False).all()
    assert judged["protocol"].str.contains("of 5 subjects kept, screened", regex=False).all()
