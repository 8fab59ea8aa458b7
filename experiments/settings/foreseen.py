"""What a stage would refuse, or pass over, after hours of others' work: refused before the first works."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from benchmark import naming
from experiments.settings.ablations import variant_settings
from experiments.settings.reading import check_methods
from experiments.settings.sections import Settings

NOTEBOOKS = Path("notebooks")


def check_work(settings: Settings) -> None:
    """Check what the settings of every stage name: settings of methods, kinds, variants, pages.

    Raises
    ------
    ValueError
        Naming every setting at fault.
    """
    problems = []
    for check in (check_methods, check_variants):
        try:
            check(settings)
        except ValueError as error:
            problems.append(str(error))
    problems += [*unknown_kinds(settings), *unknown_pages(settings)]
    if problems:
        raise ValueError("\n".join(problems))


def check_variants(settings: Settings) -> None:
    """Check the settings of every variant of the ablation.

    Raises
    ------
    ValueError
        As `variant_settings` and `check_methods`, for the first that is at fault.
    """
    for name in settings.ablation.variants:
        check_methods(variant_settings(name, settings))


def unknown_kinds(settings: Settings) -> Iterator[str]:
    """Kinds of degradation that are none, or that the study cannot use."""
    from benchmark.degradations import LEVELS
    from benchmark.robustness import FURTHER

    swept = settings.sweep.kinds
    further = [kind for kinds in FURTHER.values() for kind in kinds]
    yield from _unknown("sweep.kinds", [] if swept == "all" else swept, list(LEVELS), "is no kind")
    yield from _unknown("gradcam.kinds", settings.gradcam.kinds, list(LEVELS), "is no kind")
    levels = "is no kind that has levels beyond the fifth"
    yield from _unknown("robustness.kinds", settings.robustness.kinds, further, levels)


def unknown_pages(settings: Settings) -> Iterator[str]:
    """Pages without a notebook."""
    known = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    yield from _unknown("report.pages", settings.report.pages, known, f"has no notebook in {NOTEBOOKS}/")


def _unknown(key: str, names: Sequence[str], known: Collection[str], why: str) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f"{key}: {name!r} {why}; {naming.hint(name, list(known))}"
