"""Settings: what is committed is what Hydra composes, and nothing unknown slips through."""

import copy
import functools
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import methods
from benchmark.datasets import catalogue
from experiments import settings
from experiments.settings.ablations import variant_settings
from experiments.settings.foreseen import check_work

PIECES = ["a", "b", "a-b", "b-a", "a-b-a", "a_b"]
ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def _composed(*overrides):
    with initialize_config_dir(str(ROOT / "experiments"), version_base=None):
        return OmegaConf.to_container(compose("config", overrides=list(overrides)), resolve=True)


def composed(*overrides):
    return copy.deepcopy(_composed(*overrides))


@pytest.fixture
def raw():
    return composed()


def test_committed_params_are_the_composed_demo_profile(raw):
    assert yaml.safe_load((ROOT / "params.yaml").read_text()) == raw


def test_composed_settings_are_valid(raw):
    assert settings.parse(raw).profile == "demo"


@pytest.mark.parametrize("variant", sorted(p.stem for p in (ROOT / "experiments/ablation").glob("*.yaml")))
def test_every_ablation_composes_to_valid_settings_of_its_method(variant):
    own = settings.parse(composed(f"ablation={variant}"))
    settings.check_methods(own)


def test_every_published_record_takes_part_in_the_wide_profile():
    own = settings.parse(composed("profile=wide"))
    paper = settings.parse(composed("profile=paper"))
    assert sorted(own.prepare.datasets) == sorted(path.stem for path in catalogue.HERE.glob("*.yaml"))
    assert own.methods == paper.methods
    unrated = {name for name in own.prepare.datasets if catalogue.entry(name).score is None}
    assert set(own.score.datasets) == set(own.prepare.datasets) - unrated
    assert own.sweep.dataset in unrated


def test_the_paper_profile_composes_to_valid_settings_of_its_methods():
    own = settings.parse(composed("profile=paper"))
    settings.check_methods(own)
    assert own.methods["arniqa"].train is None
    assert own.methods["arniqa_trained"].module == "arniqa"
    # The default's network is narrowed; that of the paper is CLIP's RN50 as it is.
    assert own.methods["qualiclip"].train["width"] is own.methods["clipiqa"].load["width"] is None


def test_an_ablation_changes_only_what_it_names(raw):
    changed = composed("ablation=no_consistency")
    assert changed["methods"]["qualiclip"]["train"].pop("consistency") == 0.0
    assert changed == raw


def test_variants_share_the_changes_that_all_have(monkeypatch):
    monkeypatch.chdir(ROOT)
    own = settings.load()
    common = own.ablation.changes["steps"]
    assert variant_settings("no_positive", own).methods["qualiclip"].train["steps"] == common
    assert variant_settings("no_positive", own).methods["qualiclip"].train["positive"] == 0.0
    assert variant_settings("untrained", own).methods["qualiclip"].train["steps"] == 0
    with pytest.raises(ValueError, match="did you mean 'no_positive'"):
        variant_settings("no_positiv", own)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sed": 3}, "sed: unknown setting; did you mean 'seed'"),
        ({"seed": "many"}, "seed: Input should be a valid integer"),
        ({"evaluate": {"resamples": 5}}, r"evaluate\.resamples: .*greater than or equal to 100"),
        (
            {"evaluate": {"resamples": 1000, "resample": 5}},
            r"evaluate\.resample: unknown setting; did you mean",
        ),
        ({"gmad": None}, "gmad: "),
        ({"seed": 28}, r"ablation\.seeds: \[28, 29\] must differ from each other and from seed 28"),
        (
            {"train": {"dataset": "pristine", "rated": None}},
            r"train\.rated: .*valid string \(got None\); name one",
        ),
        (
            {"train": {"dataset": "pristin", "rated": "leaves"}},
            "'pristin' is not declared; did you mean 'pristine'",
        ),
        (
            {"methods": {"niqee": {"code": "methods/niqee.py"}}},
            "'niqee' is not declared; did you mean 'niqe'",
        ),
        ({"methods": {"niqe": {"code": "niqe.py"}}}, r"methods\.niqe\.code: String should match pattern"),
    ],
)
def test_wrong_settings_are_named(raw, change, message):
    with pytest.raises(ValueError, match=message):
        settings.parse({**raw, **change})


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("evaluate", {"ratings": {"demo": 0.5}}, r"evaluate\.ratings\.demo: .*greater than or equal to 1"),
        ("evaluate", {"ratings": {"demo": float("nan")}}, r"evaluate\.ratings\.demo: "),
        ("evaluate", {"margin": float("inf")}, r"evaluate\.margin: .*less than 1"),
        (
            "cross_dataset",
            {"methods": ["niqe"], "without": ["niqe"]},
            "without: 'niqe' stands in .*methods too",
        ),
        ("robustness", {"features": ["niqe", "niqee"]}, r"features: 'niqee' is not declared; did you mean"),
        ("sweep", {"kinds": []}, r"sweep\.kinds"),
        ("sweep", {"kinds": ["jpeg", "jpeg"]}, r"sweep\.kinds: 'jpeg' stands twice"),
        ("robustness", {"kinds": ["gaublur", "gaublur"]}, r"robustness\.kinds: 'gaublur' stands twice"),
        ("gradcam", {"kinds": ["jpeg", "jpeg"]}, r"gradcam\.kinds: 'jpeg' stands twice"),
        ("gradcam", {"kinds": []}, r"gradcam\.kinds: "),
        ("gradcam", {"levels": []}, r"gradcam\.levels: "),
        ("gradcam", {"levels": [5, 5]}, r"gradcam\.levels: 5 stands twice"),
        ("gradcam", {"levels": [0]}, r"gradcam\.levels\.0: .*greater than or equal to 1"),
        ("gradcam", {"levels": [6]}, r"gradcam\.levels\.0: .*less than or equal to 5"),
        ("report", {"pages": []}, r"report\.pages: "),
        ("report", {"pages": ["index", "index"]}, r"report\.pages: 'index' stands twice"),
    ],
)
def test_values_that_would_do_nothing_or_count_twice_are_refused(raw, section, change, message):
    raw[section] |= change
    with pytest.raises(ValueError, match=message):
        settings.parse(raw)


def test_features_that_no_stage_takes_of_a_method_are_refused(raw):
    raw["cross_dataset"] |= {"without": ["niqe"]}
    raw["robustness"] |= {"features": ["niqe"]}
    with pytest.raises(ValueError, match=r"robustness\.features: 'niqe' is not declared"):
        settings.parse(raw)


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("sweep", {"kinds": ["gaublurr"]}, r"sweep\.kinds: 'gaublurr' is no kind; did you mean 'gaublur'"),
        ("gradcam", {"kinds": ["jpg"]}, r"gradcam\.kinds: 'jpg' is no kind; did you mean 'jpeg'"),
        ("robustness", {"kinds": ["gaublurr"]}, r"robustness\.kinds: 'gaublurr' .*; did you mean 'gaublur'"),
        ("robustness", {"kinds": ["jpeg"]}, r"robustness\.kinds: 'jpeg' is no kind that has levels beyond"),
        (
            "report",
            {"pages": ["index", "zeroshot"]},
            r"report\.pages: 'zeroshot' .*; did you mean 'zero_shot'",
        ),
        ("ablation", {"variants": ["full", "no_positiv"]}, "no_positiv.yaml; did you mean 'no_positive'"),
        ("ablation", {"changes": {"stepz": 1}}, r"train\.stepz: unknown setting; did you mean 'steps'"),
    ],
)
def test_what_a_late_stage_would_refuse_is_refused_before_the_first(
    raw, monkeypatch, tmp_path, section, change, message
):
    monkeypatch.chdir(ROOT)
    check_work(settings.parse(raw))
    raw[section] |= change
    with pytest.raises(ValueError, match=message):
        check_work(settings.parse(raw))


def renamed(raw, methods=(), datasets=()):
    """The demo with further methods and data sets, of nothing but their names."""
    raw = copy.deepcopy(raw)
    raw["methods"] |= {name: {"code": "methods/sharpness.py", "train": None} for name in methods}
    raw["prepare"]["datasets"] |= {name: {"kind": "folder"} for name in datasets}
    return raw


@pytest.mark.parametrize("name", ["nan", "NA", "None", "x1e5", "sharp-my_2", "A"])
def test_names_that_serve_are_taken(raw, name):
    assert name in settings.parse(renamed(raw, methods=[name])).methods
    assert name in settings.parse(renamed(raw, datasets=[name])).prepare.datasets


@pytest.mark.parametrize(
    "name",
    ["my.method", "a/b", "a@b", "a b", "", "-a", "_a", "a:b", "é", "007", "1e5", "..", "a\\b", "a$b", "a,b",
     "no", "Null", "on", "NUL", "com1"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["methods", "datasets"])
def test_names_that_no_stage_or_folder_can_have_are_refused(raw, name, where):
    key = "methods" if where == "methods" else r"prepare\.datasets"
    with pytest.raises(ValueError, match=rf"{key}: {re.escape(repr(name))} does not serve as a name"):
        settings.parse(renamed(raw, **{where: [name]}))


def test_variants_are_named_as_methods_are(raw):
    raw["ablation"]["variants"] += ["my.variant", "seed_28", "Full"]
    with pytest.raises(ValueError, match="does not serve") as caught:
        settings.parse(raw)
    for words in (
        "'my.variant' does",
        "'seed_28' is what a further seed",
        "'Full' and 'full' differ in case",
    ):
        assert words in str(caught.value)


def test_lists_take_all_that_can_take_part_unless_they_narrow(raw):
    raw["prepare"]["datasets"] |= {"koniq10k": {}, "kadis700k": None, "photos": {"kind": "folder"}}
    found = settings.parse(raw)
    rated = ["demo", "leaves", "koniq10k"]  # by their records; nobody rated the others
    assert found.score.datasets == found.cross_dataset.datasets == found.gmad.datasets == rated
    assert all(found.cross_dataset.takes(name) for name in found.methods)
    raw["score"]["datasets"] = ["koniq10k", "demo"]
    raw["cross_dataset"]["without"] = ["niqe"]
    raw["gmad"]["datasets"] = ["demo"]
    found = settings.parse(raw)
    assert found.cross_dataset.datasets == ["koniq10k", "demo"]
    assert found.gmad.datasets == ["demo"]
    assert [name for name in found.methods if not found.cross_dataset.takes(name)] == ["niqe"]


def test_a_list_of_data_sets_with_settings_apart_is_read_as_well(raw):
    beside = settings.parse(raw)
    datasets = raw["prepare"]["datasets"]
    raw["prepare"] = {"datasets": [*datasets], "settings": {n: own for n, own in datasets.items() if own}}
    assert settings.parse(raw) == beside
    raw["prepare"]["settings"] = {"leafs": {}}
    with pytest.raises(ValueError, match=r"settings: 'leafs' is not declared.*did you mean 'leaves'"):
        settings.parse(raw)


@pytest.mark.parametrize(("listed", "known"), [("demos", "demo"), ("leafs", "leaves")])
def test_a_name_that_a_stage_is_given_and_nobody_declared_is_named_with_what_was_meant(raw, listed, known):
    found = settings.parse(raw)
    with pytest.raises(ValueError, match=f"{listed!r} is not declared.*did you mean {known!r}"):
        settings.declared_dataset(listed, found)
    with pytest.raises(ValueError, match=r"'niqa' is not declared.*did you mean 'niqe'"):
        settings.declared("niqa", found)


@pytest.mark.parametrize(
    ("methods", "datasets", "says"),
    [
        (["Sharpness"], [], "methods: 'Sharpness' and 'sharpness' differ in case"),
        ([], ["Demo"], r"prepare\.datasets: 'Demo' and 'demo' differ in case"),
        (["qualiclip_shuffled"], [], "'qualiclip_shuffled' is what gradCAM's tables call a floor"),
        (["centre_prior"], [], "'centre_prior' is what gradCAM's tables call a floor"),
    ],
)
def test_names_that_two_would_share_are_refused(raw, methods, datasets, says):
    with pytest.raises(ValueError, match=says):
        settings.parse(renamed(raw, methods, datasets))


def test_a_word_that_yaml_reads_as_something_else_is_named(raw):
    text = yaml.safe_dump(raw).replace("    leaves:\n", "    no: {}\n    leaves:\n")
    with pytest.raises(ValueError, match=r"datasets.*got False\); YAML reads it so"):
        settings.parse(yaml.safe_load(text))


def test_a_missing_section_is_named(raw):
    raw.pop("sweep")
    with pytest.raises(ValueError, match="sweep: Field required"):
        settings.parse(raw)


def test_a_misspelt_setting_of_a_method_is_named(raw):
    raw["methods"]["qualiclip"]["train"]["stepz"] = 3
    with pytest.raises(
        ValueError, match=r"methods\.qualiclip\.train\.stepz: unknown setting; did you mean 'steps'"
    ):
        settings.check_methods(settings.parse(raw))


def test_a_data_set_that_a_card_misspells_is_named(raw, monkeypatch):
    """No figure on it would be marked."""
    card = replace(methods.card("niqe"), opinion_aware=True, opinions_of="koniq10k,spaq")
    monkeypatch.setattr(methods.find("niqe"), "CARD", card)
    with pytest.raises(
        ValueError, match=r"methods\.niqe: opinions_of of its card: 'koniq10k,spaq' is no name"
    ):
        settings.check_methods(settings.parse(raw))


def test_a_method_that_learns_nothing_refuses_training_settings():
    with pytest.raises(ValueError, match="clipiqa learns nothing"):
        methods.check("clipiqa", train_settings={"steps": 3}, load_settings={})


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.yaml is missing"):
        settings.load(tmp_path / "absent.yaml")
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(ValueError, match=r"broken\.yaml is not YAML"):
        settings.load(tmp_path / "broken.yaml")


def test_a_section_that_stands_twice_is_named_and_not_the_last_one_taken(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text() + "cost: {width: 64, height: 64}\n")
    with pytest.raises(ValueError, match=r"(?s)params\.yaml.*the key 'cost' stands twice"):
        settings.load(path)
