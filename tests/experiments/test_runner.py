"""Scoring from the command line: what may be named, hostile files, and runs that are killed."""

import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import fsspec
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import methods
from benchmark.images import ImageNotice, read, write_png
from benchmark.scoring import score_files
from benchmark.scoring.journal import Journal
from experiments.cli import app
from experiments.scoring import inputs
from experiments.scoring.local import How, local_rows
from experiments.scoring.runner import Run

run = CliRunner()


def picture(path, seed, size=(40, 48)):
    write_png(path, torch.rand(3, *size, generator=torch.Generator().manual_seed(seed)))
    return path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """No method that a pipeline has trained here may be taken."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path):
    """Pictures of four sizes, in mixed order, and one that is not a picture."""
    for index in range(40):
        picture(tmp_path / f"{index:03d}.png", index, (40 + 8 * (index % 3), 48 if index % 5 else 64))
    (tmp_path / "017.png").write_bytes(b"no picture")
    return tmp_path


def test_a_score_that_hangs_on_the_batch_ends_the_run(folder):
    class Mixed:
        name, higher_is_better = "mixed", True

        def score(self, images):
            bright = images.mean((1, 2, 3))
            return bright - bright.mean()

    paths, one_by_one = sorted(folder.glob("*.png")), How(device="cpu", batch=1)
    with pytest.raises(RuntimeError, match="mixed: a picture has the score 0 alone"):
        list(local_rows(paths, Mixed(), How(device="cpu", batch=2), {}))
    assert sum(map(len, local_rows(paths, Mixed(), one_by_one, {}))) == 40


def test_arguments_name_pictures_once_and_in_order(tmp_path):
    a, b, c = (picture(tmp_path / name, 0) for name in ("a.png", "b.png", "c.png"))
    (tmp_path / "list.csv").write_text("path,mos\nc.png,1\nb.png,2\n")
    named = inputs.pictures(
        [str(b), str(tmp_path / "*.png"), str(tmp_path / "list.csv"), "-"], io.StringIO(f"{a}\n")
    )
    assert named == [b, a, c]
    assert inputs.pictures([str(tmp_path)]) == [a, b, c]


@pytest.mark.parametrize("kind", ["csv", "parquet", "stdin"])
def test_a_list_that_names_a_picture_again_says_so_since_its_rows_are_more(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        picture(tmp_path / name, 0)
    rows = ["b.png", "a.png", "b.png", "b.png"]
    if kind == "csv":
        (tmp_path / "list.csv").write_text("\n".join(["image", *rows]))
    else:
        pd.DataFrame({"image": rows}).to_parquet(tmp_path / "list.parquet")
    argument = "-" if kind == "stdin" else f"list.{kind}"
    with pytest.warns(ImageNotice, match="2 of its 4 rows name a picture that stands earlier too.*'b.png'"):
        named = inputs.pictures([argument], io.StringIO("\n".join(rows)))
    assert [path.name for path in named] == ["b.png", "a.png"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_columns_of_a_list_are_known_in_any_case(tmp_path, kind):
    """``name`` would do too, and names other pictures that are there."""
    for name in ("a.png", "b.png"):
        picture(tmp_path / name, 0)
    table, path = pd.DataFrame({"name": ["a.png"], "Image ": ["b.png"]}), tmp_path / f"list.{kind}"
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    assert inputs.pictures([str(path)]) == [tmp_path / "b.png"]


def test_stores_are_listed_and_lists_in_parquet_may_name_their_pictures(tmp_path):
    """The store is fsspec's own in memory; what is read from it scores as the same bytes in a file do."""
    store = fsspec.filesystem("memory")
    for index, name in enumerate(["a", "deep/b"]):
        file = picture(tmp_path / f"{index}.png", index)
        store.pipe(f"/shop/{name}.png", file.read_bytes())
    store.pipe("/shop/broken.png", b"no picture")
    store.pipe("/shop/notes.txt", b"no picture")
    store.pipe("/shop/.DS_Store", b"no picture")
    with pytest.warns(ImageNotice) as said:
        a, broken, b = inputs.pictures(["memory://shop/"])
    (others,) = [str(one.message) for one in said if "do not end as" in str(one.message)]
    assert "passed over (1 .txt), such as '/shop/notes.txt'" in others
    assert [a, broken, b] == [f"memory:///shop/{name}.png" for name in ("a", "broken", "deep/b")]
    assert inputs.pictures(["memory://shop/*.png"]) == [a, broken]
    pd.DataFrame({"mos": [1, 2, 3], "path": [b, "0.png", "memory://shop/gone.png"]}).to_parquet(
        tmp_path / "list.parquet"
    )
    named = inputs.pictures([str(tmp_path / "list.parquet"), broken])
    assert named == [b, tmp_path / "0.png", "memory://shop/gone.png", broken]
    found = score_files(named, methods.load("sharpness"))
    alone = score_files([tmp_path / "1.png", tmp_path / "0.png"], methods.load("sharpness"))
    assert found["score"].tolist()[:2] == alone["score"].tolist()
    assert "memory://shop/gone.png: cannot be fetched (FileNotFoundError" in found["error"][2]
    assert "broken.png: not a picture" in found["error"][3]


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("nowhere.png", "does not exist"),
        (".", "holds no picture"),
        ("-", "names no picture"),
        ("l.csv", "needs a column"),
        ("gap.csv", "its row 2 names no picture"),
        ("nostore://bucket/", "cannot be listed .*nostore"),
    ],
)
def test_what_names_nothing_is_said(tmp_path, monkeypatch, argument, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "l.csv").write_text("a,b\n1,2\n")
    (tmp_path / "gap.csv").write_text("mos,image\n1,a.png\n2\n")
    with pytest.raises(ValueError, match=says):
        inputs.pictures([argument], io.StringIO(""))


class Stopping:
    """The sharpness method, which is stopped after some batches."""

    def __init__(self, batches):
        self.inner, self.left = methods.load("sharpness"), batches
        self.name, self.higher_is_better = "sharpness", True

    def score(self, images):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        # The batch's mean makes a score depend on its company, as rounding does in a real network.
        return self.inner.score(images) + images.mean()


def score(paths, method, how, **options):
    return Run(method, "sharpness", how, {}).frame(paths, **options)


def test_a_stopped_run_goes_on_to_the_same_bits(folder, tmp_path):
    paths, how, journal = sorted(folder.glob("*.png")), How(device="cpu", batch=4), tmp_path / "j.part"
    whole = score(paths, Stopping(-1), how)
    assert whole["error"].ne("").sum() == 1
    generator = random.Random(0)
    for _ in range(20):
        journal.unlink(missing_ok=True)
        with pytest.raises(KeyboardInterrupt):
            score(paths, Stopping(generator.randrange(9)), how, journal=journal)
        torn = journal.read_bytes()
        journal.write_bytes(torn[: len(torn) - generator.randrange(30)])  # as a kill leaves it
        resumed = score(paths, Stopping(-1), how, journal=journal, resume=True)
        pd.testing.assert_frame_equal(resumed, whole, check_exact=True)


def test_a_journal_of_another_run_is_refused(folder, tmp_path):
    paths, journal = sorted(folder.glob("*.png")), tmp_path / "j.part"
    with pytest.raises(KeyboardInterrupt):
        score(paths, Stopping(2), How(device="cpu"), journal=journal)
    with pytest.raises(ValueError, match=r"j\.part is of a run with other batch"):
        score(paths, Stopping(-1), How(device="cpu", batch=3), journal=journal, resume=True)


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_file(tmp_path):
    """Twenty runs over 500 pictures, each killed at its own moment and taken up again."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(500):
        picture(folder / f"{index:03d}.png", index, (40 + 8 * (index % 3), 48 if index % 5 else 64))
    (folder / "017.png").write_bytes(b"no picture")
    command = [sys.executable, "-m", "experiments.cli", "score", str(folder), "--method", "sharpness"]

    def start(out, *more):
        return subprocess.Popen([*command, "--out", str(out), *more], stderr=subprocess.DEVNULL)

    def begun(process, journal):
        """Wait until the first score is written down; whether that came before the end."""
        while process.poll() is None:
            if journal.is_file() and journal.stat().st_size > 1000:
                return True
            time.sleep(0.001)
        return False

    whole = start(tmp_path / "whole.csv")
    assert begun(whole, tmp_path / ".whole.csv.sharpness.journal")
    first = time.monotonic()
    assert whole.wait() == 3
    lasted, generator, killed = time.monotonic() - first, random.Random(0), 0
    for index in range(20):
        out = tmp_path / f"{index}.csv"
        journal = out.with_name(f".{out.name}.sharpness.journal")
        process = start(out)
        begun(process, journal)
        time.sleep(generator.uniform(0, lasted))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        assert start(out, "--resume").wait() == 3
        assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert killed >= 10  # the others had ended by then


def hostile(folder, seed):
    """Write one file that means harm, of a kind drawn from the seed."""
    generator = random.Random(seed)
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 56, 3), dtype=np.uint8)
    modes = ["RGB", "L", "P", "CMYK", "1", "I;16", "RGBA", "LA"]
    image = Image.fromarray(pixels)
    kind, mode = generator.choice(KINDS), generator.choice(modes)
    form = generator.choice(["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
    if form in {"JPEG", "WEBP", "BMP"} and mode not in {"RGB", "L"}:
        form = "PNG" if mode != "CMYK" else "TIFF"
    if form == "PNG" and mode == "CMYK":
        form = "TIFF"
    image = image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)
    image.save(buffer, form)
    content = bytearray(buffer.getvalue())
    name = os.fsencode(f"{seed:03d}")
    if kind == "truncated":
        content = content[: generator.randrange(1, len(content))]
    elif kind == "flipped":
        for _ in range(20):
            content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    elif kind == "noise":
        content = bytearray(generator.randbytes(500))
    elif kind == "empty":
        content = bytearray()
    elif kind == "huge":  # a PNG header that promises 60000 x 60000 pixels
        content = bytearray(
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\2\0\0\0"
        )
    elif kind == "long name":
        name = name + b"x" * 200
    elif kind == "odd name":
        name = name + b'\xff\xfe \n,"'
    path = os.path.join(os.fsencode(folder), name + generator.choice([b".png", b".jpg", b".tif"]))
    if kind == "folder":
        os.mkdir(path)
    elif kind == "loop":
        os.symlink(path, path)
    else:
        with open(path, "wb") as file:
            file.write(content)
    return os.fsdecode(path)


KINDS = [
    "as it is",
    "truncated",
    "flipped",
    "noise",
    "empty",
    "huge",
    "long name",
    "odd name",
    "folder",
    "loop",
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_hostile_file_ends_as_a_score_or_a_reason(tmp_path):
    paths = []
    for seed in range(300):
        paths.append(hostile(tmp_path, seed))
        if seed % 10 == 0:
            paths.append(str(picture(tmp_path / f"good{seed}.png", seed)))
    method = methods.load("sharpness")
    frame = score_files(paths, method, batch=8)
    assert (frame["score"].notna() ^ frame["error"].ne("")).all()
    good = frame[frame["image"].str.contains("good")]
    alone = [float(score_files([path], method)["score"].iloc[0]) for path in good["image"]]
    assert good["score"].tolist() == pytest.approx(alone, rel=1e-6)
    assert frame["error"].ne("").sum() > 100
    assert frame["score"].notna().sum() > 60


def test_names_that_are_no_utf8_survive_every_format(tmp_path):
    odd = os.fsdecode(os.path.join(os.fsencode(tmp_path), b"a\xff.png"))
    picture(tmp_path / "b.png", 0)
    os.rename(tmp_path / "b.png", odd)
    for ending in ("csv", "json", "parquet"):
        out = tmp_path / f"scores.{ending}"
        assert run.invoke(app, ["score", odd, "--method", "sharpness", "--out", str(out)]).exit_code == 0
    assert b"a\xff.png" in (tmp_path / "scores.csv").read_bytes()
    assert json.loads((tmp_path / "scores.json").read_text())[0]["image"].endswith("a\\xff.png")
    assert pd.read_parquet(tmp_path / "scores.parquet")["image"][0].endswith("a\\xff.png")


def test_several_methods_share_a_table(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_OFFLINE", "1")
    out = tmp_path / "both.csv"
    done = run.invoke(
        app,
        ["score", str(folder / "001.png"), "--method", "sharpness", "--method", "clipiqa", "--out", str(out)],
    )
    assert done.exit_code != 0  # the published weights are not here, and nothing is written by half
    assert not out.exists()
    done = run.invoke(app, ["score", str(folder), "--method", "sharpness", "--sort", "--out", str(out)])
    assert done.exit_code == 3
    scores = pd.read_csv(out)["score"]
    assert scores.iloc[:-1].is_monotonic_decreasing
    assert np.isnan(scores.iloc[-1])


def test_explain_writes_an_overlay_of_each_picture(folder, tmp_path, monkeypatch):
    from experiments.scoring.explain import explain
    from methods._shared.clip.antonyms import SEVEN_PAIRS
    from methods._shared.clip.encoder import SMALL, build
    from methods._shared.clip.method import AntonymMethod
    from methods._shared.clip.weights import scorer
    from methods.qualiclip import CARD

    method = AntonymMethod("qualiclip", scorer(build(SMALL, seed=0), SEVEN_PAIRS), CARD)
    pictures = [folder / "001.png", folder / "002.png"]
    explain(pictures, method, tmp_path / "why", [0.2, 0.7])
    with np.load(tmp_path / "why" / "maps.npz") as stored:
        assert sorted(stored) == ["00000_001", "00001_002"]
        assert stored["00000_001"].ndim == 2
    shown = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "why").glob("*.png"))]
    assert [image.shape for image in shown] == [(48, 48, 3), (56, 48, 3)]
    assert any((image[..., 0].astype(int) != image[..., 2]).any() for image in shown)  # coloured somewhere
    sheet = (tmp_path / "why" / "index.html").read_text()
    assert sheet.index("002.png</p>") < sheet.index("001.png</p>")  # the better picture first
    assert "Colour key" in sheet
    assert not re.search(r'(src|href)="(?!data:|0000\d_00\d\.png")', sheet)


def test_the_map_is_of_what_the_softmax_takes(folder):
    """By automatic differentiation of the margin itself, where the score's own gradient has died."""
    from experiments.scoring.explain import raw_map, scale_of
    from methods._shared.clip.antonyms import GOOD_BAD
    from methods._shared.clip.encoder import SMALL, build
    from methods._shared.clip.method import AntonymMethod
    from methods._shared.clip.weights import scorer
    from methods.qualiclip import CARD

    method = AntonymMethod("qualiclip", scorer(build(SMALL, seed=0), GOOD_BAD), CARD)
    picture = read(folder / "001.png")
    seen = []
    hook = method.cam_layer.register_forward_hook(lambda _, given, out: seen.append(out))
    positive, negative = method.scorer.similarities(picture[None].requires_grad_())
    hook.remove()
    (gradient,) = torch.autograd.grad((positive - negative).mean(), seen[0])
    want = (seen[0] * gradient.mean(dim=(2, 3), keepdim=True)).sum(dim=1)[0]
    found = raw_map(method, picture)
    torch.testing.assert_close(found, want.detach(), rtol=1e-4, atol=1e-7)
    method.scorer.scale = 1e4  # a score of 0 or 1
    torch.testing.assert_close(raw_map(method, picture), found)
    values = np.concatenate([np.linspace(-1, 1, 999), [50.0]])
    assert scale_of({"a": values[:500], "b": values[500:]}) == pytest.approx(0.99, abs=0.01)
    assert scale_of({"a": np.zeros(4)}) == 1


def test_settings_that_cannot_be_had_are_refused(folder):
    for options, says in (
        (["--explain", "../why"], "--explain: sharpness has no gradients"),
        (["--device", "tpu"], "--device must be one of"),
        (["--precision", "fp8"], "--precision must be one of"),
        (["--out", "scores.txt"], "the name must end in"),
        (["--resume"], "--resume needs --out"),
    ):
        result = run.invoke(app, ["score", str(folder), "--method", "sharpness", *options])
        assert says in str(result.exception)


def test_two_processes_do_not_mix_in_one_journal(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.scoring.journal.PATIENCE", 0.1)
    first = Journal(tmp_path / "a.part", {"method": "m"}, resume=False)
    code = "from pathlib import Path; from benchmark.scoring.journal import Journal; "
    code += f"Journal(Path('{tmp_path}/a.part'), {{'method': 'm'}}, resume=True)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "another process is scoring into it" in other.stderr
    assert other.returncode
    with first:
        first.add([0.5, None])
    with Journal(tmp_path / "a.part", {"method": "m"}) as again:
        assert again.lines == [[0.5, None]]
    with Journal(tmp_path / "a.part", {"method": "n"}) as other:
        assert not other.lines
