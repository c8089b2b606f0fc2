"""The pages of the catalogue in a real browser: a search without scripts, and accessibility in both widths and schemes."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_dashboard import violations
from tests.support.shelf import HOBBIT, fill

pytestmark = pytest.mark.long


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_in_both_widths(page, site, scheme):
    book = fill(site.database_url)["The Hobbit"]
    page.emulate_media(color_scheme=scheme)
    for width in (1320, 400):
        page.set_viewport_size({"width": width, "height": 900})
        for path in ("/books", "/books?q=the&language=en&unresolved=true", f"/works/{book}"):
            page.goto(site.url + path)
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
