"""What two checkpoints say of a training: files of the published layout with changes that were planted."""

import json

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from benchmark.images import write_png
from experiments.cli import app
from methods._shared.clip.encoder import SMALL, build
from methods._shared.weights.comparison import compare, implied, kind_of, named, part_of, summary

STEPS = 87_500


@pytest.fixture(scope="module")
def start():
    state = {k: v.clone() for k, v in build(SMALL, seed=0).state_dict().items()}
    return {k: v for k, v in state.items() if v.is_floating_point()}


def saved(state, path, prefix=""):
    """As the authors save it: OpenAI's names below ``clip_model.``, and the prompts beside them."""
    torch.save({**{prefix + k: v for k, v in state.items()}, "prompts_features": torch.zeros(14, 128)}, path)
    return path


def told(start, after):
    table = compare(start, after)
    return table.set_index("tensor"), " ".join(implied(table, start, after, STEPS))


def test_files_of_either_layout_have_the_same_names(start, tmp_path):
    theirs = named(saved(start, tmp_path / "qualiclip.pth", "clip_model."))
    ours = tmp_path / "weights.safetensors"
    save_file({f"encoder.{k}": v for k, v in start.items() if k.startswith("visual.")}, ours)
    assert set(theirs) == {*start, "prompts_features"}
    assert set(named(ours)) == {k for k in start if k.startswith("visual.")}


def test_a_planted_move_is_found_where_it_was_planted_and_as_far(start):
    after = {k: v.clone() for k, v in start.items()}
    after["visual.layer2.0.conv2.weight"] *= 1 + 2**-10
    after["visual.conv1.weight"][0, 0, 0, 0] += 0.25
    table, words = told(start, after)
    assert table.loc["visual.layer2.0.conv2.weight", "moved"] == pytest.approx(2**-10, rel=1e-6)
    assert table.loc["visual.conv1.weight", "largest"] == pytest.approx(0.25, rel=1e-6)
    assert table.loc["visual.conv1.weight", "changed"] == pytest.approx(
        1 / start["visual.conv1.weight"].numel()
    )
    assert table.drop(["visual.layer2.0.conv2.weight", "visual.conv1.weight"])["largest"].eq(0).all()
    assert f"needs {0.25 / STEPS:.2g} at least over 87,500 steps" in words
    text = table[table["part"].eq("text")]
    assert f"The text tower: {len(text)} of {len(text)} tensors are equal" in words
    assert "`norm: eval`" in words
    assert "Norm gains did not move" in words


def test_moved_statistics_gains_and_text_are_said(start):
    after = {k: v.clone() for k, v in start.items()}
    after["visual.bn1.running_mean"] += 1e-3
    after["visual.bn1.weight"] += 1e-3
    after["transformer.resblocks.0.mlp.c_fc.weight"] += 1e-3
    table, words = told(start, after)
    text = int(table["part"].eq("text").sum())
    assert f"The text tower: {text - 1} of {text} tensors are equal" in words
    assert "`norm: train`" in words
    # Gains are 1: float32 is spaced by 2^-23 above it, so that a step below 2^-24 is lost.
    assert f"takes steps of {2**-24:.2g} or more" in words


def test_a_step_of_the_papers_size_is_lost_on_a_gain_and_not_on_a_small_weight():
    """What the words rest on, by torch's own AdamW: 1e-9 never moves a 1, and moves .001."""
    gain, weight = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.full((1,), 1e-3))
    optimizer = torch.optim.AdamW([gain, weight], lr=1e-9)
    for _ in range(50):
        gain.grad, weight.grad = torch.ones(1), torch.ones(1)
        optimizer.step()
    assert gain.item() == 1
    assert 1e-3 - weight.item() == pytest.approx(50e-9, rel=0.06)  # in whole spacings of 1.2e-10


def test_half_precision_is_named_and_nothing_moved_says_nothing(start):
    half = {k: v.half() for k, v in start.items()}
    _, words = told(half, half)
    assert "nothing can be said of `lr`" in words
    after = {k: v.clone() for k, v in half.items()}
    after["visual.conv1.weight"] += 0.125
    assert "half precision" in told(half, after)[1]


@pytest.mark.parametrize(
    ("name", "part", "kind"),
    [
        ("visual.layer1.0.bn2.running_var", "image", "norm statistics"),
        ("visual.layer1.0.downsample.1.weight", "image", "norm gains"),
        ("visual.layer1.0.downsample.0.weight", "image", "weights"),
        ("visual.attnpool.c_proj.weight", "image", "weights"),
        ("visual.transformer.resblocks.0.ln_1.bias", "image", "norm gains"),
        ("transformer.resblocks.0.ln_1.weight", "text", "norm gains"),
        ("token_embedding.weight", "text", "weights"),
        ("logit_scale", "other", "weights"),
    ],
)
def test_names_say_tower_and_kind(name, part, kind):
    assert (part_of(name), kind_of(name)) == (part, kind)


def test_what_cannot_be_compared_is_refused(start):
    with pytest.raises(ValueError, match="share no tensor"):
        compare(start, {"x": torch.zeros(2)})
    with pytest.raises(ValueError, match=r"conv1\.weight is"):
        compare(start, {"visual.conv1.weight": torch.zeros(2)})


def test_the_command_prints_writes_and_compares_features(start, tmp_path):
    after = {k: v.clone() for k, v in start.items()}
    after["visual.attnpool.c_proj.weight"] = -after["visual.attnpool.c_proj.weight"]
    after["visual.attnpool.c_proj.bias"] = -after["visual.attnpool.c_proj.bias"]
    a = saved(start, tmp_path / "RN50.pt")
    b = saved(after, tmp_path / "qualiclip.pth", "clip_model.")
    (tmp_path / "pictures").mkdir()
    write_png(tmp_path / "pictures/one.png", torch.rand(3, 64, 80))
    out = tmp_path / "moved.csv"
    given = [
        "weights",
        "compare",
        str(a),
        str(b),
        "--pictures",
        str(tmp_path / "pictures"),
        "--csv",
        str(out),
    ]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    assert "one.png  cosine of the features -1.000000" in result.output
    assert "norm statistics" in result.output
    assert len(out.read_text().splitlines()) == len(start) + 2


def test_the_summary_counts_what_is_equal(start):
    after = {k: v.clone() for k, v in start.items()}
    after["visual.conv1.weight"] += 1
    found = summary(compare(start, after)).set_index(["part", "kind"])
    row = found.loc[("image", "weights")]
    assert row["equal"] == row["tensors"] - 1
    assert row["largest"] == pytest.approx(1, rel=1e-6)


@pytest.fixture
def published(start, tmp_path, monkeypatch):
    """The published checkpoint in the cache, moved by .25 in one place, and what it started from."""
    from methods.qualiclip import course

    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache/weights").mkdir(parents=True)
    after = {k: v.clone() for k, v in start.items()}
    after["visual.conv1.weight"][0, 0, 0, 0] += 0.25
    saved(after, tmp_path / "cache/weights/qualiclip.pth", "clip_model.")
    before = saved(start, tmp_path / "RN50.pt")
    monkeypatch.setattr(course, "pretrained_file", lambda *start: before)
    return tmp_path


def begun(folder, **changes):
    from methods.qualiclip import course
    from methods.qualiclip.settings import Training

    settings = Training(architecture="RN50-quickgelu", pretrained="openai", steps=1000, lr=1e-9)
    course.say(settings.model_copy(update=changes), folder / "out")
    return folder / "out/published.json"


def test_a_training_from_there_says_first_what_the_published_checkpoint_implies(published, capsys):
    said = json.loads(begun(published).read_text())
    assert (said["before"], said["after"]) == ("RN50.pt", "qualiclip.pth")
    assert {row["part"] for row in said["moves"]} == {"image", "text", "other"}
    assert "needs 0.00025 at least over 1,000 steps" in " ".join(said["implied"])
    verdict = "This training's lr 1e-09 over 1,000 steps reaches 1e-06: too little for that move."
    assert said["implied"][-1] == verdict
    assert f"qualiclip.pth: {verdict}" in capsys.readouterr().err
    reached = json.loads(begun(published, lr=3e-4).read_text())["implied"][-1]
    assert reached == "This training's lr 0.0003 over 1,000 steps reaches 0.3: enough for that move."


@pytest.mark.parametrize("changes", [{"pretrained": None}, {"architecture": "ViT-B-32"}, {"steps": 0}])
def test_a_training_from_elsewhere_says_nothing_of_it(published, changes):
    assert not begun(published, **changes).exists()


def test_without_the_checkpoint_nothing_is_fetched_for_it(published, monkeypatch):
    (published / "cache/weights/qualiclip.pth").unlink()
    monkeypatch.setattr("methods.qualiclip.course.pretrained_file", None)
    assert not begun(published).exists()


def test_what_it_says_is_no_part_of_a_methods_version(tmp_path):
    """Whether the checkpoint was in the cache must not tell two equal trainings apart."""
    from experiments.runs.training import train_into
    from experiments.settings import MethodSettings

    own = MethodSettings(code="methods/sharpness.py", train=None)
    versions = []
    for course in (None, "{}"):
        out = tmp_path / str(course)
        out.mkdir()
        (out / "weights.bin").write_bytes(b"same")
        if course:
            (out / "published.json").write_text(course)
        train_into(out, "s", own, [], seed=0)
        versions.append(json.loads((out / "method.json").read_text())["weights_sha256"])
    assert versions[0] == versions[1] != ""
