import numpy as np
import pandas as pd
import pytest

from benchmark import published


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
