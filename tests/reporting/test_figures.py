import io
import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from benchmark import figures
from benchmark.figures.canvas import COLOURS, grid, style
from benchmark.reporting.run import Run
from benchmark.tables import Labels

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
BLINDNESS = {
    "normal": "1 0 0  0 1 0  0 0 1",
    "deuteranopia": "0.367322 0.860646 -0.227968  0.280085 0.672501 0.047413  -0.01182 0.04294 0.968881",
    "protanopia": "0.152286 1.052583 -0.204868  0.114503 0.786281 0.099216  -0.003882 -0.048116 1.051998",
    "tritanopia": "1.255528 -0.076749 -0.178779  -0.078411 0.930809 0.147602  0.004733 0.691367 0.3039",
}


def seen(colour: str, matrix: str) -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    mixed = np.clip(np.array(matrix.split(), float).reshape(3, 3) @ linear, 0, 1)
    return rgb2lab(np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_first_six_colours_are_told_apart_by_everybody(kind: str) -> None:
    labs = [seen(colour, BLINDNESS[kind]) for colour in COLOURS[:6]]
    assert min(deltaE_ciede2000(a, b) for a, b in itertools.combinations(labs, 2)) > 8


def test_a_method_keeps_its_colour_and_marker_whatever_else_is_drawn() -> None:
    labels = Labels({name: name for name in "abcdefghij"})
    styles = [style(name, labels) for name in labels.methods]
    assert len(set(styles)) == len(styles)
    assert style("b", Labels({"a": "", "b": "", "new": ""})) == styles[1]


def drawn(run: Run) -> figures.Drawing:
    return figures.forest(run.source("results/tables/zero_shot.csv").frame, run.labels, statistic="srcc")


def test_a_figure_is_the_same_at_another_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever writes a time (matplotlib, fonttools) takes it from here.
    made = []
    for second in (1, 10**9):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(second))
        made.append(figures.encode(drawn(run), "a note"))
    assert made[0] == made[1]
    assert sorted(made[0]) == ["marks", "pdf", "png", "svg"]


def test_equal_figures_have_equal_bytes_without_date_or_version(run: Run) -> None:
    first, second = (figures.encode(drawn(run), "a note") for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first["png"])).text == {}
    assert b"<dc:date>" not in first["svg"]
    assert b"Matplotlib" not in first["svg"]
    assert first["pdf"].startswith(b"%PDF")
    assert not re.search(rb"/(CreationDate|Creator|Producer)|Type3", first["pdf"])
    assert first["png"] != figures.encode(drawn(run))["png"]


def test_the_figure_holds_the_intervals_of_its_table(run: Run) -> None:
    frame = run.source("results/tables/zero_shot.csv").frame
    wanted = frame[frame["statistic"].eq("srcc") & frame["dataset"].eq("demo")]
    axis = drawn(run).figure.axes[0]
    ends = sorted(tuple(path.vertices[:, 0]) for lines in axis.collections for path in lines.get_paths())
    np.testing.assert_allclose(ends, wanted[["low", "high"]].sort_values("low"))
    assert [tick.get_text() for tick in axis.get_yticklabels()][1] == "Untrained backbone"
    assert axis.get_title(loc="left") == "Demo (proxy)"


def test_a_heat_map_prints_the_values_of_its_table(run: Run) -> None:
    frame = run.source("results/tables/cross_dataset.csv").frame
    drawing = figures.heatmap(frame, run.labels, rows="train", columns="test", panel="method")
    assert "Colour from \u22121 to 1." in drawing.caption
    shown = sorted(text.get_text() for axis in drawing.figure.axes for text in axis.texts)
    assert shown == sorted(f"{value:.2f}" for value in frame.loc[frame["statistic"].eq("srcc"), "value"])


def test_a_heat_map_without_any_value_says_so() -> None:
    rows = [{"distortion": k, "method": m, "statistic": "srcc", "value": np.nan} for k in "ab" for m in "xy"]
    where = {"rows": "distortion", "columns": "method", "panel": "statistic"}
    drawing = figures.heatmap(pd.DataFrame(rows), Labels(), **where)
    assert drawing.alt == "Heat map of SRCC; none has a value."
    assert not drawing.marks


def test_heat_maps_that_cannot_stand_side_by_side_have_a_line_and_rows_each() -> None:
    methods = [f"method {index}" for index in range(12)]
    kinds = {"few": ["a", "b"], "many": [f"k{index}" for index in range(25)], "shared": ["a", "c"]}
    rows = [
        {"dataset": name, "distortion": kind, "method": method, "statistic": "srcc", "value": place / 100}
        for name, members in kinds.items()
        for kind in members
        for place, method in enumerate(methods)
    ]
    drawing = figures.heatmap(
        pd.DataFrame(rows), Labels(), rows="distortion", columns="method", panel="dataset"
    )
    for axis, (name, members) in zip(drawing.figure.axes, kinds.items(), strict=True):
        assert axis.get_title(loc="left") == name
        assert [tick.get_text() for tick in axis.get_yticklabels()] == members
        assert [tick.get_text() for tick in axis.get_xticklabels()] == methods
        assert len(axis.texts) == len(members) * len(methods)


def test_every_column_of_panels_names_its_ticks(run: Run) -> None:
    frame = run.source("results/tables/zero_shot.csv").frame
    one = frame[frame["dataset"].eq(frame["dataset"].iloc[0])]
    four = pd.concat([one.assign(dataset=name) for name in "abcd"], ignore_index=True)
    axes = figures.forest(four, run.labels).figure.axes
    named = [axis for axis in axes if axis.get_visible() and axis.xaxis.get_tick_params()["labelbottom"]]
    assert sorted(axis.get_title(loc="left") for axis in named) == ["b", "c", "d"]


def test_very_many_differences_become_a_matrix_a_data_set() -> None:
    names = [f"m{index}" for index in range(9)]
    rows = [
        {"dataset": dataset, "method_a": a, "method_b": b, "statistic": "srcc", "value": j - i, "p_holm": p}
        for dataset, p in (("x", 0.01), ("y", 0.5), ("z", np.nan), ("w", 0.5))
        for (i, a), (j, b) in itertools.combinations(enumerate(names), 2)
    ]
    drawing = figures.differences(pd.DataFrame(rows), Labels())
    assert "36 of 144 could not be tested" in drawing.caption
    assert "36 of 144 differences" in drawing.alt
    axes = [axis for axis in drawing.figure.axes if axis.get_visible()]
    assert [axis.get_title(loc="left") for axis in axes] == ["x", "y", "z", "w"]
    expected = np.subtract.outer(np.arange(9.0), np.arange(9.0)).T
    for axis in axes:
        table = axis.images[0].get_array().filled(np.nan)
        np.testing.assert_array_equal(table[~np.eye(9, dtype=bool)], expected[~np.eye(9, dtype=bool)])
    assert [len(axis.lines) for axis in axes] == [36, 0, 0, 0]


def test_differences_on_many_data_sets_stand_three_in_a_line(run: Run) -> None:
    frame = run.source("results/tables/differences.csv").frame
    one = frame[frame["dataset"].eq(frame["dataset"].iloc[0])]
    four = pd.concat([one.assign(dataset=name) for name in "abcd"], ignore_index=True)
    axes = figures.differences(four, run.labels).figure.axes
    assert [axis.get_title(loc="left") for axis in axes if axis.get_visible()] == list("abcd")
    assert len({round(axis.get_position().x0, 3) for axis in axes}) == 3


def test_an_unknown_statistic_is_named_beside_those_that_exist(run: Run) -> None:
    frame = run.source("results/tables/zero_shot.csv").frame
    with pytest.raises(ValueError, match=r"'srocc'.*krcc, plcc"):
        figures.forest(frame, run.labels, statistic="srocc")


def test_maps_share_one_signed_scale_in_a_row() -> None:
    maps = {("a", "positive"): np.array([[0.0, -4.0]]), ("b", "positive"): np.array([[1.0, 2.0]])}
    picture = np.zeros((8, 8, 3), np.uint8)
    rows = [figures.Attribution("jpeg", picture, None, maps)]
    axes = figures.maps(rows, Labels()).figure.axes
    assert [axis.images[-1].get_clim() for axis in axes[1:3]] == [(-4, 4), (-4, 4)]


def texts(axis: Axes, said: str) -> list[Text]:
    return [text for text in axis.findobj(Text) if text.get_text() == said]


def test_no_name_beside_the_maps_covers_another() -> None:
    """As many as the default draws, under the longest of its names."""
    labels = Labels({"a": "QualiCLIP", "b": "Untrained backbone", "c": "QualiCLIP-small"})
    maps = {(m, t): np.ones((4, 4)) for m in "abc" for t in ("positive", "negative", "score")}
    row = figures.Attribution("impulsenoise, level 5", np.zeros((8, 8, 3), np.uint8), None, maps)
    figure = figures.maps([row] * 6, labels).figure
    FigureCanvasAgg(figure).draw()
    images = [axis for axis in figure.axes if axis.images]
    named = [(axis, title) for axis in images if (title := axis.get_title(loc="left"))]
    titles = [text for axis, title in named for text in texts(axis, title)]
    sides = [axis.yaxis.label for axis in images if axis.get_ylabel()]
    assert (len(titles), len(sides)) == (10, 6)
    for names in (titles, sides):
        boxes = [name.get_window_extent() for name in names]
        assert not [a for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]


def test_a_curve_of_missing_values_is_left_out() -> None:
    frame = pd.DataFrame({"step": [0, 1], "loss": [2.0, 1.0], "extra": [np.nan, np.nan]})
    drawing = figures.curves(frame, Labels({"a": "Alpha"}), method="a")
    assert [axis.get_title(loc="left") for axis in drawing.figure.axes if axis.get_visible()] == ["loss"]
    assert "loss 2 to 1" in drawing.alt


def test_a_term_that_takes_no_part_has_no_panel():
    frame = pd.DataFrame({"step": [0, 5], "loss": [2.0, 1.0], "across": [0.0, 0.0]})
    drawing = figures.curves(frame, Labels({"a": "Alpha"}), method="a")
    assert "across" not in drawing.alt
    assert [axis.get_title(loc="left") for axis in drawing.figure.axes if axis.get_visible()] == ["loss"]


def test_validations_are_drawn_group_by_group() -> None:
    frame = pd.DataFrame({"step": [9, 19], "all": [0.5, 0.75], "blur": [0.6, 0.9], "jpeg": [0.4, 0.6]})
    frame["unchanged"] = [3, 3]  # a number of pictures, no share
    drawing = figures.validation(frame, Labels({"a": "Alpha"}), method="a", pictures="4 clean pictures")
    assert "on 4 clean pictures; .5 is chance" in drawing.caption
    lines = drawing.figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["blur", "jpeg", "all types"]
    assert list(lines[-1].get_ydata()) == [0.5, 0.75]
    drawing.figure.draw_without_rendering()
    (legend,) = drawing.figure.legends
    assert not legend.get_window_extent().overlaps(drawing.figure.axes[0].get_window_extent())
    assert "0.5 to 0.75" in drawing.alt


def test_a_mark_lies_where_its_point_is_seen() -> None:
    """By the pixels of the picture: each mark finds a point of its own colour."""
    figure, axes = grid(1, 2, 2.5)
    colours = {"#ff0000": (axes[0, 0], 3.0, 0.2), "#00ff00": (axes[0, 1], -4.0, 700.0)}
    for colour, (axis, x, y) in colours.items():
        axis.plot([-5, 5], [0, 1000], alpha=0)
        axis.plot([x], [y], "s", ms=9, color=colour)
    figure.suptitle("a title that moves all else")
    marks = [figures.Mark(*place, text=colour, picture="a.jpg") for colour, place in colours.items()]
    made = figures.encode(figures.Drawing(figure, "", "", marks=marks), "a note below")
    picture = np.asarray(Image.open(io.BytesIO(made["png"])).convert("RGB"))
    for left, top, colour, file in json.loads(made["marks"]):
        pixel = picture[int(top / 100 * picture.shape[0]), int(left / 100 * picture.shape[1])]
        assert "#" + "".join(f"{value:02x}" for value in pixel) == colour
        assert file == "a.jpg"


def test_figures_of_scores_say_of_which_methods_lower_ones_are_better_and_of_how_many_pictures() -> None:
    keys = {
        "group": "blur",
        "distortion": "gaublur",
        "statistic": "mean_score",
        "low": np.nan,
        "high": np.nan,
    }
    rows = [
        {**keys, "method": name, "level": level, "value": 1.0, "n": n}
        for name, n in (("a", 10), ("b", 5))
        for level in (0, 1)
    ]
    labels = Labels({"a": "Alpha", "b": "Beta"}, falling=frozenset("b"))
    drawing = figures.sweep(pd.DataFrame(rows), labels)
    assert drawing.caption.startswith("Mean score of 5 to 10 pictures against rising intensity.")
    assert drawing.caption.endswith(" Lower scores are better: Beta.")
    assert drawing.figure.get_supylabel() == "mean score"
    assert "better" not in figures.sweep(pd.DataFrame(rows[:2]), labels).caption


def test_a_scatter_has_a_mark_a_picture_and_method_and_says_what_is_left_out() -> None:
    rng = np.random.default_rng(0)
    names = [f"images/{i}.png" for i in range(40)]
    about = {
        "mos": rng.normal(size=40),
        "mos_std": 0.5,
        "distortion": np.nan,
        "level": np.nan,
        "split": "test",
    }
    score = rng.normal(size=40)
    rows = pd.DataFrame({"image": names, "score": score, "fitted": 0.0, "residual": about["mos"], **about})
    points = pd.concat([rows.assign(method=name) for name in ("a", "b")], ignore_index=True)
    points.loc[3, "score"] = np.inf
    points.loc[50, "mos"] = np.nan
    curves = pd.DataFrame({"method": "a", "score": [-1, 1], "fitted": 0.0, "low": -0.1, "high": 0.1})
    labels = Labels({"a": "Alpha"}, falling=frozenset("a"))
    drawing = figures.scatter(points, curves, labels, dataset="x", opinion="MOS", total=90)
    assert " Lower scores are better: Alpha." in drawing.caption
    assert len(drawing.marks) == 78
    mark = drawing.marks[0]
    assert (mark.x, mark.y) == (score[0], about["mos"][0])
    assert "± 0.50" in mark.text
    assert "40 of 90 pictures: the others have no opinion, or no score." in drawing.caption
    given = {"dataset": "x", "opinion": "MOS", "drawn": True}
    assert (
        "40 of 90 pictures: a seeded draw"
        in figures.scatter(points, curves, labels, total=90, **given).caption
    )
    assert "pictures" not in figures.scatter(points, curves, labels, total=40, **given).caption
