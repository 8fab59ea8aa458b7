"""What a rehearsal that has run to its end must have left, for whatever data sets it had."""

import pandas as pd
import pytest
import yaml

from tests.rehearsal import sets


def scored_in(params):
    """Data sets that the settings have scored: all that were rated, KADIS-700k was not."""
    listed = params["score"]["datasets"]
    return (
        [name for name in params["prepare"]["datasets"] if name != "kadis700k"] if listed is None else listed
    )


def check(clone):
    """Raise AssertionError unless every answer stands in the tables of a clone."""
    params = yaml.safe_load((clone / "params.yaml").read_text())
    tables = clone / "results/tables"
    table = pd.read_csv(tables / "zero_shot.csv")
    every_page_is_there(clone, params)
    every_cell_has_its_row(table, params)
    what_was_learnt_there_is_marked(table, params)
    the_planted_orders_come_out(table, pd.read_csv(tables / "by_distortion.csv"), params)
    every_variant_and_seed_has_its_row(pd.read_csv(tables / "ablation.csv"), tables, params)


def every_page_is_there(clone, params):
    listed = params["report"]["pages"]
    explored = [f"explore_{name}" for name in scored_in(params)] if "pictures" in listed else []
    made = sorted(page.stem for page in (clone / "reports").glob("*.html"))
    assert made == sorted([*listed, *explored])


def every_cell_has_its_row(table, params):
    found = table[table["statistic"].eq("srcc")]
    pairs = set(zip(found["method"], found["dataset"], strict=True))
    assert pairs == {(m, d) for m in params["methods"] for d in scored_in(params)}
    assert found["value"].notna().all()


def what_was_learnt_there_is_marked(table, params):
    """Of all methods, these four have learnt opinions, each of one data set."""
    marked = table[table["statistic"].eq("srcc") & table["overlap"].astype(str).ne("False")]
    learnt = {
        *((name, "koniq10k") for name in ("qualiclip_plus", "clipiqa_plus", "arniqa_trained")),
        ("arniqa", "kadid10k"),
    }
    expected = {(method, name) for method, name in learnt if name in scored_in(params)}
    assert set(zip(marked["method"], marked["dataset"], strict=True)) == expected


def the_planted_orders_come_out(table, by_kind, params):
    """Opinions follow the blur, which sharpness sees; those of one data set follow it backwards."""
    scored = scored_in(params)
    of = table[table["method"].eq("sharpness") & table["statistic"].eq("srcc")].set_index("dataset")["value"]
    for name in filter(scored.__contains__, sets.BLURRED):
        assert of[name] == pytest.approx(-1 if name == sets.REVERSED else 1), name
    rows = by_kind[by_kind["method"].eq("sharpness") & by_kind["statistic"].eq("srcc")]
    value = rows.set_index(["dataset", "distortion"])["value"]
    for name in filter(scored.__contains__, sets.BLUR):  # LIVE holds DMOS, where lower is better
        assert value[name, sets.BLUR[name]] == pytest.approx(1), name
        # Noise looks sharp, and the more so the smoother the picture was: not quite -1 over pictures.
        assert value[name, sets.NOISE[name]] < -0.8, name


def every_variant_and_seed_has_its_row(table, tables, params):
    own = params["ablation"]
    found = table[table["statistic"].eq("srcc")]
    pairs = set(zip(found["variant"], found["dataset"], strict=True))
    assert pairs == {(variant, name) for variant in own["variants"] for name in own["datasets"]}
    seeds = pd.read_csv(tables / "seeds.csv")
    spread = seeds[seeds["statistic"].eq("srcc") & seeds["sd"].notna()]
    assert spread["n"].tolist() == [1 + len(own["seeds"])] * len(own["datasets"])
