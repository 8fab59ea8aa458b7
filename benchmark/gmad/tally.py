"""From the answers of people to one preference a pair: screening as in ITU-R BT.500, agreement, tally."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark import files
from benchmark.arrays import Floats
from benchmark.gmad.competition import Competition, standings
from benchmark.gmad.study import pair_name
from benchmark.statistics import interval, srcc
from benchmark.statistics.estimates import share_interval, tidy

FORMAT = "gmad-answers-1"


class Tally(NamedTuple):
    """What people said.

    Attributes
    ----------
    preference
        For the rows of the pairs: mean over the subjects that were kept, in [-100, 100], positive where they
        prefer ``high_image``; 0 where both images are the same, missing where nobody answered.
    subjects
        ``subject, answers, outliers_above, outliers_below, kept, seconds, agreement``: one row a subject,
        with the median time of an answer and the SRCC with the mean of the other subjects kept.
    agreement
        Tidy rows without keys: ``krippendorff_alpha`` (interval scale) over the subjects that were kept and
        the pairs that two of them judged, with a bootstrap interval over these, and ``kept_share``.
    """

    preference: pd.Series
    subjects: pd.DataFrame
    agreement: pd.DataFrame


def read_answers(files: Sequence[Path]) -> pd.DataFrame:
    """Read the files that the study page saved.

    Returns
    -------
    DataFrame
        ``subject, pair, first, second, value, seconds``: one row an answer; ``value`` in [-100, 100] is
        positive where the picture whose name comes second in the alphabet is preferred.

    Raises
    ------
    ValueError
        If there is no file, one is not of this format, two belong to different studies or one subject, or an
        answer repeats.
    """
    if not files:
        raise ValueError("no files of answers; give those that the study page saved")
    rows: list[dict[str, object]] = []
    studies: dict[str, Path] = {}
    subjects: dict[str, Path] = {}
    for file in files:
        content = _content(file)
        studies.setdefault(str(content["study"]), file)
        subject = str(content["subject"])
        if subject in subjects:
            raise ValueError(
                f"{file} and {subjects[subject]} are both by the subject {subject!r}; keep one of them"
            )
        subjects[subject] = file
        rows += [{"subject": subject, **_row(answer, file)} for answer in content["answers"]]
    if len(studies) > 1:
        raise ValueError(
            f"answers to different studies: {', '.join(f'{s} in {f}' for s, f in studies.items())}"
        )
    frame = pd.DataFrame(rows, columns=["subject", "pair", "first", "second", "value", "seconds"])
    twice = frame.duplicated(["subject", "pair"])
    if twice.any():
        raise ValueError(f"{subjects[frame['subject'][twice].iloc[0]]}: a pair is answered twice")
    return frame


def screen(answers: pd.DataFrame) -> pd.DataFrame:
    """Screen subjects as in ITU-R BT.500-13, annex 2, 2.3.1.

    For each pair the answers count as normal where their kurtosis is between 2 and 4; an answer is an outlier
    beyond 2 standard deviations of them, beyond √20 where they are not normal. A subject is rejected whose
    outliers are more than 5% of the answers and lie on both sides: ``|P - Q| / (P + Q) < 0.3``.

    Parameters
    ----------
    answers
        Frame of `read_answers`.

    Returns
    -------
    DataFrame
        ``subject, answers, outliers_above, outliers_below, kept``.
    """
    by_pair = answers.groupby("pair")["value"]
    centred = answers["value"] - by_pair.transform("mean")
    second = (centred**2).groupby(answers["pair"]).transform("mean")
    fourth = (centred**4).groupby(answers["pair"]).transform("mean")
    normal = (fourth >= 2 * second**2) & (fourth <= 4 * second**2)
    reach = by_pair.transform("std").fillna(0) * np.where(normal, 2.0, np.sqrt(20))
    # Answers that all agree have no spread, and no outlier.
    out = pd.DataFrame(
        {"above": (centred >= reach) & (reach > 0), "below": (centred <= -reach) & (reach > 0)}
    )
    sums = out.groupby(answers["subject"]).agg(["sum", "size"])
    above, below, n = sums["above", "sum"], sums["below", "sum"], sums["above", "size"]
    both = above + below
    rejected = (both / n > 0.05) & ((above - below).abs() < 0.3 * both)
    columns = {"answers": n, "outliers_above": above, "outliers_below": below, "kept": ~rejected}
    return pd.DataFrame(columns).reset_index(names="subject")


def krippendorff_alpha(values: Floats, weights: Floats | None = None) -> float:
    """Krippendorff's alpha on an interval scale: 1 for perfect agreement, 0 for chance.

    Parameters
    ----------
    values
        ``[subjects, units]``, NaN where there is no answer.
    weights
        How often each unit counts, ``[units]``; default once.

    Returns
    -------
    float
        NaN if no unit has two answers or all answers are equal.

    References
    ----------
    K. Krippendorff, Content analysis, chapter 11 (2004).
    """
    given = ~np.isnan(values)
    m = given.sum(axis=0)
    used = m >= 2
    weight = (np.ones(len(m)) if weights is None else weights)[used]
    known, count = np.where(given, values, 0)[:, used], m[used]
    total, square = known.sum(axis=0), (known**2).sum(axis=0)
    n = (weight * count).sum()
    # Mean squared difference of pairs of answers: within units, and among all answers.
    within = (weight * (square * count - total**2) / (count - 1)).sum()
    across = (weight * square).sum() - (weight * total).sum() ** 2 / n if n else 0.0
    return float(1 - (n - 1) / n * within / across) if across > 0 else np.nan


def tally(pairs: pd.DataFrame, answers: pd.DataFrame, *, resamples: int = 1000, seed: int = 0) -> Tally:
    """Judge pairs by the answers of people.

    Parameters
    ----------
    pairs
        Frame of `select_pairs` that the study was made from.
    answers
        Frame of `read_answers`.
    resamples, seed
        Of the bootstrap of the agreement.

    Raises
    ------
    ValueError
        If answers are about pictures that are in no pair, or no subject is kept.
    """
    asked = pairs["low_image"].notna()
    names, turned = pd.Series("", index=pairs.index), pd.Series(0.0, index=pairs.index)
    for row in pairs[asked].itertuples():
        low, high = str(row.low_image), str(row.high_image)
        names[row.Index] = pair_name(low, high)
        # An answer is positive for the second name of the alphabet; turn it where that is the low image.
        turned[row.Index] = float(high > low) - float(high < low)
    strange = ~answers["pair"].isin(set(names))
    if strange.any():
        row = answers[strange].iloc[0]
        raise ValueError(
            f"{int(strange.sum())} answers are about no pair of this competition, the first about "
            f"{row['first']!r} and {row['second']!r}; use the pairs that the study was made from"
        )
    subjects = screen(answers)
    kept = answers[answers["subject"].isin(subjects.loc[subjects["kept"], "subject"])]
    if kept.empty:
        raise ValueError("no subject passes the screening")
    mean = kept.groupby("pair")["value"].mean()
    preference = (names.map(mean) * turned).where(~asked | (turned != 0), 0.0).rename("preference")
    table = kept.pivot_table("value", "subject", "pair")
    subjects["seconds"] = subjects["subject"].map(answers.groupby("subject")["seconds"].median())
    subjects["agreement"] = [_with_others(answers, table, subject) for subject in subjects["subject"]]
    return Tally(preference, subjects, _agreement(table, subjects, resamples, seed))


def by_people(
    pairs: pd.DataFrame,
    found: Tally,
    *,
    dataset: str,
    seed: int = 0,
    references: pd.Series | None = None,
) -> Competition:
    """Tables of a competition that people judged: pairs of `select_pairs`, preferences of `tally`.

    ``references`` as in `benchmark.gmad.competition`.
    """
    kept = int(found.subjects["kept"].sum())
    protocol = f"gMAD; {kept} of {len(found.subjects)} subjects kept, screened as in ITU-R BT.500"
    judged = pairs.assign(preference=found.preference)
    methods = list(dict.fromkeys(pairs["defender"]))
    about: dict[str, Any] = {"dataset": dataset, "judge": "people", "protocol": protocol, "seed": seed}
    return standings(judged, methods, references=references, **about)


def _content(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{file} does not exist") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is not JSON ({error}); save the answers again on the study page") from error
    lacking = {"study", "subject", "answers"} - set(content if isinstance(content, dict) else ())
    if lacking or content.get("format") != FORMAT:
        raise ValueError(f"{file} is not a file of answers ({FORMAT}); save them again on the study page")
    return dict(content)


def _row(answer: object, file: Path) -> dict[str, object]:
    """One answer as a row; the sign of its strength follows the alphabet, not the side."""
    try:
        left, right = answer["left"], answer["right"]  # type: ignore[index]
        for name in (left, right):
            files.plain(str(name))
        side = {"left": -1, "same": 0, "right": 1}[answer["choice"]]  # type: ignore[index]
        strength, seconds = float(answer["strength"]), float(answer["seconds"])  # type: ignore[index]
        pair = str(answer["pair"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: an answer is broken ({error!r}): {answer}") from error
    if not (isinstance(left, str) and isinstance(right, str)):  # null is no name, nor is 7
        raise ValueError(f"{file}: an answer is broken: {answer}")
    if not 0 <= strength <= 100 or pair != pair_name(left, right):
        raise ValueError(f"{file}: an answer was changed by hand: {answer}")
    value = side * strength * (1 if right > left else -1)
    return {
        "pair": pair,
        "first": min(left, right),
        "second": max(left, right),
        "value": value,
        "seconds": seconds,
    }


def _with_others(answers: pd.DataFrame, kept: pd.DataFrame, subject: object) -> float:
    """SRCC of a subject's answers with the mean of the other subjects that were kept."""
    own = answers[answers["subject"] == subject].set_index("pair")["value"]
    both = pd.concat([own, kept.drop(index=subject, errors="ignore").mean()], axis=1, join="inner").dropna()
    if len(both) < 3 or (both.nunique() < 2).any():
        return np.nan
    return srcc(both.iloc[:, 0], both.iloc[:, 1])


def _agreement(kept: pd.DataFrame, subjects: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    values = kept.loc[:, kept.count() > 1].to_numpy(dtype=float)  # one answer alone agrees with nobody
    pairs = values.shape[1]
    rng = np.random.default_rng(seed)
    draws = [rng.multinomial(pairs, np.full(pairs, 1 / pairs)) for _ in range(resamples if pairs else 0)]
    cloud = [krippendorff_alpha(values, weights.astype(float)) for weights in draws]
    protocol = "subjects screened as in ITU-R BT.500"
    alpha = krippendorff_alpha(values), *interval(cloud, units=pairs), pairs
    return pd.DataFrame(
        [
            tidy({}, "krippendorff_alpha", alpha, protocol),
            tidy({}, "kept_share", share_interval(subjects["kept"].to_numpy(dtype=bool)), protocol),
        ]
    )
