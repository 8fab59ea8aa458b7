"""A fork of the warm process is what the process that handed over would have been, and ends as that ends."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

from experiments import warm

TOP = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the warm process is kept on Linux alone")

#: Says what it is; nothing but the warm process loads `colorsys`.
JOB = """
import json, os, sys
here = {"folder": os.getcwd(), "path": sys.path[0], "pid": os.getpid(), "given": os.environ.get("GIVEN")}
named = {"arguments": sys.argv, "name": __name__, "main": sys.modules["__main__"].__spec__.name}
print(json.dumps({**here, **named, "input": sys.stdin.read(), "warm": "colorsys" in sys.modules}))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "job.py").write_text(JOB)
    return tmp_path


@pytest.fixture
def kept():
    with warm.kept(["colorsys", "no_such_package"]):
        yield


def started(folder, *command, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "experiments.warm", *command],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(TOP), **more}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def said(folder, *command, **more):
    with started(folder, *command, **more) as process:
        out, _ = process.communicate("some input")
    return json.loads(out), process


def module(folder, text):
    (folder / "job.py").write_text(textwrap.dedent(text))


def test_a_fork_has_the_arguments_folder_environment_and_streams_of_what_it_stands_for(folder, kept):
    found, process = said(folder, "job", "--a", "b c", GIVEN="é\n=x")
    assert found["warm"]
    assert found["pid"] != process.pid
    assert Path(found["arguments"][0]).name in ("job", "job.py")
    assert found["arguments"][1:] == ["--a", "b c"]
    assert found["folder"] == str(folder) == found["path"]
    assert (found["name"], found["main"], found["given"]) == ("__main__", "job", "é\n=x")
    assert found["input"] == "some input"


def test_without_one_the_process_does_its_work_itself_and_alike(folder):
    found, process = said(folder, "job", "--a", GIVEN="x")
    assert not found.pop("warm")
    assert found.pop("pid") == process.pid
    with warm.kept(["colorsys"]):
        forked, _ = said(folder, "job", "--a", GIVEN="x")
    assert {name: forked[name] for name in found} == found


def test_where_nobody_answers_at_the_address_the_process_does_its_work_itself(folder):
    found, process = said(folder, "job", **{warm.ADDRESS: str(folder / "gone")})
    assert found["pid"] == process.pid
    assert process.returncode == 0


def test_where_no_socket_can_be_made_work_goes_on_without(folder, monkeypatch, capfd):
    deep = folder / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with warm.kept(["colorsys"]):
        found, process = said(folder, "job")
    assert found["pid"] == process.pid
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("raise SystemExit", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('error: so it is')", 1, "error: so it is\n"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os; os._exit(7)", 7, ""),
        ("import atexit; atexit.register(print, 'last'); raise SystemExit(2)", 2, ""),
        ("import os, sys; os.execv('/bin/sh', ['sh', '-c', 'exit 9'])", 9, ""),
    ],
)
def test_it_ends_as_the_work_ended(folder, text, code, words, there):
    module(folder, text)
    with warm.kept([]) if there else contextlib.nullcontext(), started(folder, "job") as process:
        out, errors = process.communicate()
    assert process.returncode == code
    assert words in errors
    assert ("last" in text) == ("last" in out)


def test_a_fork_that_is_killed_is_told_as_a_shell_tells_it(folder, kept):
    module(folder, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with started(folder, "job") as process:
        assert process.wait() == 128 + signal.SIGKILL


def test_the_time_of_forks_is_counted_as_that_of_other_processes(folder):
    module(folder, "import time\nwhile time.process_time() < 1: pass")
    before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    with warm.kept([]):
        for _ in range(2):
            with started(folder, "job") as process:
                assert process.wait() == 0
    assert sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before > 2


SLEEPER = """
import os, subprocess, sys, time
inner = subprocess.Popen(["sleep", "600"])
print(os.getpid(), inner.pid, flush=True)
time.sleep(600)
"""


def gone(pid):
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_what_ends_the_process_ends_its_fork_and_what_that_started(folder, kept, kind):
    module(folder, SLEEPER)
    with started(folder, "job") as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.send_signal(kind)
        assert process.wait() in (128 + signal.SIGTERM, -signal.SIGKILL)
    assert all(map(gone, pids))


def test_forks_end_with_the_process_that_keeps_the_warm_one_even_where_it_is_killed(folder):
    module(folder, SLEEPER)
    (folder / "keeper.py").write_text(
        "import subprocess, sys\nfrom experiments import warm\n"
        "with warm.kept([]):\n    subprocess.run([sys.executable, '-m', 'experiments.warm', 'job'])"
    )
    with started(folder, "keeper") as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
    assert all(map(gone, pids))


def test_code_of_the_project_is_that_of_the_moment(folder, kept):
    own = folder / "benchmark"
    own.mkdir()
    module(folder, "import benchmark; print(benchmark.VALUE)")
    for value in ("1", "22"):
        (own / "__init__.py").write_text(f"VALUE = {value}")
        with started(folder, "job", PYTHONPATH=os.pathsep.join([str(folder), str(TOP)])) as process:
            assert process.communicate()[0] == f"{value}\n"


def test_a_stage_is_handed_over_before_it_imports_anything(tmp_path):
    """A stage's package is enough: what is asked of the warm process is its module and arguments."""
    code = """
import json, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print(flush=True)
client, _ = listener.accept()
length, streams, *_ = socket.recv_fds(client, 8, 3)
job = json.loads(client.makefile("rb").read(int.from_bytes(length, "big")))
print(json.dumps(job["command"]))
client.sendall(bytes([5]))
"""
    address = str(tmp_path / "warm")
    listener = subprocess.Popen([sys.executable, "-c", code, address], text=True, stdout=subprocess.PIPE)
    listener.stdout.readline()
    done = subprocess.run(
        [sys.executable, "-m", "experiments.stages.train", "mine"],
        cwd=TOP,
        env={**os.environ, warm.ADDRESS: address},
    )
    assert done.returncode == 5
    assert json.loads(listener.communicate()[0]) == ["experiments.stages.train", "mine"]


def test_work_is_taken_before_all_is_loaded(folder, monkeypatch):
    """Sixty packages of .2 s each take twelve; a fork that comes in between finds a part of them."""
    slow = [f"slow_{number}" for number in range(60)]
    for name in slow:
        (folder / f"{name}.py").write_text("import time; time.sleep(0.2)")
    module(folder, "import sys; print(sum(name.startswith('slow_') for name in sys.modules))")
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{TOP}")
    with warm.kept(slow), started(folder, "job") as process:
        out, _ = process.communicate()
    assert int(out) < len(slow)
