"""What the limits say of memory, each figure measured in a process of its own.

The peak is that of ``/proc``, set back before the measurement: what getrusage gives a process begins with
what its parent had.
"""

import gc
import math
import os
import re
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import methods
from benchmark.images import ImageError, most, read, room, unit, write_png
from benchmark.scoring import score_files
from benchmark.scoring.conformance import pictures
from experiments.scoring.speed import STATUS, Peak
from methods._shared.training import loop
from methods.arniqa import pairs
from tests import apart
from tests.reference import arniqa as official_arniqa

ROOT = Path(__file__).parents[1]
SIZE = (2000, 1500)
#: So large that the allocator keeps nothing of it: above 32 MiB a plane goes back to the system.
HUGE = (4000, 3000)


class Nothing:
    """A method that does nothing."""

    name, higher_is_better = "nothing", True

    def score(self, images):
        return images[:, 0, 0, 0].clone()


def grows(say, name, settings, small, files, environment):
    """Load a method, score a small picture, then others; say by how much the memory grew meanwhile."""
    os.environ.update(environment)
    torch.set_num_threads(1)
    method = methods.load(name, **settings) if name else Nothing()
    assert not score_files([small], method)["error"].any()
    gc.collect()
    (now,) = [int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith("VmRSS")]
    peak = Peak("cpu")
    assert not score_files(files, method, batch=1, workers=4)["error"].any()
    say(peak.read() - 1024 * now)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")


def stated():
    """Rows of the table in docs/limits.md: bytes a pixel by what is said of it."""
    section = (ROOT / "docs/limits.md").read_text().partition("### Memory")[2].partition("\n#")[0]
    return {what: int(figure) for what, figure in re.findall(r"^\| (.+) \| (\d+) \|$", section, re.MULTILINE)}


def growth(name, settings, small, *files, **environment):
    """Measure in a fresh process."""
    (found,) = apart.heard(grows, None, name, settings, str(small), [*map(str, files)], environment)
    if math.isnan(found):
        pytest.skip("the system lets nobody set back the peak of a process")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of 64 x 64 and of 3 megapixels with structure, of 8 and of 16 bits, and with an opacity."""
    root = tmp_path_factory.mktemp("large")
    random = np.random.default_rng(0)
    for name, (width, height) in (("small", (160, 160)), ("large", SIZE)):
        coarse = Image.fromarray(random.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8))
        image = coarse.resize((width, height), Image.Resampling.BICUBIC)
        image.save(root / f"{name}.png", compress_level=1)
        image.putalpha(128)
        image.save(root / f"{name}-alpha.png", compress_level=1)
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        Image.fromarray(grey).save(root / f"{name}-16.png", compress_level=1)
    return root


@pytest.fixture(scope="module")
def huge(folder):
    """Six pictures of 12 megapixels."""
    coarse = np.random.default_rng(0).integers(0, 256, (HUGE[1] // 16, HUGE[0] // 16, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(HUGE, Image.Resampling.BICUBIC).save(folder / "0.png", compress_level=1)
    for index in range(1, 6):
        os.link(folder / "0.png", folder / f"{index}.png")
    return [folder / f"{index}.png" for index in range(6)]


def pristine(folder):
    (folder / "pristine").mkdir(exist_ok=True)
    for index in range(30):
        write_png(folder / f"pristine/{index}.png", torch.rand(3, 300, 300))
    return {"pristine": str(folder / "pristine")}


def brisque(folder):
    random = np.random.default_rng(0)
    found = methods.load("brisque").features(pictures(96, 96)).numpy()
    found = found[0] + random.normal(size=(12, found.shape[1])) * np.ptp(found, axis=0)
    path = folder / "svr.npz"
    methods.brisque.fit_regressor(found, random.normal(size=12), path, higher_is_better=True)
    return {"regressor": str(path)}


def arniqa(folder):
    encoder, regressor = official_arniqa.write_files(folder)
    return {"encoder": str(encoder), "regressor": str(regressor)}


METHODS = {
    "sharpness": ("`sharpness` scores it", lambda folder: {}),
    "qualiclip-small": ("`qualiclip-small`", lambda folder: {}),
    "brisque": ("`brisque`", brisque),
    "niqe": ("`niqe`", pristine),
    "ilniqe": ("`ilniqe`", pristine),
    "clipiqa": (
        "`qualiclip`, `clipiqa` and what is trained from them, with RN50",
        lambda folder: {"architecture": "RN50-quickgelu", "pretrained": None},
    ),
    "arniqa": ("`arniqa`, `arniqa_ou`, with ResNet-50", arniqa),
}
QUICK = ("sharpness",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in METHODS]
)
def test_a_method_takes_what_the_limits_state(name, folder):
    what, settings = METHODS[name]
    large = folder / "large.png"
    found = growth(name, settings(folder), folder / "small.png", large) / (SIZE[0] * SIZE[1])
    assert stated()[what] / 2 < found <= stated()[what] * 1.25  # the allocator keeps more or less


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("", "a picture of 8 bits is decoded"),
        ("-16", "one of 16 bits, with a profile or an opacity is"),
        ("-alpha", "one of 16 bits, with a profile or an opacity is"),
    ],
)
def test_decoding_takes_what_the_limits_state(kind, what, folder):
    files = (folder / f"{size}{kind}.png" for size in ("small", "large"))
    assert growth("", {}, *files) / (SIZE[0] * SIZE[1]) <= stated()[what] * 1.25


@pytest.mark.slow
def test_many_large_pictures_take_no_more_than_the_bound(folder, huge):
    """Six of 12 megapixels and four threads: alone, and two at a time."""
    pixels, slack = HUGE[0] * HUGE[1], 5e7
    per_pixel = stated()["a picture of 8 bits is decoded"]
    alone = growth("", {}, folder / "small.png", *huge, IQA_PIXELS="0.1")
    two = growth("", {}, folder / "small.png", *huge, IQA_PIXELS="25")
    assert alone < per_pixel * pixels + slack
    assert alone < two < per_pixel * 25e6 + slack
    assert growth("", {}, folder / "small.png", *huge) > 3 * 12 * pixels


def test_the_bound_is_a_constant_unless_it_is_told(monkeypatch):
    monkeypatch.delenv("IQA_PIXELS", raising=False)
    assert most() == 96_000_000
    monkeypatch.setenv("IQA_PIXELS", "1.5")
    assert most() == 1_500_000
    for wrong in ("0", "-1", "many", "inf", "nan"):
        monkeypatch.setenv("IQA_PIXELS", wrong)
        with pytest.raises(ValueError, match=f"IQA_PIXELS='{wrong}': give a number above 0"):
            most()


def test_threads_that_decode_never_have_more_than_the_bound(tmp_path, monkeypatch):
    """Whoever they are: the door is in the one function that decodes."""
    monkeypatch.setenv("IQA_PIXELS", "0.01")
    for index in range(6):
        write_png(tmp_path / f"{index}.png", torch.rand(3, 60, 60 + 20 * (index % 3)))
    write_png(tmp_path / "6.png", torch.rand(3, 120, 120))
    lock, now, seen = threading.Lock(), [0], []
    taken = room.Room.taken

    def watched(self, pixels):
        from contextlib import contextmanager

        @contextmanager
        def held():
            with taken(self, pixels):
                with lock:
                    now[0] += pixels
                    seen.append((now[0], pixels))
                yield
                with lock:
                    now[0] -= pixels

        return held()

    monkeypatch.setattr(room.Room, "taken", watched)
    readers = [
        threading.Thread(target=lambda: [read(tmp_path / f"{index}.png") for index in range(7)])
        for _ in range(6)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(seen) == 42
    assert all(total <= 10_000 or total == own for total, own in seen)
    assert now == [0]


def test_one_who_is_interrupted_while_waiting_keeps_nobody_waiting(monkeypatch):
    held = room.Room()
    with held.taken(1), monkeypatch.context() as patch:

        def interrupted(ready):
            raise KeyboardInterrupt

        patch.setattr(held._changed, "wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt), held.taken(1):
            pass
    done = []

    def next_one():
        with held.taken(room.PIXELS):
            done.append(True)

    thread = threading.Thread(target=next_one, daemon=True)
    thread.start()
    thread.join(30)
    assert done


def test_a_picture_that_cannot_be_decoded_leaves_its_room(tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_PIXELS", "0.001")
    write_png(tmp_path / "a.png", torch.rand(3, 60, 60))
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:-900])
    for _ in range(2):
        with pytest.raises(ImageError):
            read(tmp_path / "b.png")
        assert read(tmp_path / "a.png").shape == (3, 60, 60)


@pytest.mark.parametrize(
    ("size", "pixels", "kept"), [(8, 1.0, 4), (2, 1.0, 2), (8, 0.0065, 2), (8, 0.001, 0), (0, 1.0, 0)]
)
def test_a_training_keeps_pictures_within_the_bound(tmp_path, monkeypatch, size, pixels, kept):
    monkeypatch.setenv("IQA_PIXELS", str(pixels))
    paths = [tmp_path / f"{index}.png" for index in range(4)]
    for path in paths:
        write_png(path, torch.rand(3, 50, 60))
    decoded = []
    monkeypatch.setattr(loop, "read", lambda path: decoded.append(path) or read(path))
    reader = loop.cached_bytes(size)
    images = [reader(path) for path in paths]
    assert all(image.dtype == torch.uint8 for image in images)
    assert all(torch.equal(unit(image), read(path)) for image, path in zip(images, paths, strict=True))
    decoded.clear()
    for path in reversed(paths[4 - kept :]):
        reader(path)
    assert decoded == []
    reader(paths[0])
    assert len(decoded) == (kept < 4)


def test_pairs_are_cut_out_within_the_bound_and_are_the_same(tmp_path, monkeypatch):
    paths = [tmp_path / f"{index}.png" for index in range(4)]
    for path in paths:
        write_png(path, torch.rand(3, 80, 90))
    how = pairs.Draw(32, 2, 5, 0.05)
    found = []
    for pixels in ("96", "0.001"):
        monkeypatch.setenv("IQA_PIXELS", pixels)
        found.append(pairs.draw_pair(paths, 1, 0, loop.cached_bytes(4), how))
    assert torch.equal(*found)
