"""One data set's pictures with all that is known of them: opinions, every method's score and what it errs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from benchmark.arrays import Floats
from benchmark.datasets.prepared.record import Record
from benchmark.pictures.sample import sample
from benchmark.pictures.thumbnails import Thumbnails
from benchmark.reporting import mapped
from benchmark.reporting.licences import terms
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source

#: Pictures of a data set that pages show; of more, a draw and all extremes.
MOST = 5000
#: Folder beside the pages.
FOLDER = "pictures"


@dataclass(frozen=True)
class Gathered:
    """The pictures of a data set.

    Parameters
    ----------
    name, record
        Of the data set.
    manifest
        Its pictures in their order, index ``image``.
    residuals
        ``method, image, score, fitted, residual``.
    higher
        Whether more is better, by method, in the order of display.
    thumbnails
        Small copies; None where the settings leave pictures out, or none were made.
    """

    name: str
    record: Record
    manifest: pd.DataFrame
    residuals: pd.DataFrame
    higher: Mapping[str, bool]
    thumbnails: Thumbnails | None

    def wide(self, column: str) -> pd.DataFrame:
        """Return one column of the residuals, a row a picture of the manifest, a column a method."""
        table = self.residuals.set_index(["image", "method"])[column].unstack()  # noqa: PD010
        return table.reindex(index=self.manifest.index, columns=list(self.higher))

    @cached_property
    def opinion(self) -> pd.Series:
        """Opinions turned so that more is better."""
        return self.manifest["mos"] * (1 if self.record.higher_is_better else -1)

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """Rank of each picture by every method, as a share of those scored: 1 the best."""
        turned = self.wide("score") * [1 if up else -1 for up in self.higher.values()]
        return share(turned)

    @cached_property
    def opinion_rank(self) -> pd.Series:
        """Rank of each picture by people (or the proxy), as a share: 1 the best."""
        return share(self.opinion.to_frame("mos"))["mos"]

    def opinion_spread(self) -> tuple[Floats, Floats]:
        """Ranks that opinions one deviation lower and higher would have; NaN where no deviation is known."""
        known = np.sort(self.opinion.dropna().to_numpy())
        ends = [(self.opinion + way * self.manifest["mos_std"]).to_numpy() for way in (-1, 1)]
        low, high = (np.where(np.isnan(end), np.nan, _place(known, end)) for end in ends)
        return low, high

    @cached_property
    def chosen(self) -> pd.Index:
        """Pictures that pages show."""
        columns = pd.concat([self.wide("residual"), self.wide("score"), self.manifest["mos"]], axis=1)
        return self.manifest.index[sample(list(self.manifest.index), columns, MOST)]

    def file(self, image: str) -> str:
        """Where the small copy of a picture lies, seen from a page; "" where there is none."""
        name = self.thumbnails.file(image) if self.thumbnails else ""
        return f"{FOLDER}/{self.name}/{name}" if name else ""

    @property
    def terms(self) -> str:
        """Why pages with these pictures are not to be published; "" where they may be, or show none."""
        return terms(self.record.title, self.record.licence) if self.thumbnails else ""


def share(values: pd.DataFrame) -> pd.DataFrame:
    """Mid-ranks of each column as shares between 0 and 1."""
    return (values.rank() - 0.5) / values.notna().sum()


def _place(known: Floats, values: Floats) -> Floats:
    """Mid-rank that each value has among sorted ones, as `share`."""
    below, above = (np.searchsorted(known, values, side) for side in ("left", "right"))
    return np.asarray((below + above) / (2 * max(known.size, 1)))


def source_of(run: Run, dataset: str, ending: str = ".csv") -> Source:
    """Return one of the files that stage ``pictures`` makes of a data set."""
    return run.source(f"results/pictures/{dataset}{ending}")


def gathered(run: Run, dataset: str) -> Gathered | None:
    """Gather the pictures of a data set; None where it is not prepared or stage ``pictures`` lacks."""
    listed, errors = run.source(f"data/{dataset}/manifest.csv"), source_of(run, dataset)
    if listed.content is None or errors.content is None or dataset not in run.records:
        return None
    manifest = listed.frame.set_index("image")
    there = set(errors.frame["method"])
    higher = {name: one.higher_is_better for name, one in run.methods.items() if name in there}
    small = source_of(run, dataset, ".zip").content if run.shows_pictures else None
    thumbnails = Thumbnails(small) if small is not None else None
    return Gathered(dataset, run.records[dataset], manifest, errors.frame, higher, thumbnails)


def files(run: Run) -> dict[str, bytes]:
    """Small copies and drawn maps that the pages show, by their names in the folder of the pages."""
    found: dict[str, bytes] = {}
    for dataset in run.scored:
        one = gathered(run, dataset)
        if one is not None and one.thumbnails is not None:
            images = [image for image in one.chosen if one.file(image)]
            found |= {one.file(image): one.thumbnails.read(image) for image in images}
            drawn = mapped.files(run, dataset)
            found |= {f"{FOLDER}/{dataset}/{name}": content for name, content in drawn.items()}
    return found
