"""The pages of pictures in a real browser: hover, pin, filter, sort, link, keys, ten thousand tiles."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from benchmark.reporting import explorer
from benchmark.reporting.gathered import Gathered
from benchmark.reporting.html import TEMPLATES, Html, render
from benchmark.reporting.licences import may_be_published, terms
from benchmark.reporting.mapped import mapped
from benchmark.reporting.run import Run
from tests.gmad.browser import Page, chromium
from tests.reporting.conftest import roots

MANY = 10_000


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def people(browser: Page, site: Path) -> Iterator[Page]:
    browser.errors.clear()
    browser.requests.clear()
    browser.open(site / "explore_people.html")
    yield browser
    assert browser.errors == []
    assert [url for url in browser.requests if not url.startswith(("file:", "data:"))] == []


def listed(page: Page) -> list[str]:
    """Names on the tiles, in the order in which they are read."""
    return page.run("[...document.querySelectorAll('.cell .name')].map(n => n.textContent)")


def choose(page: Page, **fields: object) -> None:
    for key, value in fields.items():
        page.run(
            f"{{ const f = document.getElementById('{key}'); f.value = {json.dumps(str(value))};"
            " f.dispatchEvent(new Event('input', {bubbles: true})) }"
        )


def known(tree: Path) -> pd.DataFrame:
    manifest = pd.read_csv(tree / "data/people/manifest.csv").set_index("image")
    table = pd.read_csv(tree / "results/pictures/people.csv")
    for name, rows in table.groupby("method"):
        manifest[name] = rows.set_index("image")["score"]
        manifest[f"{name} residual"] = rows.set_index("image")["residual"]
    manifest.index = manifest.index.str.removeprefix("images/")
    return manifest


@pytest.mark.page
def test_tiles_are_sorted_by_what_is_asked(people: Page, tree: Path) -> None:
    table = known(tree)
    assert people.run("document.getElementById('count').textContent") == "90 of 90 pictures"
    first = listed(people)
    assert first == list(table.sort_values("mos").index[: len(first)])
    choose(people, sort="residual", method="niqe", order="down")
    assert listed(people)[:5] == list(table.sort_values("niqe residual", ascending=False).index[:5])
    choose(people, sort="apart", method="niqe", other="qualiclip", order="down")
    apart = (-table["niqe"]).rank() - table["qualiclip"].rank()  # a low NIQE is a good one
    assert apart[listed(people)[0]] == apart.max()
    assert people.run("document.images.length") > 0
    assert people.run("[...document.images].every(i => i.complete && i.naturalWidth)")


@pytest.mark.page
def test_filters_leave_what_they_name(people: Page, tree: Path) -> None:
    table = known(tree)
    choose(people, **{"sort": "score", "method": "sharpness", "from": 0, "to": 1})
    wanted = table[table["sharpness"].between(0, 1)]
    assert people.run("document.getElementById('count').textContent") == f"{len(wanted)} of 90 pictures"
    assert set(listed(people)) <= set(wanted.index)
    people.click("button[type=reset]")
    choose(people, split="validation", words="0")
    wanted = table[table["split"].eq("validation") & table.index.str.contains("0")]
    assert people.run("document.getElementById('count').textContent") == f"{len(wanted)} of 90 pictures"


@pytest.mark.page
def test_the_address_is_the_view(people: Page, site: Path) -> None:
    choose(people, sort="residual", method="niqe", order="down", split="test")
    people.click(".cell button")
    name, seen = people.run("document.getElementById('large-name').textContent"), listed(people)
    address = people.run("location.href")
    people.open(site / "index.html")
    people.call("Page.navigate", url=address)
    people.until("document.getElementById('large')?.open")
    assert people.run("document.getElementById('large-name').textContent") == name
    assert listed(people)[:5] == seen[:5]
    people.run("location.hash = '#sort=image'")
    people.until("!document.getElementById('large').open")
    found = listed(people)  # once: more come as the page is laid out
    assert found == sorted(found)


@pytest.mark.page
def test_an_opened_picture_says_what_every_method_says(people: Page, tree: Path) -> None:
    table = known(tree)
    people.run("location.hash = '#open=images%2F007.png&method=sharpness&sort=score'")
    people.until("document.getElementById('large').open")
    rows = people.run(
        "[...document.querySelectorAll('#said tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    assert [row[0] for row in rows] == ["QualiCLIP", "Untrained backbone", "NIQE", "Sharpness"]
    for row, name in zip(rows, ("qualiclip", "clipiqa", "niqe", "sharpness"), strict=True):
        assert float(row[1].replace("−", "-")) == pytest.approx(table[name]["007.png"], rel=1e-3)
        turned = table[name] * (-1 if name == "niqe" else 1)
        assert float(row[3].rstrip(" %")) == pytest.approx(
            100 * (turned.rank()["007.png"] - 0.5) / 90, abs=0.1
        )
    order = list(table.sort_values("sharpness").index)
    place = order.index("007.png")
    near = people.run("[...document.querySelectorAll('#near img')].map(i => i.alt)")
    assert near == order[max(0, place - 2) : place + 3]


@pytest.mark.page
def test_keys_move_open_and_close(people: Page) -> None:
    names = listed(people)
    people.run("document.querySelector('.cell button').focus()")
    people.key("ArrowRight")
    people.key("ArrowRight")
    assert people.run("document.activeElement.querySelector('.name').textContent") == names[2]
    assert people.run("document.querySelectorAll('.cell button[tabindex=\"0\"]').length") == 1
    people.run("document.activeElement.click()")
    people.key("ArrowRight")
    assert people.run("document.getElementById('large-name').textContent") == names[3]
    people.run("document.getElementById('large').close()")
    people.until(f"document.activeElement.querySelector('.name')?.textContent === '{names[3]}'")
    people.key("End")
    assert people.run("document.activeElement.parentElement.getAttribute('aria-posinset')") == "90"


def maps_shown(page: Page) -> list[tuple[str, list[str]]]:
    """Each heading above maps of the opened picture, and the alternative texts under it."""
    return [
        (heading, alts)
        for heading, alts in page.run(
            "document.getElementById('mapped').offsetParent === null ? [] :"
            "[...document.querySelectorAll('#mapped-list > div')].map(d => ["
            "d.querySelector('p').firstChild.data, [...d.querySelectorAll('img')].map(i => i.alt)])"
        )
    ]


@pytest.mark.page
def test_an_opened_picture_shows_its_maps_and_those_of_its_reference(
    browser: Page, site: Path, tree: Path
) -> None:
    """The index of the maps and the manifest, read here, say which pictures have which."""
    browser.errors.clear()
    index = pd.read_csv(tree / "results/gradcam/maps.csv")
    manifest = pd.read_csv(tree / "data/demo/manifest.csv")
    own = set(index["picture"])
    browser.open(site / "explore_demo.html")
    browser.until("document.getElementById('count').textContent !== ''")
    choose(browser, maps="own", sort="image")
    assert listed(browser) == sorted(image.removeprefix("images/") for image in own)
    assert "maps=own" in browser.run("location.hash")
    choose(browser, maps="reference")
    references = set(manifest.loc[manifest["image"].isin(own), "reference"])
    many = int(manifest["reference"].isin(references).sum())
    assert browser.run("document.getElementById('count').textContent").startswith(f"{many} of ")
    names = {"qualiclip": "QualiCLIP", "clipiqa": "Untrained backbone"}
    for image, kinds, here in [
        ("cat_gaublur_1", ["gaublur", "jpeg"], True),
        ("cat_jpeg_3", ["jpeg", "gaublur"], False),
    ]:
        browser.run(f"location.hash = 'open={image}.png'")
        browser.until(f"document.getElementById('large-name').textContent === '{image}.png'")
        found = maps_shown(browser)
        assert len(found) == len(kinds)
        for kind, (heading, alts) in zip(kinds, found, strict=True):  # those of its own distortion first
            about = f"{kind} of level 5"
            start = "This picture" if here else "Of the same reference: cat_gaublur_1.png"
            assert heading == f"{start}, {about} in the rectangle"
            rows = index[index["distortion"].eq(kind)].to_dict("records")
            words = [f"{names[row['method']]}: {row['target']}" for row in rows]
            assert alts == [f"cat_gaublur_1.png, {about}: {part}" for part in ["degraded", *words]]
    browser.run("document.querySelector('#mapped').scrollIntoView()")
    browser.until("[...document.querySelectorAll('#mapped img')].every(i => i.naturalWidth === 48)")
    browser.run("document.querySelector('#mapped button').click()")
    assert browser.run("document.getElementById('large-name').textContent") == "cat_gaublur_1.png"
    browser.open(site / "explore_people.html")
    browser.run("document.querySelector('.cell button').click()")
    assert browser.run("document.getElementById('large').open")
    assert maps_shown(browser) == []
    assert browser.run("document.getElementById('maps').offsetParent") is None
    assert browser.errors == []


def test_maps_are_drawn_red_where_they_raise_over_their_own_picture(tree: Path, site: Path) -> None:
    """Pixels of the drawn maps against the raw maps as SciPy enlarges them, the outline left out."""
    index = pd.read_csv(tree / "results/gradcam/maps.csv")
    for kind, part in index.groupby("distortion", sort=False):
        picture = np.asarray(Image.open(tree / f"results/gradcam/images/{kind}.png").convert("RGB"), float)
        with np.load(tree / "results/gradcam/maps.npz") as stored:
            raw = {row.map: stored[row.map] for row in part.itertuples()}
            region = stored[f"{kind}-region"]
        edge = region ^ ndimage.binary_erosion(region, iterations=2)
        away = ~ndimage.binary_dilation(edge, iterations=9)  # JPEG carries an edge through its blocks
        peak = max(abs(values).max() for values in raw.values())
        plain = np.asarray(Image.open(site / f"pictures/demo/mapped-{kind}.jpg"), float)
        assert abs(plain - picture)[away].mean() < 4
        assert plain[region ^ ndimage.binary_erosion(region)].mean() > 200  # white on the region's rim
        for place, values in enumerate(raw.values()):
            drawn = np.asarray(Image.open(site / f"pictures/demo/mapped-{kind}-{place:03d}.jpg"), float)
            side = picture.shape[0]
            centres = (np.arange(side) + 0.5) * values.shape[0] / side - 0.5
            at = np.meshgrid(centres, centres, indexing="ij")
            fine = ndimage.map_coordinates(values, at, order=1, mode="nearest")
            redder = drawn[..., 0] - drawn[..., 2]
            assert np.corrcoef(redder[away], fine[away])[0, 1] > 0.97
            strong = abs(fine) > 0.4 * peak
            assert (np.sign(redder) == np.sign(fine))[away & strong].mean() > 0.98


def test_maps_are_of_the_data_set_that_the_settings_name_and_need_to_say_of_which_picture(
    tree: Path, tmp_path: Path
) -> None:
    run = Run(**roots(shutil.copytree(tree, tmp_path / "run")))
    assert [one.picture for one in mapped(run, "demo")] == [
        f"images/{scene}_gaublur_1.png" for scene in ("cat", "coffee", "cat")
    ]
    assert mapped(run, "people") == []
    index = tmp_path / "run/results/gradcam/maps.csv"
    pd.read_csv(index).drop(columns="picture").to_csv(index, index=False)
    assert mapped(run, "demo") == []  # of an older run


@pytest.mark.page
def test_a_figure_answers_to_mouse_and_keys(browser: Page, site: Path, tree: Path) -> None:
    browser.errors.clear()
    browser.open(site / "pictures.html")
    marks = browser.run("JSON.parse(document.querySelector('figure script').textContent)")
    manifest = pd.read_csv(tree / "data/demo/manifest.csv")
    assert len(marks) == 4 * len(manifest)
    browser.run("document.querySelector('[data-marks]').scrollIntoView({block: 'center'})")
    frame = json.loads(
        browser.run("JSON.stringify(document.querySelector('[data-marks]').getBoundingClientRect())")
    )
    x, y = (frame[a] + frame[b] * marks[5][k] / 100 for a, b, k in (("x", "width", 0), ("y", "height", 1)))
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    said = browser.run("document.querySelector('.tip').innerText")
    pointed = [m for m in marks if abs(m[0] - marks[5][0]) < 0.2 and abs(m[1] - marks[5][1]) < 0.2]
    assert said.split("\n")[0] in {mark[2].split("\n")[0] for mark in pointed}
    browser.until("document.querySelector('.tip img').naturalWidth > 0")
    at = {"x": x, "y": y, "button": "left", "clickCount": 1}
    browser.call("Input.dispatchMouseEvent", type="mousePressed", **at)
    browser.call("Input.dispatchMouseEvent", type="mouseReleased", **at)
    browser.run("document.querySelector('figure .scroll').focus({preventScroll: true})")
    browser.key("ArrowLeft")
    browser.key("ArrowLeft")
    browser.key("Enter")
    assert browser.run("document.querySelectorAll('figure .pin').length") == 2
    assert browser.run("document.querySelector('.said').textContent") in {mark[2] for mark in marks}
    browser.run("document.querySelector('.pin button').click()")
    assert browser.run("document.querySelectorAll('figure .pin').length") == 1
    assert browser.errors == []


def synthetic(run: Run, count: int) -> Html:
    """The body of a page of so many pictures without files, names with what HTML must escape."""
    rng = np.random.default_rng(0)
    names = [f"images/{i:05d}</script><b>&.png" for i in range(count)]
    empty = {"reference": np.nan, "distortion": "blur", "level": rng.integers(1, 6, count), "split": np.nan}
    manifest = pd.DataFrame({"image": names, "mos": rng.normal(size=count), "mos_std": 0.5, **empty})
    rows = {
        "image": names,
        "score": rng.normal(size=count),
        "fitted": 0.0,
        "residual": rng.normal(size=count),
    }
    errors = pd.concat([pd.DataFrame({"method": name, **rows}) for name in ("qualiclip", "niqe")])
    higher = {"qualiclip": True, "niqe": False}
    one = Gathered("people", run.records["people"], manifest.set_index("image"), errors, higher, None)
    content = json.dumps(explorer.table(one, {name: name for name in higher})).encode()
    style, script = (Html((TEMPLATES / f"explorer.{kind}").read_text()) for kind in ("css", "js"))
    words = {"maps": None, "terms": "", "proxy": "", "word": "opinion", "opinion": "MOS", "pictures": False}
    return render(
        "explorer.html", table=content, style=style, script=script, shown=count, total=count, **words
    )


@pytest.mark.page
def test_ten_thousand_tiles_scroll_like_ten(
    browser: Page, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.reporting.gathered.MOST", MANY)
    browser.errors.clear()
    (tmp_path / "many.html").write_text(f"<!doctype html><meta charset=utf-8>{synthetic(run, MANY)}")
    browser.open(tmp_path / "many.html")
    assert browser.run("document.getElementById('count').textContent") == "10,000 of 10,000 pictures"
    longest, most = browser.run(
        "new Promise(async done => { const box = document.getElementById('tiles'); let longest = 0, most = 0;"
        "for (let k = 0; k <= 40; k++) { const start = performance.now();"
        "box.scrollTop = box.scrollHeight * k / 40; await new Promise(requestAnimationFrame);"
        "await new Promise(requestAnimationFrame); longest = Math.max(longest, performance.now() - start);"
        "most = Math.max(most, document.querySelectorAll('.cell').length) } done([longest, most]) })"
    )
    assert most < 100
    assert longest < 1000  # milliseconds, two frames on a loaded machine
    spent = browser.run(
        "(() => { const s = document.getElementById('sort'), t = performance.now(); s.value = 'residual';"
        "s.dispatchEvent(new Event('input', {bubbles: true})); return performance.now() - t })()"
    )
    assert spent < 2000
    assert browser.run("performance.memory.usedJSHeapSize") < 60e6
    assert browser.run("document.querySelectorAll('b').length") == 0
    assert "</script><b>&.png" in listed(browser)[0]
    assert browser.errors == []


def test_pictures_are_published_only_under_licences_that_let_anybody() -> None:
    open_ones = ["CC0", "MIT (README of the database)", "CC BY 4.0", "CC-BY-SA-4.0", "public domain"]
    open_ones.append('pictures CC0 (Pixabay); labels "freely available to the research community"')
    assert [words for words in open_ones if not may_be_published(words)] == []
    closed = [
        "", "not stated", "not verified; see the official page", "CC BY-NC 4.0", "all rights reserved",
        "not stated for the data (the code of PaQ-2-PiQ is CC BY-NC-SA 4.0)",
        '"freely available to the research community"; photographs under mixed Creative Commons licences',
        "education and research only, no commercial product without permission",
        "Copyright notice of UT Austin; some source photographs may not leave the database",
    ]  # fmt: skip
    assert [words for words in closed if may_be_published(words)] == []
    assert "KonIQ" in terms("KonIQ", "not stated")


def test_pages_without_pictures_hold_none_and_those_with_closed_terms_say_so(
    tree: Path, tmp_path: Path, site: Path, running: dict
) -> None:
    from experiments.pages.notebooks import report

    copy = shutil.copytree(tree, tmp_path / "run")
    settings = json.loads((copy / "params.yaml").read_text())
    settings["report"]["pictures"] = "none"
    (copy / "params.yaml").write_text(json.dumps(settings))
    record = json.loads((copy / "data/people/record.json").read_text()) | {"licence": "not stated"}
    (copy / "data/people/record.json").write_text(json.dumps(record))
    pages = ["pictures", "data"]
    out = tmp_path / "none"
    report(pages, roots(copy), pages=["index", *pages], reports=out, running=running)
    assert not (out / "pictures").exists()
    for path in out.glob("*.html"):
        text = path.read_text()
        assert "image/jpeg" not in text
        assert ".jpg" not in text
        assert "Not to be published" not in text
    settings["report"]["pictures"] = "all"
    (copy / "params.yaml").write_text(json.dumps(settings))
    report(pages, roots(copy), pages=["index", *pages], reports=out, running=running)
    for name in ("pictures", "data", "explore_people"):
        assert "Not to be published" in (out / f"{name}.html").read_text()
    assert "Not to be published" not in (out / "explore_demo.html").read_text()
    assert "Not to be published" not in (site / "pictures.html").read_text()
