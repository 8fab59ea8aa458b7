"""How a section measures: the device's clock, medians over repeats, peak memory, a limit on its time."""

import signal
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from benchmarks.gpu.report import Report


@dataclass
class Bench:
    """What every section is given.

    Parameters
    ----------
    device
        What is measured: a CUDA device, or the CPU to try the benchmark itself.
    quick
        Small networks and few repeats: figures mean nothing, the code is the same.
    report
        Where figures go.
    folder
        For pictures and what training writes.
    """

    device: torch.device
    quick: bool
    report: Report
    folder: Path

    def sync(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def seconds(self, run, repeats=5, times=10):
        """Seconds of a call, once for each repeat of so many calls; the first calls are not counted."""
        repeats, times = (2, 1) if self.quick else (repeats, times)
        for _ in range(1 if self.quick else 2):
            run()
        found = []
        for _ in range(repeats):
            self.sync()
            start = time.perf_counter()
            for _ in range(times):
                run()
            self.sync()
            found.append((time.perf_counter() - start) / times)
        return found

    @contextmanager
    def peak(self):
        """Yield a function that gives the most bytes held on the device since; nothing on the CPU."""
        if self.device.type != "cuda":
            yield lambda: None
            return
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        yield torch.cuda.max_memory_allocated

    def rate(self, section, name, run, of, count=1, repeats=5, times=10, note=""):
        """Measure a call and report it as so many things a second; returns the median seconds of a call."""
        with self.peak() as peak:
            found = self.seconds(run, repeats, times)
            self.report.row(section, name, [count / s for s in found], f"{of}/s", peak(), note)
        return statistics.median(found)

    def milliseconds(self, section, name, run, repeats=5, times=10, note=""):
        """Measure a call and report its milliseconds; returns the median seconds."""
        with self.peak() as peak:
            found = self.seconds(run, repeats, times)
            self.report.row(section, name, [1e3 * s for s in found], "ms", peak(), note)
        return statistics.median(found)


class OutOfTime(Exception):
    """A section has used the time that it was given."""


@contextmanager
def limited(seconds):
    """Raise `OutOfTime` in the main thread after so many seconds."""

    def stop(number, frame):
        raise OutOfTime(f"stopped after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def replaced(module, **parts):
    """Put others in the place of some parts of a module."""
    before = {name: getattr(module, name) for name in parts}
    try:
        for name, part in parts.items():
            setattr(module, name, part)
        yield
    finally:
        for name, part in before.items():
            setattr(module, name, part)


def tf32(on):
    """Let convolutions of float32 be computed with the ten bits of TF32, which torch does unless told."""
    return replaced(torch.backends.cudnn, allow_tf32=on)
