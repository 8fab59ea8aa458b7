"""Scoring on a local Ray cluster of two workers, one of which is lost."""

import os
import signal

import psutil
import pytest
import torch

import methods
from benchmark.images import write_png
from benchmark.scoring import frame_of, score_files
from experiments.scoring.local import How

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")


@pytest.fixture(scope="module")
def cluster():
    from experiments.scoring.engine_ray import start

    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("RAY_ADDRESS", raising=False)
        patched.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "1")  # which `start` changes: put back after
        start(num_cpus=2)
        yield
        ray.shutdown()


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for index in range(24):
        image = torch.rand(3, 40 + 8 * (index % 3), 48, generator=torch.Generator().manual_seed(index))
        write_png(tmp_path / f"{index:02d}.png", image)
    (tmp_path / "05.png").write_bytes(b"no picture")
    named = sorted(tmp_path.glob("*.png"))
    return [*named[:-1], f"file://{named[-1]}"]


def workers():
    """Processes that Ray has started to score."""
    return [p for p in psutil.Process().children(recursive=True) if "MapWorker" in " ".join(p.cmdline()[:1])]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_rows_are_those_of_one_process_though_a_worker_is_lost(cluster, paths):
    from experiments.scoring.engine_ray import ray_rows

    expected = score_files(paths, methods.load("sharpness"), batch=4)
    rows, killed = [], 0
    for part in ray_rows(paths, "sharpness", How(device="cpu", batch=4), processes=2, chunk=2):
        rows += part
        if not killed:
            for process in workers()[:1]:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
    assert killed == 1
    found = frame_of(paths, rows)
    assert found["score"].tolist() == pytest.approx(expected["score"].tolist(), rel=1e-6, nan_ok=True)
    assert found["error"].tolist() == expected["error"].tolist()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_chunks_that_are_done_are_not_scored_again(cluster, paths):
    from experiments.scoring.engine_ray import ray_rows

    parts = list(ray_rows(paths, "sharpness", How(device="cpu"), done=set(range(16)), chunk=8))
    assert sorted(row.index for part in parts for row in part) == list(range(16, 24))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_nobody_outside_this_machine_reaches_the_cluster(cluster):
    ray.get(ray.remote(lambda: None).remote())  # a worker listens too
    ours = {process.pid for process in psutil.Process().children(recursive=True)} | {os.getpid()}
    listening = [c for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.pid in ours]
    names = {psutil.Process(c.pid).name() for c in listening}
    assert {"gcs_server", "raylet"} <= names
    assert {c.laddr.ip for c in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
