"""Steps that processes prepare: the same numbers in the same order, the same errors, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmark import machine
from benchmark.images import write_png
from methods._shared.training import loop
from methods._shared.training.ranks import Team
from methods.arniqa import training as arniqa
from methods.qualiclip import training as qualiclip
from tests.methods.test_resuming import ARNIQA, QUALICLIP, pictures  # noqa: F401

CPU = torch.device("cpu")


class Process:
    """Says which process prepares a step."""

    def __call__(self, step):
        if step == 3:
            raise ValueError("picture three")
        return [torch.tensor([step, os.getpid()])]


def ends(pid):
    """Wait until a process is gone, or is a zombie that nobody has looked at."""
    for _ in range(300):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_steps_come_in_order_errors_as_they_are_and_no_process_is_left():
    before, state = [], torch.get_rng_state()
    with pytest.raises(ValueError, match=r"^picture three$"):
        before.extend(tensors[0].tolist() for tensors in loop.by_processes(Process(), 1, 9, 2, CPU))
    assert [step for step, _ in before] == [1, 2]
    with closing(loop.by_processes(Process(), 4, 40, 2, CPU)) as coming:
        found = [next(coming)[0].tolist() for _ in range(4)]
    assert [step for step, _ in found] == [4, 5, 6, 7]
    assert torch.equal(torch.get_rng_state(), state)
    processes = {process for _, process in before + found}
    assert len({process for _, process in found}) == 2
    assert os.getpid() not in processes
    assert all(map(ends, processes))


JOB = """
import torch
from methods._shared.training import loop
from tests.methods.test_processes import Process
if __name__ == "__main__":
    for found in loop.by_processes(Process(), 4, 10**9, 2, torch.device("cpu")):
        print(int(found[0][1]), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_one_that_asked_for_them(tmp_path, number):
    (tmp_path / "job.py").write_text(JOB)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, tmp_path / "job.py"], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        # A shell starts what runs in its background with SIGINT ignored, and this is inherited.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as job:  # fmt: skip
        processes = {int(job.stdout.readline()) for _ in range(8)}
        if number == signal.SIGINT:  # as a terminal sends it, to all
            os.killpg(job.pid, number)
        else:
            job.send_signal(number)
        job.stdout.read()
        job.wait(60)
    assert len(processes) == 2
    assert all(map(ends, processes))


@pytest.mark.slow
def test_processes_make_what_threads_make(pictures, tmp_path):  # noqa: F811
    own = qualiclip.Training(**QUALICLIP | {"batch": 4, "accumulate": 2, "levels_draw": "own"})
    crew = Team(1, 2, CPU)
    here, there = (
        qualiclip.ladders(pictures, 1, 5, own.model_copy(update={"processes": n}), crew) for n in (0, 2)
    )
    for one, other in zip(here, there, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    own = arniqa.Training(**ARNIQA)
    here, there = (
        arniqa.pairs(pictures, 1, 3, 5, own.model_copy(update={"processes": n}), CPU) for n in (0, 2)
    )
    for one, other in zip(here, there, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    write_png(pictures[0], torch.rand(3, 20, 20))
    own = qualiclip.Training(**QUALICLIP | {"processes": 1})
    with pytest.raises(ValueError, match=r"^.*0\.png: picture of 20x20 is smaller than the crop of 32"):
        list(qualiclip.ladders(pictures, 0, 5, own, Team(0, 1, CPU)))


@pytest.mark.parametrize(
    ("cores", "together", "shared", "expected"),
    [
        *((16, 1, 10**12, 12), (8, 1, 10**12, 6), (2, 1, 10**12, 2), (16, 2, 10**12, 6)),
        *((16, 1, 64_000_000, 0), (16, 1, 10 * 300_000_000, 10), (16, 2, 10 * 300_000_000, 5)),
    ],
)
def test_as_many_processes_as_cores_and_shared_memory_allow(
    monkeypatch, tmp_path, cores, together, shared, expected
):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: SimpleNamespace(free=shared))
    monkeypatch.setattr(machine, "SHARED", tmp_path)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(together))
    cuda = torch.device("cuda")
    assert loop.processes_of(None, cuda, 100_000_000) == expected
    assert loop.processes_of(3, cuda, 100_000_000) == 3
    assert loop.processes_of(None, CPU, 100_000_000) == 0
    assert loop.processes_of(2, CPU, 100_000_000) == 2
