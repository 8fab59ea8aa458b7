"""Records as Croissant metadata: what the format's own reader takes, and reads rows by."""

import json
import warnings

import pytest
from typer.testing import CliRunner

from benchmark.datasets import catalogue
from benchmark.datasets.croissant import croissant
from experiments.cli import app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it imports
    import mlcroissant

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the reader itself


def read(made):
    dataset = mlcroissant.Dataset(jsonld=made)
    return dataset, dataset.metadata.ctx.issues


@pytest.mark.parametrize("name", catalogue.names())
def test_the_reader_of_the_format_finds_no_fault(name, caplog):
    entry = catalogue.entry(name)
    dataset, issues = read(croissant(entry))
    assert not issues.errors
    assert "not standard" not in caplog.text
    assert (dataset.metadata.name, dataset.metadata.license) == (name, [entry.licence])
    known = {file.name: file.sha256 for file in (entry.sources[0].files if entry.sources else ())}
    assert {file.id: file.sha256 for file in dataset.metadata.distribution} == known
    assert bool(dataset.metadata.ctx.is_live_dataset) == (None in known.values())


def test_opinions_are_read_from_the_released_table(tmp_path):
    made = croissant(catalogue.entry("agiqa3k"))
    rows = ("name,prompt,mos_quality,std_quality", "a_000.jpg,a cat,1.25,0.5", "b_001.jpg,a dog,4.5,0.25", "")
    (tmp_path / "data.csv").write_text("\n".join(rows))
    for file in made["distribution"]:
        if file["name"] == "data.csv":
            file["contentUrl"] = "data.csv"
            del file["sha256"]
    made["isLiveDataset"] = True
    (tmp_path / "croissant.json").write_text(json.dumps(made))
    dataset, _ = read(tmp_path / "croissant.json")
    found = [
        {key.removeprefix("opinions/"): value for key, value in row.items()}
        for row in dataset.records("opinions")
    ]
    assert found == [
        {"image": b"a_000.jpg", "opinion": 1.25, "deviation": 0.5},
        {"image": b"b_001.jpg", "opinion": 4.5, "deviation": 0.25},
    ]


def test_the_command_prints_it_and_asks_for_a_name():
    done = CliRunner().invoke(app, ["datasets", "koniq10k", "--croissant"])
    assert json.loads(done.output) == croissant(catalogue.entry("koniq10k"))
    done = CliRunner().invoke(app, ["datasets", "--croissant"])
    assert done.exit_code != 0
    assert "name it" in str(done.exception)
