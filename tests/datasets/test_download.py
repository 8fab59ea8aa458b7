"""Bringing a data set here: sources in turn, terms, killed runs, and what a release must be to count."""

import dataclasses
import io
import subprocess
import sys
import tarfile
import time
import zipfile
from contextlib import redirect_stderr

import pytest

from benchmark import files
from benchmark.datasets import catalogue, layouts, load, prepare
from benchmark.datasets.download import download
from benchmark.files.fetching import Patience
from tests import apart
from tests.datasets import releases
from tests.loopback import Loopback

QUICK = Patience(rounds=3, backoff=0.001, longest=0.002, timeout=10)
OFFICIAL = "/datasets.vqa.mmsp-kn.de/archives/kadid10k.zip"
MIRROR = "/huggingface.co/datasets/chaofengc/IQA-PyTorch-Datasets/resolve/main/kadid10k.tgz"
KADID = catalogue.entry("kadid10k")


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """KADID-10k's release, in small, as a zip and as a tgz with one more folder."""
    folder = tmp_path_factory.mktemp("release")
    releases.kadid10k(folder, releases.MINI["kadid10k"])
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as opened:
        for path in paths:
            opened.write(path, path.relative_to(folder))
    with tarfile.open(fileobj=tarred, mode="w:gz") as opened:
        for path in paths:
            opened.add(path, f"kadid10k/{path.relative_to(folder)}")
    return {OFFICIAL: zipped.getvalue(), MIRROR: tarred.getvalue()}


def serve(monkeypatch, files, script=lambda number, path: "right"):
    server = Loopback(files, script)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("IQA_OFFLINE", raising=False)
    return server


def bring(tmp_path, **settings):
    return download(KADID, downloads=tmp_path, patience=QUICK, **settings)


def test_a_data_set_is_fetched_unpacked_and_recognised(tmp_path, monkeypatch, packed):
    with serve(monkeypatch, packed).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        folder = bring(tmp_path)
        assert folder == tmp_path / "kadid10k"
        frame = layouts.read(KADID, folder).frame
        assert frame["mos"].tolist() == [row[3] for row in releases.MINI["kadid10k"]]
        assert (tmp_path / ".archives/kadid10k/kadid10k.zip.sha256").is_file()
        bring(tmp_path)
        assert len(server.requests) == 1


def test_the_mirror_is_asked_where_the_official_place_fails(tmp_path, monkeypatch, packed):
    faults = lambda number, path: "404" if path == OFFICIAL else "right"  # noqa: E731
    with serve(monkeypatch, packed, faults).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        folder = bring(tmp_path)
        assert len(layouts.read(KADID, folder).frame) == 3
    prepare("kadid10k", tmp_path / "data", source=folder)
    record = load("kadid10k", tmp_path / "data").record
    assert (record.table, record.origin) == ("dmos.csv", "mirror chaofengc/IQA-PyTorch-Datasets")


@pytest.fixture
def placed(tmp_path):
    """KADID-10k, in small, where its user unpacked it; a record of as many pictures."""
    releases.kadid10k(tmp_path / "mine", releases.MINI["kadid10k"])
    return KADID.model_copy(update={"counts": {"images": 3}}), tmp_path / "mine"


def everything(folder):
    return sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))


@pytest.mark.parametrize("link", [False, True])
def test_what_somebody_placed_is_passed_over_and_left_as_it_is(tmp_path, placed, link):
    entry, mine = placed
    folder = tmp_path / "downloads/kadid10k"
    folder.parent.mkdir()
    folder.symlink_to(mine) if link else mine.rename(folder)
    before = everything(folder)
    assert download(entry, downloads=folder.parent) == folder
    assert everything(folder) == before
    # Those that no program can fetch too.
    by_hand = entry.model_copy(update={"sources": (), "steps": "Ask."})
    assert download(by_hand, downloads=folder.parent) == folder


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "images/I01_01_02.png").unlink(), r"1 of the 3 pictures .* are missing"),
        (lambda folder: (folder / "dmos.csv").unlink(), "holds no KADID-10k"),
        (lambda folder: releases.kadid10k(folder, releases.MINI["kadid10k"][:2]), "holds 2 of 3 images"),
    ],
)
def test_nothing_is_written_into_a_folder_that_was_not_made_here(
    tmp_path, monkeypatch, packed, placed, link, spoil, words
):
    entry, mine = placed
    folder = tmp_path / "downloads/kadid10k"
    folder.parent.mkdir()
    folder.symlink_to(mine) if link else mine.rename(folder)
    spoil(folder)
    before = everything(folder)
    with serve(monkeypatch, packed).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        with pytest.raises(ValueError, match=rf"(?s){words}.*never writes into a folder"):
            download(entry, downloads=folder.parent, patience=QUICK)
        assert server.requests == []
    assert everything(folder) == before


def test_each_source_is_unpacked_by_itself(tmp_path, monkeypatch, packed):
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as opened:
        opened.writestr("images/I01_01_01.png", "of the first source, which lacks the scores")
    with serve(monkeypatch, packed | {OFFICIAL: other.getvalue()}).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        folder = bring(tmp_path)
    assert [path.stat().st_size for path in folder.rglob("I01_01_01.png")] == [0]
    assert not (tmp_path / ".unpacking/kadid10k").exists()


def test_a_file_that_another_process_fetches_is_no_reason_to_fetch_another(tmp_path, monkeypatch, packed):
    part = tmp_path / ".archives/kadid10k/kadid10k.zip.part"
    part.parent.mkdir(parents=True)
    code = "import sys, time; from pathlib import Path; from benchmark import files\n"
    code += "with files.alone(Path(sys.argv[1]), 'x'): print('held', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(part)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with serve(monkeypatch, packed).running() as server:
            monkeypatch.setenv("IQA_MIRROR", server.url)
            with pytest.raises(ValueError, match="another process is fetching it"):
                download(KADID, downloads=tmp_path, patience=dataclasses.replace(QUICK, others=0.3))
            assert server.requests == []
        holder.kill()


def test_a_second_process_waits_and_says_so(tmp_path, monkeypatch, packed):
    shelf, said = tmp_path / ".archives/kadid10k", tmp_path / "said"
    shelf.mkdir(parents=True)
    with serve(monkeypatch, packed).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        with files.alone(shelf / ".lock", "x"):
            second = apart.start(bring_aloud, tmp_path, said)
            waited = time.monotonic() + 120
            while time.monotonic() < waited and not (said.exists() and said.read_text().endswith("\n")):
                time.sleep(0.01)
            assert "kadid10k: another process is bringing it; waiting for it" in said.read_text()
            assert server.requests == []
        assert apart.ended(second) == 0


def test_what_is_whole_but_another_data_set_is_not_taken(tmp_path, monkeypatch, packed):
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as opened:
        opened.writestr("readme.txt", "moved")
    with serve(monkeypatch, {OFFICIAL: other.getvalue(), MIRROR: b"no archive"}).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        with pytest.raises(ValueError, match=r"(?s)no source.*holds no KADID-10k.*cannot be unpacked"):
            bring(tmp_path)
    assert not (tmp_path / "kadid10k/.unpacked/complete").exists()


def test_a_damaged_archive_is_fetched_anew_by_the_next_call(tmp_path, monkeypatch, packed):
    with serve(
        monkeypatch, {OFFICIAL: packed[OFFICIAL][::-1], MIRROR: packed[MIRROR][:99]}
    ).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        with pytest.raises(ValueError, match="call again to fetch it anew"):
            bring(tmp_path)
        server.files = packed
        assert len(layouts.read(KADID, bring(tmp_path)).frame) == 3


def test_a_climbing_archive_is_refused_and_writes_nothing_outside(tmp_path, monkeypatch):
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as opened:
        opened.writestr("../../evil.csv", "x")
    with serve(monkeypatch, {OFFICIAL: evil.getvalue()}).running() as server:
        server.files[MIRROR] = b""
        monkeypatch.setenv("IQA_MIRROR", server.url)
        with pytest.raises(ValueError, match="leads out of the folder"):
            download(KADID, downloads=tmp_path / "deep/downloads", patience=QUICK)
    assert not list(tmp_path.rglob("evil*"))


def test_sets_that_ask_need_their_terms_accepted(tmp_path):
    with pytest.raises(ValueError, match=r"clive: read its terms first \(.*UT Austin.*--accept-terms"):
        download(catalogue.entry("clive"), downloads=tmp_path)
    assert not list(tmp_path.iterdir())


def test_sets_without_an_address_say_the_steps_and_the_folder(tmp_path):
    with pytest.raises(ValueError, match=r"agiqa1k: cannot be fetched.*file\.zip.*Unpack into .*agiqa1k"):
        download(catalogue.entry("agiqa1k"), accept_terms=True, downloads=tmp_path)


def test_offline_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_OFFLINE", "1")
    with pytest.raises(ValueError, match="IQA_OFFLINE forbids"):
        bring(tmp_path)


def bring_aloud(folder, said):
    with said.open("w", buffering=1) as file, redirect_stderr(file):
        bring_patiently(folder)


def bring_patiently(folder):
    download(catalogue.entry("kadid10k"), downloads=folder)


def test_a_killed_download_goes_on(tmp_path, monkeypatch, packed):
    with serve(
        monkeypatch, packed, lambda number, path: "stall" if number == 0 else "right"
    ).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        process = apart.start(bring_patiently, tmp_path)
        part = tmp_path / ".archives/kadid10k/kadid10k.zip.part"
        waited = time.monotonic() + 120
        while time.monotonic() < waited and not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        process.kill()
        process.join()
        assert part.stat().st_size > 0
        assert len(layouts.read(KADID, bring(tmp_path)).frame) == 3
        assert "Range" in server.requests[1][1]


@pytest.mark.parametrize("name", catalogue.names())
def test_every_record_is_whole(name):
    entry = catalogue.entry(name)
    record = entry.record()
    assert record.title
    assert record.licence
    assert entry.bibtex.startswith("@")
    assert entry.page.startswith("https://")
    assert min(entry.counts.values()) > 0
    assert entry.sources or entry.steps
    assert layouts.wanted_files(entry)
    assert all(
        url.startswith(("https://", "http://")) for s in entry.sources for f in s.files for url in f.urls
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: [", "is no YAML"),
        ("just text", "holds no record"),
        ("title: T\nlicence: L\nlayuot: []\nlayout: []", "layuot: Extra inputs"),
        ("title: T\nlayout: []", "licence: Field required"),
        ("title: T\nlicence: L\nlayout: [{mos_sdt: SD}]", "layout: .*'mos_sdt'; did you mean 'mos_std'"),
        ("title: T\nlicence: L\nlayout: [{parts: [{imgae: a}]}]", "layout: .*'imgae'; did you mean 'image'"),
    ],
)
def test_a_record_at_fault_is_named_with_its_key(tmp_path, text, words):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValueError, match=rf"mine\.yaml: .*{words}"):
        catalogue.entry("mine", tmp_path)


RECORD = """
title: T
licence: L
sources:
  - from: somebody
    files:
      - name: {name}
        urls: [{url}]
layout:
  - reader: table
    scores: {scores}
    image: "{{image}}"
    mos: mos
"""


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("name", "../../../../ESCAPED.txt", "leads out of the folder"),
        ("name", "/tmp/ESCAPED.txt", "leads out of the folder"),
        ("name", "'..\\..\\ESCAPED.txt'", "leads out of the folder"),
        ("name", "sub/ESCAPED.txt", "leads into another folder"),
        ("url", "file:///etc/passwd", "not an address of http or https"),
        ("url", "ftp://example.org/a", "not an address of http or https"),
        ("scores", "../../scores.csv", "leads out of the folder"),
        ("scores", "/etc/passwd", "leads out of the folder"),
        ("scores", "a.csv\n    parts: [{scores: ../../b.csv}]", "leads out of the folder"),
        ("scores", "a.csv\n    beside: [{file: ../../b.mat, mos: x}]", "leads out of the folder"),
    ],
)
def test_a_record_from_somebody_else_is_held_inside_its_folder(tmp_path, monkeypatch, key, value, words):
    fields = {"name": "a.txt", "url": "http://127.0.0.1:9/a", "scores": "scores.csv"} | {key: value}
    own = tmp_path / "deep/er/experiments/datasets"
    own.mkdir(parents=True)
    (own / "x.yaml").write_text(RECORD.format(**fields))
    with pytest.raises(ValueError, match=words):
        download(catalogue.entry("x", own), downloads=tmp_path / "deep/er/downloads", patience=QUICK)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own / "x.yaml"]


def test_a_record_cannot_be_named_as_a_folder_above(tmp_path):
    (tmp_path / "...yaml").write_text(RECORD.format(name="a", url="http://127.0.0.1:9/a", scores="a.csv"))
    with pytest.raises(ValueError, match="a data set's name has letters"):
        catalogue.entry("..", tmp_path)


def test_several_processes_bring_it_once(tmp_path, monkeypatch, packed):
    with serve(monkeypatch, packed, lambda number, path: "slow").running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        processes = [apart.start(bring_patiently, tmp_path) for _ in range(3)]
        assert [apart.ended(process) for process in processes] == [0] * 3
        assert len(server.requests) == 1
    assert len(layouts.read(KADID, tmp_path / "kadid10k").frame) == 3
