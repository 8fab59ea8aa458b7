"""Which stages may run beside each other, and that an interrupt ends what runs."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from itertools import permutations
from pathlib import Path

import pytest
import yaml

from experiments import settings
from experiments.scheduling import parallel
from experiments.scheduling.parallel import plan
from tests.composed import composed

REPOSITORY = Path(__file__).parents[2]


def declared():
    """Every stage of ``dvc.yaml``, as DVC itself resolves it."""
    with contextlib.chdir(REPOSITORY):
        parallel.check_git()
    listed = subprocess.run(
        [sys.executable, "-m", "dvc", "stage", "list", "--name-only"],
        **{"cwd": REPOSITORY, "capture_output": True, "text": True, "check": True},
    )
    return set(listed.stdout.split())


def test_the_plan_holds_every_stage_but_the_report_once():
    stages = [stage for chain in plan(settings.load(REPOSITORY / "params.yaml")) for stage in chain]
    assert sorted(stages) == sorted(declared() - {"report"})


def test_the_lock_remembers_no_stage_that_is_gone():
    """DVC never forgets one, and reads and writes all of them at every stage."""
    known = set(yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"])
    locked = yaml.safe_load((REPOSITORY / "dvc.lock").read_text())["stages"]
    assert {name.partition("@")[0] for name in locked} <= known


def test_no_chain_needs_what_another_makes_that_may_run_beside_it():
    """As ``dvc.yaml`` has it: paths that stages of different chains write and read do not overlap."""
    text = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    params = yaml.safe_load(composed("profile=paper"))

    def paths(stage, which):
        name, _, key = stage.partition("@")
        body = text[name].get("do", text[name])
        method, _, dataset = key.partition("-")
        given = {
            "key": key,
            "item.method": method,
            "item.dataset": dataset or key,
            "item.variant": key,
            "item.seed": key,
        }
        given |= {"item.code": "methods", "train.dataset": params["train"]["dataset"]}
        given |= {f"{name}.dataset": params[name]["dataset"] for name in ("sweep", "robustness", "gradcam")}
        given |= {"train.rated": params["train"]["rated"], "ablation.method": params["ablation"]["method"]}
        listed = [*body.get(which, []), *(body.get("metrics", []) if which == "outs" else [])]
        for template in listed:
            template = template if isinstance(template, str) else next(iter(template))
            for word, value in given.items():
                template = template.replace(f"${{{word}}}", value)
            yield template

    needs = plan(settings.parse(params))
    made = {chain: {path for stage in chain for path in paths(stage, "outs")} for chain in needs}
    read = {chain: {path for stage in chain for path in paths(stage, "deps")} for chain in needs}
    assert not any("$" in path for found in (made, read) for paths_of in found.values() for path in paths_of)
    for one, other in permutations(needs, 2):
        clash = [(a, b) for a in made[one] for b in made[other] | read[other] if overlap(a, b)]
        assert not clash or before(needs, one, other) or before(needs, other, one)


def test_of_chains_that_can_begin_that_of_the_first_place_begins(monkeypatch):
    """The second can begin when the first is over, and then goes before the third, which always could."""
    began = []
    monkeypatch.setattr(parallel.Runner, "repro", lambda self, *told: began.append(told[-1]) or 0)
    parallel.Runner().chains({("a",): [], ("b",): [("a",)], ("c",): []}, 1)
    assert began == ["a", "b", "c"]


def overlap(one, other):
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def before(needs, one, other):
    """Whether a chain is over before another begins."""
    return any(need == one or before(needs, one, need) for need in needs[other])


def test_what_a_chain_needs_is_over_before_it_begins_and_nothing_waits_for_more(monkeypatch):
    begun, ended, both = [], [], threading.Barrier(2, timeout=10)

    def repro(self, *arguments):
        (stage,) = arguments[2:]
        begun.append((stage, tuple(ended)))
        if stage in ("b", "d"):  # d needs a alone: it is at work while b still is
            both.wait()
        ended.append(stage)
        return 0

    monkeypatch.setattr(parallel.Runner, "repro", repro)
    needs = {("a",): [], ("b",): [], ("c",): [("a",), ("b",)], ("d",): [("a",)]}
    parallel.Runner().chains(needs, 2)
    seen = dict(begun)
    assert sorted(seen) == ["a", "b", "c", "d"]
    assert {"a", "b"} <= set(seen["c"])
    assert "a" in seen["d"]


SLEEPER = """
import sys
sys.path.insert(0, {repository!r})
from experiments.scheduling import parallel
parallel.sys.executable = {script!r}
with parallel.Runner() as dvc:
    dvc.chains(dict.fromkeys([("a",), ("b",), ("c",)], ()), 2)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_what_runs_and_begins_nothing(tmp_path, sent):
    script = tmp_path / "sleeps"
    script.write_text(f'#!/bin/sh\necho $$ > "{tmp_path}/$8.pid"\nexec sleep 60\n')
    script.chmod(0o755)
    code = SLEEPER.format(repository=str(REPOSITORY), script=str(script))
    # A shell starts what runs in its background with SIGINT ignored, and this is inherited.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, preexec_fn=heeding)
    pids = [tmp_path / "a.pid", tmp_path / "b.pid"]
    deadline = time.monotonic() + 60
    while not all(path.is_file() and path.read_text().strip() for path in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(sent)
    assert process.wait(timeout=30) != 0
    for path in pids:
        with pytest.raises(ProcessLookupError):
            os.killpg(int(path.read_text()), 0)
    assert not (tmp_path / "c.pid").exists()


CHECK = "from experiments.scheduling.parallel import check_locks; check_locks()"


def checked(folder, **environment):
    """What the check of the locks of a project says before DVC runs."""
    return subprocess.run(
        [sys.executable, "-c", CHECK],
        **{"cwd": folder, "capture_output": True, "text": True, "timeout": 120},
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
    )


@pytest.mark.parametrize("number", ["ENOSYS", "ENOLCK"])
def test_a_disk_without_locks_is_told_with_its_cure_and_not_waited_for(tmp_path, no_locks, number):
    (tmp_path / ".dvc").mkdir()
    said = checked(tmp_path, **no_locks(number))
    assert said.returncode
    assert "keeps no locks (flock)" in said.stderr
    assert "dvc config --local core.hardlink_lock true" in said.stderr
    (tmp_path / ".dvc/config.local").write_text("[core]\n    hardlink_lock = true\n")
    assert checked(tmp_path, **no_locks(number)).stderr == ""


def test_another_dvc_is_said_before_it_is_waited_for(tmp_path):
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    assert checked(tmp_path).stderr == ""
    with (tmp_path / ".dvc/tmp/lock").open("w") as held:
        held.write(" 4711\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another DVC (process 4711) is at work here; waiting" in checked(tmp_path).stderr


def test_the_lock_of_a_killed_dvc_is_said_with_its_cure(tmp_path):
    """Where DVC locks by hard links, the lock of a process that was killed holds for a year."""
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / ".dvc/config").write_text("[core]\n    hardlink_lock = true\n")
    code = "import os; from dvc.lock import make_lock\n"
    code += "make_lock('.dvc/tmp/lock', tmp_dir='.dvc/tmp', hardlink_lock=True).lock(); os._exit(1)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path)
    said = checked(tmp_path)
    assert said.returncode == 0
    assert "If there is none, remove .dvc/tmp/lock" in said.stderr


def project(folder, pipeline="stages: {}\n"):
    """Return a folder that DVC takes for a project, in no git repository."""
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (folder / "dvc.yaml").write_text(pipeline)
    return folder


def test_an_unpacked_archive_is_told_to_dvc_once_and_said(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(project(tmp_path))
    with pytest.raises(ValueError, match="DVC cannot work in this folder; what"):
        parallel.Runner().repro()
    parallel.check_git()
    assert "is in no git repository" in capfd.readouterr().err
    assert parallel.Runner().repro() == 0
    capfd.readouterr()
    parallel.check_git()
    assert capfd.readouterr().err == ""


def test_a_git_repository_is_left_as_it_is(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(project(tmp_path))
    subprocess.run(["git", "init", "-q"], check=True)
    parallel.check_git()
    assert capfd.readouterr().err == ""
    assert not (tmp_path / ".dvc/config.local").exists()


def test_a_stage_that_fails_is_no_fault_of_dvc(tmp_path, monkeypatch):
    pipeline = "stages:\n  broken:\n    cmd: 'false'\n"
    monkeypatch.chdir(project(tmp_path, pipeline))
    parallel.check_git()
    assert parallel.Runner().repro() != 0
    (tmp_path / "dvc.yaml").write_text("stages:\n  broken: 3\n")
    with pytest.raises(ValueError, match="DVC cannot work in this folder; what"):
        parallel.Runner().repro()
