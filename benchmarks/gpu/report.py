"""Figures as a Markdown table and as JSON, written anew after each section."""

import json
import os
import platform
import statistics
import subprocess
from pathlib import Path

import torch

#: What is asked for (docs/performance.md), by the name of its row.
AIMS = {
    "degradation's share of a step": "at most 15",
    "share of the bare network's rate": "at least 85",
    "iqa score, bf16, best of the above, over the loop that encodes prompts anew": "at least 10",
}


class Report:
    """Rows of figures by section, and what went wrong.

    Parameters
    ----------
    out
        Folder for ``gpu.md``, ``gpu.json`` and whatever else a section leaves.
    header
        What was measured on.
    """

    def __init__(self, out, header):
        self.out = Path(out)
        self.header = header
        self.rows = []
        self.failures = {}
        self.seconds = {}
        self.out.mkdir(parents=True, exist_ok=True)

    def row(self, section, name, values, unit, peak=None, note=""):
        """Add the median of some values; a single one is as good."""
        values = [float(value) for value in (values if isinstance(values, list) else [values])]
        row = {
            "section": section, "name": name, "median": statistics.median(values), "low": min(values),
            "high": max(values), "repeats": len(values), "unit": unit, "peak_bytes": peak, "note": note,
        }  # fmt: skip
        self.rows.append(row)
        print(f"{section}: {name}: {row['median']:.4g} {unit} {note}", flush=True)

    def write(self):
        """Write both files aside and rename them: a kill in between leaves the last ones whole."""
        content = {
            "header": self.header, "rows": self.rows, "failures": self.failures, "seconds": self.seconds,
        }  # fmt: skip
        for name, text in (("gpu.json", json.dumps(content, indent=1)), ("gpu.md", self.markdown())):
            aside = self.out / f"{name}.part"
            aside.write_text(text + "\n")
            aside.replace(self.out / name)

    def markdown(self):
        lines = ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in self.header.items()), ""]
        for section in dict.fromkeys(row["section"] for row in self.rows):
            lines += [f"### {section}", ""]
            lines += ["| | median | least to most | aim | peak memory |", "|---|---|---|---|---|"]
            lines += [line(row) for row in self.rows if row["section"] == section]
            lines.append("")
        for section, text in self.failures.items():
            lines += [f"### {section}: failed", "", "```", text.strip(), "```", ""]
        return "\n".join(lines)


def line(row):
    """One row of a table."""
    spread = f"{number(row['low'])} to {number(row['high'])}" if row["repeats"] > 1 else ""
    peak = f"{row['peak_bytes'] / 2**20:,.0f} MiB" if row["peak_bytes"] else ""
    name = f"{row['name']}; {row['note']}" if row["note"] else row["name"]
    aim = AIMS.get(row["name"], "")
    return f"| {name} | {number(row['median'])} {row['unit']} | {spread} | {aim} | {peak} |"


def number(value):
    """Three significant digits, no exponent where none is needed."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def header(device, commit=""):
    """Say what is measured on."""
    said = {"commit": commit or spoken("git", "describe", "--always", "--dirty") or "unknown"}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        said["device"] = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
        driver = spoken(
            "nvidia-smi", "--query-gpu=driver_version,power.limit,clocks.max.sm", "--format=csv,noheader"
        )
        said["driver, power limit, highest clock"] = driver.splitlines()[0] if driver else "unknown"
        said["CUDA, cuDNN"] = f"{torch.version.cuda}, {torch.backends.cudnn.version()}"
    else:
        said["device"] = f"{device} (a trial of the benchmark: figures mean nothing)"
    said["torch, Python"] = f"{torch.__version__}, {platform.python_version()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said["processor"] = f"{processor()}, {cores} cores, {torch.get_num_threads()} threads"
    return said


def processor():
    try:
        names = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        return names[0].partition(":")[2].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def spoken(*command):
    """What a command says, or nothing."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
