"""A training step of QualiCLIP at the paper's size, its parts, and what degradation costs of it."""

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import torch
import yaml
from benchmarks.gpu.bench import fast_convolutions, replaced
from benchmarks.gpu.pictures import folder

from benchmark.degradations import LEVELS, ladder
from methods._clip.antonyms import prompt_pairs
from methods._clip.weights import load_clip, scorer
from methods._loop import cached_bytes
from methods._parallel import Team
from methods.arniqa import training as of_arniqa
from methods.qualiclip import training
from methods.qualiclip.settings import Training

PROFILE = Path(__file__).parents[2] / "experiments/profile/paper.yaml"
SECTION = "Training of QualiCLIP"
#: Steps of a run: those that are not counted, blocks, steps a block.
WARM, BLOCKS, BLOCK = 20, 5, 20
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
    count = 8 if bench.quick else 96
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


def count(bench):
    return 6 if bench.quick else WARM + BLOCKS * BLOCK + 1


def train(bench, name, files, own, note=""):
    """Time the training itself, data and all; returns the median seconds of a step."""
    own = own.model_copy(update={"steps": count(bench)})

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


def untouched(crops, kinds, seeds, settings):
    """Stand in for `rising`: the crops as they are at every level."""
    return crops.expand(settings.levels, *crops.shape).contiguous()


def drawn(bench, files, own, steps):
    """Crops, types and seeds of some steps, as training draws them."""
    reader = cached_bytes(len(files))
    found = []
    for step in range(steps):
        positions = range(step * own.batch, (step + 1) * own.batch)
        crops, kinds, seeds = training.draw_batch(files, positions, SEED, reader, own.crop, own.overlap)
        found.append((training.from_bytes(crops, bench.device), kinds, seeds.tolist()))
    return found


def qualiclip(bench):
    own, files = settings(bench), pictures(bench)
    batches = drawn(bench, files, own, 2 if bench.quick else 20)
    crops = training.rising(*batches[0], own)
    network = bare(bench, own, crops)
    degrading = degradation(bench, batches, own)
    whole = train(bench, "step, pictures of 512 x 384", files, own)
    row = bench.report.row
    row(SECTION, "steps a second", 1 / whole, "/s")
    row(SECTION, "share of the bare network's rate", 100 * network / whole, "%")
    row(SECTION, "hours of the paper's steps", paper("qualiclip")["steps"] * whole / 3600, "h")
    with replaced(training, rising=untouched):
        without = train(bench, "step without degradation", files, own, "crops pass as they are")
    row(SECTION, "degradation's share of a step", 100 * (whole - without) / whole, "%")
    row(
        SECTION,
        "degradation alone over a step",
        100 * degrading / whole,
        "%",
        note="as if nothing ran beside it",
    )
    in_the_run(bench, files, own)
    data_side(bench, "512 x 384", files, own)
    with replaced(training, ladders=constant(crops)):
        train(bench, "step on ready crops", files, own, "the loop without its data")
    with replaced(training, beside=lambda device: nullcontext()):
        train(bench, "step, degradation in the default stream", files, own, "as it was before it had its own")
    with fast_convolutions():
        fast = bare(bench, own, crops, ", cuDNN choosing its algorithms")
        step = train(bench, "step, cuDNN choosing its algorithms", files, own)
    row(SECTION, "share of the bare network's rate, cuDNN choosing", 100 * fast / step, "%")


def bare(bench, own, crops, how=""):
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
    return bench.milliseconds(SECTION, f"bare network{how}", step, note=shape)


def degradation(bench, batches, own):
    """Degrade some batches on the device and by one thread of the CPU; returns seconds on the device."""

    def every(batches):
        for batch in batches:
            training.rising(*batch, own)

    def alone():
        with training.beside(bench.device):
            every(batches)

    with bench.peak() as peak:
        found = [s / len(batches) for s in bench.seconds(alone, times=1)]
        note = f"mean of {len(batches)} batches"
        bench.report.row(
            SECTION, "degradation of a batch on the device", [1e3 * s for s in found], "ms", peak(), note
        )
    threads = torch.get_num_threads()
    here = [(crops.cpu(), kinds, seeds) for crops, kinds, seeds in batches[:8]]
    torch.set_num_threads(1)
    try:
        start = time.perf_counter()
        every(here)
        spent = (time.perf_counter() - start) / len(here)
    finally:
        torch.set_num_threads(threads)
    bench.report.row(
        SECTION, "degradation of a batch on the CPU", 1e3 * spent, "ms", note="one thread, codecs on all"
    )
    return statistics.median(found)


def in_the_run(bench, files, own):
    """How long drawing and degrading take while the network works beside them."""
    spent = {"draw_batch": [], "rising": []}

    def watched(name):
        function = getattr(training, name)

        def run(*given, **more):
            start = time.perf_counter()
            made = function(*given, **more)
            if name == "rising" and bench.device.type == "cuda":
                torch.cuda.current_stream().synchronize()
            spent[name].append(1e3 * (time.perf_counter() - start))
            return made

        return run

    with replaced(training, **{name: watched(name) for name in spent}):
        short = own.model_copy(update={"steps": 4 if bench.quick else 60})
        training.train_encoder(files, bench.folder / "run", seed=SEED, settings=short)
    for name, label in (("draw_batch", "cutting crops"), ("rising", "degrading a batch")):
        bench.report.row(
            SECTION, f"{label} while the network works", spent[name][len(spent[name]) // 4 :], "ms"
        )


def data_side(bench, name, files, own):
    """What the data side alone delivers, without a network beside it."""
    own = own.model_copy(update={"steps": 4 if bench.quick else 40})

    def seconds():
        start = time.perf_counter()
        for parts in training.ladders(files, 0, SEED, own, crew(bench)):
            del parts
        bench.sync()
        return (time.perf_counter() - start) / own.steps

    note = f"{own.workers} threads decode"
    values = [1e3 * seconds() for _ in range(2 if bench.quick else 3)]
    bench.report.row(SECTION, f"data side alone, {name}", values, "ms", note=note)
    with replaced(training, rising=untouched):
        bench.report.row(SECTION, f"loading alone, {name}", 1e3 * seconds(), "ms", note=note)


def large_pictures(bench):
    """The same training on pictures five times as large as KADIS-700k's."""
    files = pictures(bench, large=True)
    for workers in (4, 16):
        own = settings(bench, workers=workers)
        data_side(bench, "1200 x 900", files, own)
        train(bench, "step, pictures of 1200 x 900", files, own, f"{workers} threads decode")


def types(bench):
    """Every type on the device and by one thread of the CPU: a ladder, per image and level."""
    section, (side, count) = "Degradation, a ladder of 32 crops", (64, 4) if bench.quick else (224, 32)
    pieces = pictures(bench)[:8]
    reader = cached_bytes(8)
    images = torch.stack([reader(pieces[i % 8])[:, :side, i : i + side] for i in range(count)])
    there, seeds = training.from_bytes(images, bench.device), list(range(count))
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
    """ARNIQA's training, which degrades on the CPU."""
    files, section = pictures(bench), "Training of ARNIQA"
    own = {**paper("arniqa_trained"), "pretrained": None, "cache": 0, "log_every": 50}
    if bench.quick:
        own |= {"backbone": "small", "crop": 64, "batch": 4}
    steps = 6 if bench.quick else 10 + 3 * BLOCK
    own = of_arniqa.Training(**{**own, "epochs": steps * own["batch"] / len(files)})
    with bench.peak() as peak:
        found = step_seconds(
            bench, of_arniqa, "train_step",
            lambda: of_arniqa.train_encoder(files, bench.folder / "arniqa", seed=SEED, settings=own),
        )  # fmt: skip
        note = f"{4 * own.batch} crops of {own.crop}"
        bench.report.row(section, "step, pictures of 512 x 384", [1e3 * s for s in found], "ms", peak(), note)
    encoder = of_arniqa.build(own.backbone, SEED, own.embedding).to(bench.device)
    encoder = encoder.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(encoder.parameters(), lr=own.lr, momentum=own.momentum)
    a, b = torch.rand(2, 2 * own.batch, 3, own.crop, own.crop, device=bench.device)
    step = lambda: of_arniqa.train_step(encoder, optimizer, a, b, own)  # noqa: E731
    network = bench.milliseconds(section, "step on ready crops", step)
    bench.report.row(section, "share of the bare rate", 100 * network / statistics.median(found), "%")
    reader, draw = cached_bytes(0), of_arniqa.Draw(own.crop, own.distortions, own.levels, own.pristine)
    to_unit = lambda path: reader(path).float() / 255  # noqa: E731
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        making = lambda: of_arniqa.draw_batch(files, 0, own.batch, SEED, to_unit, draw, pool)  # noqa: E731
        bench.milliseconds(section, "data side alone", making, 3, 2, note="all cores")
