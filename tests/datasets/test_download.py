"""Bringing a data set here: sources in turn, terms, killed runs, and what a release must be to count."""

import io
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest

from benchmark.datasets import catalogue, layouts
from benchmark.datasets.download import download
from benchmark.files.fetching import Patience
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
        assert len(layouts.read(KADID, bring(tmp_path)).frame) == 3


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


def test_a_killed_download_goes_on(tmp_path, monkeypatch, packed):
    with serve(
        monkeypatch, packed, lambda number, path: "stall" if number == 0 else "right"
    ).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        code = (
            "from pathlib import Path; from benchmark.datasets import catalogue, download; "
            f"download.download(catalogue.entry('kadid10k'), downloads=Path('{tmp_path}'))"
        )
        process = subprocess.Popen([sys.executable, "-c", code])
        part = tmp_path / ".archives/kadid10k/kadid10k.zip.part"
        waited = time.monotonic() + 120
        while time.monotonic() < waited and not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
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
    assert entry.counts["images"] > 0
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
        ("url", "file:///etc/passwd", "no address of http or https"),
        ("url", "ftp://example.org/a", "no address of http or https"),
        ("scores", "../../scores.csv", "leads out of the folder"),
        ("scores", "/etc/passwd", "leads out of the folder"),
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
    code = "from pathlib import Path; from benchmark.datasets import catalogue, download; "
    code += f"download.download(catalogue.entry('kadid10k'), downloads=Path('{tmp_path}'))"
    with serve(monkeypatch, packed, lambda number, path: "slow").running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
        assert [process.wait(timeout=240) for process in processes] == [0] * 3
        assert len(server.requests) == 1
    assert len(layouts.read(KADID, tmp_path / "kadid10k").frame) == 3
