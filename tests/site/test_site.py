# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation site works in a browser, on a phone and without a network, and its search answers questions."""

from __future__ import annotations

from urllib.parse import quote_plus, unquote, urldefrag

import pytest
from playwright.sync_api import Page

from tests.site.conftest import ADDRESS, PHONE_WIDTH, SITE, Visit

# What a person types -> the beginning of a title among the first three results.
QUESTIONS = {
    "forgot admin password": "I forgot the admin password",
    "admin cannot log in": "I forgot the admin password",
    "colleague's dump": "A colleague's dump",
    "volume gone": "The volume is gone",
    "disk full": "The disk is full",
    "two heads": "Two heads",
    "FATAL: password authentication failed for user shop": '"password authentication failed"',
    'relation "people" does not exist': '"relation does not exist"',
    "container keeps restarting": "A container keeps restarting",
    "backup every night": "Back up every night",
}


def test_every_page_is_visited(visits: dict[str, Visit]) -> None:
    assert {"index.html", "recipes.html", "cli.html", "search.html"} <= set(visits)


def test_no_page_has_an_error_box(visits: dict[str, Visit]) -> None:
    assert [f"{visit.address}: {visit.errors}" for visit in visits.values() if visit.errors] == []


def test_no_page_has_a_console_error(visits: dict[str, Visit]) -> None:
    assert [f"{visit.address}: {visit.console}" for visit in visits.values() if visit.console] == []


def test_no_page_scrolls_sideways_on_a_phone(visits: dict[str, Visit]) -> None:
    wide = [visit for visit in visits.values() if visit.wide or visit.width > PHONE_WIDTH]
    assert [f"{visit.address} ({visit.width}): {visit.wide}" for visit in wide] == []


def test_no_page_needs_the_network(visits: dict[str, Visit], foreign_requests: list[str]) -> None:
    assert visits
    assert foreign_requests == []


def test_every_internal_link_leads_somewhere(visits: dict[str, Visit]) -> None:
    broken = []
    for visit in visits.values():
        for link in visit.links:
            if not link.startswith(ADDRESS):
                continue
            address, anchor = urldefrag(link.removeprefix(ADDRESS))
            target = visits.get(unquote(address).partition("?")[0] or "index.html")
            if target is None:
                found = (SITE / unquote(address)).is_file()
            else:
                found = not anchor or unquote(anchor) in target.ids
            if not found:
                broken.append(f"{visit.address} -> {link.removeprefix(ADDRESS)}")
    assert sorted(broken) == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_search_answers(question: str, page: Page) -> None:
    page.goto(f"{ADDRESS}search.html?q={quote_plus(question)}")
    page.wait_for_function("document.querySelector('#search-results .search-summary')?.textContent.includes('found')")
    results = page.locator("#search-results ul.search li a")
    titles = [title.split(" > ")[-1] for title in results.all_inner_texts()[:3]]
    assert any(title.startswith(QUESTIONS[question]) for title in titles), titles


def test_a_result_of_the_search_opens_the_recipe(page: Page) -> None:
    page.goto(f"{ADDRESS}search.html?q=the+volume+is+gone")
    page.locator("#search-results ul.search li a").first.click()
    page.wait_for_url("**/recipes.html*#the-volume-is-gone*")
    assert "localdev rebuild --no-seed" in page.locator("section#the-volume-is-gone-docker-compose-down-v").inner_text()
