"""DVC, several at once: which stages may run beside each other, and processes that end when told to.

DVC runs one stage after the other and keeps locks by path, so processes of it may work on stages that neither
write nor read what another writes. What they leave undone, a last DVC by itself does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark import files
from experiments.scheduling.terminal import Log, hear
from experiments.settings import Settings

#: A list of stages, one after the other.
Chain = list[str]


def studies(settings: Settings) -> list[Chain]:
    """Stages that put together what others left, and can do so with a part of it; the longest come first."""
    ablation = [*(f"variants@{name}" for name in settings.ablation.datasets), "ablation"]
    return [["studies"], ablation, ["evaluate"], ["cross_dataset"], ["gmad"], ["pictures"]]


def cells(settings: Settings) -> list[Chain]:
    """Stages of each method that take what there is of data sets."""
    return [[f"score@{name}", f"study@{name}"] for name in settings.methods]


def rounds(settings: Settings) -> list[list[Chain]]:
    """Chains of stages in rounds: those of one round do not need each other, only earlier rounds.

    A method's chain trains it, scores and describes pictures with it, and studies it.
    """
    chains = [
        [f"train@{name}", *chain] for name, chain in zip(settings.methods, cells(settings), strict=True)
    ]
    trainings = [f"ablate@{name}" for name in settings.ablation.variants]
    trainings += [f"reseed@{seed}" for seed in settings.ablation.seeds]
    return [
        [["outside"]],
        [[f"prepare@{name}"] for name in settings.prepare.datasets],
        [*chains, *([name] for name in trainings)],
        studies(settings),
    ]


def stages(settings: Settings) -> list[str]:
    """Every stage of the pipeline."""
    return [stage for chains in rounds(settings) for chain in chains for stage in chain] + ["report"]


def check_locks(folder: Path = Path(".dvc/tmp")) -> None:
    """See whether DVC can lock the project, and say it where it will wait: DVC waits without a word or end.

    Raises
    ------
    ValueError
        If the disk keeps no locks and DVC is not told so, with the setting that tells it.
    """
    lock = folder / "lock"
    folder.mkdir(parents=True, exist_ok=True)
    if hardlinks(folder.parent):
        # The time of such a lock is when it ends, a year ahead: a killed DVC leaves it there.
        if lock.exists() and lock.stat().st_mtime > time.time():
            _say(f"{lock}: another DVC is at work here, or was killed; waiting for it")
            _say(f"If there is none, remove {lock} and, if it is there, {folder / 'rwlock.lock'}")
    elif not files.keeps_locks(folder):
        raise ValueError(
            f"{folder}: this disk keeps no locks (flock), so DVC would wait for ever; run "
            "`dvc config --local core.hardlink_lock true`, then call again"
        )
    elif held := _holder(lock):
        _say(f"{lock}: another DVC (process {held}) is at work here; waiting for it")


def hardlinks(dvc: Path) -> bool:
    """Whether DVC is told to lock by hard links, in any of its files of settings."""
    from dvc.config import Config

    return bool(Config(dvc_dir=str(dvc.resolve()))["core"].get("hardlink_lock"))


def _holder(lock: Path) -> str:
    """Process that has locked a file, or "" if none has."""
    try:
        FileLock(lock, timeout=0, fallback_to_soft=False).acquire().lock.release()
    except Timeout:
        return lock.read_text(errors="replace").strip() or "unknown"
    return ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Runner:
    """Starts DVC, and ends what it started when it is left by an exception, such as an interrupt.

    Parameters
    ----------
    log
        Takes what DVC says, to say it calmly; by default DVC speaks for itself.
    """

    def __init__(self, log: Log | None = None) -> None:
        self._log = log
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def __enter__(self) -> Runner:
        self._before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)
        if kind is None:
            return
        with self._lock:
            self._ended = True
            running = list(self._running)
        # To the group: DVC itself would ignore it, count the stage as failed and begin the next.
        for process in running:
            os.killpg(process.pid, signal.SIGTERM)
        for process in running:
            process.wait()

    def repro(self, *arguments: str) -> int:
        """Run ``dvc repro`` to its end and return its exit code."""
        return self._dvc("repro", *arguments)[0]

    def up_to_date(self) -> bool:
        """Whether nothing is left to do, but for the look at the releases, which this does."""
        if self.repro("--single-item", "outside"):
            return False
        code, answer = self._dvc("status", "--json", output=True)
        return code == 0 and set(json.loads(answer)) <= {"outside"}

    def _dvc(self, *arguments: str, output: bool = False) -> tuple[int, str]:
        """Run DVC to its end; returns its exit code and, where asked for, its output."""
        with self._lock:
            if self._ended:
                return 1, ""
            command = [sys.executable, "-m", "experiments.warm", "experiments.scheduling.dvc"]
            command += ["--wait-for-lock", *arguments]
            heard = self._log is not None and not output
            process = subprocess.Popen(
                command,
                start_new_session=True,  # an interrupt at the terminal comes here alone
                text=True,
                errors="replace",
                stdout=subprocess.PIPE if output or heard else None,
                stderr=subprocess.STDOUT if heard else None,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            self._running.add(process)
        try:
            if self._log is not None and heard:
                return hear(process, self._log), ""
            answer, _ = process.communicate()
            return process.returncode, answer or ""
        finally:
            if process.poll() is not None:
                with self._lock:
                    self._running.discard(process)

    def chains(self, chains: Sequence[Chain], jobs: int) -> None:
        """Run chains, ``jobs`` at once; a stage that fails does not stop the others."""
        pool = ThreadPoolExecutor(jobs)
        try:
            for _ in pool.map(lambda chain: self.repro("--single-item", "--keep-going", *chain), chains):
                pass
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
