"""A run stopped in any kind of stage goes on and ends where an undisturbed one does; a clone pulls it."""

import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial

import psutil
import pytest
import yaml

from tests.rehearsal import small
from tests.rehearsal.rehearse import clone, environment

pytestmark = pytest.mark.slow

KINDS = ("train", "score", "study", "ablate", "variants")


def started(folder, *command):
    """Start a command in a clone, its output in a file beside it; control and C reach it in any case."""
    arguments = [sys.executable, "-m", *command]
    with folder.with_suffix(".log").open("ab") as log:
        how = {"cwd": folder, "env": environment(folder), "stdout": log, "stderr": subprocess.STDOUT}
        # A shell starts what runs in its background with SIGINT ignored, and this is inherited.
        how["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        return subprocess.Popen(arguments, start_new_session=True, **how)


def ended(folder, *command):
    code = started(folder, *command).wait()
    assert code == 0, said(folder)[-3000:]


def said(folder):
    return folder.with_suffix(".log").read_text(errors="replace")


def stages_run(folder):
    lines = said(folder).splitlines()
    return Counter(line.split("'")[1] for line in lines if line.startswith("Running stage"))


def new(folder):
    clone(folder)
    (folder / "params.yaml").write_text(small.settings())
    return folder


def at_work(process, kind):
    """The process of a stage of this kind below `process`, once it has worked for a second."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, f"ended before any {kind}"
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                words, seconds = child.cmdline(), child.cpu_times().user
            except psutil.NoSuchProcess:
                continue
            # A number at the end: the stage `reseed`, which runs the same module.
            mine = f"experiments.{kind}" in words and not words[-1].isdigit()
            if mine and "sharpness" not in words and seconds > 1:
                return child
        time.sleep(0.02)
    raise AssertionError(f"no {kind} in five minutes")


def interrupted(folder, kind):
    """As a person does at the terminal: ``iqa repro``, then control and C."""
    process = started(folder, "experiments.cli", "repro")
    victim = at_work(process, kind)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=600) not in (0, 3)
    assert not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE


def killed(folder, kind):
    """As a machine that goes down: every process at once, without a word."""
    process = started(folder, "dvc", "repro")
    at_work(process, kind)
    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in everyone:
        one.send_signal(signal.SIGKILL)
    assert process.wait(timeout=600) == -signal.SIGKILL


@pytest.fixture(scope="module")
def clones(tmp_path_factory):
    """Two of the same code, whatever the checkout becomes meanwhile."""
    return [new(tmp_path_factory.mktemp(name) / "clone") for name in ("undisturbed", "disturbed")]


@pytest.fixture(scope="module")
def undisturbed(clones):
    folder = clones[0]
    ended(folder, "experiments.cli", "repro", "--jobs", "2")
    return folder


@pytest.fixture(scope="module")
def disturbed(clones):
    folder = clones[1]
    for kind in KINDS:
        for stop in (interrupted, killed):
            stop(folder, kind)
    ended(folder, "experiments.cli", "repro")
    return folder


def test_a_stopped_run_ends_where_an_undisturbed_one_does(undisturbed, disturbed):
    files = [
        yaml.safe_load((folder / "dvc.lock").read_text())["stages"] for folder in (undisturbed, disturbed)
    ]
    assert set(files[0]) == set(files[1])
    for stage, entry in files[0].items():
        assert entry == files[1][stage], stage  # with the hash of everything that it read and wrote


def test_nothing_that_was_done_is_done_again(disturbed):
    runs = stages_run(disturbed)
    again = {name: count - 1 for name, count in runs.items() if count > 1}
    assert Counter(name.split("@")[0] for name in again) == Counter(KINDS)
    assert set(again.values()) == {2}


def test_a_fresh_clone_pulls_the_pages_and_computes_nothing(undisturbed, tmp_path):
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (
        [sys.executable, "-m", "dvc", "remote", "add", "--default", "store", str(tmp_path / "store")],
        [sys.executable, "-m", "dvc", "push", "--quiet"],
        [*git, "add", "--all"],
        [*git, "commit", "--quiet", "--message", "A run"],
    ):
        subprocess.run(command, cwd=undisturbed, env=environment(undisturbed), check=True)
    fresh = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(undisturbed), str(fresh)], check=True)
    ended(fresh, "dvc", "pull")
    pages = sorted((undisturbed / "reports").glob("*.html"))
    assert [page.name for page in pages] == ["index.html", "provenance.html", "zero_shot.html"]
    for page in pages:
        assert (fresh / "reports" / page.name).read_bytes() == page.read_bytes()
    ended(fresh, "dvc", "repro")
    assert not stages_run(fresh)
