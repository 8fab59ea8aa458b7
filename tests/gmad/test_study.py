import base64
import io
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmark.gmad.study import pair_name, questions, study_name, write_study
from benchmark.gmad.tally import read_answers, tally
from tests.gmad.browser import chromium


def pairs_of(names, extra=()):
    """Every name against the next, by three contests each, the last turned round."""
    rows = [(a, b, 0.3) for a, b in itertools.pairwise(names)]
    rows += [(a, b, 0.3) for a, b, _ in rows] + [(b, a, 0.4) for a, b, _ in rows]
    frame = pd.DataFrame([*rows, *extra], columns=["low_image", "high_image", "weight"])
    return frame.assign(defender="x", attacker="y", level=range(len(frame)), gap=1.0)


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    root = tmp_path / "images"
    root.mkdir()
    names = [f"{k:02d}</script>.png" for k in range(19)] + ["19.tif", "20.jpg"]
    for name in names:
        pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name)
    return root, names


def test_each_pair_is_asked_once_whichever_way_round():
    empty = [(None, None, 0.0), ("a", "a", 0.5)]
    asked = questions(pairs_of(["a", "b", "c"], empty))
    assert asked[["first", "second"]].to_numpy().tolist() in (
        [["a", "b"], ["b", "c"]],
        [["b", "c"], ["a", "b"]],
    )
    assert asked.weight.to_numpy() == pytest.approx([1.0, 1.0])
    assert asked.pair.is_unique


def test_questions_have_the_documented_columns_and_order():
    asked = questions(pairs_of(["a", "b", "c", "d"], [("d", "a", 0.5), ("d", "a", 3.0)]))
    assert list(asked) == ["pair", "first", "second", "weight"]
    assert asked.index.tolist() == [0, 1, 2, 3]
    assert asked.iloc[0].tolist() == [pair_name("a", "d"), "a", "d", 3.5]
    assert asked["pair"][1:].tolist() == sorted(asked["pair"][1:])  # equal weights: by identifier


def test_identifiers_are_those_that_saved_answers_hold():
    """As of coreutils: ``printf 'a.png\\nb.png' | b2sum -l 48``, and -l 32 of 'p1', 'p2'."""
    assert pair_name("b.png", "a.png") == pair_name("a.png", "b.png") == "c9ab3ad8583d"
    assert study_name(["p2", "p1"]) == "8a2eaece"


def test_limit_takes_what_weighs_most():
    heavy = [("c", "b", 2.0)]
    assert questions(pairs_of(["a", "b", "c", "d"], heavy), 1)[["first", "second"]].to_numpy().tolist() == [
        ["b", "c"]
    ]


def test_nothing_to_ask_is_said():
    with pytest.raises(ValueError, match="no pair to ask"):
        questions(pairs_of(["a"], [("a", "a", 1.0)]))
    with pytest.raises(ValueError, match="limit=0"):
        questions(pairs_of(["a", "b"]), 0)


def embedded(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(text.split('id="study">')[1].split("</script>")[0])


def test_page_holds_the_files_themselves(pictures, tmp_path):
    root, names = pictures
    pairs = pairs_of(names)
    write_study(questions(pairs), root, tmp_path / "out" / "study.html")
    content = embedded(tmp_path / "out" / "study.html")
    assert [image["name"] for image in content["images"]] == sorted(names)
    for image in content["images"]:
        kind, data = image["data"].split(";base64,")
        shown = base64.b64decode(data)
        if image["name"] == "19.tif":
            assert kind == "data:image/png"
            (tmp_path / "x.png").write_bytes(shown)
            same = np.array(Image.open(tmp_path / "x.png")) == np.array(Image.open(root / "19.tif"))
            assert same.all()
        else:
            assert shown == (root / image["name"]).read_bytes()
    assert not list(tmp_path.glob("out/*.tmp"))


def test_a_page_made_anew_asks_in_the_same_order(pictures, tmp_path):
    """Who goes on in it would else judge a pair twice, and another never: weights are no part of a study."""
    root, names = pictures
    pairs = pairs_of(names)
    turned = pairs.assign(weight=np.random.default_rng(0).random(len(pairs)))
    for page, frame in (("one.html", pairs), ("two.html", turned)):
        write_study(questions(frame), root, tmp_path / page)
    assert questions(turned).pair.tolist() != questions(pairs).pair.tolist()
    assert embedded(tmp_path / "two.html") == embedded(tmp_path / "one.html")


def test_people_see_what_methods_scored(tmp_path):
    """White behind what is transparent, the first of several frames, the size that the record asks for."""
    clear = Image.new("RGBA", (60, 40), (200, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    first, second = (Image.new("RGB", (60, 40), colour) for colour in ("black", "white"))
    first.save(tmp_path / "moves.webp", lossless=True, save_all=True, append_images=[second])
    first.save(tmp_path / "plain.jpg")
    for short_side, size in ((0, (60, 40)), (20, (30, 20))):
        names = ["clear.png", "moves.webp", "plain.jpg"]
        write_study(questions(pairs_of(names)), tmp_path, tmp_path / "study.html", short_side)
        shown = {}
        for image in embedded(tmp_path / "study.html")["images"]:
            data = base64.b64decode(image["data"].partition(";base64,")[2])
            shown[image["name"]] = Image.open(io.BytesIO(data))
            assert (data == (tmp_path / image["name"]).read_bytes()) == (
                image["name"][0] == "p" and not short_side
            )
        assert {one.size for one in shown.values()} == {size}
        assert not any(getattr(one, "is_animated", False) for one in shown.values())
        seen = {name: np.unique(np.array(one.convert("RGBA"))).tolist() for name, one in shown.items()}
        assert seen == {"clear.png": [255], "moves.webp": [0, 255], "plain.jpg": [0, 255]}


def test_missing_picture_is_named(pictures, tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.png"):
        write_study(questions(pairs_of(["nowhere.png", "20.jpg"])), pictures[0], tmp_path / "study.html")


def read_state(page):
    return page.run("({left: shown.left, right: shown.right, done: answers.length, pair: shown.pair})")


@pytest.mark.page
def test_a_whole_sitting_with_a_reload_in_the_middle(pictures, tmp_path):
    """A subject who always prefers the picture whose name comes later, by keys and by clicks."""
    root, names = pictures
    pairs = pairs_of(names)
    out = tmp_path / "study.html"
    write_study(questions(pairs), root, out)

    def judge(page, number):
        page.until(f"shown !== null && answers.length === {number}")
        state = read_state(page)
        grade = 7 if state["right"] > state["left"] else 1
        if number % 3:
            page.key(str(grade))
        else:
            page.click(f"#grades button:nth-child({grade})")
        return state

    with chromium(tmp_path) as page:
        page.open(out)
        page.run("document.getElementById('subject').focus()")
        page.call("Input.insertText", text="Zoë 7")
        page.click("#enter button")
        seen = [judge(page, number) for number in range(9)]
        page.until("shown !== null && answers.length === 9")
        before = read_state(page)
        width, natural = page.run("[$('left').getBoundingClientRect().width, $('left').naturalWidth]")
        page.reload()
        assert page.run("document.getElementById('subject').value") == "Zoë 7"
        page.click("#enter button")
        page.until("shown !== null")
        assert read_state(page) == before
        page.key("Backspace")
        page.until("shown !== null && answers.length === 8")
        assert read_state(page) == seen[8]
        seen = seen[:8] + [judge(page, number) for number in range(8, 20)]
        page.until("!document.getElementById('end').hidden")
        page.key("4")
        page.click("#end .export")
        end = 400
        while not (files := list(tmp_path.glob("gmad-*.json"))) and end:
            page.run("new Promise(done => setTimeout(done, 25))")
            end -= 1
        errors, requests = (
            page.errors,
            [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))],
        )

    assert width == natural == 60
    assert errors == []
    assert requests == []
    assert len({state["pair"] for state in seen}) == 20
    assert 0 < sum(state["left"] < state["right"] for state in seen) < 20  # both sides occur
    assert [state["left"] for state in seen] != sorted(state["left"] for state in seen)
    saved = json.loads(files[0].read_text(encoding="utf-8"))
    assert saved["subject"] == "Zoë 7"
    assert [(a["left"], a["right"]) for a in saved["answers"]] == [(s["left"], s["right"]) for s in seen]
    assert all(a["strength"] == 100 and a["seconds"] >= 0 and a["scale"] == 1 for a in saved["answers"])
    preference = tally(pairs, read_answers(files), resamples=20).preference
    assert (preference == np.where(pairs.high_image > pairs.low_image, 100, -100)).all()


@pytest.mark.parametrize("name", ["../secret.png", "/secret.png", "in/../../secret.png"])
def test_no_picture_outside_the_data_set_is_embedded(pictures, tmp_path, name):
    with pytest.raises(ValueError, match="leads out of the folder"):
        write_study(questions(pairs_of([name, "20.jpg"])), pictures[0], tmp_path / "study.html")
    assert not (tmp_path / "study.html").exists()
