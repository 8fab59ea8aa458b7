"""A training that was stopped is gone on with, or refused aloud; bad pictures are named before it begins."""

import os
import shutil

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import methods
from benchmark.datasets import COLUMNS, Dataset, Record
from benchmark.datasets.prepared import readable
from benchmark.images import write_png
from methods._shared.training import loop

pytestmark = pytest.mark.usefixtures("narrow_resnets")

QUALICLIP = {
    "architecture": "small", "pretrained": None, "width": 8, "steps": 4, "batch": 2, "crop": 32,
    "norm": "train", "lr": 1e-3, "log_every": 1, "checkpoint_every": 1, "bf16": False,
}  # fmt: skip
ARNIQA = {
    "backbone": "small", "pretrained": None, "embedding": 16, "epochs": 2, "batch": 2, "crop": 32,
    "lr": 0.05, "log_every": 1, "checkpoint_every": 1, "bf16": False,
}  # fmt: skip
PROMPTS = {
    "architecture": "small", "pretrained": None, "steps": 4, "batch": 2, "lr": 0.02, "optimizer": "adam",
    "log_every": 1, "checkpoint_every": 1,
}  # fmt: skip
#: Settings that leave what is learnt alone, with another value than above or the default.
LEFT_ALONE = {
    "qualiclip": (
        QUALICLIP,
        {
            "workers": 1,
            "processes": 1,
            "cache": 0,
            "log_every": 3,
            "checkpoint_every": 2,
            "validate_every": 3,
        },
    ),
    "arniqa": (ARNIQA, {"cache": 0, "log_every": 3, "checkpoint_every": 3}),
    "clipiqa_plus": (PROMPTS, {"log_every": 3, "checkpoint_every": 3}),
}


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    for i in range(4):
        coarse = torch.rand(1, 3, 6, 6, generator=generator)
        write_png(folder / f"{i}.png", torch.nn.functional.interpolate(coarse, size=(70, 80))[0])
    return sorted(folder.iterdir())


def rated_by(pictures):
    record = Record(name="toy", title="Toy", citation="", licence="", score_name="mos", low=0.0, high=9.0,
                    higher_is_better=True, rated_by="people")  # fmt: skip
    rows = [{"image": path.name, "mos": float(place)} for place, path in enumerate(pictures)]
    return Dataset(record, pictures[0].parent, pd.DataFrame(rows).reindex(columns=list(COLUMNS)))


def learn(name, pictures, out, own, **more):
    rated = rated_by(pictures) if name == "clipiqa_plus" else None
    if name == "qualiclip":
        more = {"held_out": pictures[:1], **more}
    return methods.train(name, pictures, out, seed=3, settings=own, **{"rated": rated, **more})


class Killed(Exception):
    pass


def stopped_after_two_saves(monkeypatch, name, pictures, out, own):
    save, count = loop.Checkpoint.save, iter(range(100))

    def save_and_die(self, step, rows):
        save(self, step, rows)
        if next(count) == 1:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(loop.Checkpoint, "save", save_and_die)
        with pytest.raises(Killed):
            learn(name, pictures, out, own)
    return out.with_name(out.name + ".partial")


def weights(out):
    file = min(out.glob("*.safetensors"))  # beside snapshots of ARNIQA's cycles
    return load_file(file)


@pytest.mark.parametrize("name", list(LEFT_ALONE))
def test_settings_of_the_pace_do_not_discard_what_was_learnt(pictures, tmp_path, monkeypatch, name):
    own, other = LEFT_ALONE[name]
    learn(name, pictures, tmp_path / "whole", own)
    stopped_after_two_saves(monkeypatch, name, pictures, tmp_path / "cut", own)
    begun, restore = [], loop.Checkpoint.restore

    def watched(self):
        found = restore(self)
        begun.append(found[0])
        return found

    monkeypatch.setattr(loop.Checkpoint, "restore", watched)
    learn(name, pictures, tmp_path / "cut", own | other)
    assert begun == [2]
    one, two = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("name", list(LEFT_ALONE))
def test_the_state_of_another_run_is_refused_with_what_differs_and_kept(
    pictures, tmp_path, monkeypatch, name
):
    own = LEFT_ALONE[name][0]
    partial = stopped_after_two_saves(monkeypatch, name, pictures, tmp_path / "cut", own)
    kept = partial.read_bytes()
    with pytest.raises(ValueError, match=r"cut\.partial: is the state of another run: lr was .* and is 0\.5"):
        learn(name, pictures, tmp_path / "cut", own | {"lr": 0.5})
    write_png(pictures[2], torch.rand(3, 70, 80))
    with pytest.raises(ValueError, match=r"another run: pictures are changed: 2\.png\. It is kept"):
        learn(name, pictures, tmp_path / "cut", own)
    assert partial.read_bytes() == kept


@pytest.mark.parametrize("name", list(LEFT_ALONE))
def test_the_state_of_other_code_is_refused(pictures, tmp_path, monkeypatch, name):
    own, out = LEFT_ALONE[name][0], tmp_path / "out"
    partial = stopped_after_two_saves(monkeypatch, name, pictures, out, own)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "code_of", lambda *modules: "of tomorrow")
        with pytest.raises(ValueError, match=r"is the state of another run: code was \w+ and is of tomorrow"):
            learn(name, pictures, out, own)
    assert partial.is_file()
    learn(name, pictures, out, own)


def test_the_start_of_a_training_counts_by_its_content(pictures, tmp_path):
    """Other weights under the same name."""
    start = tmp_path / "start.safetensors"
    start.write_bytes(b"one")
    run = loop.identity(pictures, 1, {"pretrained": str(start), "lr": 0.1})
    assert loop.difference(run, loop.identity(pictures, 1, {"pretrained": str(start), "lr": 0.1})) == ""
    start.write_bytes(b"another")
    other = loop.identity(pictures, 1, {"pretrained": str(start), "lr": 0.1})
    assert loop.difference(run, other).startswith("content of pretrained was ")


def test_a_picture_taken_out_for_validation_is_another_training(pictures, tmp_path, monkeypatch):
    many = [shutil.copy(pictures[i % 4], pictures[0].parent / f"copy{i}.png") for i in range(10)]
    own = QUALICLIP
    partial = stopped_after_two_saves(monkeypatch, "qualiclip", many, tmp_path / "cut", own)
    with pytest.raises(ValueError, match=r"another run: pictures are gone: copy\d\.png"):
        learn("qualiclip", many, tmp_path / "cut", own | {"validate_every": 2}, held_out=[])
    assert partial.is_file()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_file_that_is_no_state_of_this_code_is_refused_and_kept(pictures, tmp_path, monkeypatch, content):
    partial = stopped_after_two_saves(monkeypatch, "qualiclip", pictures, tmp_path / "cut", QUALICLIP)
    if content is None:  # as an earlier version wrote it
        torch.save({"run": "0123", "step": 2, "rows": []}, partial)
    else:
        partial.write_bytes(content)
    kept = partial.read_bytes()
    with pytest.raises(ValueError, match=r"cut\.partial: (is damaged|was written by another version)"):
        learn("qualiclip", pictures, tmp_path / "cut", QUALICLIP)
    assert partial.read_bytes() == kept


@pytest.mark.parametrize("name", list(LEFT_ALONE))
def test_all_bad_pictures_are_named_before_the_first_step_and_repair_goes_on(
    pictures, tmp_path, monkeypatch, name
):
    own = LEFT_ALONE[name][0]
    partial = stopped_after_two_saves(monkeypatch, name, pictures, tmp_path / "cut", own)
    kept, whole = partial.read_bytes(), {path: path.read_bytes() for path in pictures[1:]}
    pictures[1].write_bytes(whole[pictures[1]][:300])
    pictures[2].write_bytes(b"no picture")
    pictures[3].unlink()
    with pytest.raises(ValueError, match=r"3 of 4 pictures cannot be used") as told:
        learn(name, pictures, tmp_path / "cut", own)
    assert all(str(path) in str(told.value) for path in pictures[1:])
    assert partial.read_bytes() == kept
    for path, content in whole.items():
        path.write_bytes(content)  # at another time than before
    learn(name, pictures, tmp_path / "cut", own)
    learn(name, pictures, tmp_path / "whole", own)
    one, two = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_small_pictures_and_those_of_the_validation_are_found_before_the_first_step(pictures, tmp_path):
    write_png(pictures[1], torch.rand(3, 30, 80))
    held = tmp_path / "held.png"
    held.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="cannot be used") as told:
        learn("qualiclip", pictures, tmp_path / "m", QUALICLIP | {"validate_every": 2}, held_out=[held])
    assert f"{pictures[1]}: picture of 80x30 is smaller than the crop of 32" in str(told.value)
    assert str(held) in str(told.value)


def test_rated_pictures_of_arniqa_are_found_before_its_encoder_is_trained(pictures, tmp_path, monkeypatch):
    rated = rated_by(pictures)
    plain = [shutil.copytree(pictures[0].parent, tmp_path / "plain") / path.name for path in pictures[:1]]
    pictures[2].write_bytes(b"no picture")
    monkeypatch.setattr("methods.arniqa.train_encoder", lambda *_, **__: pytest.fail("training has begun"))
    with pytest.raises(ValueError, match=r"1 of 4 pictures cannot be used:\n.*2\.png"):
        learn("arniqa", plain, tmp_path / "m", ARNIQA, rated=rated)


def test_good_pictures_are_decoded_once_and_changed_ones_again(pictures, tmp_path, monkeypatch):
    journal, seen, read = tmp_path / "j" / "journal.csv", [], readable.read
    monkeypatch.setattr(readable, "read", lambda path: seen.append(path) or read(path))
    readable.check_readable(pictures * 2, journal)
    assert sorted(seen) == pictures
    readable.check_readable(pictures, journal)
    assert len(seen) == 4
    pictures[0].write_bytes(b"no picture")
    for _ in range(2):  # a bad one is never remembered: a decoder may be installed
        with pytest.raises(ValueError, match=r"0\.png: not a picture"):
            readable.check_readable(pictures, journal)
    assert seen[4:] == [pictures[0]] * 2
    # One that is known to be good may still be too small.
    with pytest.raises(ValueError, match=r"1\.png: picture of 80x70 is smaller than the crop of 71"):
        readable.check_readable(pictures[1:2], journal, least=71)
    readable.check_readable(pictures[1:2], journal, least=71, short_side=96)


def test_a_journal_that_cannot_be_written_does_not_matter(pictures, tmp_path):
    (tmp_path / "file").touch()
    readable.check_readable(pictures, tmp_path / "file" / "journal.csv")


def test_other_processes_than_the_first_leave_the_look_to_it(pictures, monkeypatch):
    pictures[0].write_bytes(b"no picture")
    monkeypatch.setitem(os.environ, "RANK", "1")
    loop.check_pictures(pictures)
