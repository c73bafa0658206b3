# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation site in a real browser: headless Chromium, and one visit to each page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.harness.checkout import ROOT

SITE = ROOT / "build/docs"
# Requests to it are answered with files: a server would need the network, which changes while tests use Docker.
ADDRESS = "http://docs.test/"
# Of Debian, of Ubuntu, and of Google's package.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PHONE_WIDTH = 400
# One call for each page: a call takes longer than what it does.
INSPECT = """() => {
    const describe = item => item.outerHTML.slice(0, 120);
    const inside = [...document.querySelectorAll('.content, .content *')].filter(item => !item.closest('.toc-drawer'));
    const scrolls = item => item.matches('div, pre') && item.scrollWidth > item.clientWidth + 1
        && ['auto', 'scroll'].includes(getComputedStyle(item).overflowX);
    return {
        width: document.documentElement.scrollWidth,
        // Blanks at the end of a wrapped line are not seen.
        wide: inside.filter(item => item.textContent.trim()
            && (item.getBoundingClientRect().right > innerWidth + 1 || scrolls(item))).slice(0, 3).map(describe),
        // The theme shows an error of its own before a block.
        errors: inside.filter(item => item.matches('.system-message, .problematic') || (item.matches('nav, div, aside')
            && getComputedStyle(item, '::before').content.includes('ERROR'))).slice(0, 3).map(describe),
        ids: [...document.querySelectorAll('[id]')].map(item => item.id),
        links: [...document.querySelectorAll('a[href]')].map(item => item.href),
    };
}"""


@dataclass
class Visit:
    """A page as the browser has it. address: relative to the site. width: of the whole page. console: its errors.

    wide, errors: the first elements that are wider than the screen, and that show an error of Sphinx or of the theme.
    """

    address: str
    width: int
    wide: list[str]
    errors: list[str]
    ids: set[str]
    links: set[str]
    console: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert executable, "No Chromium is installed: tools/browser"
    assert (SITE / "index.html").exists(), "The site is not built: make site"
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root.
        browser = playwright.chromium.launch(executable_path=executable, chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def foreign_requests() -> list[str]:
    """Return the list of addresses elsewhere that pages have asked for."""
    return []


@pytest.fixture(scope="session")
def page(browser: Browser, foreign_requests: list[str]) -> Page:
    """Return a tab as wide as a phone. It reaches the site and nothing else."""

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        path = SITE / unquote(url.path).lstrip("/")
        if not route.request.url.startswith(ADDRESS):
            foreign_requests.append(route.request.url)
            route.abort()
        elif path.is_file():
            route.fulfill(path=path)
        else:
            route.fulfill(status=404)

    page = browser.new_context(viewport={"width": PHONE_WIDTH, "height": 800}).new_page()
    page.route(lambda url: not url.startswith("data:"), answer)
    return page


@pytest.fixture(scope="session")
def visits(page: Page) -> dict[str, Visit]:
    """Return a visit to each page of the site, by address."""
    visits = {}
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    page.on("requestfailed", lambda request: console.append(f"failed: {request.url}"))
    for path in sorted(SITE.rglob("*.html")):
        address = path.relative_to(SITE).as_posix()
        console.clear()
        page.goto(ADDRESS + address)
        found = page.evaluate(INSPECT)
        found["ids"], found["links"] = set(found["ids"]), set(found["links"])
        visits[address] = Visit(address, console=list(console), **found)
    return visits
