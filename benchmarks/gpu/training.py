"""A training step of QualiCLIP at the paper's size, its parts, and what degradation costs of it."""

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import torch
import yaml
from benchmarks.gpu.bench import replaced
from benchmarks.gpu.pictures import folder

from benchmark.degradations import LEVELS, ladder
from benchmark.images import unit
from methods._shared.clip.antonyms import prompt_pairs
from methods._shared.clip.weights import load_clip, scorer
from methods._shared.training.loop import cached_bytes, processes_of
from methods._shared.training.ranks import Team
from methods.arniqa import training as of_arniqa
from methods.arniqa.pairs import draw_batch
from methods.qualiclip import training
from methods.qualiclip.feed import Feed
from methods.qualiclip.settings import Training

PROFILE = Path(__file__).parents[2] / "experiments/profile/paper.yaml"
SECTION = "Training of QualiCLIP"
#: Steps of a run: those that are not counted, blocks, steps a block.
WARM, BLOCKS, BLOCK = 40, 5, 20
SEED = 27


def paper(method):
    """Settings of a method's training in the paper profile."""
    return yaml.safe_load(PROFILE.read_text())["methods"][method]["train"]


def settings(bench, **changes):
    """The paper's settings, from random weights; no decoded picture is kept, as 140,000 would not be."""
    own = {**paper("qualiclip"), "pretrained": None, "validate_every": 0, "cache": 0}
    if bench.quick:
        own |= {"architecture": "small", "crop": 64, "batch": 4}
    return Training(**{**own, **changes})


def pictures(bench, large=False):
    count = 8 if bench.quick else 32 if large else 96
    return folder(bench.folder, *((1200, 900) if large else (512, 384)), count)


def model_of(bench, own):
    clip = load_clip(own.architecture, None, SEED)
    model = scorer(clip, prompt_pairs(own.prompts), own.scale)
    return model.to(bench.device).to(memory_format=torch.channels_last).train(own.norm == "train")


def crew(bench):
    return Team(0, 1, bench.device)


def step_seconds(bench, module, name, run):
    """Run a training; returns the mean seconds of a step in each block, by the calls of ``name``."""
    starts, step = [], getattr(module, name)

    def watched(*given, **more):
        starts.append(time.perf_counter())
        return step(*given, **more)

    with replaced(module, **{name: watched}):
        run()
    warm, block = (1, 2) if bench.quick else (WARM, BLOCK)
    return [(starts[at + block] - starts[at]) / block for at in range(warm, len(starts) - block, block)]


def count(bench, blocks=BLOCKS):
    return 6 if bench.quick else WARM + blocks * BLOCK + 1


def train(bench, name, files, own, note="", blocks=BLOCKS):
    """Time the training itself, data and all; returns the median seconds of a step."""
    own = own.model_copy(update={"steps": count(bench, blocks)})

    def run():
        training.train_encoder(files, bench.folder / "run", seed=SEED, settings=own)

    with bench.peak() as peak:
        found = step_seconds(bench, training, "take_step", run)
        bench.report.row(SECTION, name, [1e3 * s for s in found], "ms", peak(), note)
    return statistics.median(found)


def constant(crops):
    """Stand in for `training.ladders`: the same crops at every step."""

    def ladders(pictures, first, seed, settings, crew):
        for _ in range(first, settings.steps):
            yield [crops]

    return ladders


def feed_of(files, own):
    return Feed([str(file) for file in files], SEED, own)


def usual(bench, feed):
    """How many processes prepare steps unless a setting says so."""
    return processes_of(None, bench.device, feed.step_bytes)


def qualiclip(bench):
    own, files = settings(bench), pictures(bench)
    feed, row = feed_of(files, own), bench.report.row
    processes = usual(bench, feed) or 2
    making_alone(bench, feed)
    (crops,) = feed(0)
    crops = crops.to(bench.device)
    network = bare(bench, own, crops)
    with replaced(training, ladders=constant(crops)):
        ready = train(bench, "step on ready crops", files, own, "the loop without its data", blocks=3)
    own = own.model_copy(update={"processes": processes})
    data_side(bench, "512 x 384", files, own)
    note = f"{processes} processes, the usual number here"
    whole = train(bench, "step, pictures of 512 x 384", files, own, note)
    row(SECTION, "steps a second", 1 / whole, "/s")
    row(SECTION, "share of the bare network's rate", 100 * network / whole, "%")
    row(SECTION, "hours of the paper's steps", paper("qualiclip")["steps"] * whole / 3600, "h")
    note = "step less step on ready crops, over step"
    row(SECTION, "degradation's share of a step", 100 * (whole - ready) / whole, "%", note=note)
    for few, blocks in ((max(1, processes // 2), 3), (0, 1)):
        other = own.model_copy(update={"processes": few})
        note = f"{few} processes" if few else "0 processes: threads of the training's own"
        spent = train(bench, "step, pictures of 512 x 384", files, other, note, blocks)
        row(SECTION, f"share of the bare network's rate, {few} processes", 100 * network / spent, "%")


def bare(bench, own, crops):
    """Forward, backward and optimiser on ready crops, nothing read back; returns seconds."""
    model = model_of(bench, own)
    optimizer = torch.optim.AdamW(
        model.encoder.parameters(), lr=own.lr, weight_decay=own.weight_decay, foreach=True
    )

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss, _ = training.step_losses(model.encoder, model, crops, own)
        loss.backward()
        optimizer.step()

    shape = f"{crops.shape[:3].numel()} crops of {own.crop}"
    return bench.milliseconds(SECTION, "bare network", step, note=shape)


def making_alone(bench, feed):
    """What one thread of one process takes to make a step: decoding, crops, degradation."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spent = []
        for step in range(2 if bench.quick else 12):
            start = time.perf_counter()
            feed(step)
            spent.append(1e3 * (time.perf_counter() - start))
    finally:
        torch.set_num_threads(threads)
    bench.report.row(SECTION, "making a step on the CPU", spent, "ms", note="one thread, codecs on all")


def data_side(bench, name, files, own):
    """What the processes deliver to the device, without a network beside them."""
    warm, steps = (1, 4) if bench.quick else (3 * own.processes, 5 * own.processes + 60)
    own = own.model_copy(update={"steps": steps})
    begun = time.perf_counter()
    with closing(training.ladders(files, 0, SEED, own, crew(bench))) as coming:
        for step, _ in enumerate(coming):
            if step == 0:
                first = time.perf_counter() - begun
            if step == warm:
                bench.sync()
                start = time.perf_counter()
        bench.sync()
        spent = (time.perf_counter() - start) / (steps - 1 - warm)
    note = f"{own.processes} processes"
    bench.report.row(SECTION, f"data side alone, {name}", 1e3 * spent, "ms", note=note)
    bench.report.row(SECTION, f"until the first step is there, {name}", first, "s", note=note)


def large_pictures(bench):
    """The same training on pictures five times as large as KADIS-700k's."""
    files, own = pictures(bench, large=True), settings(bench)
    processes = usual(bench, feed_of(files, own)) or 2
    own = own.model_copy(update={"processes": processes})
    train(bench, "step, pictures of 1200 x 900", files, own, f"{processes} processes", blocks=2)


def types(bench):
    """Every type on the device and by one thread of the CPU: a ladder, per image and level."""
    section, (side, count) = "Degradation, a ladder of 32 crops", (64, 4) if bench.quick else (224, 32)
    pieces = pictures(bench)[:8]
    reader = cached_bytes(8)
    images = torch.stack([reader(pieces[i % 8])[:, :side, i : i + side] for i in range(count)])
    there, seeds = unit(images, bench.device), list(range(count))
    here, threads = images.float() / 255, torch.get_num_threads()
    for kind in LEVELS:
        found = bench.seconds(lambda kind=kind: ladder(there, kind, seeds, order="reference"), 3, 2)
        torch.set_num_threads(1)
        start = time.perf_counter()
        ladder(here, kind, seeds, order="reference")
        spent = time.perf_counter() - start
        torch.set_num_threads(threads)
        per = 1e3 / (5 * count)
        note = f"one thread of the CPU {per * spent:.3f} ms"
        bench.report.row(section, kind, [per * s for s in found], "ms an image and level", note=note)


def arniqa(bench):
    """ARNIQA's training, whose data come from processes too."""
    files, section = pictures(bench), "Training of ARNIQA"
    own = {**paper("arniqa_trained"), "pretrained": None, "cache": 0, "log_every": 50}
    if bench.quick:
        own |= {"backbone": "small", "crop": 64, "batch": 4, "processes": 2}
    steps = count(bench, blocks=2)
    own = of_arniqa.Training(**{**own, "epochs": steps * own["batch"] / len(files)})
    encoder = of_arniqa.build(own.backbone, SEED, own.embedding).to(bench.device)
    encoder = encoder.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(encoder.parameters(), lr=own.lr, momentum=own.momentum)
    a, b = torch.rand(2, 2 * own.batch, 3, own.crop, own.crop, device=bench.device)
    step = lambda: of_arniqa.train_step(encoder, optimizer, a, b, own)  # noqa: E731
    network = bench.milliseconds(section, "step on ready crops", step, 3)
    with bench.peak() as peak:
        found = step_seconds(
            bench, of_arniqa, "train_step",
            lambda: of_arniqa.train_encoder(files, bench.folder / "arniqa", seed=SEED, settings=own),
        )  # fmt: skip
        note = f"{4 * own.batch} crops of {own.crop}, data from processes"
        bench.report.row(section, "step, pictures of 512 x 384", [1e3 * s for s in found], "ms", peak(), note)
    bench.report.row(section, "share of the bare rate", 100 * network / statistics.median(found), "%")
    reader, draw = cached_bytes(0), of_arniqa.Draw(own.crop, own.distortions, own.levels, own.pristine)
    to_unit = lambda path: reader(path).float() / 255  # noqa: E731
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        making = lambda: draw_batch(files, 0, own.batch, SEED, to_unit, draw, pool)  # noqa: E731
        bench.milliseconds(section, "data side alone, one process", making, 2, 1, note="threads on all cores")
