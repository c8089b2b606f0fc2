"""The review queue in a real browser: twenty books by keys alone, without scripts, and accessibility in both widths and schemes."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_dashboard import violations
from tests.support.review_cases import fill_cases, fill_queue, isbn_of

pytestmark = pytest.mark.long
BOOKS = 22  # beside the one of the campaign, which comes last


def test_twenty_books_are_reviewed_by_keys_alone(page, site):
    """Each answer leads to the next question; what is undone comes back, and what is skipped stays."""
    fill_queue(site.database_url, BOOKS)
    page.goto(f"{site.url}/review?reason=unsure")
    questions, said = page.locator("#queue > li"), page.get_by_role("status")
    expect(questions).to_have_count(BOOKS + 1)
    page.keyboard.press("j")
    expect(questions.nth(0)).to_be_focused()
    for number in range(20):
        expect(questions.nth(0)).to_have_attribute("aria-current", "true")
        expect(questions.nth(0)).to_contain_text(isbn_of(100 + number))
        key, done = ("r", "rejected") if number % 5 == 4 else ("a", "accepted")
        page.keyboard.press(key)
        expect(said).to_have_text(f"ISBN {isbn_of(100 + number)} {done} by dashboard.")
        expect(questions.nth(0)).to_be_focused()
    expect(questions).to_have_count(BOOKS + 1 - 20)
    acts = "SELECT act, count(*) AS n FROM standing_decision GROUP BY act ORDER BY act"
    assert [tuple(row.values()) for row in site.sql(acts)] == [("accept", 16), ("reject", 4)]
    page.keyboard.press("u")
    expect(questions.nth(0)).to_contain_text(isbn_of(119))
    page.keyboard.press("u")
    expect(questions.nth(0)).to_contain_text(isbn_of(118))
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(questions.nth(1)).to_be_focused()
    page.keyboard.press("a")
    expect(said).to_have_text(f"ISBN {isbn_of(119)} accepted by dashboard.")
    expect(questions.nth(1)).to_contain_text(isbn_of(120))
    expect(questions.nth(1)).to_be_focused()
    assert [tuple(row.values()) for row in site.sql(acts)] == [("accept", 16), ("reject", 3)]


def test_keys_are_letters_in_a_field_and_can_be_turned_off(page, site):
    fill_queue(site.database_url, 2)
    page.goto(f"{site.url}/review?reason=unsure")
    page.get_by_label("Reason").press_sequentially("a jar")
    page.keyboard.press("Enter")
    page.get_by_label("keys").uncheck()
    page.keyboard.press("a")
    page.reload()
    page.keyboard.press("a")
    expect(page.get_by_label("keys")).not_to_be_checked()
    assert site.sql("SELECT id FROM curation_decision") == []
    page.get_by_label("keys").check()
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Reason").fill("compared")
    page.get_by_label("keys").focus()
    page.keyboard.press("r")
    expect(page.get_by_role("status")).to_have_text(f"ISBN {isbn_of(100)} rejected by Ann.")
    expect(page.get_by_label("Your name")).to_have_value("Ann")
    assert site.sql("SELECT who, why FROM curation_decision") == [{"who": "Ann", "why": "compared"}]


def test_a_book_is_reviewed_and_undone_without_scripts(browser, admitted, site):
    fill_queue(site.database_url, 2)
    context = browser.new_context(storage_state=admitted, java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    page.get_by_role("link", name="Review").click()
    page.get_by_role("link", name="accepted near the bar").click()
    page.get_by_role("button", name=f"Accept {isbn_of(101)}").click()
    expect(page.get_by_role("status")).to_have_text(f"ISBN {isbn_of(101)} accepted by dashboard.")
    expect(page.locator("#queue > li")).to_have_count(2)
    page.get_by_role("button", name="Undo decision").click()
    expect(page.locator("#queue > li")).to_have_count(3)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_queue_is_accessible_in_both_widths(page, site, scheme):
    fill_cases(site.database_url)
    page.emulate_media(color_scheme=scheme)
    for width in (1320, 400):
        page.set_viewport_size({"width": width, "height": 900})
        for path in ("/review?decided=1", "/review?reason=contradicted&at=0"):
            page.goto(site.url + path)
            expect(page.get_by_label("keys")).to_be_visible()
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
