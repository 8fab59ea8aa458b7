"""`iqa splits` and `iqa verify`: leaks within a set and across sets, splits made and read again."""

import os
import re

import pandas as pd
import pytest
import torch

from benchmark import datasets
from benchmark.datasets import fingerprints
from benchmark.datasets._photographs import PHOTOGRAPHS, read_photograph
from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.images import write_png
from tests.datasets.typed import add, iqa


def test_leaks_are_found_within_a_set_and_across_sets(here):
    add(here, "--high", 100, "--yes")
    datasets.prepare("lab", here / "data")
    images = datasets.load("lab", here / "data").manifest["image"].tolist()
    parts = ["train"] * 10 + ["test"] * 2
    pd.DataFrame({"image": images, "split_1": parts}).to_csv(here / "s.csv", index=False)
    ended = iqa("splits", "check", "lab", "--splits", here / "s.csv", "--out", here / "leaks.csv")
    assert ended.exit_code == 3, ended.output
    found = pd.read_csv(here / "leaks.csv")[["kind", "train", "test"]].values.tolist()
    assert found == [["identical", images[0], images[10]], ["near", images[1], images[11]]]
    pd.DataFrame({"image": images[:10], "split_1": parts[1:11]}).to_csv(here / "s.csv", index=False)
    assert iqa("splits", "check", "lab", "--splits", here / "s.csv").exit_code == 0
    os.makedirs(here / "other")
    (here / "other/x.png").write_bytes((here / "lab/p3.png").read_bytes())
    datasets.prepare("other", here / "data", kind="folder", source=here / "other")
    ended = iqa("splits", "check", "lab", "--test", "other")
    assert ended.exit_code == 3
    assert f"lab -> other: 1 identical, first {images[3]} and images/x.png" in ended.stdout


def test_crops_across_sets_are_told_with_the_part_that_both_show_and_refuted_ones_are_said(here):
    photograph = read_photograph(PHOTOGRAPHS[0], 300)
    for name, image in {
        "lab/whole.png": photograph,
        "other/cut.png": photograph[:, 40:250, 100:415],
        "other/leaves.png": dead_leaves(300, 5),
        "other/flat.png": torch.full((3, 60, 60), 0.5),
        # Looks that agree by chance: one ramp, and in it other details.
        "lab/ramp.png": ramp(1),
        "other/ramp.png": ramp(2),
    }.items():
        os.makedirs(here / name.split("/")[0], exist_ok=True)
        write_png(here / name, image)
    for name in ("lab", "other"):
        datasets.prepare(name, here / "data", kind="folder", source=here / name)
    ended = iqa("splits", "check", "lab", "--test", "other", "--out", here / "leaks.csv")
    assert ended.exit_code == 3
    assert "lab -> other: 1 crop, first images/whole.png and images/cut.png\n" in ended.stdout
    assert "1 that looked near are not, first images/ramp.png and images/ramp.png" in ended.stderr
    assert "other: 1 of 4 pictures show too little" in ended.stderr
    assert "1 leaks" in ended.stderr
    found = pd.read_csv(here / "leaks.csv").set_index("kind")
    assert found["standing"].to_dict() == {"near": "refuted", "crop": "confirmed"}
    assert found.loc["crop", "of_train"] == pytest.approx(0.7 * 315 / 450, abs=0.02)
    assert found.loc["crop", "of_test"] == pytest.approx(1, abs=0.02)
    # Nothing but what was refuted: no leak.
    os.unlink(here / "other/cut.png")
    datasets.prepare("other", here / "data", kind="folder", source=here / "other")
    assert iqa("splits", "check", "lab", "--test", "other").exit_code == 0


def ramp(seed):
    """Brighter to the right and below, with details whose means over nine by nine fields are nought."""
    draw = torch.Generator().manual_seed(seed)
    details = torch.rand(9, 6, 9, 6, generator=draw)
    details -= details.mean((1, 3), keepdim=True)
    details = details.reshape(54, 54).repeat_interleave(6, 0).repeat_interleave(6, 1)
    way = torch.linspace(0.2, 0.5, 324)
    return ((way + way[:, None]) * 0.8 + 0.2 * details).expand(3, -1, -1)


def test_no_picture_is_decoded_twice_by_verify_and_splits_check(here, monkeypatch):
    add(here, "--high", 100, "--yes")
    datasets.prepare("lab", here / "data")
    manifest = datasets.load("lab", here / "data").manifest
    manifest.assign(split_1="train")[["image", "split_1"]].to_csv(here / "s.csv", index=False)
    assert iqa("verify", "lab").exit_code == 0
    monkeypatch.setattr(fingerprints.images, "read", lambda path: pytest.fail(f"{path} is decoded again"))
    assert iqa("splits", "check", "lab", "--splits", here / "s.csv").exit_code == 0
    assert iqa("verify", "lab").exit_code == 0


def test_splits_are_made_and_read_again(here):
    add(here, "--high", 100, "--yes")
    datasets.prepare("lab", here / "data")
    assert iqa("splits", "make", "lab", "--out", here / "s.csv", "--splits", 3).exit_code == 0
    table = pd.read_csv(here / "s.csv")
    assert list(table) == ["image", "split_1", "split_2", "split_3"]
    assert table["split_1"].value_counts().to_dict() == {"train": 8, "test": 3, "val": 1}
    ended = iqa("splits", "make", "lab", "--out", here / "o.csv", "--official")
    assert "lab has no official split" in str(ended.exception)


def test_a_set_without_official_split_is_checked_by_the_commands_that_the_message_names(here, monkeypatch):
    add(here, "--high", 100, "--yes")
    datasets.prepare("lab", here / "data")
    monkeypatch.chdir(here)
    commands = re.findall("`iqa ([^`]*)`", str(iqa("splits", "check", "lab").exception))
    assert [command.split()[:3] for command in commands] == [["splits", w, "lab"] for w in ("make", "check")]
    assert [iqa(*command.split()).exit_code for command in commands] in ([0, 0], [0, 3])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "make lab --out s.csv --official --published there",
            "--official and --published are different splits",
        ),
        ("make lab --out s.csv --official --splits 3", "--official and --splits or --seed are different"),
        (
            "make lab --out s.csv --published there --seed 3",
            "--published and --splits or --seed are different",
        ),
        ("check lab --splits s.csv --test other", "whatever --splits says"),
    ],
)
def test_options_of_splits_that_would_do_nothing_are_refused(here, words, said):
    with pytest.raises(ValueError, match=said):
        raise iqa("splits", *words.split()).exception
    assert not (here / "s.csv").exists()
