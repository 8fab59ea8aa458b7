"""What DVC says while it works, as one line a stage; read from DVC itself."""

import json
import subprocess
import sys
import textwrap

import pytest

from experiments.scheduling import terminal
from experiments.scheduling.parallel import Runner
from experiments.scheduling.terminal import Log, minutes

NAMES = ["first", "second@a", "second@b", "last"]
DOES = {"first": "Make a file", "second": "Copy it", "last": "Join them"}
PIPELINE = """
stages:
  first:
    cmd: echo left out x; echo {text} > f
    outs: [f]
  second:
    foreach: [a, b]
    do:
      cmd: cp f ${{item}}
      deps: [f]
      outs: ["${{item}}"]
  last:
    cmd: {last}
    deps: [a, b]
    outs: [c]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("dvc")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=root, check=True)
    return root


def repro(folder, monkeypatch, *, text="one", last="cat a b > c", lines=None):
    """Lines, exit code and log of a run of these stages."""
    (folder / "dvc.yaml").write_text(textwrap.dedent(PIPELINE).format(text=text, last=last))
    monkeypatch.chdir(folder)
    lines = [] if lines is None else lines
    log = Log(NAMES, DOES, write=lines.append)
    with Runner(log) as dvc:
        code = dvc.repro("--keep-going")
    return lines, code, log


def test_a_line_a_stage_and_then_nothing_where_nothing_changed(folder, monkeypatch):
    lines, code, log = repro(folder, monkeypatch)
    assert code == 0
    assert [line.split(" (")[0] for line in lines if line.startswith("[")] == [
        "[1/4] first: Make a file",
        "[2/4] second@a: Copy it",
        "[3/4] second@b: Copy it",
        "[4/4] last: Join them",
    ]
    assert [line.strip() for line in lines if not line.startswith("[")] == ["left out x"]
    assert log.ended == dict.fromkeys(NAMES, True)
    lines, code, log = repro(folder, monkeypatch)
    assert (lines, code, log.ended) == ([], 0, dict.fromkeys(NAMES, False))


def test_a_failure_is_shown_whole_and_the_rest_goes_on(folder, monkeypatch):
    lines, code, log = repro(folder, monkeypatch, text="two", last="python -c 'raise SystemExit(chr(119)*3)'")
    assert code != 0
    shown = "\n".join(lines)
    assert "last: FAILED" in shown
    assert "www" in shown
    assert "failed to run: python -c" in shown
    assert list(log.ended) == NAMES[:3]


def test_what_dvc_refuses_is_said(folder, monkeypatch):
    lines = []
    with pytest.raises(ValueError, match="DVC cannot work in this folder; what it says of it stands above"):
        repro(folder, monkeypatch, last="a: b: c", lines=lines)
    assert lines[0] == "[0/4] dvc: FAILED"
    assert "dvc.yaml" in "\n".join(lines)


def test_time_left_is_that_of_the_last_run_shared_by_the_jobs(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    times = tmp_path / "times.json"
    times.write_text(json.dumps({"first": 5, "second@a": 30, "second@b": 50, "last": 20, "report": 40}))
    lines = []
    log = Log([*NAMES, "report"], DOES, jobs=2, write=lines.append, times=times)
    log.begin("first")
    now[0] += 10
    log.begin("second@a")
    now[0] += 10
    log.end("first")
    # 30 + 50 + 20 less the 10 that second@a has worked, by two; then the report's 40 alone.
    assert lines == ["[1/5] first: Make a file (20 s; about 1:25 left)"]
    assert json.loads(times.read_text())["first"] == 20
    now[0] += 59
    log.remind()
    assert len(lines) == 1
    now[0] += 1
    log.remind()
    assert lines[1:] == ["[1/5] at work: second@a 1:10 so far (30 s last time)"]


def test_nothing_is_said_of_time_left_where_a_stage_is_new(tmp_path):
    lines = []
    log = Log(NAMES, DOES, write=lines.append, times=tmp_path / "times.json")
    log.begin("first")
    log.end("first")
    assert lines == ["[1/4] first: Make a file (0 s)"]
    log.begin("first")
    log.end("first")
    assert len(lines) == 1  # said once, however often it runs


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (185, "3:05"), (3725, "62:05")]
)
def test_times_in_words(seconds, said):
    assert minutes(seconds) == said


@pytest.mark.parametrize("text", ["stages: [\n", "stages: {broken: 3}\n", "vars: []\n", "3\n", ""])
def test_of_a_pipeline_at_fault_no_stage_is_described_for_dvc_says_what_is_wrong(tmp_path, text):
    (tmp_path / "dvc.yaml").write_text(text)
    assert terminal.described(tmp_path / "dvc.yaml") == {}
    assert terminal.described(tmp_path / "gone.yaml") == {}
