"""Run the sections one after the other; one that fails says so and leaves the time to the others.

    python -m benchmarks.gpu --out results/gpu
    python -m benchmarks.gpu --device cpu --quick     # tries the benchmark itself

Files are written anew after each section, so that a run that is stopped has lost nothing.
"""

import os
import tempfile
import time
import traceback
from pathlib import Path
from typing import Annotated

os.environ.setdefault("TQDM_DISABLE", "1")

import torch
import typer
from benchmarks.gpu import attribution, profile, scoring, tests, training
from benchmarks.gpu.bench import Bench, limited
from benchmarks.gpu.report import Report, header

#: Each section, and the most seconds that it may take.
SECTIONS = {
    "training": (training.qualiclip, 130),
    "scoring": (scoring.rates, 90),
    "gradcam": (attribution.rates, 45),
    "tests": (tests.agreement, 120),
    "types": (training.types, 50),
    "profile": (profile.steps, 45),
    "pictures": (training.large_pictures, 40),
    "arniqa": (training.arniqa, 60),
}


def main(
    device: Annotated[str, typer.Option(help="cuda, or cpu to try the benchmark itself.")] = "cuda",
    quick: Annotated[bool, typer.Option("--quick", help="Small networks, few repeats.")] = False,
    seconds: Annotated[float, typer.Option(help="Most seconds of all sections together.")] = 500,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/gpu"),
    only: Annotated[str, typer.Option(help="Sections to run, with commas between.")] = ",".join(SECTIONS),
    threads: Annotated[int, typer.Option(help="Threads an operation, as in the paper profile.")] = 16,
    commit: Annotated[str, typer.Option(help="Commit, where the tree has no .git.")] = "",
) -> None:
    start = time.monotonic()
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("torch finds no CUDA device here; --device cpu --quick tries the benchmark itself")
    if unknown := set(only.split(",")) - set(SECTIONS):
        raise SystemExit(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    torch.set_num_threads(min(threads, os.cpu_count() or 1))
    here = torch.device(device)
    report = Report(out, header(here, commit))
    report.write()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(here, quick, report, Path(folder))
        for name in only.split(","):
            section, most = SECTIONS[name]
            left = start + seconds - time.monotonic()
            begun = time.monotonic()
            try:
                if left < 10:
                    raise TimeoutError("no time was left")
                with limited(min(most, left)):
                    section(bench)
            except Exception as error:
                report.failures[name] = "".join(traceback.format_exception(error)[-12:])
                traceback.print_exc()
            report.seconds[name] = round(time.monotonic() - begun, 1)
            report.write()
            if here.type == "cuda":
                torch.cuda.empty_cache()
    print(report.markdown())
    raise SystemExit(1 if report.failures else 0)


if __name__ == "__main__":
    typer.run(main)
