"""What `iqa repro` says at its end, with DVC and what is there pretended."""

import contextlib
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmark import files
from experiments.cli import app
from experiments.scheduling import parallel, status


@pytest.fixture
def failing(monkeypatch):
    """A DVC of which every stage fails; returns a function that ends such a run."""

    class Runner(contextlib.nullcontext):
        def __enter__(self):
            return self

        def repro(self, *arguments):
            return 1

    monkeypatch.setattr(parallel, "Runner", Runner)
    monkeypatch.setattr(parallel, "check_locks", lambda: None)

    def ended(*options, missing=()):
        for name in ("data_sets", "trained", "scores"):
            monkeypatch.setattr(status, name, lambda settings: [])
        monkeypatch.setattr(status, "scores", lambda settings: [("one", True, "here"), *missing])
        done = CliRunner().invoke(app, ["repro", *options])
        assert done.exit_code == 3, done.exception
        return done.output

    return ended


@pytest.mark.parametrize(
    ("options", "says"),
    [((), ["above after FAILED", "iqa repro --verbose"]), (("--verbose",), ["is above."])],
)
def test_a_failure_without_a_known_cure_says_where_its_message_is(failing, options, says):
    output = failing(*options)
    assert all(words in output for words in ("A stage failed", "reports/index.html", *says))
    assert "Missing" not in output
    assert ("--verbose" in output) is not bool(options)
    assert "\n\n\n" not in output


def test_what_is_missing_is_said_with_its_cure(failing):
    output = failing(missing=[("weights", False, "iqa download weights")])
    assert "Missing, with what brings it:\n  weights " in output
    assert "iqa download weights\n\nThe pages show" in output
    assert "A stage failed" not in output
    assert "here" not in output.replace("reports", "")


def test_a_second_run_waits_for_the_first_and_says_so(failing, monkeypatch, tmp_path, capfd):
    """Beside the first its stages would fail as busy, and what the first is making be called missing."""
    lock, over = tmp_path / "repro", threading.Event()
    there = parallel.one_at_a_time
    monkeypatch.setattr(parallel, "one_at_a_time", lambda: there(tmp_path))
    begun = []
    monkeypatch.setattr(parallel.Runner, "repro", lambda self, *words: begun.append(over.is_set()) or 1)

    def first():
        with files.alone(lock, "busy"):
            held.set()
            time.sleep(1)
            over.set()

    held = threading.Event()
    other = threading.Thread(target=first)
    other.start()
    held.wait()
    said = failing()
    other.join()
    assert begun
    assert all(begun)
    assert "another `iqa repro` is at work in this folder; waiting for it" in said + capfd.readouterr().err


def test_the_lock_lies_where_dvc_keeps_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with parallel.one_at_a_time():
        assert [path.as_posix() for path in Path().rglob("*") if path.is_file()] == [".dvc/tmp/repro"]
