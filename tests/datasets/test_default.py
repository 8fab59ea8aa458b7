"""The data sets of the default, made small: content, structure, proxy, and the same bytes every time."""

import hashlib
import itertools

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.datasets import _distorted, _photographs, demo, load, names, prepare, proxy
from benchmark.datasets._photographs import (
    PHOTOGRAPHS,
    centre_square,
    photograph_path,
    read_photograph,
    tiles,
)
from benchmark.datasets._seeds import item_seed
from benchmark.degradations import GROUPS
from benchmark.images import read

KINDS = [kind for kinds in GROUPS.values() for kind in kinds]
SMALL = {
    "pristine": {"size": 48, "leaves": 20},
    "demo": {"size": 48, "types": 4, "levels": [2, 4]},
    "leaves": {"size": 48, "count": 2, "levels": [1, 5]},
}
#: Levels that change no byte of a picture of this size, whatever it shows: published levels that are nothing.
NOTHING = {("gaublur", 1), ("meanshift", 1), ("motionblur", 1), ("colorsat2", 1)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, chosen in SMALL.items():
        prepare(name, folder, **chosen)
    return folder


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.name)
def test_every_photograph_ships_with_its_package_and_has_the_colours_that_are_stated(photograph):
    image = read(photograph_path(photograph))
    colour = (image.amax(0) - image.amin(0)).mean()
    assert colour == 0 if photograph.grey else colour > 0.02
    assert photograph.author
    assert photograph.licence


def test_training_and_test_share_no_content(root):
    demo, pristine = load("demo", root).manifest, load("pristine", root).manifest
    assert not set(demo["reference"]) & set(pristine["reference"])
    files = [photograph.file for photograph in PHOTOGRAPHS]
    assert len(set(files)) == len(files)
    leaves = {
        hashlib.sha256((root / f"leaves/images/leaves_{i:03d}_pristine_0.png").read_bytes()).hexdigest()
        for i in range(2)
    }
    assert not leaves & set(digests(root / "pristine").values())


def test_validation_is_a_tenth_of_the_leaves(root):
    manifest = load("pristine", root).manifest
    splits = manifest.groupby("reference")["split"].unique()
    assert splits.map(len).eq(1).all()
    held = set(manifest.loc[manifest["split"] == "val", "reference"])
    assert held == {"leaves_000", "leaves_010"}
    assert manifest["mos"].isna().all()


@pytest.mark.parametrize(("name", "references"), [("demo", 10), ("leaves", 2)])
def test_every_reference_has_every_type_that_it_gets_at_every_level_that_changes_it(root, name, references):
    data = load(name, root)
    pristine = data.manifest[data.manifest["level"] == 0]
    assert pristine["distortion"].unique().tolist() == ["pristine"]
    assert len(pristine) == pristine["reference"].nunique() == references
    rest = data.manifest[data.manifest["level"] > 0]
    rows = set(zip(rest["reference"], rest["distortion"], rest["level"].astype(int), strict=True))
    assert len(rows) == len(rest)
    grey = {photograph.name for photograph in PHOTOGRAPHS if photograph.grey}
    colours = ("colorsat1", "colorsat2", "colordiff")
    wanted = {
        (reference, kind, level)
        for reference, kind in _distorted.dealt(pristine["reference"], KINDS, SMALL[name].get("types"), 0)
        for level in SMALL[name]["levels"]
        if (kind, level) not in NOTHING
    }
    # A grey picture stored in three channels may still change by a rounding of its colours.
    found, wanted = (
        {row for row in of if row[0] not in grey or row[1] not in colours} for of in (rows, wanted)
    )
    assert found == wanted
    assert all((data.root / image).is_file() for image in data.manifest["image"])
    assert data.record.rated_by == "proxy"


def test_a_photograph_gets_every_type_at_every_level_unless_told_otherwise(monkeypatch, tmp_path):
    given = []
    monkeypatch.setattr(demo, "write_distorted", lambda *of: given.extend(of))
    demo.prepare(tmp_path, size=48)
    _, _, references, labels, _ = given
    assert len(references) == 10
    assert sorted(labels) == sorted(itertools.product(references, KINDS, range(1, 6)))


def test_no_picture_of_a_test_set_is_its_reference(root):
    for name in ("demo", "leaves"):
        data = load(name, root)
        pristine = data.manifest[data.manifest["level"] == 0].set_index("reference")["image"]
        for row in data.manifest[data.manifest["level"] > 0].itertuples():
            one, other = data.root / row.image, data.root / pristine[row.reference]
            assert not torch.equal(read(one), read(other)), row.image


@settings(max_examples=40)
@given(
    references=st.integers(1, 70),
    levels=st.lists(st.integers(1, 5), min_size=1, max_size=5, unique=True),
    share=st.integers(0, 20),
    seed=st.integers(0, 5),
)
def test_types_and_levels_are_dealt_evenly(references, levels, share, seed):
    cells = 24 * len(levels)
    divisors = [n for n in range(1, cells + 1) if cells % n == 0]
    each = divisors[share % len(divisors)]
    names = [f"picture_{index}" for index in range(references)]
    deck = [(kind, level) for kind in KINDS for level in levels]
    dealt = pd.DataFrame(
        [(name, *card) for name, card in _distorted.dealt(names, deck, each, seed)],
        columns=["reference", "kind", "level"],
    )
    assert not dealt.duplicated().any()
    assert dealt["reference"].value_counts().to_dict() == dict.fromkeys(names, each)
    counts = dealt.groupby(["kind", "level"]).size()
    times, left = divmod(references * each, cells)
    assert counts.max() <= times + bool(left)
    assert (counts.min() if len(counts) == cells else 0) >= times


def test_what_is_dealt_depends_on_the_seed_and_stays_when_references_are_added():
    few, many = (_distorted.dealt([f"p{i}" for i in range(n)], range(120), 8, 0) for n in (20, 40))
    assert many[: len(few)] == few
    assert _distorted.dealt([f"p{i}" for i in range(20)], range(120), 8, 1) != few


def test_a_photograph_gets_its_types_at_every_level(root):
    rows = load("demo", root).manifest.query("level > 0")
    grey = [photograph.name for photograph in PHOTOGRAPHS if photograph.grey]
    steps = rows[~rows["reference"].isin(grey)].groupby(["reference", "distortion"])["level"].apply(list)
    assert steps.map(lambda levels: levels == [2, 4]).all()
    assert steps.groupby("reference").size().to_dict() == dict.fromkeys(
        ["astronaut", "chelsea", "coffee", "rocket", "hopper"], 4
    )
    assert rows.groupby("reference")["distortion"].nunique().le(4).all()


def test_a_hand_that_does_not_divide_the_deck_is_refused(tmp_path):
    with pytest.raises(ValueError, match="7 a reference do not divide the 120 that are dealt"):
        prepare("leaves", tmp_path, size=48, count=1, levels=[1, 2, 3, 4, 5], each=7)


def test_scores_are_those_of_the_pictures_as_written(root):
    data = load("demo", root)
    kept = pd.read_csv(data.root / "proxy.csv")
    assert kept["image"].tolist() == data.manifest["image"].tolist()
    for index in (0, 7, 30, 70):
        row = data.manifest.iloc[index]
        reference = read(data.root / f"images/{row['reference']}_pristine_0.png")
        measured = proxy.measure(read(data.root / row["image"])[None], reference[None])
        assert measured.iloc[0].tolist() == pytest.approx(
            kept.loc[index, list(proxy.METRICS)].tolist(), rel=1e-4, abs=1e-6
        )
    assert data.manifest["mos"].tolist() == pytest.approx(proxy.combine(kept).tolist(), abs=1e-4)


def test_the_proxy_puts_strong_degradations_below_weak_ones(root):
    manifest = load("leaves", root).manifest
    means = manifest.groupby("level")["mos"].mean()
    assert means[0] > means[1] > means[5]
    by_level = manifest[manifest["level"] > 0].pivot_table(index="distortion", columns="level", values="mos")
    both = by_level.dropna()
    assert len(both) == len(KINDS) - len(NOTHING)
    assert (both[1] > both[5]).all()


def test_preparing_again_gives_the_same_bytes_for_any_number_of_threads(root, tmp_path):
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            prepare("leaves", tmp_path / str(threads), size=48, count=1, levels=[3])
        torch.set_num_threads(2 if before == 1 else 1)
        prepare("pristine", tmp_path, **SMALL["pristine"])
    finally:
        torch.set_num_threads(before)
    assert digests(tmp_path / "1/leaves") == digests(tmp_path / "2/leaves")
    assert digests(tmp_path / "pristine") == digests(root / "pristine")


def test_another_seed_gives_other_leaves_under_the_same_names(root, tmp_path):
    prepare("pristine", tmp_path, **SMALL["pristine"], seed=1)
    old, new = digests(root / "pristine"), digests(tmp_path / "pristine")
    assert old.keys() == new.keys()
    changed = {name for name in old if old[name] != new[name]}
    assert changed == {"pictures.csv", *(f"images/leaves_{index:03d}.png" for index in range(20))}


def test_item_seeds_tell_items_apart():
    seeds = {item_seed(seed, a, b) for seed in (0, 1) for a in ("x", "y") for b in ("x", "y")}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize(("height", "width", "size"), [(427, 640, 256), (48, 48, 48), (50, 200, 48)])
def test_tiles_cover_every_pixel(height, width, size):
    places = torch.arange(height * width).reshape(1, height, width)
    cut = tiles(places, size)
    assert {tuple(tile.shape) for tile in cut} == {(1, size, size)}
    assert torch.cat([tile.flatten() for tile in cut]).unique().numel() == height * width


def test_centre_square_keeps_the_middle():
    square = centre_square(torch.arange(6.0).expand(3, 2, 6))
    assert square[0].tolist() == [[2, 3], [2, 3]]


def test_photographs_are_never_enlarged():
    with pytest.raises(ValueError, match=r"'chelsea' is 451x300, too small.*at most 300"):
        read_photograph(next(p for p in PHOTOGRAPHS if p.name == "chelsea"), 301)


def test_a_package_without_the_photograph_is_named(monkeypatch):
    monkeypatch.setattr(_photographs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"astronaut\.png.*'skimage'.*requirements\.lock"):
        photograph_path(next(p for p in PHOTOGRAPHS if p.name == "astronaut"))


@pytest.mark.parametrize("levels", [[], [0, 1], [6]])
def test_levels_out_of_range_are_refused(tmp_path, levels):
    with pytest.raises(ValueError, match="levels among 1 to 5"):
        prepare("leaves", tmp_path, size=48, levels=levels)
    assert "leaves" in names()
