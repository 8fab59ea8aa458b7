"""Scoring photographs of 512 x 384 with CLIP's RN50: ours, the bare network, the official loop, pyiqa."""

import statistics
import sys
import time
from types import SimpleNamespace

import packaging.version
import torch
from benchmarks.gpu.bench import replaced, tf32
from benchmarks.gpu.pictures import folder
from PIL import Image
from torchvision.transforms.v2.functional import to_dtype, to_image

from benchmark.images import decoders, read, read_samples
from benchmark.scoring import stream
from benchmark.scoring.guard import guarded
from experiments.scoring.local import How, function_of, local_rows, suited
from methods._shared.clip import encoder
from methods._shared.clip.antonyms import PROMPTS, SEVEN_PAIRS
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.weights import scorer
from methods.qualiclip import CARD

SECTION = "Scoring of 512 x 384 pixels"


def clip(bench):
    return encoder.build(encoder.architecture("small" if bench.quick else "RN50-quickgelu"), seed=0)


def method_of(bench):
    return guarded(AntonymMethod("qualiclip", scorer(clip(bench), SEVEN_PAIRS), CARD))


def rates(bench):
    files = folder(bench.folder, 512, 384, 8 if bench.quick else 96)
    method = method_of(bench).to(bench.device)
    batch = 4 if bench.quick else 32
    images = torch.stack([read(path) for path in files[:batch]])
    bare(bench, method, images.to(bench.device))
    # The others first: time may run out.
    pyiqas(bench, files)
    official(bench, files)
    theirs = prompts_anew(bench, files)
    best = ours(bench, method, files)
    bench.report.row(
        SECTION, "iqa score, bf16, best of the above, over the loop that encodes prompts anew",
        best / theirs, "times",
    )  # fmt: skip
    agreement(bench, images[:8])


def bare(bench, method, images):
    for precision in ("fp32", "bf16"):
        for count in (1, len(images)):
            part = images[:count].contiguous(memory_format=torch.channels_last)

            def score(part=part, precision=precision):
                with torch.autocast(bench.device.type, torch.bfloat16, enabled=precision == "bf16"):
                    method.score(part)

            note = f"{count} at a time, on the device already"
            bench.rate(SECTION, f"bare network, {precision}", score, "img", count, note=note)


def ours(bench, method, files):
    """What `iqa score` does: decode, batch, score; returns the best rate in bf16."""
    best, device = 0.0, bench.device.type
    for precision in ("fp32", "bf16"):
        best = many(bench, method, files, precision)
    usual = suited(device)
    for precision, (batch, workers) in (
        ("fp32", usual), ("fp32", (2, 2)), ("bf16", usual), ("bf16", (32, 4)), ("bf16", (32, 16)),
    ):  # fmt: skip
        how = How(device=device, precision=precision, batch=batch, workers=workers)

        def score(how=how):
            return sum(len(part) for part in local_rows(files, method, how, {}))

        note = f"--batch {batch} --workers {workers}, {len(files)} pictures: threads decode"
        spent = bench.rate(SECTION, f"iqa score, {precision}", score, "img", len(files), times=2, note=note)
        best = max(best, len(files) / spent) if precision == "bf16" else best
    parts_of_it(bench, method, files)
    return best


def many(bench, method, files, precision):
    """Score as many pictures as a data set has, once, which processes decode; returns pictures a second."""
    count = 20 if bench.quick else 10_000
    names, device = (files * (count // len(files) + 1))[:count], bench.device.type
    batch, workers = suited(device)
    how = How(device=device, precision=precision, batch=batch, workers=workers)
    seen, ends, start = 0, {}, time.perf_counter()
    for part in local_rows(names, method, how, {}):
        seen += len(part)
        ends[seen] = time.perf_counter() - start
    (first, early), (last, end) = next((n, s) for n, s in ends.items() if n >= count // 5), (seen, ends[seen])
    name, note = f"iqa score, {precision}, {count} pictures", f"--batch {batch} --workers {workers}"
    bench.report.row(SECTION, name, count / end, "img/s", note=f"{note} (the defaults), start included")
    steady = (last - first) / (end - early)
    bench.report.row(SECTION, f"{name}, after the first fifth", steady, "img/s", note=note)
    return count / end


def parts_of_it(bench, method, files):
    """Decoding alone, and scoring batches of bytes that are decoded and stacked."""
    for processes in (False, True):
        for workers in (2,) if bench.quick else (1, 8, 14):
            decoding_alone(bench, files, workers, processes)
    images = torch.stack([read_samples(file) for file in files[:32]])
    function = function_of(method, How(device=bench.device.type, precision="bf16"))
    note = "32 at a time, bytes in the host's memory"
    bench.rate(SECTION, "scoring alone, bf16", lambda: function(images), "img", len(images), note=note)


def decoding_alone(bench, files, workers, processes):
    """Pictures a second that reach the network, and what this process's processors do for each."""
    spent = []
    with decoders(workers if processes else 0) as reader:

        def decode():
            start = time.process_time()
            for _ in stream(files, lambda x: x[:, 0, 0, 0], batch=32, workers=workers, reader=reader):
                pass
            spent.append((time.process_time() - start) / len(files))

        note = f"{workers} {'processes' if processes else 'threads'}"
        bench.rate(SECTION, "decoding and stacking alone", decode, "img", len(files), 3, 2, note=note)
    milliseconds = [1e3 * seconds for seconds in spent[-3:]]
    bench.report.row(SECTION, "processor time of the scoring process", milliseconds, "ms/img", note=note)


def opened(file, device):
    with Image.open(file) as image:
        return to_dtype(to_image(image.convert("RGB")), torch.float32, scale=True)[None].to(device)


def official(bench, files):
    """As the official README has it: one picture after the other is opened and scored in fp32."""
    network = scorer(clip(bench), SEVEN_PAIRS).to(bench.device)

    def score():
        for file in files:
            with torch.inference_mode():
                float(network(opened(file, bench.device))[0, 2])

    bench.rate(SECTION, "official loop, fp32", score, "img", len(files), times=1)


def prompts_anew(bench, files):
    """Stand in for pyiqa's ``clipiqa``: its five pairs of prompts pass the text tower with every picture."""
    whole = clip(bench)
    network = scorer(whole, PROMPTS["pyiqa"]).to(bench.device)
    text = whole.to(bench.device)
    from open_clip.tokenizer import SimpleTokenizer

    words = [prompt for pair in PROMPTS["pyiqa"] for prompt in pair]
    tokens = SimpleTokenizer(context_length=text.context_length)(words).to(bench.device)
    files = files[: 2 if bench.quick else 48]

    def score():
        for file in files:
            with torch.inference_mode():
                prompts = torch.nn.functional.normalize(text.encode_text(tokens).float(), dim=-1)
                embedding = network.encoder(opened(file, bench.device))
                float((100 * embedding @ prompts.T).view(-1, 5, 2).softmax(-1)[..., 0].mean())

    name = "loop that encodes its five pairs of prompts anew, fp32"
    note = "written here after pyiqa's clipiqa"
    spent = bench.rate(SECTION, name, score, "img", len(files), repeats=3, times=1, note=note)
    return len(files) / spent


def pyiqas(bench, files):
    """pyiqa itself, where it is installed."""
    # OpenAI's package, which pyiqa imports, asks setuptools for a part that newer ones no longer have.
    sys.modules.setdefault("pkg_resources", SimpleNamespace(packaging=packaging))
    try:
        import pyiqa
        from pyiqa.archs import clip_model, clipiqa_arch
    except ImportError as error:
        bench.report.row(SECTION, "pyiqa's clipiqa", 0, "img/s", note=f"not measured: {error}")
        return
    if bench.quick:
        return
    network = clip_model.build_model(clip(bench).state_dict()).float().to(bench.device)
    with replaced(clipiqa_arch, load=lambda name, device: network):
        metric = pyiqa.create_metric("clipiqa", device=bench.device)

    def score():
        for file in files[:32]:
            float(metric(str(file)))

    bench.rate(SECTION, "pyiqa's clipiqa, fp32", score, "img", 32, repeats=3, times=1)


def agreement(bench, images):
    """How far scores on the device lie from the CPU's in fp32, in deviations of the CPU's scores."""
    here = method_of(bench).score(images)
    there = method_of(bench).to(bench.device)
    unit = statistics.pstdev(here.tolist()) or 1.0
    ways = {
        "fp32, no TF32": (False, False),
        "fp32, TF32 in convolutions": (True, False),
        "bf16": (True, True),
    }
    for name, (coarse, half) in ways.items():
        with tf32(coarse), torch.autocast(bench.device.type, torch.bfloat16, enabled=half):
            apart = (there.score(images.to(bench.device)) - here).abs().max()
        note = "over the scores' deviation"
        bench.report.row(
            SECTION, f"largest change of a score from the CPU's, {name}", float(apart) / unit, "", note=note
        )
