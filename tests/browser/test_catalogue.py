"""The pages of the catalogue in a real browser: a search without scripts, and accessibility in both widths and schemes."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_dashboard import RULES, RULES_OF_COLOUR, violations
from tests.support.shelf import HOBBIT, PAPERBACK, fill

pytestmark = pytest.mark.long
MONTH = "2019-07"


def test_a_book_is_found_and_opened_without_scripts(browser, admitted, site):
    fill(site.database_url)
    context = browser.new_context(storage_state=admitted, java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    page.get_by_role("link", name="Books").click()
    page.get_by_role("searchbox").fill("tolkein hobbit")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=HOBBIT).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The Hobbit")
    page.get_by_role("link", name="2019-07").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("July 2019")
    context.close()


def conflict(page, site, book):
    """The page that shows two persons' decisions: another one decides while the form is open."""
    page.goto(f"{site.url}/works/{book}")
    site.sql(f"INSERT INTO curation_decision (who, why, act, work_id) VALUES ('Bob', 'twice', 'exclude', {book})")
    page.get_by_text("Split: editions of another book").click()
    page.get_by_role("checkbox", name=f"{PAPERBACK} The Hobbit").check()
    page.get_by_role("textbox", name="Reason").locator("visible=true").fill("a play")
    page.get_by_role("button", name="Split off the selected editions").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Decided meanwhile")


@pytest.mark.parametrize(("scheme", "rules"), [("light", RULES), ("dark", RULES_OF_COLOUR)])
def test_the_pages_are_accessible_in_both_widths(page, site, scheme, rules):
    """With every form open: split, fields of the book and of an edition, merge, months, undo; bulk decisions; a conflict."""
    book = fill(site.database_url)["The Hobbit"]
    site.sql(
        "UPDATE backfill_log SET error_message = repeat('a long reason ', 30), error_code = 'timeout' WHERE status = 'failed'"
    )
    site.sql(
        f"INSERT INTO curation_decision (who, why, act, work_id, isbn13) VALUES ('Ann', 'seen', 'pin', {book}, '{HOBBIT}')"
    )
    page.emulate_media(color_scheme=scheme)
    paths = [
        "/", "/books", "/books?q=the&language=en&unresolved=true", f"/books?month={MONTH}", f"/works/{book}",
        f"/works/{book}?isbn={PAPERBACK}", f"/months/{MONTH}", f"/schedule?selected={MONTH}", "/works/999999",
    ]  # fmt: skip
    for width in (1320, 400):
        page.set_viewport_size({"width": width, "height": 900})
        for path in [*paths, ""]:
            if path:
                page.goto(site.url + path)
            else:
                conflict(page, site, book)
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            assert violations(page, rules) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_times_are_local_with_utc_in_the_title(opened, admitted, site):
    fill(site.database_url)
    page = opened(storage_state=admitted, timezone_id="Asia/Kolkata")
    page.goto(site.url)
    for part in ("#updated", "#log time >> nth=0"):
        shown = page.locator(part).first
        expect(shown).to_have_attribute("title", re.compile(r"\d{2}:\d{2}:\d{2} UTC$"))
        local, utc = shown.evaluate(
            "each => [each.textContent.slice(0, 8), new Date(Date.parse(each.dateTime) + 19800000).toISOString().slice(11, 19)]"
        )
        assert local == utc
    site.sql("UPDATE lane SET paused_until = now() + interval '5 minutes', pause_reason = 'busy' WHERE name = 'isbndb'")
    page.goto(site.url)
    expect(page.locator("#run time[data-local=minute]")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(re.compile(r"\d\d:\d\d UTC"))
