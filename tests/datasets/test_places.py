"""Where data sets lie on this machine: said in one place that every command knows, and git does not keep."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from benchmark import datasets
from benchmark.datasets import catalogue
from benchmark.datasets.prepared import places
from benchmark.datasets.prepared.linked import folder_of
from experiments import settings
from experiments.cli import app
from experiments.scheduling.estimate import needs
from experiments.stages.outside import outside
from tests.composed import composed
from tests.datasets import releases


def iqa(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A checkout, and a network disk that holds KADID-10k in small under the name that people give it."""
    (tmp_path / "checkout/experiments").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.delenv("IQA_DATASETS", raising=False)
    releases.kadid10k(tmp_path / "disk/KADID10K", releases.MINI["kadid10k"])
    small = catalogue.entry("kadid10k").model_copy(update={"counts": {"images": 3}})
    known = catalogue.entry
    monkeypatch.setattr(
        catalogue, "entry", lambda name, *own: small if name == "kadid10k" else known(name, *own)
    )
    return tmp_path / "disk"


def by_variable(disk, monkeypatch):
    monkeypatch.setenv("IQA_DATASETS", str(disk))


def by_root(disk, monkeypatch):
    places.put("root", disk)


def by_line(disk, monkeypatch):
    places.put("kadid10k", disk / "KADID10K")


def by_setting(disk, monkeypatch):
    tree = yaml.safe_load(composed("profile=paper"))
    tree["prepare"]["datasets"]["kadid10k"] = {"source": str(disk / "KADID10K")}
    Path("params.yaml").write_text(yaml.safe_dump(tree))


@pytest.mark.parametrize("told", [by_variable, by_root, by_line, by_setting])
def test_every_command_knows_where_a_set_lies(disk, monkeypatch, told):
    row = lambda: next(r for r in iqa("datasets").stdout.splitlines() if r.startswith("kadid10k"))  # noqa: E731
    Path("params.yaml").write_text(composed("profile=paper"))
    assert row().split()[2] == "no"
    told(disk, monkeypatch)
    assert row().split()[2] == "complete"
    assert f"in {disk / 'KADID10K'}" in iqa("datasets", "kadid10k").stdout
    verified = iqa("verify", "kadid10k", "--no-decode")
    assert verified.stderr.endswith("kadid10k: 3 images, 0 faults, 0 notes\n")
    assert iqa("download", "kadid10k").stdout == f"kadid10k: {disk / 'KADID10K'}\n"
    now = settings.load()
    (line,) = [said for said in needs(now) if said.startswith("  kadid10k")]
    assert line.endswith(f"here: {disk / 'KADID10K'}")
    outside()
    assert "not here" not in Path(".outside/datasets/kadid10k").read_text()
    datasets.prepare("kadid10k", "data", **now.prepare.settings["kadid10k"])
    assert len(datasets.load("kadid10k", "data").manifest) == 3


def test_a_set_that_is_moved_is_found_again(disk, monkeypatch):
    by_line(disk, monkeypatch)
    assert folder_of(catalogue.entry("kadid10k")) == disk / "KADID10K"
    shutil.move(disk / "KADID10K", disk / "elsewhere")
    places.FILE.write_text(f"# mine\n{places.FILE.read_text()}csiq: /x\n")
    places.put("kadid10k", disk / "elsewhere")
    assert folder_of(catalogue.entry("kadid10k")) == disk / "elsewhere"
    assert places.FILE.read_text().splitlines()[:2] == ["# mine", "csiq: /x"]
    # What is told for this one call goes before what the machine says.
    assert folder_of(catalogue.entry("kadid10k"), "/told").as_posix() == "/told"


@pytest.mark.parametrize(
    ("text", "folders", "words"),
    [
        ("root: /no/such/disk", [], r"places\.yaml: root: /no/such/disk is not a folder"),
        ("root: [a]", [], r"places\.yaml: must have a line 'NAME: FOLDER'"),
        (
            "kadid10k: ''",
            [],
            r"places\.yaml: must have a line 'NAME: FOLDER'",
        ),  # not the folder where one stands
        (
            "root: {disk}",
            ["kadid-10k", "KADID_10k"],
            "'kadid10k' could be KADID10K or KADID_10k or kadid-10k in",
        ),
    ],
)
def test_a_place_that_cannot_be_is_named(disk, text, folders, words):
    for folder in folders:
        (disk / folder).mkdir()
    places.FILE.parent.mkdir()
    places.FILE.write_text(text.format(disk=disk))
    with pytest.raises(ValueError, match=words):
        folder_of(catalogue.entry("kadid10k"))


def test_a_set_that_the_root_lacks_lies_in_downloads(disk, monkeypatch):
    by_variable(disk, monkeypatch)
    assert folder_of(catalogue.entry("csiq")).as_posix() == "downloads/csiq"


def test_nothing_that_is_committed_names_a_folder_of_this_machine(disk):
    scores = disk / "scores.csv"
    releases.lines(scores, ["image,mos", "I01_01_01.png,1"])
    told = (
        "--images",
        disk / "KADID10K/images",
        "--scores",
        scores,
        "--low",
        1,
        "--high",
        5,
        "--higher-is-better",
    )
    ended = iqa("datasets", "add", "lab", *told, "--yes")
    assert ended.exit_code == 0, ended.output
    written = Path("experiments/datasets")
    assert not [path for path in written.iterdir() if str(disk) in path.read_text()]
    assert folder_of(catalogue.entry("lab")) == disk / "KADID10K/images"
    datasets.prepare("lab", "data")
    assert datasets.load("lab", "data").manifest["mos"].tolist() == [1]


def test_git_does_not_keep_the_places(tmp_path):
    shutil.copy(catalogue.HERE.parents[1] / ".gitignore", tmp_path)
    for words in (["init", "-q"], ["check-ignore", "-q", str(places.FILE)]):
        assert subprocess.run(["git", *words], cwd=tmp_path, check=False).returncode == 0
