"""Leaks are found: references, files, looks, crops; and the pictures of a pair confirm or refute it."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmark.datasets._photographs import PHOTOGRAPHS, read_photograph
from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.datasets.fingerprints import looks_of
from benchmark.datasets.leaks import bare, leaks, search
from benchmark.datasets.leaks.placing import mirrored, placed
from benchmark.datasets.points import COUNT, POINT, SIDE, packed, points_of, unpacked
from benchmark.images import read


def test_each_kind_of_leak_is_found_once():
    train = pd.DataFrame(
        {
            "image": ["a", "b", "c", "d"],
            "reference": ["r1", "r2", np.nan, np.nan],
            "sha256": ["1", "2", "3", ""],
            "looks": ["f" * 32, "0f" * 16, "00ff" * 8, ""],
        }
    )
    test = pd.DataFrame(
        {
            "image": ["s", "t", "u", "v", "w"],
            "reference": ["r1", "r9", np.nan, np.nan, np.nan],
            "sha256": ["7", "2", "8", "9", ""],
            "looks": ["f" * 32, "0f" * 16, "00ff" * 7 + "00f0", "3c" * 16, ""],
        }
    )
    found = leaks(train, test)[["kind", "train", "test", "bits"]]
    assert found.values.tolist() == [
        ["reference", "a", "s", 0],
        ["identical", "b", "t", 0],
        ["near", "c", "u", 4],
    ]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 12))
def test_near_duplicates_are_those_of_a_plain_search(seed, near):
    draw = np.random.default_rng(seed)
    words = draw.integers(0, 256, (12, 16), dtype=np.uint8)
    others = words[draw.integers(0, 12, 15)].copy()
    for row in others:
        for bit in draw.integers(0, 128, draw.integers(0, 16)):
            row[bit // 8] ^= 1 << (bit % 8)
    one, two = ([bytes(row).hex() for row in rows] for rows in (words, others))
    train = pd.DataFrame({"image": [f"a{i}" for i in range(12)], "reference": np.nan, "looks": one})
    test = pd.DataFrame({"image": [f"b{i}" for i in range(15)], "reference": np.nan, "looks": two})
    found = leaks(train, test, near)
    plain = {}
    for j, right in enumerate(two):
        bits = min((int(left, 16) ^ int(right, 16)).bit_count() for left in one)
        if bits <= near:
            plain[f"b{j}"] = bits
    assert dict(zip(found["test"], found["bits"], strict=True)) == plain


def test_a_mirrored_copy_is_found_and_said(tmp_path):
    """Mirrored, scaled and compressed, as augmented sets hold them."""
    draw = np.random.default_rng(0)
    rows = {"train": [], "test": []}
    for index in range(6):
        fields = draw.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        picture = Image.fromarray(fields).resize((480, 357), Image.Resampling.BICUBIC)
        turned = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if index % 2 else picture
        turned.resize((300, 223)).save(tmp_path / "a.jpg", quality=40)
        picture.save(tmp_path / "a.png")
        for part, file in (("train", "a.png"), ("test", "a.jpg")):
            rows[part].append((f"{part}{index}", looks_of(read(tmp_path / file))))
    train, test = (
        pd.DataFrame(rows[part], columns=["image", "looks"]).assign(reference=np.nan) for part in rows
    )
    found = leaks(train, test)
    assert found["kind"].tolist() == ["near", "mirrored"] * 3
    assert found["train"].tolist() == [f"train{index}" for index in range(6)]
    assert found["test"].tolist() == [f"test{index}" for index in range(6)]


def as_pil(image):
    return Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())


def as_tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


@pytest.fixture(scope="module")
def photographs():
    """The photographs of the packages, and as many pictures of none of them."""
    found = {one.name: as_pil(read_photograph(one, 300)) for one in PHOTOGRAPHS[2:6]}
    leaves = (dead_leaves(300, seed) for seed in range(2))
    return found | {f"leaves{index}": as_pil(one) for index, one in enumerate(leaves)}


def cut(picture, keep, draw):
    """A crop that keeps `keep` of each side, anywhere, and where its corner lies."""
    width, height = picture.size
    across, down = round(width * keep), round(height * keep)
    left, top = int(draw.integers(0, width - across + 1)), int(draw.integers(0, height - down + 1))
    return picture.crop((left, top, left + across, top + down)), (left, top)


def content(folder, pictures, **saved):
    """Pictures written to files, and what is known of each."""
    folder.mkdir()
    rows = []
    for name, picture in pictures.items():
        path = folder / f"{name}.{'jpg' if saved else 'png'}"
        picture.save(path, **saved)
        image = read(path)
        rows.append((name, np.nan, path, looks_of(image), packed(points_of(image))))
    return pd.DataFrame(rows, columns=["image", "reference", "path", "looks", "points"])


def test_points_of_a_mirrored_picture_are_the_mirrored_points(photographs):
    for name in ("astronaut", "coffee", "leaves0"):
        image = as_tensor(photographs[name])
        one, other = mirrored(points_of(image)), points_of(image.flip(2))
        assert len(one) == len(other) == COUNT
        gap = np.abs(one["x"][:, None] - other["x"]) + np.abs(one["y"][:, None] - other["y"])
        near = gap.argmin(1)
        bits = np.bitwise_count(one["code"] ^ other["code"][near]).sum(1)
        assert np.median(gap.min(1)) <= 2  # of sixteenths of a pixel
        assert np.median(bits) <= 4  # of codes that are not mirrored about 64
        unturned = np.bitwise_count(one["code"][:, ::-1] ^ other["code"][near]).sum(1)
        assert np.median(unturned) > 30


@pytest.mark.parametrize(("keep", "how"), [(0.9, "half the size"), (0.7, "mirrored"), (0.5, "as it is")])
def test_a_crop_is_laid_where_it_was_cut(photographs, keep, how):
    draw = np.random.default_rng(1)
    laid = 0
    for picture in photographs.values():
        crop, (left, top) = cut(picture, keep, draw)
        seen = crop.resize((crop.width // 2, crop.height // 2)) if how == "half the size" else crop
        seen = seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if how == "mirrored" else seen
        points = points_of(as_tensor(seen))
        found = placed(mirrored(points) if how == "mirrored" else points, points_of(as_tensor(picture)))
        if found is not None:
            laid += 1
            unit = (picture.width * picture.height) ** 0.5 / SIDE
            right = (left + crop.width / 2 - picture.width / 2) / unit
            below = (top + crop.height / 2 - picture.height / 2) / unit
            assert found[1] == pytest.approx((keep, keep, right, below), rel=0.02, abs=2)
    assert laid >= len(photographs) - 1


def test_pictures_of_another_content_are_not_laid(photographs):
    points = [points_of(as_tensor(picture)) for picture in photographs.values()]
    for index, one in enumerate(points):
        assert not any(placed(one, other) or placed(mirrored(one), other) for other in points[:index])


def test_crops_are_found_with_their_pictures_and_the_part_that_both_show(photographs, tmp_path):
    draw = np.random.default_rng(2)
    cuts = {f"cut {name}": cut(picture, 0.7, draw)[0] for name, picture in photographs.items()}
    for index, name in enumerate(cuts):
        if index % 2:
            cuts[name] = cuts[name].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    cuts |= {f"other {seed}": as_pil(dead_leaves(300, 90 + seed)) for seed in range(2)}
    train, test = content(tmp_path / "a", photographs), content(tmp_path / "b", cuts, quality=40)
    found = leaks(train, test)
    assert (found["test"] == "cut " + found["train"]).all()
    assert found["standing"].eq("confirmed").all()
    kinds = ["mirrored crop" if list(cuts).index(name) % 2 else "crop" for name in found["test"]]
    assert found["kind"].tolist() == kinds
    assert len(found) >= len(photographs) - 1
    assert found["of_train"].between(0.46, 0.52).all()
    assert found["of_test"].ge(0.97).all()
    # The other way round: the crop was trained on.
    turned = leaks(test, train)
    assert set(zip(turned["train"], turned["test"], strict=True)) == set(
        zip(found["test"], found["train"], strict=True)
    )
    assert turned["of_test"].between(0.46, 0.52).all()


def test_a_pair_that_look_and_points_propose_is_one_row(photographs, tmp_path):
    draw = np.random.default_rng(4)
    crops = {name: cut(picture, 0.92, draw)[0] for name, picture in photographs.items()}
    train, test = content(tmp_path / "a", photographs), content(tmp_path / "b", crops)
    found = leaks(train, test, near=32)
    assert not found.duplicated(["train", "test"]).any()
    right = found[found["standing"] == "confirmed"]
    assert (right["train"] == right["test"]).all()
    assert sorted(right["test"]) == sorted(crops)
    assert right["of_train"].between(0.82, 0.87).all()


def test_crops_of_one_content_are_listed_under_their_reference_alone(photographs, tmp_path):
    train = content(tmp_path / "a", {"coffee": photographs["coffee"]}).assign(reference="r")
    crop = cut(photographs["coffee"], 0.8, np.random.default_rng(0))[0]
    test = content(tmp_path / "b", {"crop": crop})
    assert leaks(train, test.assign(reference="r"))["kind"].tolist() == ["reference"]
    assert leaks(train, test)["kind"].tolist() == ["crop"]


def test_a_look_that_two_pictures_share_by_chance_is_refuted_and_said(tmp_path):
    """The means of nine by nine fields are the same, what is in them is not; a noisy copy is the same."""
    draw = np.random.default_rng(3)
    across, down = np.meshgrid(np.linspace(0, 4, 360), np.linspace(0, 5, 360))
    fields = (128 + 60 * np.sin(across) * np.cos(down))[..., None].repeat(3, 2)

    def filled():
        grain = draw.normal(0, 25, (45, 45, 1)).repeat(8, 0).repeat(8, 1)
        inside = grain.reshape(9, 40, 9, 40)
        return (inside - inside.mean((1, 3), keepdims=True)).reshape(360, 360, 1)

    one = np.clip(fields + filled(), 0, 255)
    pictures = {
        "one": one,
        "other": np.clip(fields + filled(), 0, 255),
        "copy": np.clip(one + draw.normal(0, 20, one.shape), 0, 255),
        "turned": one[:, ::-1],
    }
    pictures = {name: Image.fromarray(picture.astype(np.uint8)) for name, picture in pictures.items()}
    known = content(tmp_path / "a", pictures)
    train, test = known[:1], known[1:]
    found = leaks(train, test)
    assert found[["kind", "test", "standing"]].values.tolist() == [
        ["near", "other", "refuted"],
        ["near", "copy", "confirmed"],
        ["mirrored", "turned", "confirmed"],
    ]
    assert found["correlation"][1:].min() > 0.7 > 0.3 > found["correlation"][0]
    # What cannot be opened any more is neither refuted nor dropped.
    (tmp_path / "a/one.png").unlink()
    assert leaks(train, test)["standing"].unique().tolist() == ["unseen"]


def test_too_flat_pictures_have_no_points_and_are_counted(photographs):
    flat = torch.full((3, 64, 80), 0.5)
    assert packed(points_of(flat)) == ""
    assert len(points_of(torch.rand(3, 3, 3, generator=torch.Generator().manual_seed(0)))) <= COUNT
    kept = packed(points_of(as_tensor(photographs["coffee"])))
    assert (unpacked(kept) == points_of(as_tensor(photographs["coffee"]))).all()
    assert bare(pd.DataFrame({"points": ["", kept]})) == 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32))
def test_pairs_are_those_of_a_plain_search(seed):
    """Against a loop over all pairs of pictures, points and quarters; and whatever the blocks."""
    draw = np.random.default_rng(seed)
    pool = np.zeros(12, POINT)
    pool["code"] = draw.integers(0, 2**64, (12, 2), dtype=np.uint64)
    pool["x"], pool["y"] = draw.integers(-2000, 2000, (2, 12))
    pool["size"] = draw.integers(40, 60, 12)

    def picture():
        points = pool[draw.integers(0, 12, draw.integers(0, 7))].copy()
        for point in points:
            for bit in draw.integers(0, 128, draw.choice([0, 2, 8, 20])):
                point["code"][bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
        points["x"] += draw.integers(-200, 200)
        return points

    train = [picture() for _ in range(7)]
    test = [mirrored(picture()) if row % 2 else picture() for row in range(9)]
    plain = set()
    for row, one in enumerate(test):
        for turned in (False, True):
            points = mirrored(one) if turned else one
            plain |= {(row, other, turned) for other, two in enumerate(train) if agree(points, two)}
    for block in (25_000, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search, "BLOCK", block)
            assert {pair[:3] for pair in search.pairs(train, test)} == plain


def agree(test, train):
    """Whether two shared points say the same of how one picture lies in the other."""
    shared = []
    for i, one in enumerate(test):
        for j, two in enumerate(train):
            bits = [int(a) ^ int(b) for a, b in zip(one["code"], two["code"], strict=True)]
            quarters = [word >> shift & (2**32 - 1) for word in bits for shift in (0, 32)]
            if 0 in quarters and sum(word.bit_count() for word in bits) <= 16:
                shared.append((sum(word.bit_count() for word in bits), i, j))
    said = []
    for _, i, j in sorted(shared):
        one, two = test[i], train[j]
        grown = (int(two["size"]) - int(one["size"])) / 16
        shift = [(int(two[axis]) - 2**grown * int(one[axis])) / 16 for axis in "xy"]
        said.append((i, j, grown, *shift))
    for k, one in enumerate(said):
        for two in said[max(k - 3, 0) : k]:
            zoom = max(2 ** one[2], 1)
            apart = one[0] != two[0] and one[1] != two[1]
            close = max(abs(one[3] - two[3]), abs(one[4] - two[4])) < 32 * zoom
            if apart and close and abs(one[2] - two[2]) < 0.5:
                return True
    return False
