"""Some steps of the training under torch's profiler: which operations, and how long the device works."""

import torch
from benchmarks.gpu.training import SEED, pictures, settings
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity

from methods.qualiclip import training

SECTION = "Steps under the profiler"
STEPS = 10


def steps(bench):
    own, files = settings(bench, steps=STEPS), pictures(bench)
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (bench.device.type == "cuda")
    window = Window(after=4, steps=2 if bench.quick else 5, activities=activities)
    step = training.take_step
    try:
        training.take_step = window.around(step)
        training.train_encoder(files, bench.folder / "profile", seed=SEED, settings=own)
    finally:
        training.take_step = step
    text = [
        window.profiler.key_averages().table(
            sort_by=f"self_{key}_time_total", row_limit=40, max_name_column_width=70
        )
        for key in ("cpu", *["device"] * (bench.device.type == "cuda"))
    ]
    (bench.report.out / "profile.txt").write_text("\n\n".join(text))
    if bench.device.type == "cuda":
        busy(bench, window.profiler.events())


class Window:
    """Profiles from the start of one step to the start of a later one."""

    def __init__(self, after, steps, activities):
        self.first, self.last = after, after + steps
        self.profiler = torch.profiler.profile(activities=activities)
        self.count = 0

    def around(self, step):
        def run(*given, **more):
            if self.count == self.first:
                self.profiler.__enter__()
            if self.count == self.last:
                self.profiler.__exit__(None, None, None)
            self.count += 1
            return step(*given, **more)

        return run


def busy(bench, events):
    """How much of the window some kernel ran, of any stream and of each."""
    spans = {}
    for event in events:
        if event.device_type == DeviceType.CUDA and not event.name.startswith(("ProfilerStep", "## ")):
            span = (event.time_range.start, event.time_range.end)
            for stream in ("any stream", f"stream {event.device_resource_id}"):
                spans.setdefault(stream, []).append(span)
    if not spans:
        return
    every = spans["any stream"]
    whole = max(end for _, end in every) - min(start for start, _ in every)
    for stream, own in spans.items():
        note = f"{len(own)} operations"
        bench.report.row(SECTION, f"device at work, {stream}", 100 * union(own) / whole, "%", note=note)


def union(spans):
    """Length of the union of intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
