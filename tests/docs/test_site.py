"""The documentation, built without a warning and looked at in a real browser, without a request elsewhere."""

import doctest
import importlib
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import pytest
from browser import browser, served

PROJECT = Path(__file__).resolve().parents[2]
SITE = PROJECT / "site"
HERE = "http://site/"
# a page of each kind: front, written by hand, tutorial, API, generated table
LOOKED_AT = (
    "",
    "how_to/mapping/",
    "tutorial/01_tables_to_list/",
    "reference/api/crm_ml_clv/",
    "reference/settings/actions/",
)
WITH_TABLES = (
    "reference/settings/actions/",
    "reference/settings/runs/",
    "reference/score_tables/",
    "reference/commands/",
    "how_to/mapping/",
    "explanation/certainty/",
)
CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("named data")]


@pytest.fixture(scope="module")
def site():
    """The built site; notebooks whose outputs are not kept from their tests are run for it."""
    pytest.importorskip("mkdocs", reason="requirements-docs.lock is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return SITE


@pytest.fixture(scope="module")
def page(site, tmp_path_factory):
    with served(site) as address, browser(tmp_path_factory.mktemp("browser")) as shown:
        shown.address = address
        yield shown
        assert shown.complaints == []
        elsewhere = {
            url for url in shown.requests if not url.startswith((address, "data:", "blob:", "about:"))
        }
        assert elsewhere == set()


def test_a_docstring_becomes_markdown():
    pytest.importorskip("griffe")
    assert doctest.testmod(importlib.import_module("griffe_docstrings")).failed == 0


def test_search_finds_p_alive(page):
    page.open(f"{page.address}/")
    page.wait("!!document.querySelector('.md-search__input')")
    page.click(".md-search__input")
    page.write("p_alive")
    page.wait("document.querySelectorAll('.md-search-result__item a').length > 0")
    first = page.value("document.querySelector('.md-search-result__item').textContent")
    assert "p_alive" in first
    marked = page.value(
        "[...document.querySelectorAll('.md-search-result__item mark')].map(m => m.textContent)"
    )
    assert "p_alive" in marked  # the word, not its parts


def test_a_block_of_code_is_copied(page):
    page.open(f"{page.address}/")
    page.call("Emulation.setFocusEmulationEnabled", enabled=True)
    page.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.wait("!!document.querySelector('.highlight .md-clipboard, .highlight [data-clipboard-target]')")
    page.click(".highlight button")
    code = page.value("document.querySelector('.highlight code').innerText")
    page.wait("navigator.clipboard.readText().then(text => text !== '')")
    assert page.value("navigator.clipboard.readText()").strip() == code.strip()
    assert "crm_ml" in code


@pytest.mark.parametrize("path", LOOKED_AT)
def test_a_page_is_readable_on_a_phone_and_in_the_dark(page, path):
    for width, dark in ((400, False), (400, True), (1280, True), (1280, False)):
        page.open(f"{page.address}/{path}", width=width, dark=dark)
        page.wait("!!document.querySelector('.md-content h1')")
        assert page.value("document.documentElement.scrollWidth") == width, "the page scrolls sideways"
        seen = page.value(CONTRAST)
        assert seen["texts"] > 20
        assert seen["poor"] == [], (path, width, dark)
        assert (seen["ground"] < 0.1) is dark


@pytest.mark.parametrize("path", WITH_TABLES)
def test_a_table_is_read_on_a_phone_without_scrolling(page, path):
    page.open(f"{page.address}/{path}", width=400)
    page.wait("!!document.querySelector('.md-content td[data-column]')")
    cells = page.value(
        "[...document.querySelectorAll('.md-content td[data-column]:last-child:not(:empty)')]"
        ".map(cell => cell.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert len(cells) > 3
    assert [cell for cell in cells if cell[0] < 0 or cell[1] > 400 or cell[1] - cell[0] < 180] == []


def test_the_button_changes_the_colours(page):
    page.open(f"{page.address}/")
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    assert page.value(scheme) == "default"
    page.value(
        "localStorage.clear(); document.querySelectorAll('.md-header__option label:not([hidden])')[0].click()"
    )
    page.wait(f"{scheme} === 'default'")
    page.value("document.querySelectorAll('.md-header__option label:not([hidden])')[0].click()")
    page.wait(f"{scheme} === 'slate'")


class Links(HTMLParser):
    """Addresses and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = [], {"", "__top"}
        self.feed(text)

    def handle_starttag(self, _, attributes):
        known = dict(attributes)
        self.anchors |= {known[name] for name in ("id", "name") if known.get(name)}
        self.targets += [known[name] for name in ("href", "src") if known.get(name)]


def file_of(site, address):
    path = site / unquote(urlparse(address).path).lstrip("/")
    return path / "index.html" if path.is_dir() else path


def test_no_link_is_dead(site):
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(pages) > 100
    dead = []
    for path, links in pages.items():
        base = HERE + path.relative_to(site).as_posix().removesuffix("index.html")
        for target in links.targets:
            address, anchor = urldefrag(urljoin(base, target))
            if not address.startswith(HERE):
                assert urlparse(address).scheme in ("https", "http", "data", "mailto"), target
                assert urlparse(address).netloc or not address.startswith("http"), target
                continue
            file = file_of(site, address)
            if not file.is_file() or (file in pages and unquote(anchor) not in pages[file].anchors):
                dead.append(f"{base}: {target}")
    assert dead == []


def test_a_notebook_shows_tables_and_pictures(site):
    for folder in (site / "tutorial").glob("0*"):
        text = (folder / "index.html").read_text(encoding="utf-8")
        assert text.count('class="result"') > 3, folder.name
        assert "<table" in text
        assert "/tmp/" not in text.partition("srcdoc")[0]
    assert len(list((site / "tutorial").glob("*/*.png"))) > 4


def test_the_search_index_has_every_generated_page(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    places = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert {
        "reference/list/",
        "reference/commands/",
        "reference/api/crm_ml/",
        "tutorial/05_own_tables/",
    } <= places
