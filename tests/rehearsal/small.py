"""The default made so small that every stage takes a few seconds, for tests that run it again and again."""

import functools

import yaml

from tests.composed import composed

#: One method that is trained, and one that is not.
METHODS = ("qualiclip", "sharpness")
SET = "leaves"


@functools.cache
def settings():
    """Settings of the small run, as YAML."""
    params = yaml.safe_load(composed())
    trained = params["methods"]["qualiclip"]["train"]
    trained |= {"steps": 6, "batch": 2, "crop": 64, "warmup": 1, "validate_every": 3, "validate_on": 2}
    params["prepare"] = {"datasets": {"pristine": {"size": 96, "leaves": 10}, SET: {"size": 96, "count": 3}}}
    params["methods"] = {name: params["methods"][name] for name in METHODS}
    params["evaluate"] |= {"resamples": 100}
    params["sweep"] |= {"dataset": SET, "images": 2, "kinds": ["gaublur", "whitenoise"]}
    params["robustness"] |= {"dataset": SET, "images": 3, "references": 1, "kinds": ["gaublur"]}
    params["robustness"] |= {"levels": 6, "manifold": SET}
    params["gradcam"] |= {"dataset": SET, "shuffled": [], "images": 1}
    params["gradcam"] |= {"kinds": ["gaublur"]}
    params["ablation"] |= {"variants": ["full", "untrained"], "datasets": [SET]}
    params["ablation"] |= {"changes": {"steps": 3, "validate_every": 0}}
    params["report"] = {"pages": ["index", "zero_shot", "provenance"], "pictures": "all"}
    return yaml.safe_dump(params, sort_keys=False)
