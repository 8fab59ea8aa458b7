"""Defaults, bounds and published constants, as the documentation and the papers state them.

Whoever calls a function without a setting gets what its documentation promises; tables and pages state these
figures as the protocol. They stand here as literals, and are never read from the code.
"""

import importlib
import inspect
import math

import numpy as np
import pytest

from benchmark.protocols import Resampling
from methods.arniqa.regressor import Opinions

HOW = Resampling(resamples=1000, seed=0, interval="bca")
BOOTSTRAP = {"resamples": 1000, "seed": 0}

#: Function -> its settings and what each is unless given.
DEFAULTS = {
    "benchmark.statistics.across:mean_ranks": {"alpha": 0.05, "simulations": 2000, "seed": 0},
    "benchmark.statistics.across:critical_difference": {"alpha": 0.05},
    "benchmark.statistics.across:friedman_power": {
        **{"effect": 1.0, "alpha": 0.05, "simulations": 2000, "seed": 0}
    },
    "benchmark.statistics.bootstrap:resample": {**BOOTSTRAP, "groups": None},
    "benchmark.statistics.bootstrap:bootstrap": {"statistic": "srcc", "groups": None, **BOOTSTRAP},
    "benchmark.statistics.bootstrap:interval": {
        **{"value": None, "units": None, "acceleration": 0.0, "level": 0.95}
    },
    "benchmark.statistics.correlation:outlier_ratio": {"width": 2.0},
    "benchmark.statistics.discrimination:discriminate": {"level": 0.95, "workers": 2},
    "benchmark.statistics.discrimination:Auc.interval": {"level": 0.95},
    "benchmark.statistics.discrimination:Auc.test": {"delong": False},
    "benchmark.statistics.discrimination:Auc.error_of_difference": {"delong": False},
    "benchmark.statistics.influence:influence": {"statistic": "srcc", "groups": None},
    "benchmark.statistics.influence:jackknife_acceleration": {"groups": None, "parts": 100},
    "benchmark.statistics.influence:influence_interval": {"level": 0.95},
    "benchmark.statistics.influence:jackknife_interval": {"level": 0.95},
    "benchmark.statistics.hierarchical:hierarchical": {"level": 0.95},
    "benchmark.statistics.mapping:fit": {"form": "logistic4"},
    "benchmark.statistics.power:resolvable": {"level": 0.05, "power": 0.8},
    "benchmark.statistics.ranks:letters": {"alpha": 0.05},
    "benchmark.statistics.ranks:ranks": {"level": 0.95},
    "benchmark.statistics.significance:win_tie_loss": {"alpha": 0.05},
    "benchmark.protocols.compare:compare": {
        **{"names": ("A", "B"), "higher_is_better": (True, True), "mos_higher_is_better": True, "how": HOW}
    },
    "benchmark.protocols.distortions:by_distortion": {"how": HOW},
    "benchmark.protocols.paired:differences": {"statistic": "srcc", "how": HOW, "margin": 0.01},
    "benchmark.protocols.paired:wins": {"statistic": "srcc", "alpha": 0.05},
    "benchmark.protocols.pairs_of_images:discrimination": {"ratings": 1.0, "level": 0.95},
    "benchmark.protocols.probe:probe": {"splits": 10, "how": HOW, "official": False},
    "benchmark.protocols.probe:cross_set": {"splits": 10, "how": HOW, "related": (), "official": ()},
    "benchmark.protocols.ridge:fit_probe": {"splits": 10, "how": HOW},
    "benchmark.protocols.rows:Resampling": {"resamples": 1000, "seed": 0, "interval": "bca"},
    "benchmark.protocols.runs:against_seeds": {"among": ("dataset",)},
    "benchmark.protocols.runs:across_sets": {"statistic": "srcc"},
    "benchmark.protocols.samples:split_by_reference": {"splits": 10, "seed": 0, "shares": (0.7, 0.1)},
    "benchmark.protocols.structure:structure": {"how": HOW},
    "benchmark.protocols.zero_shot:zero_shot": {"how": HOW, "mapping": "logistic4", "splits": 10},
    "benchmark.gmad.competition:competition": {
        **{"mos_std": None, "judge": "mos", "levels": 6, "half_width": 9.0, "seed": 0}
    },
    "benchmark.gmad.competition:standings": {"protocol": "gMAD", "seed": 0, "resamples": 1000},
    "benchmark.gmad.judge:judge_by_scores": {"mos_std": None, "scale": None},
    "benchmark.gmad.pairs:select_pairs": {"levels": 6, "half_width": 9.0},
    "benchmark.gmad.ranking:global_ranking": {"link": "probit", "prior": 1.0},
    "benchmark.gmad.scale:common_scale": {"how": "rank", "mos": None, "higher_is_better": None},
    "benchmark.gmad.study:questions": {"limit": None},
    "benchmark.gmad.tally:tally": BOOTSTRAP,
    "benchmark.gmad.tally:by_people": {"seed": 0},
    "benchmark.attribution.maps:maps": {"targets": None, "how": "gradcam"},
    "benchmark.attribution.shuffle:shuffled": {"seed": 0},
    "benchmark.attribution.study:region": {"share": (0.25, 0.5)},
    "benchmark.attribution.study:implant": {"seed": 0, "share": (0.25, 0.5)},
    "benchmark.attribution.study:Trial": {"levels": (5,), "seed": 0, "share": (0.25, 0.5), "batch": 8},
    "benchmark.attribution.study:localise": {"how": "gradcam"},
    "benchmark.attribution.study:floors": {"stride": 32},
    "benchmark.robustness.beyond:long_ladder": {"levels": 7},
    "benchmark.robustness.beyond:unseen_ladder": {"levels": 5},
    "benchmark.robustness.manifold:manifold": {"seed": 0},
    "benchmark.robustness.sensitivity:sensitivity": {"batch": 8, **BOOTSTRAP},
    "benchmark.robustness.sweep:sweep": {
        **{"kinds": None, "levels": 5, "seed": 0, "batch": 8, "journal": None}
    },
    "benchmark.robustness.waterloo:p_test": {"threshold": 40.0, "limit": 2_000_000, "seed": 0},
    "benchmark.robustness.waterloo:waterloo": {"judges": None, "resamples": 200, "seed": 0},
    "benchmark.degradations.engine:degrade": {"order": "reference", "fields": None},
    "benchmark.degradations.engine:ladder": {"levels": 5, "order": "monotone"},
    "benchmark.degradations.engine:compose": {"order": "reference"},
    "benchmark.degradations.sampler:level_probabilities": {"levels": 5},
    "benchmark.degradations.sampler:sample_sequence": {"most": 4, "levels": 5},
    "benchmark.degradations.sheet:contact_sheet": {"seed": 0, "columns": 3, "order": "reference"},
    "benchmark.degradations.sheet:degrade_file": {"seed": 0},
    "benchmark.degradations.sheet:sheet_file": {"seed": 0, "order": "reference", "side": 144},
    "methods.qualiclip:load": {"weights": "official", "prompts": None, "scale": None},
    "methods.qualiclip.crops:draw_batch": {"drawn": "types", "distortions": 1},
    "methods.qualiclip.losses:consistency_loss": {"reduction": "sum"},
    "methods.qualiclip.losses:ranking_loss": {"reduction": "sum"},
    "methods.qualiclip.losses:loss_terms": {"reduction": "sum"},
    "methods.qualiclip.losses:ranking_across": {"reduction": "sum"},
    "methods.qualiclip.training:train_encoder": {"held_out": ()},
    "benchmark.method:TrainingData": {"held_out": (), "rated": None, "seed": 0},
    "methods.arniqa:load": {
        **{"encoder": "official", "regressor": None, "regressor_dataset": "kadid10k", "protocol": "hub"}
    },
    "methods.arniqa.regressor:fit_regressor": {"seed": 0},
}

#: What a paper, a standard or the documentation states as a figure, and no setting changes.
CONSTANTS = {
    # Five images can be ordered in 120 ways: the least number that can say anything at 95%.
    "benchmark.statistics.bootstrap:MIN_UNITS": 5,
    # Fewer references (pictures where there are none) decide nothing.
    "benchmark.evidence:ENOUGH": 10,
    "benchmark.statistics.hierarchical:FEWEST": 3,
    "benchmark.protocols.paired:MARGIN": 0.01,
    "benchmark.protocols.paired:POWER": 0.8,
    "benchmark.protocols.zero_shot:MIN_SPLIT_UNITS": 10,
    # Two standard deviations of the ratings (ITU-T P.1401, VQEG).
    "benchmark.protocols.zero_shot:OUTLIER_WIDTH": 2.0,
    # LIVE and both TIDs share references, KonIQ++ rates KonIQ-10k's pictures, FLIVE's patches are crops.
    "benchmark.protocols.overlap:RELATED": (
        *(("live", "tid2013"), ("live", "tid2008"), ("tid2008", "tid2013")),
        *(("koniq10k", "koniqpp"), ("flive", "flive_patches")),
    ),
    "benchmark.statistics.mapping:FORMS": {"logistic4": 4, "logistic5": 5},
    "benchmark.robustness.sensitivity:CROP": 0.9,
    "benchmark.robustness.sensitivity:RESIZE": 0.9,
    "benchmark.robustness.sensitivity:QUALITY": 95,
    "benchmark.robustness.beyond:UNSEEN": {
        "colorquantization": (64, 48, 32, 16, 8),
        "denoise": (0.05, 0.1, 0.15, 0.2, 0.3),
    },
    # Opinions of the published regressors, as the official hubconf.py states them.
    "methods.arniqa.regressor:DATASETS": {
        "live": Opinions(1, 100, False),
        "csiq": Opinions(0, 1, False),
        "tid2013": Opinions(0, 9, True),
        "kadid10k": Opinions(1, 5, True),
        "flive": Opinions(1, 100, True),
        "spaq": Opinions(1, 100, True),
        "clive": Opinions(1, 100, True),
        "koniq10k": Opinions(1, 100, True),
    },
    "methods.qualiclip:SHARES_BATCHES": True,
    "methods.arniqa:LEARNS_FROM_SCORES": True,
    "methods.clipiqa_plus:LEARNS_FROM_SCORES": True,
    "methods.qualiclip_plus:LEARNS_FROM_SCORES": True,
}

FROZEN = (
    *("benchmark.attribution.study:Trial", "benchmark.protocols.rows:Resampling"),
    *("methods.arniqa.regressor:Opinions", "methods.arniqa.regressor:Regressor", "methods.arniqa.pairs:Draw"),
    *("benchmark.degradations.kinds:Kind", "benchmark.statistics.mapping:Mapping"),
    *("benchmark.statistics.across:MeanRanks",),
)


def named(where):
    module, _, path = where.partition(":")
    found = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("where", DEFAULTS)
def test_what_is_not_given_is_as_documented(where):
    parameters = inspect.signature(named(where)).parameters
    assert {name: parameters[name].default for name in DEFAULTS[where]} == DEFAULTS[where]


@pytest.mark.parametrize("where", CONSTANTS)
def test_figures_that_no_setting_changes_are_as_documented(where):
    found = named(where)
    assert (dict(found) if isinstance(CONSTANTS[where], dict) else found) == CONSTANTS[where]


@pytest.mark.parametrize("where", FROZEN)
def test_what_settings_and_results_say_cannot_be_changed_behind_their_back(where):
    assert named(where).__dataclass_params__.frozen


def test_penalties_of_a_probe_are_a_hundred_from_a_thousandth_to_a_thousand():
    alphas = named("benchmark.protocols.ridge:ALPHAS")
    assert alphas.tolist() == pytest.approx([10 ** (-3 + 6 * k / 99) for k in range(100)])


def test_cards_of_trained_methods_state_their_range_and_whether_they_saw_opinions():
    qualiclip, arniqa = named("methods.qualiclip:CARD"), named("methods.arniqa:CARD")
    assert (qualiclip.opinion_aware, qualiclip.low, qualiclip.high) == (False, 0.0, 1.0)
    assert (arniqa.opinion_aware, arniqa.low, arniqa.high) == (True, -math.inf, math.inf)
    assert named("methods.arniqa:Arniqa").higher_is_better
    assert np.isinf([arniqa.low, arniqa.high]).all()


#: Settings of the pace, and what no paper states; the papers' own are in the tests of each method.
TRAINING = {
    "methods.qualiclip.settings:Training": {
        **{"width": None, "prompts": "qualiclip", "accumulate": 1, "overlap": 0.5, "distortions": 1},
        **{"drawn": "types", "levels_draw": "shared", "crops_draw": "shared", "averaged": "cosines"},
        **{"reduction": "sum", "rank_across": 0.0, "warmup": 0, "decay": "none", "ema": 0.0, "norm": "eval"},
        **{"bf16": None, "scale": 100.0, "workers": 4, "cache": 256, "validate_every": 0, "validate_on": 20},
        **{"log_every": 10, "checkpoint_every": 500},
    },
    "methods.arniqa.training:Training": {
        "bf16": None,
        "cache": 256,
        "log_every": 10,
        "checkpoint_every": 500,
    },
}


@pytest.mark.parametrize("where", TRAINING)
def test_a_training_that_is_told_nothing_goes_as_documented(where):
    own = named(where)()
    assert {name: getattr(own, name) for name in TRAINING[where]} == TRAINING[where]
    with pytest.raises(ValueError, match="frozen"):
        own.cache = 1
    with pytest.raises(ValueError, match="unheard_of"):
        named(where)(unheard_of=1)
