"""Records that were tampered with, or are none: named, and left out."""

import hashlib
import json
import re

import pandas as pd
import pytest

from benchmark import exchange
from tests.exchange.checkout import COUNT, iqa


def digit(path, told):
    """Another digit in one score."""
    lines = path.with_suffix(".csv").read_text().splitlines()
    image, score, error = lines[3].split(",")
    at = score.index(".") + 3
    score = score[:at] + str((int(score[at]) + 5) % 10) + score[at + 1 :]
    lines[3] = f"{image},{score},{error}"
    path.with_suffix(".csv").write_text("\n".join([*lines, ""]))


def digit_and_digest(path, told):
    digit(path, told)
    told["scores"]["sha256"] = hashlib.sha256(path.with_suffix(".csv").read_bytes()).hexdigest()


def left_out(path, told):
    """The worst picture left out, and all that counts rows made to fit."""
    table = pd.read_csv(path.with_suffix(".csv")).drop(index=5)
    table.to_csv(path.with_suffix(".csv"), index=False)
    told["scores"] |= {
        "sha256": hashlib.sha256(path.with_suffix(".csv").read_bytes()).hexdigest(),
        "rows": COUNT - 1,
    }


def twice(path, told):
    table = pd.read_csv(path.with_suffix(".csv"))
    pd.concat([table, table[:1]]).to_csv(path.with_suffix(".csv"), index=False)
    digest = hashlib.sha256(path.with_suffix(".csv").read_bytes()).hexdigest()
    told["scores"] |= {"sha256": digest, "rows": COUNT + 1}


def of(*keys, value):
    def change(path, told):
        place = told
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value(place[keys[-1]]) if callable(value) else value

    return change


TAMPERED = {
    "a digit of a score": (digit, "scores: fails: SHA-256"),
    "a digit and the digest": (digit_and_digest, "figures: fails: .*the record has"),
    "a picture left out": (left_out, "figures: fails"),
    "a picture twice": (twice, "scores: fails: 'images/p00.png' stands twice"),
    "a figure": (of("values", 0, "value", value=lambda v: v + 1e-4), "srcc: value is .*the record has"),
    "an interval": (of("values", 0, "low", value=lambda v: v + 1e-3), "srcc: low is .*the record has"),
    "the other end": (of("values", 0, "high", value=lambda v: v + 1e-3), "srcc: high is .*the record has"),
    "a number of references": (of("values", 0, "units", value=100), "srcc: units is 24, the record has 100"),
    "a figure twice": (lambda path, told: told["values"].append(told["values"][0]), "a figure stands twice"),
    "a scaling": (of("dataset", "short_side", value=512), "data set: fails: short_side"),
    "a number of pictures of the set": (of("dataset", "images", value=25), "data set: fails: images"),
    "a direction of opinions": (
        of("dataset", "higher_is_better", value=False),
        "data set: fails: higher_is_better",
    ),
    "a number of pictures": (of("values", 0, "n", value=100), "srcc: n is 24, the record has 100"),
    "a figure taken out": (lambda path, told: told["values"].pop(0), "srcc is left out"),
    "a figure made up": (
        lambda path, told: told["values"].append({**told["values"][0], "statistic": "beauty"}),
        "beauty is not what this data set gives",
    ),
    "another seed": (of("protocol", "seed", value=5), "figures: fails"),
    "an interval of no kind": (
        of("protocol", "interval", value="none"),
        "figures: fails: cannot be worked out",
    ),
    "a mapping of no kind": (of("protocol", "mapping", value="none"), "figures: fails: .*mapping='none'"),
    "weights": (of("method", "weights_sha256", value="0" * 64), "method: fails: its version is not that"),
    "settings": (of("method", "load", value={"sigma": 3}), "method: fails: its version is not that"),
    "direction": (of("method", "higher_is_better", value=False), "method: fails: its direction"),
    "opinions": (of("dataset", "manifest_sha256", value="0" * 64), "data set: fails: manifest_sha256"),
    "raters": (of("dataset", "rated_by", value="proxy"), "data set: fails: rated_by"),
    "pictures": (of("dataset", "pictures_sha256", value="0" * 64), "pictures: fails: files of pictures"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_is_altered_is_named_and_stays_out(sent, tmp_path, name):
    change, says = TAMPERED[name]
    told = json.loads(sent.read_text())
    change(sent, told)
    sent.write_text(json.dumps(told))
    done = iqa("add", sent, "--from", "friend")  # which verifies first
    assert done.exit_code == 3
    assert re.search(says, done.output), done.output
    assert not (tmp_path / "second/results/records").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path, told: told.update(surprise=1), "surprise"),
        (of("format", value=2), "format"),
        (of("protocol", "seed", value=-1), r"protocol\.seed"),
        (of("protocol", "resamples", value=10**6), r"protocol\.resamples"),
        (of("scores", "rows", value=10**9), r"scores\.rows"),
        (of("method", "name", value="../../models/qualiclip"), r"method\.name"),
        (of("dataset", "name", value="/etc"), r"dataset\.name"),
        (of("values", 0, "value", value=float("nan")), r"values\.0\.value"),
        (of("method", "card", "title", value="x" * 501), r"method\.card\.title"),
        (of("values", value=lambda rows: rows * 200), "values"),
    ],
)
def test_what_is_not_of_the_form_is_refused_before_anything_is_looked_at(sent, change, says):
    told = json.loads(sent.read_text())
    change(sent, told)
    sent.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=says):
        exchange.read(sent)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", "\xff", '{"format": 1', " " * 2_000_001])
def test_what_is_no_record_at_all_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"x\.json"):
        exchange.read(tmp_path / "x.json")


def test_a_link_in_the_place_of_scores_is_not_followed(sent, tmp_path):
    secret = tmp_path / "secret.csv"
    sent.with_suffix(".csv").rename(secret)
    sent.with_suffix(".csv").symlink_to(secret)
    done = iqa("add", sent, "--from", "friend")
    assert "scores: not checked" in done.output
    assert not list((tmp_path / "second/results/records").rglob("*.csv"))


def test_a_link_in_the_place_of_records_is_not_followed(sent, tmp_path):
    (tmp_path / "link").symlink_to(sent.parent.parent)
    assert "is a link" in str(iqa("verify", tmp_path / "link").exception)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/inside").symlink_to(sent.parent)
    (tmp_path / "theirs/file.json").symlink_to(sent)
    assert "holds no record" in str(iqa("verify", tmp_path / "theirs").exception)
