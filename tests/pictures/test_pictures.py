"""The room of pictures: bands and residuals against oracles, small copies against properties."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.optimize import curve_fit
from scipy.special import expit

from benchmark.pictures.band import band
from benchmark.pictures.failures import failures, opposed
from benchmark.pictures.residuals import explained
from benchmark.pictures.sample import sample
from benchmark.pictures.thumbnails import FULL, SIDE, Thumbnails, packed, reduced, thumbnail
from benchmark.statistics import fit


def noisy(n=4000, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, n)
    return x, 1 + 4 * expit(1.7 * x) + rng.normal(0, 0.5, n)


def test_the_band_is_that_of_scipy_where_errors_are_alike_and_independent():
    x, y = noisy()
    at = np.linspace(-2.5, 2.5, 7)
    low, high = band(fit(x, y), x, y, at)

    def curve(v, top, bottom, place, width):
        return bottom + (top - bottom) * expit((v - place) / width)

    found, covariance = curve_fit(curve, x, y, (5, 1, 0, 0.6))
    draws = np.random.default_rng(0).multivariate_normal(found, covariance, 4000)
    spread = np.std([curve(at, *draw) for draw in draws], axis=0)
    np.testing.assert_allclose((high - low) / 2 / 1.96, spread, rtol=0.12)
    np.testing.assert_allclose((high + low) / 2, curve(at, *found), atol=1e-3)


@pytest.mark.parametrize(("references", "banded"), [(1, False), (4, False), (5, True)])
def test_few_references_have_no_band(references, banded):
    """Of one reference the errors sum to 0 at the best curve, and a band from them is the curve itself."""
    g = np.random.default_rng(1)
    x = g.uniform(-3, 3, 200)
    y = np.tanh(x) + 0.3 * g.normal(size=200)
    low, high = band(fit(x, y), x, y, np.linspace(-2, 2, 5), np.arange(200) % references)
    assert (np.isfinite(low) & (low < high)).all() == banded
    assert np.isnan(low).all() == (not banded)


@pytest.mark.parametrize("form", ["logistic4", "logistic5"])
def test_copies_of_a_picture_in_its_cluster_make_the_band_no_narrower(form):
    x, y = noisy(300)
    at = np.linspace(-2, 2, 5)
    curve = fit(x, y, form)
    once = np.subtract(*band(curve, x, y, at, np.arange(300)))
    tenfold = np.subtract(*band(curve, np.tile(x, 10), np.tile(y, 10), at, np.tile(np.arange(300), 10)))
    np.testing.assert_allclose(tenfold, once, rtol=1e-6)
    unaware = np.subtract(*band(curve, np.tile(x, 10), np.tile(y, 10), at))
    assert (abs(unaware) < 0.4 * abs(once)).all()


def test_residuals_are_what_the_fitted_curve_leaves_and_nothing_is_left_out():
    x, y = noisy(200)
    names = [f"{i:03d}" for i in range(200)]
    manifest = pd.DataFrame({"image": names, "mos": y, "reference": ""})
    manifest.loc[7, "mos"] = np.nan
    scores = pd.DataFrame({"image": names, "score": x}).sample(frac=1, random_state=1)
    scores.loc[9, "score"] = np.inf
    left, curve = explained(scores, manifest)
    left = left.set_index("image")
    assert len(left) == 200
    assert left.loc["007", ["fitted", "residual"]].isna().all()
    assert np.isnan(left.loc["009", "residual"])
    rest = left.drop(["007", "009"])
    np.testing.assert_allclose(rest["fitted"] + rest["residual"], np.delete(y, [7, 9]))
    assert abs(rest["residual"].mean()) < 1e-6  # a curve with a free constant leaves no mean
    assert rest["residual"].std() < 0.55
    assert (curve["low"] < curve["fitted"]).all()
    assert (curve["fitted"] < curve["high"]).all()
    flat = explained(scores.assign(score=1.0), manifest)
    assert flat[0]["residual"].isna().all()
    assert flat[1].empty


def test_pictures_on_which_all_fail_are_those_that_none_gets_nearly_right():
    opinion = np.array([0.1, 0.5, 0.9, 0.3])
    ranks = np.array([[0.9, 0.5, 0.2, 0.9], [0.8, 0.6, 0.3, 0.3]])
    found = failures(ranks, opinion, 5)
    assert [place for place, _ in found] == [0, 2]  # of the fourth, one is right
    np.testing.assert_allclose([value for _, value in found], [0.7, -0.6])


def test_opposed_pairs_are_clear_to_people_and_far_apart_to_both():
    rng = np.random.default_rng(5)
    ranks = rng.permuted(np.tile(np.linspace(0.01, 0.99, 60), (2, 1)), axis=1)
    mos, error = rng.uniform(1, 5, 60), np.full(60, 0.4)
    found = opposed(ranks, mos, error, 6)
    used = found[["better", "worse"]].to_numpy().ravel()
    assert len(found) == 6
    assert len(set(used)) == 12
    assert found["margin"].is_monotonic_decreasing
    for row in found.itertuples():
        a, b = row.better, row.worse
        assert mos[a] - mos[b] > 1.96 * np.hypot(0.4, 0.4)
        apart = ranks[:, a] - ranks[:, b]
        assert apart[row.right] > 0 > apart[1 - row.right]
        assert row.margin == pytest.approx(abs(apart).min())
    # The widest of all is found by looking at each pair.
    best = max(
        min(abs(ranks[:, a] - ranks[:, b]))
        for a in range(60) for b in range(60)
        if mos[a] - mos[b] > 1.96 * np.hypot(0.4, 0.4) and np.prod(ranks[:, a] - ranks[:, b]) < 0
    )  # fmt: skip
    assert found["margin"].iloc[0] == pytest.approx(best)


def test_a_sample_keeps_extremes_and_knows_nothing_of_the_order():
    rng = np.random.default_rng(0)
    names = [f"p{i}" for i in range(3000)]
    values = pd.DataFrame({"a": rng.normal(size=3000), "b": rng.normal(size=3000)})
    kept = {names[k] for k in sample(names, values, 500, seed=1)}
    assert len(kept) == 500
    for _, column in values.items():
        ends = np.argsort(column.to_numpy())[[*range(25), *range(-25, 0)]]
        assert {names[k] for k in ends} <= kept
    turned = sample(names[::-1], values[::-1].reset_index(drop=True), 500, seed=1)
    assert {names[::-1][k] for k in turned} == kept
    assert {names[k] for k in sample(names, values, 500, seed=2)} != kept
    assert len(sample(names[:100], values[:100], 500)) == 100


def test_reducing_sharpens_nothing():
    edge = torch.zeros(3, 300, 420)
    edge[:, :, 200:] = 1
    small = reduced(edge)
    assert max(small.shape[1:]) == SIDE
    assert small.min() >= -1e-6
    assert small.max() <= 1 + 1e-6
    row = small[0, 50].numpy()
    assert (np.diff(row) >= -1e-6).all()  # no dark line before an edge, no bright one behind
    noise = torch.rand(3, 500, 500, generator=torch.Generator().manual_seed(0))
    assert reduced(noise).std() < noise.std()
    assert reduced(noise[:, :100, :90]).shape == (3, 100, 90)


def test_the_square_beside_the_whole_is_the_middle_at_full_size():
    y, x = torch.meshgrid(torch.arange(400.0), torch.arange(601.0), indexing="ij")
    picture = torch.stack([x / 601, y / 400, (x + y) / 1001])
    content, about = thumbnail(picture)
    shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) / 255
    assert (about["width"], about["height"], about["wide"], about["high"]) == (601, 400, SIDE, 96)
    assert about["crop"] % 8 == 0
    part = shown[:SIDE, about["crop"] : about["crop"] + SIDE]
    top, left = (400 - SIDE) // 2, (601 - SIDE) // 2
    want = picture[:, top : top + SIDE, left : left + SIDE].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(part, want, atol=0.03)
    whole = Image.fromarray((picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
    want = np.asarray(whole.resize((SIDE, 96), Image.Resampling.BILINEAR)) / 255
    np.testing.assert_allclose(shown[:96, :SIDE], want, atol=0.04)
    content, about = thumbnail(picture[:, :FULL, :100])
    assert (about["wide"], about["high"], about["crop"]) == (100, FULL, 0)


def test_an_archive_holds_what_can_be_read_and_says_what_cannot(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("NA.png", "b c.png"):
        Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    names = ["NA.png", "broken.png", "b c.png"]
    content = packed(tmp_path, names)
    assert content == packed(tmp_path, names)
    assert all(info.date_time[0] == 1980 for info in zipfile.ZipFile(io.BytesIO(content)).infolist())
    made = Thumbnails(content)
    assert [made.file(name) for name in (*names, "none")] == ["00000.jpg", "", "00002.jpg", ""]
    assert Image.open(io.BytesIO(made.read("b c.png"))).size == (40, 30)
    assert "broken.png" in made.index["broken.png"]["error"]
    assert str(tmp_path) not in made.index["broken.png"]["error"]


def test_grey_16_bits_and_profiles_are_read_as_the_suite_reads_them(tmp_path):
    Image.fromarray(np.full((20, 20), 32768, np.uint16)).save(tmp_path / "deep.png")
    made = Thumbnails(packed(tmp_path, ["deep.png"]))
    shown = np.asarray(Image.open(io.BytesIO(made.read("deep.png"))))
    assert abs(shown.astype(int) - 128).max() <= 1  # Pillow alone would show white
