"""The leaderboard as a reader uses it: by mouse and keys, at every width, in either scheme, offline."""

import json
import sys
from dataclasses import replace

import pandas as pd
import pytest

from benchmark.exchange import Record
from benchmark.figures import encode
from benchmark.leaderboard import pages
from tests.exchange.test_leaderboard import entries, simulated
from tests.gmad.browser import chromium
from tests.reporting.test_accessible import faults

pytestmark = pytest.mark.page


#: Enough for tables that are moved aside; how many more a page takes is test_leaderboard's.
METHODS, SETS = 13, 4


@pytest.fixture(scope="module")
def site(made, tmp_path_factory):
    """Methods on sets: two protocols, 1 to 12 million parameters, ranks, a second version."""
    like = Record.model_validate(json.loads((made / "sent/sharpness/lab.json").read_text()))
    found = []
    for record in simulated(like, METHODS, SETS):
        number = int(record.method.name[1:])
        told = record.model_dump(mode="json")
        if number:  # the first says nothing of its cost
            told["cost"] = {
                "width": 512,
                "height": 384,
                "parameters": number * 10**6,
                "multiply_adds": number * 10**9,
            }
        told["method"]["card"]["opinion_aware"] = number % 3 == 0
        if record.dataset.name == "set01":
            told["values"][0]["protocol"] = "test split"
        found.append(Record.model_validate(told))
    given = entries(found, "verified")
    again = found[0].model_dump(mode="json")
    again["method"]["version"] = "f" * 64
    given.append(replace(given[0], record=Record.model_validate(again), file="records/again.json"))
    rank = {"statistic": "rank", "value": 1, "low": 1, "high": 3, "letters": "ab"}
    ranks = {"set01": pd.DataFrame([{"method": given[1].file, **rank}])}
    folder, drawn = tmp_path_factory.mktemp("site"), None

    def once(drawing, note=""):
        """Figures of the sets are alike, and each takes a second."""
        nonlocal drawn
        drawn = drawn or encode(drawing)
        return drawn

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[pages.__module__], "encode", once)
        for name, text in pages(given, ["one.json: scores: SHA-256 differs"], ranks).items():
            (folder / f"{name}.html").write_text(text)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page


#: A page of each kind; that of a set has ranks and a figure.
KINDS = ("index", "records", "set-set01", "versions")
ROWS = "[...document.querySelectorAll('tbody tr')].filter((row) => row.offsetParent)"
CONTROL = (
    "[...document.querySelectorAll('.filter label')].find((one) => one.textContent.startsWith('%s')).control"
)


def left(page):
    """The methods and the text of each row that is still to be seen."""
    return page.run(f"{ROWS}.map((row) => [row.cells[0].firstChild.textContent, row.textContent])")


def narrow(page, label, value):
    page.run(
        f"{{ const one = {CONTROL % label}; one.value = '{value}'; one.dispatchEvent(new Event('input')); }}"
    )


def test_axe_finds_nothing_on_any_kind_of_page_in_either_scheme(browser, site):
    found = {}
    for name in KINDS:
        browser.open(site / f"{name}.html")
        wide = "(box) => box.scrollWidth > box.clientWidth"
        aside = browser.run(f"[...document.querySelectorAll('.scroll')].some({wide})")
        assert aside or name not in ("index", "records")
        # axe-core looks at every cell, and rows are alike.
        browser.run("for (const row of document.querySelectorAll('tbody tr:nth-child(n+9)')) row.remove()")
        found[name] = faults(browser)
    assert {name: said for name, said in found.items() if said != {"light": [], "dark": []}} == {}


def test_rows_are_narrowed_by_each_of_the_things_that_a_reader_asks_for(browser, site):
    browser.open(site / "records.html")
    every = METHODS * SETS + 1
    assert len(left(browser)) == every
    narrow(browser, "Data set", "Set 3")
    assert len(left(browser)) == METHODS
    narrow(browser, "Parameters, million", "11")
    assert [name for name, _ in left(browser)] == [f"Method {n}" for n in range(1, 12)]
    narrow(browser, "Opinions", "unaware")
    assert [name for name, _ in left(browser)] == [f"Method {n}" for n in range(1, 12) if n % 3]
    narrow(browser, "Multiply-adds, billion", "4.5")
    assert [name for name, _ in left(browser)] == ["Method 1", "Method 2", "Method 4"]
    assert browser.run("document.querySelector('.filter output').textContent") == f"3 of {every} rows"
    narrow(browser, "Data set", "")
    assert len(left(browser)) == 3 * SETS
    narrow(browser, "Protocol", "test split; PLCC after logistic4")
    assert {text.split("Set ")[1][0] for _, text in left(browser)} == {"1"}
    for label in ("Parameters, million", "Opinions", "Multiply-adds, billion", "Protocol"):
        narrow(browser, label, "")
    assert len(left(browser)) == every
    assert browser.run("document.querySelector('.filter output').textContent") == ""


def test_columns_of_words_are_sorted_too(browser, site):
    browser.open(site / "records.html")
    browser.run("document.querySelectorAll('thead th')[3].firstChild.click()")
    column = f"{ROWS}.map((row) => row.cells[3].textContent.trim())"
    assert browser.run(column) == ["aware"] * (5 * SETS + 1) + ["unaware"] * 8 * SETS


def test_filters_are_reached_and_set_by_keys_alone(browser, site):
    browser.open(site / "index.html")
    browser.run("document.querySelector('.filter input').focus()")
    seen = []
    for _ in range(6):
        seen.append(
            browser.run(
                "document.activeElement.closest('label')?.textContent.split(/ any|, at most/)[0] ?? 'words'"
            )
        )
        if seen[-1].startswith("Parameters"):
            break
        browser.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
    assert seen == ["words", "Opinions", "Multiply-adds, billion", "Parameters, million"]
    for key in "2.5":
        browser.key(key)
    assert [name for name, _ in left(browser)] == ["Method 1", "Method 2"]


def test_the_name_of_the_first_column_stays_to_be_read_where_a_table_is_moved_aside(browser, site):
    browser.open(site / "records.html")
    there = """(() => { document.querySelector('.scroll').scrollLeft = 300;
      const head = document.querySelector('thead th'), box = head.getBoundingClientRect();
      return [5, box.width / 2, box.width - 5].map((x) =>
        head.contains(document.elementFromPoint(box.left + x, box.top + box.height / 2))); })()"""
    assert browser.run(there) == [True, True, True]


def test_no_page_scrolls_sideways_fails_or_asks_for_anything(browser, site):
    for width in (400, 1200):
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False
        )
        for name in KINDS:
            browser.open(site / f"{name}.html")
            root = "document.documentElement"
            assert browser.run(f"{root}.scrollWidth - {root}.clientWidth") <= 0, (name, width)
    assert browser.errors == []
    assert {url.partition(":")[0] for url in browser.requests} <= {"file", "about", "data"}
