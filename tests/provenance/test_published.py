import numpy as np
import pandas as pd
import pytest

from benchmark.provenance import published


def test_table_is_sound():
    table = published.figures()
    assert set(table["standing"]) == {"V", "S", "R"}
    assert set(table["setting"]) == set(published.SETTINGS)
    assert set(table["statistic"]) == {"srcc", "plcc", "plcc_raw"}
    assert table["value"].between(-1, 1).all()
    keys = ["method", "dataset", "setting", "train", "statistic", "version"]
    assert not table.duplicated(keys).any()
    assert table[table["setting"].eq("cross_set")]["train"].ne("").all()


def test_default_and_version():
    latest = published.lookup("qualiclip", "clive", "srcc")
    assert (latest.value, latest.version, latest.standing) == (0.725, "v3", "S")
    assert published.lookup("qualiclip", "clive", "srcc", version="v1").value == 0.753
    assert published.lookup("arniqa", "csiq", "srcc", setting="cross_set", train="live").value == 0.904
    assert published.lookup("arniqa", "csiq", "srcc") is None
    with pytest.raises(ValueError, match="did you mean 'zero_shot'"):
        published.lookup("qualiclip", "clive", "srcc", setting="zeroshot")
    with pytest.raises(ValueError, match="pass train="):
        published.lookup("arniqa", "csiq", "srcc", setting="cross_set")


def test_a_figure_of_pictures_of_another_size_stands_beside_none_of_ours():
    """pyiqa scores KonIQ-10k at 512x384 and SPAQ at a short side of 448; its file of data sets says so."""
    assert published.lookup("ilniqe", "koniq10k", "srcc") is None
    assert published.lookup("niqe", "spaq", "plcc_raw") is None
    assert published.lookup("niqe", "koniq10k", "srcc").value == 0.551  # CLIP-IQA's, at 1024x768
    assert published.lookup("ilniqe", "koniq10k", "srcc", version="pyiqa").value == 0.551
    assert published.lookup("ilniqe", "clive", "srcc").value == 0.438
    table = published.figures()
    ours = table[table["version"].eq("pyiqa") & table["dataset"].isin(["koniq10k", "spaq"])]
    assert ours["scaled"].ne("").all()


def test_figures_of_pyiqas_benchmark_are_those_of_its_file():
    """Q-Align's on TID2013 are .8529/.8313 there; .8578/.8385 are of its four-bit form."""
    assert published.lookup("qalign", "tid2013", "srcc").value == 0.831
    assert published.lookup("qalign", "tid2013", "plcc_raw").value == 0.853


def test_nobodys_method_has_no_figure_whatever_its_row_is_called():
    ours = pd.DataFrame({"method": ["niqe"], "dataset": "koniq10k", "statistic": "srcc", "value": 0.5})
    assert published.attach(ours)["published"].tolist() == [0.551]
    assert published.attach(ours, method="")["published"].isna().all()
    named = published.attach(ours.assign(method="mine"), method="niqe")
    assert (named["published"].tolist(), named["method"].tolist()) == ([0.551], ["mine"])


def test_attached_to_tables():
    ours = pd.DataFrame(
        {"method": ["qualiclip", "mine"], "dataset": "koniq10k", "statistic": "srcc", "value": 0.8}
    )
    found = published.attach(ours)
    assert found["published"].tolist()[0] == 0.817
    assert np.isnan(found["published"][1])
    assert found["standing"].tolist() == ["S", ""]
    matrix = pd.DataFrame(
        {"method": "arniqa", "train": ["live", "live"], "test": ["live", "csiq"], "statistic": "srcc"}
    )
    assert published.attach(matrix, setting="cross_set")["published"].tolist() == [0.966, 0.904]


def test_verdicts():
    assert published.verdict(0.5, 0.4, 0.6) == "agrees"
    assert published.verdict(0.3, 0.4, 0.6) == "higher"
    assert published.verdict(0.7, 0.4, 0.6) == "lower"
    assert published.verdict(np.nan, 0.4, 0.6) == published.verdict(0.5, np.nan, np.nan) == ""


def test_a_figure_of_the_test_split_judges_that_split_alone():
    names = ["srcc", "srcc_test", "plcc_test"]
    table = pd.DataFrame({"method": "niqe", "dataset": "koniq10k", "statistic": names})
    found = published.attach(table)
    assert found["published"].tolist() == [0.551, 0.551, 0.488]
    assert set(found["published_part"]) == {"official test split"}
    assert (found["published_n"] == 2015).all()
    fair = [published.same_protocol(name, "official test split") for name in names]
    assert fair == [False, True, True]
    assert published.lookup("niqe", "clive", "srcc_test") is None


def test_the_span_is_over_all_sources_whatever_their_protocol():
    spaq = published.lookup("niqe", "spaq", "srcc")
    assert (spaq.value, spaq.low, spaq.high) == (0.703, 0.693, 0.703)
    assert published.lookup("niqe", "koniq10k", "srcc").low == 0.377


def test_figures_state_their_pictures_and_splits_where_they_are_known():
    own = published.lookup("arniqa", "live", "srcc", setting="same_set")
    assert (own.n, own.splits) == (160, 10)
    assert published.lookup("qualiclip", "clive", "srcc").n == 0


@pytest.mark.parametrize(("part", "splits"), [(500, 1), (400, 10)])
def test_a_figure_of_fewer_pictures_is_allowed_its_own_error(part, splits):
    """The interval holds the figure that a paper would print of a part of the pictures, 19 times in 20."""
    n, held, plain, sets = 2000, 0, 0, 400
    g = np.random.RandomState(part)
    for _ in range(sets):
        x, e = g.normal(size=(2, n))
        y = 0.7 * x + np.sqrt(1 - 0.49) * e
        value = np.corrcoef(x, y)[0, 1]
        low, high = np.tanh(np.arctanh(value) + np.array([-1.96, 1.96]) / np.sqrt(n - 3))
        drawn = [g.permutation(n)[:part] for _ in range(splits)]
        theirs = np.median([np.corrcoef(x[d], y[d])[0, 1] for d in drawn])
        # Ours is of other pictures than theirs would be: both err.
        shift = np.arctanh(value) - np.arctanh(0.7)
        far = np.tanh(np.arctanh(theirs) - shift)
        below, above = published.allowed(value, low, high, n, part, splits)
        held += below <= far <= above
        plain += low <= far <= high
    assert held / sets >= 0.93
    assert plain < held
    assert published.allowed(0.7, 0.6, 0.8, 100, np.nan, np.nan) == (0.6, 0.8)
    assert published.allowed(0.7, 0.6, 0.8, 100, 100, 1) == (0.6, 0.8)
