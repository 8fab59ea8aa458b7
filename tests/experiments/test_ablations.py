"""Variants of the ablation differ from the method as its profile states it, whatever the main run is."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import yaml

from benchmark.reporting.run import Run
from experiments import settings
from experiments.pages.notebooks import ablation_note
from experiments.settings import ablations
from experiments.settings.ablations import ablation_of, ablations_of, unablated, variant_settings
from tests.composed import composed, profile_settings
from tests.made import trained

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _profiles_are_composed_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablations, "profile_settings", profile_settings)
        yield


@cache
def of(*overrides):
    return settings.parse(yaml.safe_load(composed(*overrides)))


@pytest.mark.parametrize("profile", ["demo", "paper", "rehearsal"])
def test_a_profile_is_no_ablation(profile):
    assert ablation_of(of(f"profile={profile}")) == []


@pytest.mark.parametrize("profile", ["demo", "paper"])
@pytest.mark.parametrize("name", ["no_consistency", "no_negative", "one_pair", "untrained"])
def test_a_run_knows_the_ablation_that_it_is(monkeypatch, tmp_path, profile, name):
    monkeypatch.chdir(TOP)
    plain, run = of(f"profile={profile}"), of(f"profile={profile}", f"ablation={name}")
    assert run.methods["qualiclip"] != plain.methods["qualiclip"]
    assert ablation_of(run) == [name]
    assert (ablations_of("qualiclip", run), ablations_of("niqe", run)) == (name, "")
    assert unablated(run) == plain


def test_other_changes_by_hand_stay():
    raw = yaml.safe_load(composed("ablation=no_consistency"))
    raw["methods"]["qualiclip"]["train"] |= {"lr": 0.5, "crop": 64}
    raw["ablation"]["changes"]["steps"] = 12
    back = unablated(settings.parse(raw))
    assert back.methods["qualiclip"].train["lr"] == 0.5
    assert back.methods["qualiclip"].train["crop"] == 64
    assert back.ablation.changes["steps"] == 12
    assert back.methods["qualiclip"].train.get("consistency", 1.0) == 1.0


def test_two_ablations_at_once_are_both_named():
    raw = yaml.safe_load(composed("ablation=no_consistency"))
    raw["methods"]["qualiclip"]["train"]["negative"] = 0.0
    assert ablation_of(settings.parse(raw)) == ["no_consistency", "no_negative"]


@pytest.mark.parametrize("profile", ["demo", "paper"])
def test_variants_do_not_compound(monkeypatch, profile):
    monkeypatch.chdir(TOP)
    variants = ["full", "no_consistency", "no_positive", "untrained"]

    def trainings(run):
        return {name: variant_settings(name, run).methods["qualiclip"].train for name in variants}

    plain = trainings(of(f"profile={profile}"))
    for main in ("no_consistency", "untrained", "one_pair"):
        assert trainings(of(f"profile={profile}", f"ablation={main}")) == plain, main
    assert plain["full"].get("consistency", 1.0) == 1.0
    assert plain["no_consistency"]["consistency"] == 0.0
    assert plain["untrained"]["steps"] == 0 < plain["full"]["steps"]


def test_a_variant_that_would_be_the_base_once_more_is_refused(monkeypatch):
    """Its file changes another row than the one that is ablated, or nothing that is not so already."""
    monkeypatch.chdir(TOP)
    raw = yaml.safe_load(composed())
    raw["methods"]["mine"] = raw["methods"]["qualiclip"]
    raw["ablation"]["method"] = "mine"
    run = settings.parse(raw)
    assert variant_settings("full", run).methods["mine"].train["steps"] == run.ablation.changes["steps"]
    with pytest.raises(
        ValueError, match=r"changes methods\.qualiclip\.train\.negative.*of 'mine'.*methods\.mine$"
    ):
        variant_settings("no_negative", run)
    for name in ("none", "monotone_order"):  # the default's order is that already
        with pytest.raises(ValueError, match="'full' once more; leave it out"):
            variant_settings(name, of("profile=demo"))
    assert variant_settings("monotone_order", of("profile=paper"))


def test_rows_and_pages_name_the_ablation(tmp_path):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"methods": {"qualiclip": {}, "niqe": {}}}))
    for name, ablation in (("qualiclip", "no_consistency"), ("niqe", "")):
        (tmp_path / name).mkdir()
        trained(name, {"title": name.upper()}, ablation=ablation).write(tmp_path / name)
    places = dict.fromkeys(("results", "data", "models"), str(tmp_path))
    run = Run(**places, params=str(tmp_path / "params.yaml"))
    assert run.labels.method("qualiclip") == "QUALICLIP, ablation no_consistency"
    assert run.labels.method("niqe") == "NIQE"
    assert ablation_note(tmp_path) == (
        "In this run qualiclip is its ablation no_consistency, not the method as its profile states it."
    )
    (tmp_path / "qualiclip/method.json").unlink()
    assert ablation_note(tmp_path) == ""


def test_no_published_figure_stands_beside_an_ablation():
    method = trained(card={"published_as": "qualiclip"})
    assert method.published_as == "qualiclip"
    assert replace(method, ablation="no_consistency").published_as == ""
