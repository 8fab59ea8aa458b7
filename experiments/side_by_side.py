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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from experiments.settings import Settings

#: Studies that are one stage; the longest come first.
SHORTER = ("robustness", "evaluate", "gradcam", "cross_dataset", "gmad")

#: A list of stages, one after the other.
Chain = list[str]


def studies(settings: Settings) -> list[Chain]:
    """Stages that put together what others left, and can do so with a part of it; the longest come first."""
    ablation = [*(f"variants@{name}" for name in settings.ablation.datasets), "ablation"]
    return [["sweep"], ablation, *([name] for name in SHORTER)]


def rounds(settings: Settings) -> list[list[Chain]]:
    """Chains of stages in rounds: those of one round do not need each other, only earlier rounds.

    A method's chain trains it, scores with it and describes pictures with it; the longest come first.
    """
    probed = settings.cross_dataset
    chains = []
    for name in settings.methods:
        described = probed.datasets if name in probed.methods else []
        chains.append(
            [
                f"train@{name}",
                *(f"score@{name}-{dataset}" for dataset in settings.score.datasets),
                *(f"features@{name}-{dataset}" for dataset in described),
            ]
        )
    trainings = [f"ablate@{name}" for name in settings.ablation.variants]
    trainings += [f"reseed@{seed}" for seed in settings.ablation.seeds]
    chains.sort(key=len, reverse=True)
    return [
        [["outside"]],
        [[f"prepare@{name}"] for name in settings.prepare.datasets],
        [*chains, *([name] for name in trainings)],
        studies(settings),
    ]


class Runner:
    """Starts DVC, and ends what it started when it is left by an exception, such as an interrupt."""

    def __init__(self) -> None:
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
        code, said = self._dvc("status", "--json", output=True)
        return code == 0 and set(json.loads(said)) <= {"outside"}

    def _dvc(self, *arguments: str, output: bool = False) -> tuple[int, str]:
        """Run DVC to its end; returns its exit code and, where asked for, its output."""
        with self._lock:
            if self._ended:
                return 1, ""
            command = [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments]
            # A session of its own: an interrupt at the terminal comes here alone.
            process = subprocess.Popen(
                command, start_new_session=True, text=True, stdout=subprocess.PIPE if output else None
            )
            self._running.add(process)
        try:
            said, _ = process.communicate()
            return process.returncode, said or ""
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
