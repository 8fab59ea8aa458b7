"""GradCAM of CLIP's RN50: maps a second on the device and on the CPU."""

import torch
from benchmarks.gpu.pictures import folder
from benchmarks.gpu.scoring import method_of

from benchmark.attribution import maps
from benchmark.images import read

SECTION = "GradCAM of 512 x 384 pixels"


def rates(bench):
    files = folder(bench.folder, 512, 384, 8)
    images = torch.stack([read(path) for path in files])
    there, here = method_of(bench).to(bench.device), method_of(bench)
    targets = len(there.cam_targets)
    note = f"8 pictures at a time, {targets} targets"
    device = bench.rate(
        SECTION, "on the device", lambda: maps(there, images), "map", 8 * targets, times=3, note=note
    )
    few = images[:2]
    spent = bench.rate(SECTION, "on the CPU", lambda: maps(here, few), "map", 2 * targets, repeats=3, times=1,
                       note=f"2 pictures at a time, {torch.get_num_threads()} threads")  # fmt: skip
    bench.report.row(SECTION, "device over CPU", spent / 2 / (device / 8), "times")
    apart = (maps(there, few) - maps(here, few)).abs().amax((2, 3)) / maps(here, few).abs().amax((2, 3))
    bench.report.row(SECTION, "largest difference, of a map's largest value", 100 * float(apart.max()), "%")
