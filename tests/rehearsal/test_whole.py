"""The paper profile in miniature, on five of its data sets, with parts missing and after they have come."""

import subprocess
import sys

import pytest
import yaml

from benchmark.datasets import catalogue
from tests.composed import composed
from tests.rehearsal import answers, mirror
from tests.rehearsal.rehearse import Rehearsal

pytestmark = pytest.mark.slow

PROFILE = "rehearsal_short"
LISTED = yaml.safe_load(composed(f"profile={PROFILE}"))["prepare"]["datasets"]
CORRUPT, BY_HAND_LATER, WITHOUT_WEIGHTS = "kadid10k", "agiqa3k", "clipiqa_plus"
ASKED = [name for name in LISTED if name in mirror.ARCHIVES and catalogue.entry(name).asks]
WEIGHTS = next(address for address in mirror.weights.FILES if "CLIP-IQA+" in address)


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    with Rehearsal(tmp_path_factory.mktemp("rehearsal"), PROFILE).running() as running:
        running.compose()
        yield running


def stages_run(output):
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def repro(rehearsal):
    command = [sys.executable, "-m", "experiments.cli", "repro", "--jobs", "2"]
    done = subprocess.run(
        command, cwd=rehearsal.clone, env=rehearsal.environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def in_part(rehearsal):
    """A third is missing: terms not accepted, an archive corrupt, a set not fetched, weights gone."""
    rehearsal.corrupt = {mirror.ARCHIVES[CORRUPT]}
    rehearsal.gone = {WEIGHTS}
    downloaded = rehearsal.iqa("download", "--profile", PROFILE)
    rehearsal.fetch_by_hand(*[name for name in mirror.BY_HAND if name != BY_HAND_LATER])
    code, said = repro(rehearsal)
    pages = {page.stem: page.read_text() for page in (rehearsal.clone / "reports").glob("*.html")}
    return downloaded, code, said, pages


@pytest.fixture(scope="module")
def whole(rehearsal, in_part):
    rehearsal.corrupt = rehearsal.gone = set()
    rehearsal.iqa("download", "--profile", PROFILE, "--accept-terms")
    rehearsal.fetch_by_hand()
    return repro(rehearsal)


def test_with_parts_missing_the_pages_show_the_rest_and_name_them(in_part, rehearsal):
    downloaded, code, said, pages = in_part
    assert (downloaded, code) == (3, 3), said[-3000:]
    listed = yaml.safe_load((rehearsal.clone / "params.yaml").read_text())["report"]["pages"]
    assert sorted(page for page in pages if not page.startswith("explore_")) == sorted(listed)
    assert f"iqa download {CORRUPT} &amp;&amp; dvc repro prepare@{CORRUPT}" in pages["index"]
    assert f"dvc repro prepare@{BY_HAND_LATER}" in pages["index"]
    assert f"dvc repro train@{WITHOUT_WEIGHTS}" in pages["index"]
    for name in ASKED:
        assert f"iqa download {name} --accept-terms" in pages["index"]
    summary = said.partition("Missing, with what brings it:")[2]
    assert all(name in summary for name in (CORRUPT, BY_HAND_LATER, WITHOUT_WEIGHTS, *ASKED))
    assert "KonIQ-10k" in pages["zero_shot"]


def test_when_they_come_only_they_run(whole, in_part):
    code, said = whole
    assert code == 0, said[-3000:]
    late = {CORRUPT, BY_HAND_LATER, *ASKED}
    ran = stages_run(said)
    assert {name for name in ran if name.startswith("prepare@")} == {f"prepare@{name}" for name in late}
    assert {name for name in ran if name.startswith("train@")} == {f"train@{WITHOUT_WEIGHTS}"}
    assert not {name for name in ran if name.startswith("ablate@")}


def test_then_every_answer_stands_in_the_tables(whole, rehearsal):
    answers.check(rehearsal.clone)
