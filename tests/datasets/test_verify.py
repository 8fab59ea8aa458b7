"""Verification names what is wrong, reads no unchanged file twice, and goes on after a kill."""

import time

import pytest
import torch
from PIL import Image

from benchmark.datasets import catalogue, fingerprints, load, prepare
from benchmark.datasets.fingerprints import fingerprints as look
from benchmark.datasets.fingerprints import looks_of, read_journal
from benchmark.datasets.points import unpacked
from benchmark.datasets.verify import verify
from benchmark.images import ImageError, read
from tests import apart
from tests.datasets.releases import lines, touch

AGIQA = catalogue.entry("agiqa3k").model_copy(update={"counts": {"images": 4}})
HEAD = "name,mos_quality,std_quality"


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "release"
    (folder / "images").mkdir(parents=True)
    for index, name in enumerate("abcd"):
        pixels = torch.rand(8, 8, 3, generator=torch.Generator().manual_seed(index)).mul(255).byte()
        Image.fromarray(pixels.numpy()).resize((64, 48)).save(folder / f"images/{name}.png")
    lines(folder / "data.csv", [HEAD, "a.png,1,.1", "b.png,2,.1", "c.png,3,.1", "d.png,4,.1"])
    return folder


def judged(release, **settings):
    return verify(AGIQA, release, journals=release.parent / "journals", **settings)


def test_a_sound_release_has_no_faults(release):
    verdict = judged(release)
    assert (verdict.images, verdict.faults, verdict.notes) == (4, (), ())


def test_faults_are_told_name_by_name(release):
    (release / "images/b.png").write_bytes((release / "images/b.png").read_bytes()[:200])
    (release / "images/c.png").write_bytes((release / "images/a.png").read_bytes())
    Image.new("RGB", (8, 8)).save(release / "images/extra.png")
    lines(release / "data.csv", [HEAD, "a.png,1,.1", "b.png,2,.1", "c.png,7,.1"])
    verdict = judged(release)
    count, score, damaged = verdict.faults
    assert count == "3 images where the complete data set has 4"
    assert score == "images/c.png: score 7 lies outside 0 to 5"
    assert damaged.startswith("images/b.png: ")
    assert "cannot be decoded" in damaged
    assert verdict.notes == (
        "images/d.png: no list names it",
        "images/extra.png: no list names it",
        "images/c.png: the same file as images/a.png",
    )
    assert judged(release, decode=False).faults == (count, score)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD}\na.png,nan,.1\n", r"data\.csv: row 2, column 'mos_quality': 'nan': write a number"),
        (f"{HEAD}\na.png,1,.1\nb.png,,.1\n", r"data\.csv: row 3, column 'mos_quality': is empty"),
        (f"{HEAD}\na.png,1,.1\na.png,2,.1\n", r"entry 2: 'images/a\.png' stands earlier too"),
        (
            f"{HEAD}\na.png,1,.1\nbb.png,2,.1\n",
            r"1 of the 2 pictures .* missing, the first is .*bb",
        ),
        (
            f"{HEAD}\na.png,1,.1\n".replace(",", ";"),
            "column 'name' is missing .*has name;mos_quality",
        ),
        (f"{HEAD}\n", "lists no picture"),
        ("", "cannot be read as a table"),
        (f'{HEAD}\n"a.png,1,.1\n', "cannot be read as a table"),
        (f"{HEAD}\nä.png,1,.1\n".encode("latin-1"), r"line 2 is not UTF-8"),
    ],
)
def test_bad_scores_are_named_with_row_and_column(release, text, words):
    (release / "data.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=words):
        judged(release)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encoding_and_line_ends_do_not_matter(release, encoding, ends):
    text = (release / "data.csv").read_text().replace("\n", ends)
    (release / "data.csv").write_bytes(text.encode(encoding))
    assert judged(release).faults == ()


def test_a_missing_official_split_is_a_fault_and_said_where_it_is_prepared(tmp_path, capsys):
    lines(tmp_path / "f/labels_image.csv", ["name,mos", "EE371R/a.jpg,50"])
    touch(tmp_path / "f/database/EE371R", ["a.jpg"])
    entry = catalogue.entry("flive").model_copy(update={"counts": {}})
    (fault,) = verify(entry, tmp_path / "f", decode=False).faults
    assert "no official split" in fault
    assert "labels=640_padded.csv" in fault
    prepare("flive", tmp_path / "data", source=tmp_path / "f")
    assert f"flive: {fault}" in capsys.readouterr().err
    assert any(fault in note for note in load("flive", tmp_path / "data").record.notes)


def test_unchanged_files_are_read_once(release, monkeypatch):
    judged(release)
    reads = []
    monkeypatch.setattr(fingerprints.images, "read", lambda path: reads.append(path.name) or read(path))
    judged(release)
    assert reads == []
    Image.new("RGB", (9, 9), "red").save(release / "images/a.png")
    judged(release)
    assert reads == ["a.png"]


def looked_at(folder, names, journal):
    list(look(folder, names, journal))


def test_a_killed_verification_goes_on(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(80):
        Image.effect_noise((96, 96), 50).save(folder / f"{index:03d}.png")
    names = [f"{index:03d}.png" for index in range(80)]
    journal = tmp_path / "journal.csv"
    process = apart.start(looked_at, folder, names, journal)
    waited = time.monotonic() + 120
    while time.monotonic() < waited and not (journal.exists() and journal.stat().st_size):
        time.sleep(0.001)
    process.kill()
    process.join()
    with journal.open("a") as file:
        file.write("half a li")
    known = read_journal(journal)
    assert 0 < len(known) <= 80
    found = list(look(folder, names, journal))
    assert [row.image for row in found] == names
    assert all(row.sha256 and row.width == "96" for row in found)
    assert read_journal(journal).keys() == {str(folder / name) for name in names}


def test_a_journal_of_an_earlier_version_is_read_again_and_grown(tmp_path):
    """Its rows have no points: their pictures are looked at once more, and then never again."""
    lines(tmp_path / "journal.csv", [f"{tmp_path}/a.png,1,2,96,96,{'0' * 64},{'0' * 32},"])
    Image.effect_noise((96, 96), 50).save(tmp_path / "a.png")
    assert read_journal(tmp_path / "journal.csv") == {}
    (found,) = look(tmp_path, ["a.png"], tmp_path / "journal.csv")
    assert len(unpacked(found.points)) > 20
    kept = read_journal(tmp_path / "journal.csv")
    assert kept[str(tmp_path / "a.png")] == found._replace(image=str(tmp_path / "a.png"))
    assert len((tmp_path / "journal.csv").read_text().splitlines()) == 2
    assert list(look(tmp_path, ["a.png"], tmp_path / "journal.csv")) == [found]
    assert len((tmp_path / "journal.csv").read_text().splitlines()) == 2


def test_what_other_code_has_computed_is_computed_again(tmp_path, monkeypatch):
    Image.effect_noise((96, 96), 50).save(tmp_path / "a.png")
    journal, now = tmp_path / "journal.csv", fingerprints._code()
    with monkeypatch.context() as patch:
        patch.setattr(fingerprints, "_code", lambda: "older")
        patch.setattr(fingerprints, "looks_of", lambda image: "wrong")
        (before,) = look(tmp_path, ["a.png"], journal)
    assert (before.looks, before.code) == ("wrong", "older")
    (after,) = look(tmp_path, ["a.png"], journal)
    assert len(after.looks) == 32
    assert after.code == now != "older"


def test_a_picture_that_the_decoders_of_now_read_is_no_longer_refused(tmp_path, monkeypatch):
    Image.effect_noise((96, 96), 50).save(tmp_path / "a.png")
    journal = tmp_path / "journal.csv"

    def lacking(path):
        raise ImageError(f"{path}: install pillow-heif")

    with monkeypatch.context() as patch:
        patch.setattr("benchmark.images.read", lacking)
        (refused,) = look(tmp_path, ["a.png"], journal)
    assert "pillow-heif" in refused.reason
    (found,) = look(tmp_path, ["a.png"], journal)
    assert (found.reason, found.width) == ("", "96")


def test_looks_survive_scaling_and_compression_and_tell_pictures_apart(tmp_path):
    generator = torch.Generator().manual_seed(0)
    looks = []
    for index in range(10):
        small = torch.rand(9, 12, 3, generator=generator).mul(255).byte().numpy()
        picture = Image.fromarray(small).resize((480, 360), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "a.png")
        picture.resize((300, 225)).save(tmp_path / "a.jpg", quality=30)
        one, other = (int(looks_of(read(tmp_path / name)), 16) for name in ("a.png", "a.jpg"))
        assert (one ^ other).bit_count() <= 8, index
        assert all((one ^ before).bit_count() > 20 for before in looks)
        looks.append(one)
    assert looks_of(torch.full((3, 20, 20), 0.5)) == ""
