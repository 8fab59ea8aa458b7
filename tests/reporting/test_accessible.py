"""axe-core, which knows the rules of WCAG, on every page in Chromium, light and dark.

What axe-core leaves open (text half out of sight in a scrolled box) is no fault here; contrast of all text is
computed in test_pages.py too.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from tests.gmad.browser import Page, chromium
from tests.reporting.results import EXPLORERS, PAGES

pytestmark = pytest.mark.page

#: What WCAG 2.2 asks at level AA, and what axe-core's authors advise beside it.
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
#: Rules that depend on the scheme; a page's structure is the same in both.
OF_COLOUR = ["color-contrast", "link-in-text-block"]
ASK = """axe.run(document, {runOnly: %s, resultTypes: ["violations"], preload: false}).then((found) =>
  found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 120)}`)))"""


def scheme(page: Page, name: str) -> str:
    """Set the colour scheme that the reader's system asks for; return the page's ground."""
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])
    return page.run("getComputedStyle(document.body).backgroundColor")


def faults(page: Page) -> dict[str, list[str]]:
    """What axe-core finds on the page that is open, by scheme."""
    script = (files("axe_playwright_python") / "axe.min.js").read_text()
    page.run(f"if (!window.axe) {{ {script} }}")
    found, grounds = {}, set()
    for name, rules in (("light", ALL), ("dark", OF_COLOUR)):
        grounds.add(scheme(page, name))
        found[name] = page.run(ASK % json.dumps(rules))
    assert len(grounds) == 2  # else the same colours would have been looked at twice
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("axe")) as page:
        yield page


#: Together they have nearly every kind of element that pages are made of, and few of each; rows that are
#: filtered are on the leaderboard's pages (tests/exchange/test_in_browser.py). The others take a minute.
SOON = ("index", "cross_dataset", "data", "gradcam", "explore_people")


@pytest.mark.parametrize(
    "names", [SOON, pytest.param([*PAGES, *EXPLORERS], marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_axe_finds_nothing_on_a_page_in_either_scheme(browser: Page, site: Path, names: list[str]) -> None:
    found = {}
    for name in names:
        browser.open(site / f"{name}.html")
        found[name] = faults(browser)
    clean = {"light": [], "dark": []}
    assert {name: said for name, said in found.items() if said != clean} == {}


def test_axe_finds_nothing_in_an_opened_picture_with_maps(browser: Page, site: Path) -> None:
    browser.open(site / "explore_demo.html")
    browser.run("location.hash = 'open=cat_gaublur_1.png'")
    browser.until("document.getElementById('large').open")
    assert browser.run("document.querySelectorAll('#mapped img').length") == 10
    assert faults(browser) == {"light": [], "dark": []}
    browser.run("document.querySelector('#mapped img').removeAttribute('alt')")
    assert [said.partition(":")[0] for said in faults(browser)["light"]] == ["image-alt"]


def test_a_fault_of_one_scheme_is_found_in_that_scheme_alone(browser: Page, site: Path) -> None:
    """The text is light grey: fine on the dark ground, all but unseen on the white one; and reversed."""
    for colour, seen in (("#bbb", "light"), ("#444", "dark")):
        browser.open(site / "training.html")
        browser.run(f"document.querySelector('main p').style.color = '{colour}'")
        found = {name: [one.partition(":")[0] for one in said] for name, said in faults(browser).items()}
        assert found == {"light": [], "dark": []} | {seen: ["color-contrast"]}
