"""Workflows of a hosted runner: few rights, fixed actions, nothing of a stranger's in a shell line.

They cannot be run here. What they may do is held by rules that the host and its linters ask for; the
commands of their steps are those of the Makefile and of `iqa`, which other tests run.
"""

import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from experiments.cli import app

TOP = Path(__file__).parents[1]
FILES = sorted((TOP / ".github/workflows").glob("*.yml"))
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
#: What of an event nobody but the host chooses; names of branches, titles and messages are a stranger's.
HARMLESS = {"github.event.pull_request.base.sha", "matrix.python"}


def read(path):
    told = yaml.safe_load(path.read_text())
    return told.pop(True), told  # YAML 1.1 reads `on` as a truth


def steps(told):
    return [step for job in told["jobs"].values() for step in job["steps"]]


def test_both_are_there():
    assert [path.name for path in FILES] == ["records.yml", "test.yml"]


@EACH
def test_it_runs_for_who_has_no_rights_and_has_none_itself(path):
    events, told = read(path)
    assert set(events) <= {
        "push",
        "pull_request",
    }  # pull_request_target and workflow_run have the host's rights
    assert told["permissions"] == {"contents": "read"}
    for job in told["jobs"].values():
        assert not {"permissions", "secrets", "environment", "container", "services"} & set(job)
        assert job["runs-on"] == "ubuntu-latest"
        assert job["timeout-minutes"] <= 60
    assert "secrets." not in path.read_text()
    assert "github.token" not in path.read_text()


@EACH
def test_actions_are_the_host_s_own_at_one_commit_and_leave_no_key_behind(path):
    for step in steps(read(path)[1]):
        if action := step.get("uses"):
            assert re.fullmatch(r"actions/(checkout|setup-python)@[0-9a-f]{40}", action)
            if action.startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    for line in re.findall(r"uses: .*", path.read_text()):
        assert re.search(r"# v\d+\.\d+\.\d+$", line)


@EACH
def test_nothing_is_put_into_a_shell_line(path):
    told = read(path)[1]
    for step in steps(told):
        assert set(step) <= {"uses", "with", "run"}
        assert "${{" not in step.get("run", "")
    used = set(re.findall(r"\$\{\{\s*(.*?)\s*\}\}", path.read_text()))
    assert used <= HARMLESS


def test_records_are_checked_by_code_that_is_not_theirs_and_was_installed_before_they_came():
    told = steps(read(TOP / ".github/workflows/records.yml")[1])
    ours, python, setup, theirs, verify = told
    assert ours["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert "path" not in ours["with"]
    assert python["uses"].startswith("actions/setup-python@")
    assert setup == {"run": "make setup"}
    assert theirs["with"]["path"] == "theirs"
    assert "ref" not in theirs["with"]
    command, *arguments = verify["run"].split()
    assert command == ".venv/bin/iqa"
    assert arguments == ["records", "verify", "theirs/records"]
    assert "verify" in get_command(app).commands["records"].commands


def test_tests_are_those_of_the_command_that_the_readme_names():
    (run,) = [step["run"] for step in steps(read(TOP / ".github/workflows/test.yml")[1]) if "run" in step]
    assert run.endswith(" .ci/run")
    assert re.search(r"^make test$", (TOP / ".ci/run").read_text(), re.MULTILINE)
    pythons = read(TOP / ".github/workflows/test.yml")[1]["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert pythons == ["3.11", "3.12", "3.13"]
