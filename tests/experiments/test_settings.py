"""Settings: what is committed is what Hydra composes, and nothing unknown slips through."""

from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import methods
from experiments import ablate, settings

ROOT = Path(__file__).resolve().parents[2]


def composed(*overrides):
    with initialize_config_dir(str(ROOT / "experiments"), version_base=None):
        return OmegaConf.to_container(compose("config", overrides=list(overrides)), resolve=True)


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


def test_the_paper_profile_composes_to_valid_settings_of_its_methods():
    own = settings.parse(composed("profile=paper"))
    settings.check_methods(own)
    assert own.methods["arniqa"].train is None
    assert own.methods["arniqa_trained"].module == "arniqa"


def test_an_ablation_changes_only_what_it_names(raw):
    changed = composed("ablation=no_consistency")
    assert changed["methods"]["qualiclip"]["train"].pop("consistency") == 0.0
    assert changed == raw


def test_variants_share_the_changes_that_all_have(monkeypatch):
    monkeypatch.chdir(ROOT)
    common = settings.load().ablation.changes["steps"]
    assert ablate.variant_settings("no_positive").methods["qualiclip"].train["steps"] == common
    assert ablate.variant_settings("no_positive").methods["qualiclip"].train["positive"] == 0.0
    assert ablate.variant_settings("untrained").methods["qualiclip"].train["steps"] == 0
    with pytest.raises(ValueError, match="did you mean 'no_positive'"):
        ablate.variant_settings("no_positiv")


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
        ({"train": {"dataset": "pristin"}}, "'pristin' is not declared; did you mean 'pristine'"),
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


def test_a_method_that_learns_nothing_refuses_training_settings():
    with pytest.raises(ValueError, match="clipiqa learns nothing"):
        methods.check("clipiqa", train_settings={"steps": 3}, load_settings={})


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.yaml is missing"):
        settings.load(tmp_path / "absent.yaml")
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(ValueError, match=r"broken\.yaml is not YAML"):
        settings.load(tmp_path / "broken.yaml")
