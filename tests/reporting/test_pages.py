"""Every page as a browser shows it; Chromium is needed (``.ci/run`` installs it on a bare machine)."""

import base64
import io
import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag

from benchmark.provenance import bibtex
from benchmark.reporting.views.cards import settings
from tests.gmad.browser import executable
from tests.reporting.results import EXPLORERS, PAGES

ALL = [*PAGES, *EXPLORERS]

WIDTHS = (400, 1200, 1600)
BROWSER = "not an origin"  # who asks when the browser itself does
# Opens each page in a frame of each width and notes what only a browser knows.
HARNESS = r"""<!doctype html><meta charset="utf-8"><pre id="found"></pre>
<img alt="" src="http://control.invalid/"><script>
const pages = %s, widths = %s, found = [];
addEventListener("error", (event) => found.push({error: event.message}));
// Contrast of WCAG 2.2 (1.4.3): 4.5 for text, 3 for large text; the page paints plain colours alone.
const light = (colour) => {
  const part = colour.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
};
const numbers = (text) => text.match(/[\d.]+/g).map(Number);
const faint = (page) => {
  const style = (node) => page.defaultView.getComputedStyle(node), bad = [];
  for (const node of page.body.querySelectorAll("*")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.getClientRects().length) continue;
    let behind = node;
    const clear = () => numbers(style(behind).backgroundColor)[3] === 0;
    while (behind.parentElement && clear()) behind = behind.parentElement;
    const [front, ground] = [style(node).color, style(behind).backgroundColor].map(numbers);
    const [low, high] = [light(front), light(ground)].sort((a, b) => a - b);
    const pixels = parseFloat(style(node).fontSize);
    const large = pixels >= 24 || (pixels >= 18.66 && style(node).fontWeight >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) bad.push([node.outerHTML.slice(0, 80), ratio]);
  }
  return bad;
};
const wait = (frame) => new Promise((done) => { frame.onload = done; });
(async () => {
  for (const [name, html] of Object.entries(pages)) for (const width of widths) {
    const frame = document.createElement("iframe");
    Object.assign(frame.style, {width: width + "px", height: "800px", border: 0});
    frame.srcdoc = html;
    const loaded = wait(frame);
    document.body.append(frame);
    await loaded;
    const page = frame.contentDocument, root = page.documentElement;
    const note = {name, width, overflow: root.scrollWidth - root.clientWidth, sorts: [], filters: []};
    note.pictures = [...page.images].filter((image) => !image.complete || !image.naturalWidth).length;
    for (const table of page.querySelectorAll("table.data")) {
      const head = [...table.tHead.rows].at(-1).cells, place = head.length - 1;
      const read = () => [...table.tBodies[0].rows].map((row) => row.cells[place].dataset.sort);
      const before = read();
      head[place].querySelector("button").click();
      const up = read();
      head[place].querySelector("button").click();
      note.sorts.push({before, up, down: read(), state: head[place].getAttribute("aria-sort")});
    }
    for (const input of page.querySelectorAll("figure input[type=search]")) {
      const rows = [...input.closest("figure").querySelector("tbody").rows];
      input.value = rows[0].cells[0].textContent.toUpperCase();
      input.dispatchEvent(new Event("input"));
      const wanted = rows.filter((row) => row.textContent.toUpperCase().includes(input.value)).length;
      note.filters.push([rows.filter((row) => row.offsetParent).length, wanted]);
    }
    note.faint = faint(page);
    const theme = getComputedStyle(page.body).backgroundColor;
    page.getElementById("theme").click();
    note.faint.push(...faint(page));
    note.dark = theme !== getComputedStyle(page.body).backgroundColor;
    found.push(note);
    frame.remove();
  }
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script>"""


@pytest.fixture(scope="module")
def opened(site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict], str, str]:
    """Return what the browser found on the pages, its console and its log of the network."""
    browser = executable()
    folder = tmp_path_factory.mktemp("browser")
    pages = {name: (site / f"{name}.html").read_text() for name in ALL}
    shutil.copytree(site / "pictures", folder / "pictures")
    source = json.dumps(pages).replace("</", "<\\/")
    (folder / "all.html").write_text(HARNESS % (source, json.dumps(WIDTHS)))
    quiet = "no-first-run disable-background-networking disable-component-update disable-sync disable-quic"
    flags = [f"--{flag}" for flag in ["headless", "no-sandbox", "disable-gpu", *quiet.split()]]
    flags += [
        f"--user-data-dir={folder}/profile",
        f"--log-net-log={folder}/net.json",
        "--enable-logging=stderr",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    flags += ["--virtual-time-budget=100000", "--window-size=1700,1000", "--dump-dom"]
    command = [browser, *flags, (folder / "all.html").as_uri()]
    surroundings = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=300, check=True)
    text = BeautifulSoup(done.stdout, "html.parser").find(id="found").text
    assert text, done.stderr
    return json.loads(text), done.stderr, (folder / "net.json").read_text()


@pytest.mark.page
def test_every_page_opens_at_every_width_without_error(opened: tuple[list[dict], str, str]) -> None:
    found, console, _ = opened
    assert [(note.get("name"), note.get("width")) for note in found] == [(n, w) for n in ALL for w in WIDTHS]
    assert [line for line in console.splitlines() if "CONSOLE" in line] == []
    for note in found:
        assert note["overflow"] <= 0, f"{note['name']} scrolls sideways at {note['width']} px"
        assert note["pictures"] == 0
        assert note["dark"]


@pytest.mark.page
def test_all_text_stands_out_from_its_ground_in_both_schemes(opened: tuple[list[dict], str, str]) -> None:
    found = opened[0]
    assert len(found) == len(ALL) * len(WIDTHS)
    for note in found:
        assert note["faint"] == [], f"{note['name']} at {note['width']} px"


@pytest.mark.page
def test_tables_sort_and_filter_in_place(opened: tuple[list[dict], str, str]) -> None:
    sorts = [sort for note in opened[0] for sort in note["sorts"]]
    filters = [pair for note in opened[0] for pair in note["filters"]]
    assert len(sorts) > 30
    assert len(filters) > 10
    for sort in sorts:
        values = sort["before"]
        assert sort["state"] == "descending"
        empty = [value for value in values if value == ""]
        known = [value for value in values if value != ""]
        if all(re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", value) for value in known):
            assert sort["up"] == sorted(known, key=float) + empty
            assert sort["down"] == sorted(known, key=float, reverse=True) + empty
        assert sorted(sort["up"]) == sorted(values)
    assert all(shown == wanted > 0 for shown, wanted in filters)


@pytest.mark.page
def test_no_page_asks_a_host_for_anything(opened: tuple[list[dict], str, str]) -> None:
    events = [event.get("params", {}) for event in json.loads(opened[2])["events"]]
    asked = {
        event["url"] for event in events if event.get("initiator", BROWSER) != BROWSER and "url" in event
    }
    # The frame around the pages asks for one address, to show that a request would be seen.
    assert {url for url in asked if not url.startswith(("data:", "file:"))} == {"http://control.invalid/"}


def parsed(site: Path) -> dict[str, BeautifulSoup]:
    return {name: BeautifulSoup((site / f"{name}.html").read_text(), "html.parser") for name in ALL}


def test_every_link_leads_somewhere(site: Path) -> None:
    pages = parsed(site)
    anchors = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in pages.items()}
    for name, page in pages.items():
        for link in page.find_all("a"):
            target, _, anchor = link["href"].partition("#")
            if target.startswith("data:"):
                assert link["download"]
                continue
            goal = target.removesuffix(".html") or name
            assert goal in pages, f"{name}: {link['href']}"
            if goal in EXPLORERS:  # the anchor is a view, which the browser test opens
                continue
            assert not anchor or anchor in anchors[goal], f"{name}: {link['href']}"
        assert len(page.find_all("a", attrs={"aria-current": "page"})) == 1
    listed = {link["href"] for link in pages["index"].select(".pages a")}
    assert listed == {f"{name}.html" for name in ALL} - {"index.html"}


def test_pages_can_be_heard(site: Path) -> None:
    for name, page in parsed(site).items():
        assert page.html["lang"] == "en"
        levels = [int(tag.name[1]) for tag in page.find_all(re.compile("^h[1-6]$"))]
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name
        assert all(len(image["alt"]) > 10 for image in page.find_all("img")), name
        ids = [tag["id"] for tag in page.find_all(id=True)]
        assert len(set(ids)) == len(ids), name
        for table in page.find_all("table"):
            assert table.find_parent("figure").figcaption.text
            assert all(row.find("th", scope="row") for row in table.tbody.find_all("tr"))
        for button in page.find_all("button"):
            assert button.text.strip()
        for landmark in ("header", "nav", "main", "aside", "footer"):
            assert len(page.find_all(landmark)) <= 1, f"{name}: {landmark} cannot be told from another"
        for place in page.find_all(tabindex=True):
            assert place["role"], name
            assert place["aria-label"], name
        regions = [region["aria-label"] for region in page.find_all(role="region")]
        assert len(set(regions)) == len(regions), f"{name}: regions cannot be told apart"


def test_cards_say_settings_in_words(site: Path) -> None:
    page = parsed(site)["methods"]
    said = {
        card.h3.text: card.find("dt", string="Training settings").find_next("dd").text
        for card in page.select(".card")
    }
    assert said["QualiCLIP"] == "pretrained none (trained from scratch), steps 600"
    assert said["NIQE"] == "none"
    assert not re.search(r"\b(None|True|False|nan|null)\b|[\[\]{}']", " ".join(said.values()))


@pytest.mark.parametrize(
    ("train", "words"),
    [
        (
            {"width": None, "lr": 1e-3, "cache": False, "crops": [64, None, 32]},
            "lr 0.001, cache no, crops 64 32",
        ),
        ({"pretrained": "openai", "norm": {"mean": None, "eps": 1}}, "pretrained openai, norm (eps 1)"),
        ({"width": None, "kinds": []}, "kinds none"),
        ({}, ""),
    ],
)
def test_settings_that_are_not_set_are_left_out(train: dict, words: str) -> None:
    assert settings(train) == words


def test_every_result_says_where_it_comes_from_and_no_code_is_shown(site: Path) -> None:
    for name, page in parsed(site).items():
        for figure in page.find_all("figure"):
            assert "Made by stage" in figure.text, name
            assert re.search(r"from \S", " ".join(figure.find(class_="origin").text.split())), name
        assert "Run(" not in page.text
        assert "import " not in page.find("main").text


def buttons(figure: Tag) -> dict[str, Tag]:
    return {button.text: button for button in figure.select(".downloads .button, .downloads button")}


def offered_files(page: Tag, figure: Tag) -> list[bytes]:
    """The CSV files that a table offers; one that stands on the page already is offered by a button."""
    links = [one for one in figure.select(".downloads > *") if one.text == "CSV" or one.text.endswith(".csv")]
    whole = [page.find(id=one["data-of"]) if one.name == "button" else one for one in links]
    return [base64.b64decode(one["href"].partition("base64,")[2]) for one in whole]


def test_every_number_of_a_table_stands_in_the_files_that_it_offers(site: Path) -> None:
    counted = 0
    for name, page in parsed(site).items():
        for table in page.find_all("table"):
            figure = table.find_parent("figure")
            if table.find("th", string=re.compile("Multiply-adds|Wins − losses")):
                continue  # in millions and billions; the wins less the losses
            frames = [pd.read_csv(io.BytesIO(content)) for content in offered_files(page, figure)]
            known = np.concatenate(
                [frame.apply(pd.to_numeric, errors="coerce").to_numpy(float).ravel() for frame in frames]
            )
            told = pd.to_numeric(
                pd.Series([cell["data-sort"] for cell in table.tbody.select("[data-sort]")]), errors="coerce"
            )
            for value in told.dropna():
                assert np.isclose(known, value, rtol=1e-9, atol=1e-12).any(), (name, value, figure.figcaption)
                counted += 1
    assert counted > 500


def test_tables_offer_csv_and_latex_and_what_to_cite(site: Path) -> None:
    plain = {"provenance", "index"}  # settings, files, versions: nothing to cite
    for name, page in parsed(site).items():
        for table in page.find_all("table"):
            offered = [text for text in buttons(table.find_parent("figure")) if not text.endswith(".csv")]
            assert offered == ["CSV", "LaTeX", "BibTeX"] or (name in plain and offered == ["CSV", "LaTeX"])


def test_figures_offer_png_svg_and_pdf(site: Path) -> None:
    for name, page in parsed(site).items():
        for figure in page.select("figure:has(.chart)"):
            offered = buttons(figure)
            assert list(offered) == ["PNG", "SVG", "PDF"], name
            for kind in ("SVG", "PDF"):
                content = base64.b64decode(offered[kind]["href"].partition(",")[2])
                assert content.startswith({"SVG": b"<?xml", "PDF": b"%PDF"}[kind])
                assert offered[kind]["download"].endswith(f".{kind.lower()}")


def test_a_table_cites_its_methods_and_data_sets_and_no_others(site: Path) -> None:
    page = parsed(site)["zero_shot"]
    demo, people = (page.find_all("table")[place].find_parent("figure") for place in (1, 2))
    demo, people = (base64.b64decode(buttons(f)["BibTeX"]["href"].partition(",")[2]) for f in (demo, people))
    lacking, _, entries = demo.decode().partition("\n\n")
    assert lacking == "% No entry: Untrained backbone; Demo (degraded photographs)"
    assert list(bibtex.entries(entries)) == ["shared"]
    assert list(bibtex.entries(people.decode().partition("\n\n")[2])) == ["shared", "koniq"]
