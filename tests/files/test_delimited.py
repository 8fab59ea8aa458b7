"""Tables as people save them are read to the cell, or refused with the reason."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.datasets.prepared.manifest import numbers
from benchmark.files.delimited import read_table, spelt
from benchmark.tables import read_results

#: Names that readers of numbers, of missing values or of dates take for something else.
ODD = [
    "NA",
    "nan",
    "null",
    "None",
    "N/A",
    "",
    "007",
    "1e5",
    "True",
    "-inf",
    "1,5",
    "#N/A",
    "a;b",
    'say "x"',
    " b ",
]


def written(path, rows, mark=",", encoding="utf-8", end="\n", before=""):
    text = io.StringIO()
    csv.writer(text, delimiter=mark, lineterminator=end).writerows(rows)
    path.write_bytes((before + text.getvalue()).encode(encoding))
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_cell_is_kept_as_it_stands(tmp_path, mark, encoding, end):
    rows = [["image", "mos"], *([name, f"é{place}"] for place, name in enumerate(ODD))]
    table = read_table(written(tmp_path / "t.csv", rows, mark, encoding, end))
    assert table.columns.tolist() == rows[0]
    assert table.to_numpy().tolist() == rows[1:]
    assert (table.index.name, table.index.tolist()) == ("row", list(range(2, len(rows) + 1)))


CELL = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=6)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5), st.sampled_from(",;\t"))
@settings(max_examples=60, deadline=None)
def test_what_csv_writes_comes_back(tmp_path_factory, rows, mark):
    head = ["image", "reference", "score"]
    table = read_table(written(tmp_path_factory.mktemp("t") / "t.csv", [head, *rows], mark))
    assert table.to_numpy().tolist() == [list(row) for row in rows]


def test_lists_of_one_column_may_hold_any_mark(tmp_path):
    (tmp_path / "t.csv").write_text("image\na,b.png\n\nNA\n")
    table = read_table(tmp_path / "t.csv")
    assert table["image"].to_dict() == {2: "a,b.png", 4: "NA"}


def test_the_line_of_spreadsheets_and_marks_at_line_ends_part_nothing(tmp_path):
    (tmp_path / "t.csv").write_text("sep=;\nimage;score;\na.png;1;\nb,c.png;2\n")
    table = read_table(tmp_path / "t.csv")
    assert table[["image", "score"]].to_numpy().tolist() == [["a.png", "1"], ["b,c.png", "2"]]
    assert table.index.tolist() == [3, 4]


def test_what_a_row_lacks_is_empty(tmp_path):
    (tmp_path / "t.csv").write_text("image;score;error\na.png;1,5\nb.png\n")
    assert read_table(tmp_path / "t.csv").to_numpy().tolist() == [["a.png", "1,5", ""], ["b.png", "", ""]]


def test_a_comma_in_the_header_does_not_win_over_the_rows(tmp_path):
    (tmp_path / "t.csv").write_text("image;mos, raw, of 5\na.png;1\n")
    assert read_table(tmp_path / "t.csv").columns.tolist() == ["image", "mos, raw, of 5"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no CSV table, it is empty"),
        (b"image,score\na.png,1\nb.png,2,5\n", r"row 3 has 3 cells .* 2, separated by commas; write decimal"),
        (b"image,score,error\na.png,1,5,\n", r"row 2 has 4 cells .* 3, separated by commas; write decimal"),
        (b"image;score\na.png;1;2\n", r"row 2 has 3 cells .* 2, separated by semicolons"),
        (b'image,score\n"a.png,1\nb.png,2\n', "quotation mark too many"),
        (b"image,image\na,b\n", "has the column 'image' twice"),
        (b"a;b,c\nx;y,z\n", "separated by commas or by semicolons|separated by semicolons or by commas"),
        ("image,score\nä.png,1\n".encode("latin-1"), "line 2 is not UTF-8"),
        (b"PK\x03\x04rest", "is a workbook or an archive; save the table as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook of an old kind"),
        (b"PAR1rest", "is a parquet file"),
        (b'[{"image": "a"}]', "is JSON"),
        (b"image,score\na\0.png,1\n", "zero bytes"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(tmp_path, content, says):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"t\.csv.*({says})"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["0,5", "3", "", "-1,25e1"], [0.5, 3, None, -12.5]),
        (["0,712", "1,234"], [0.712, 1.234]),  # no group of thousands begins with 0
        ([",5"], [0.5]),
        (["1,2345"], [1.2345]),
    ],
)
def test_decimal_commas_are_read_where_they_can_be_nothing_else(cells, expected):
    found = numbers(pd.Series(cells, name="mos"), "t.csv")
    assert [None if pd.isna(value) else value for value in found] == expected


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["1,234", "12,500", "7"], r"row 2, column 'mos': '1,234': may be a decimal comma or thousands"),
        (["0,5", "0.5"], r"row 2, column 'mos': '0,5': other rows have a decimal point"),
        (["1.234,5"], r"'1\.234,5': write a number"),
        (["1,234,567"], r"'1,234,567': write a number"),
    ],
)
def test_other_commas_are_refused(cells, says):
    with pytest.raises(ValueError, match=rf"t\.csv: .*{says}"):
        numbers(pd.Series(cells, name="mos"), "t.csv")


@pytest.mark.parametrize("name", ["NA", "nan", "None", "null", "007", "1e5", "True"])
def test_results_keep_names_that_look_like_something_else(tmp_path, name):
    keys = ["method", "method_a", "variant", "dataset", "image", "low_image", "distortion", "signature"]
    frame = pd.DataFrame({**{key: [name] for key in keys}, "value": [0.5], "low": [None]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = read_results(tmp_path / "t.csv").iloc[0]
    assert found[keys].tolist() == [name] * len(keys)
    assert (found["value"], pd.isna(found["low"])) == (0.5, True)


@given(st.data())
def test_known_columns_are_known_however_they_are_spelt(data):
    name = data.draw(st.sampled_from(["reference", "mos_std", "level"]))
    letters = [data.draw(st.sampled_from([c, c.upper()] if c != "_" else ["_", " ", "-"])) for c in name]
    written = data.draw(st.sampled_from(["", " "])) + "".join(letters)
    table = pd.DataFrame({written: ["a"], "References": ["b"]})
    assert spelt(table, {"reference", "mos_std", "level"}, "t.csv").columns.tolist() == [name, "References"]
    assert spelt(table, {name}, "t.csv", [written]).columns.tolist() == [written, "References"]


def test_a_column_that_is_there_in_two_spellings_is_refused():
    with pytest.raises(ValueError, match="columns 'Level' and 'level' are both 'level'"):
        spelt(pd.DataFrame({"Level": ["1"], "level": ["2"]}), {"level"}, "t.csv")
