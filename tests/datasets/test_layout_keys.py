"""What a record's layout says is done, or refused: nothing of it is passed over."""

import pytest
import yaml

from benchmark.datasets import catalogue, layouts
from tests.datasets.releases import touch

NAMES = [f"i{n}_{n % 3 + 1}_{n % 2 + 1}.png" for n in range(1, 7)]
TABLE = "image,mos,sd,other,kind\n" + "".join(
    f"{name},{10 * n},{n},{100 - 10 * n},{n % 3 + 1}\n" for n, name in enumerate(NAMES, 1)
)


@pytest.fixture
def read(tmp_path):
    pictures, own = tmp_path / "pictures", tmp_path / "own"
    for folder in (pictures, own):
        folder.mkdir()
    touch(pictures, NAMES)
    (pictures / "sd.txt").write_text("1 2\n" * 6)

    def reading(layout, score=None, table=TABLE):
        (pictures / "scores.csv").write_text(table)
        whole = {"reader": "table", "scores": "scores.csv", "image": "{image}", "mos": "mos", **layout}
        fields = {"title": "Mine", "licence": "mine", "score": {"name": "mos"}, "layout": [whole]}
        (own / "mine.yaml").write_text(yaml.safe_dump(fields))
        return layouts.read(catalogue.entry("mine", own), pictures, score)

    return reading


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"other": {"colour": {"moss": "other"}}}, "'other'.*'moss'; did you mean 'mos'"),
        ({"parts": [{"scores": "scores.csv", "range": [0, 1]}]}, "'parts'.*'range'"),
        ({"beside": [{"file": "sd.txt", "mos": 0, "mos_std": 1}]}, "one column of one file"),
        ({"beside": [{"file": "sd.txt", "std": 1}]}, "'std'"),
        ({"pattern": r"i\d+_(?P<referense>\d)"}, "'referense'; did you mean 'reference'"),
        ({"pattern": r"i\d+_(\d)_(\d)"}, "takes nothing"),
        ({"pattern": r"i\d+_(?P<level>\d)", "lower": ["distortion"]}, "lower: 'distortion'"),
        ({"pattern": r"i\d+_(?P<reference>\d)", "reference": "{kind}"}, "'reference' and the pattern"),
        ({"distortions": ["blur", "noise"]}, "no group"),
        ({"level": "kind"}, "'level'"),
        ({"mos_std": "sd", "mos_variance": "other"}, "mos_std and mos_variance"),
        ({"mos_std": "sd", "beside": [{"file": "sd.txt", "mos_std": 1}]}, "mos_std and mos_std"),
        ({"std_scale": 2.0}, "std_scale"),
        ({"split": "kind", "official": {"default": "train"}}, "split and official"),
        ({"official": {"default": "train", "tset": {"file": ["x.csv"], "column": "c"}}}, "'tset'.*'test'"),
        ({"official": {"default": "train", "test": {"file": ["x.csv"], "column": "c", "wher": "t"}}}, "wher"),
        ({"official": {"default": "train", "test": {"file": ["x.csv"], "column": "c", "is": "1"}}}, "'is'"),
        ({"reader": "listing", "where": ["*.png"]}, r"\(listing\)"),
        ({"reader": "tabel"}, "'tabel'; did you mean 'table'"),
    ],
)
def test_what_no_reader_looks_at_is_refused_by_name(read, layout, message):
    with pytest.raises(ValueError, match=rf"mine\.yaml: layout.*{message}"):
        read(layout)


def test_a_type_whose_number_is_beyond_the_list_is_refused(read):
    pattern = {"pattern": r"i\d+_(?P<distortion>\d)_"}
    known = read({**pattern, "distortions": ["blur", "noise", "jpeg"]}).frame
    assert known["distortion"].tolist() == [["blur", "noise", "jpeg"][n % 3] for n in range(1, 7)]
    with pytest.raises(ValueError, match=r"entry 2: 'i2_3_1\.png' is of type 3.*are 2"):
        read({**pattern, "distortions": ["blur", "noise"]})


def test_numbers_are_renamed_as_words_are(read):
    renamed = read({"rename": {"kind": {1: "blur", "2": "noise"}}, "distortion": "{kind}"}).frame
    assert renamed["distortion"].tolist() == ["noise", "3", "blur"] * 2


def test_cells_beyond_the_header_are_refused_and_not_lost(read):
    commas = "image,mos,sd\n" + "".join(f"{name},{n},5,2\n" for n, name in enumerate(NAMES, 1))
    with pytest.raises(ValueError, match=r"scores\.csv: row 2 has 4 cells where 3"):
        read({}, table=commas)
    trailing = "image,mos\n" + "".join(f"{name},{n},\n" for n, name in enumerate(NAMES, 1))
    assert read({}, table=trailing).frame["mos"].tolist() == [1, 2, 3, 4, 5, 6]


def test_another_score_does_not_take_the_deviations_of_the_first(read):
    told = {
        "mos_std": "sd",
        "other": {"colour": {"mos": "other"}, "own": {"mos": "other", "mos_std": "kind"}},
    }
    assert read(told).frame["mos_std"].tolist() == [1, 2, 3, 4, 5, 6]
    assert "mos_std" not in read(told, "colour").frame
    assert read(told, "own").frame["mos_std"].tolist() == [2, 3, 1, 2, 3, 1]


def test_a_column_of_the_ratings_that_is_not_there_is_said(read):
    assert read({"mos_std": "sd", "ratings": "kind"}).notes == ()
    assert any("no deviations" in note for note in read({"mos_std": "sdt"}).notes)
    assert any("no column 'n'" in note for note in read({"ratings": "n"}).notes)
