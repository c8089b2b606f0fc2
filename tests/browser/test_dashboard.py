"""The pages in a real browser: keyboard, live updates, a killed server, acts, hostile titles, accessibility."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.long

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]  # all that another colour scheme can break
LIVE = re.compile("Live, updated")


def live(page, site, path="/"):
    page.goto(site.url + path)
    expect(page.locator("#live")).to_have_text(LIVE)


def violations(page, rules=RULES):
    page.evaluate(AXE.read_text(encoding="utf-8"))  # not as a script: the pages admit none but their own
    # What passes is not described: that took more than to find it.
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found]


def test_arrow_keys_walk_the_grid_and_enter_opens_a_month(page, site):
    """One tab stop for three hundred cells; a month is left and right of its neighbours, years are rows."""
    live(page, site)
    page.locator("#m2024-01 a").focus()
    assert page.locator('#grid a[tabindex="0"]').count() == 1
    page.keyboard.press("ArrowRight")
    expect(page.locator("#m2024-02 a")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#m2023-02 a")).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#m2023-12 a")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#m2023-12 a")).not_to_be_focused()
    assert page.evaluate("document.activeElement.closest('#grid')") is None
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("December 2023")


def test_a_cell_changes_under_the_focus_and_keeps_it(page, site):
    """So do the year's total, the legend and the progress; cells that did not change are not touched."""
    live(page, site)
    page.locator("#m2013-12 a").focus()
    page.evaluate("document.querySelector('#m2013-12 a').mark = document.querySelector('#m2013-11 a').mark = 1")
    page.evaluate(
        "window.touched = []; new MutationObserver(all => all.forEach(one => touched.push(one.target.id)))"
        ".observe(document.querySelector('#grid'), {subtree: true, attributes: true, attributeFilter: ['class']})"
    )
    site.sql(
        "UPDATE backfill_log SET status = 'completed', books_generated = 10, isbns_resolved = 9, resolution_rate = 90"
        " WHERE (year, month) = (2013, 12)"
    )
    expect(page.locator("#m2013-12")).to_have_class("completed")
    expect(page.locator("#m2013-12 a")).to_be_focused()
    expect(page.locator("#m2013-12 a")).to_contain_text("✓ 90 % resolved, Dec 2013 completed")
    assert page.evaluate("document.querySelector('#m2013-12 a').mark") == 1
    expect(page.locator("#y2013")).to_have_text("1/12")
    expect(page.locator("#legend .completed")).to_have_text("✓ completed 131")
    expect(page.locator("#tiles")).to_contain_text("131 / 300 months")
    assert {name for name in page.evaluate("touched") if name.startswith("m")} == {"m2013-12"}


def test_seeded_years_appear_without_a_reload(page, site):
    live(page, site)
    site.sql("INSERT INTO backfill_log (year, month) SELECT 1999, m FROM generate_series(1, 12) AS m")
    expect(page.locator("#m1999-12 a")).to_be_visible()
    assert page.locator('#grid a[tabindex="0"]').count() == 1


def test_an_empty_backfill_offers_to_add_years(page, site):
    """The page of an empty backfill asks for years, and becomes the whole page by itself."""
    site.sql("TRUNCATE backfill_log CASCADE")
    live(page, site)
    expect(page.get_by_role("heading", name="No months yet")).to_be_visible()
    expect(page.locator("#grid")).to_be_hidden()
    assert violations(page) == []
    page.get_by_label("From").fill("2020")
    page.get_by_role("button", name="Add these months").click()
    expect(page.get_by_role("status")).to_contain_text("60 months added")
    expect(page.locator("#grid td a")).to_have_count(60)
    expect(page.locator("#run")).to_contain_text("Idle 60 months not scheduled. Start some: alexandria schedule")


def test_typed_text_survives_an_update(page, site):
    """A menu stays open, and its text and the focus stay, while the numbers around it change."""
    live(page, site)
    page.get_by_text("Pause run…").click()
    page.locator("#run").get_by_label("Reason").fill("half a sen")
    site.sql("UPDATE backfill_log SET status = 'completed' WHERE (year, month) = (2013, 12)")
    expect(page.locator("#run")).to_contain_text("2 months in progress will finish")
    expect(page.locator("#run").get_by_label("Reason")).to_have_value("half a sen")
    expect(page.locator("#run").get_by_label("Reason")).to_be_focused()


def test_changes_between_the_page_and_the_stream_are_not_missed(page, site):
    """The stream sends what is newer than the page."""
    page.route("**/events*", lambda route: (site.sql("UPDATE backfill_log SET status = 'failed', "
               "error_code = 'timeout' WHERE (year, month) = (2000, 1)"), route.continue_()))  # fmt: skip
    live(page, site)
    expect(page.locator("#m2000-01")).to_have_class("failed")


def test_the_page_reconnects_after_the_server_was_killed(page, site):
    """It reports the lost connection, keeps its content, and is live again without a reload."""
    live(page, site)
    page.evaluate("window.mark = 1")
    site.stop(signal.SIGKILL)
    expect(page.locator("#live")).to_contain_text("Connection lost, retrying")
    expect(page.locator("#m2024-12")).to_have_class("completed")
    site.sql("UPDATE backfill_log SET status = 'pending' WHERE (year, month) = (2024, 12)")
    site.start()
    expect(page.locator("#live")).to_have_text(LIVE)
    expect(page.locator("#m2024-12")).to_have_class("pending")
    assert page.evaluate("window.mark") == 1


def test_an_incident_appears_and_clears_live(page, site):
    """With what to do about it, and linked from the headline; afterwards it is in the history."""
    live(page, site)
    incidents = page.locator("#incidents")
    expect(incidents).to_contain_text("1 incident")
    expect(incidents).to_contain_text("No worker since")
    expect(incidents).to_contain_text("What to do: start one: alexandria work")
    page.locator("#run").get_by_role("link", name="1 incident").click()
    assert page.url.endswith("#incidents")
    site.sql("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 hour')")
    try:
        expect(incidents).to_contain_text("No incident now")
        expect(page.locator("#run")).to_contain_text("no incident")
        incidents.locator("summary").click()
        expect(incidents.get_by_role("listitem")).to_contain_text("no worker heartbeat for 60 s")
        assert violations(page) == []
    finally:
        site.sql("DELETE FROM procrastinate_workers")


def test_updates_can_be_paused(page, site):
    live(page, site)
    page.get_by_role("button", name="Pause updates").click()
    expect(page.locator("#live")).to_have_text("Updates paused at")
    shown = page.locator("#updated").text_content()
    page.evaluate(
        "void (window.swapped = new Promise(done => document.addEventListener('htmx:before:swap', event =>"
        " event.detail.ctx.text.includes('m2024-12') && done(true), true)))"
    )
    site.sql("UPDATE backfill_log SET status = 'pending' WHERE (year, month) = (2024, 12)")
    assert page.evaluate("swapped")
    assert page.locator("#updated").text_content() == shown
    expect(page.locator("#m2024-12")).to_have_class("completed")
    page.get_by_role("button", name="Resume updates").click()
    expect(page.locator("#m2024-12")).to_have_class("pending")


def test_retry_by_reason_states_its_number_and_reports_what_it_did(page, site):
    live(page, site)
    page.get_by_role("button", name="Retry 4").click()
    message = page.get_by_role("status")
    expect(message).to_have_text("4 months reset to pending: 2012-10, 2011-07, 2009-03, 2009-02. Next: schedule them.")
    expect(page.locator("#failures h2")).to_have_text("Failed: 3 months, 2 reasons")
    assert site.sql("SELECT who, act FROM audit") == [{"who": "dashboard", "act": "retry"}]
    page.get_by_role("button", name="Retry all 3").click()
    expect(page.locator("#failures h2")).to_have_text("Failed")
    expect(page.locator("#live")).to_have_text(LIVE)


def test_pause_and_resume(page, site):
    live(page, site)
    expect(page.locator("#run")).to_contain_text("Stalled")
    page.get_by_text("Pause run…").click()
    expect(page.locator("#run")).to_contain_text("3 months in progress will finish")
    page.locator("#run").get_by_label("Reason").fill("<i>maintenance</i>")
    page.get_by_role("button", name="Pause run").click()
    expect(page.locator("#run")).to_contain_text("3 months still finishing")
    expect(page.locator("#run")).to_contain_text("<i>maintenance</i>")
    expect(page.get_by_role("status")).to_contain_text("Paused by dashboard")
    page.get_by_role("button", name="Resume run").click()
    expect(page.get_by_role("status")).to_contain_text("Resumed")
    expect(page.get_by_text("Pause run…")).to_be_visible()


def test_schedule_shows_a_preview_first(page, site):
    live(page, site)
    expect(page.locator("#run")).to_contain_text("of 146 open months")
    page.get_by_role("spinbutton", name="Schedule").fill("3")
    page.locator("#run").get_by_role("button", name="Preview").click()
    expect(page.locator("main")).to_contain_text("3 months of 146 pending to schedule, newest first")
    page.get_by_role("button", name="Schedule 3 months").click()
    expect(page.get_by_role("status")).to_have_text("Scheduled 3 months: 2013-07, 2013-05, 2013-04.")
    expect(page.locator("#m2013-07")).to_have_class("processing")


def test_seven_months_are_selected_by_drag_click_or_keys_and_scheduled(page, site):
    """The selection stays while cells change, is written as months, and is one accessible grid."""
    live(page, site)
    chosen = page.locator("#grid td[aria-selected=true]")
    page.locator("#m2012-03 a").hover()
    page.mouse.down()
    page.locator("#m2012-05 a").hover()
    page.mouse.up()
    expect(chosen).to_have_count(3)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Backfill")  # no month was opened
    page.locator("#m2012-08 a").click(modifiers=["Shift"])
    expect(chosen).to_have_count(6)
    page.locator("#m2011-12 a").focus()
    page.keyboard.press("Space")
    expect(page.locator("#selection")).to_contain_text("7 months selected")
    expect(page.get_by_role("textbox", name="Months")).to_have_value("2011-12 2012-03..2012-08")
    site.sql(
        "UPDATE backfill_log SET blocked_reason = 'x', status = 'retry', next_attempt_at = now() WHERE (year, month) = (2012, 4)"
    )
    expect(page.locator("#m2012-04")).to_have_class("blocked")
    expect(chosen).to_have_count(7)
    assert violations(page) == []
    page.locator("#selection").get_by_role("button", name="Schedule").click()
    expect(page.get_by_role("status")).to_contain_text("Scheduled 7 months: 2012-08, 2012-07")
    expect(chosen).to_have_count(0)
    expect(page.locator("#m2012-04")).to_have_class("processing")
    page.locator("#m2018-05 a").focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(chosen).to_have_count(2)
    page.keyboard.press("Escape")
    expect(chosen).to_have_count(0)
    page.keyboard.press("Shift+ArrowRight")
    page.locator("#selection").get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 selected months")
    assert violations(page) == []
    page.get_by_role("button", name="Retry 2 months").click()
    expect(page.get_by_role("status")).to_contain_text("2 months reset to pending")


def test_a_gate_is_approved_by_name_and_reason(page, site):
    """It shows its counts and what follows, asks for confirmation, and is accessible meanwhile."""
    site.roll_out()
    page.set_viewport_size({"width": 400, "height": 900})
    live(page, site)
    gate = page.locator("#rollout")
    expect(gate).to_contain_text("Gate passed, waiting for approval")
    expect(gate).to_contain_text("lower bound 84.6 %, required 80 %")
    page.get_by_text("Gate of Recent years: requirements and counts").click()
    expect(gate).to_contain_text("50 of 50 months completed")
    page.get_by_text("Approve gate…").click()
    expect(gate).to_contain_text("Then phase Historical starts: 240 months.")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    gate.get_by_label("Your name").locator("visible=true").fill("olga")
    gate.get_by_label("Reason").locator("visible=true").fill("looked at ten of them")
    page.get_by_role("button", name="Approve gate").click()
    expect(page.get_by_role("status")).to_contain_text("Approved: phase 3 of 3, Historical")
    expect(gate.locator("[aria-current=step]")).to_contain_text("Historical")
    acts = site.sql("SELECT who, act, why FROM rollout_log WHERE act = 'approve'")
    assert acts == [{"who": "olga by dashboard", "act": "approve", "why": "looked at ten of them"}]
    live(page, site)
    page.get_by_text("Hold…").click()
    expect(gate.get_by_label("Your name").locator("visible=true")).to_have_value("olga")


def test_a_failed_month_is_retried_from_its_page(page, site):
    page.goto(f"{site.url}/months/2018-05")
    page.get_by_role("button", name="Retry 2018-05").click()
    expect(page.get_by_role("status")).to_contain_text("1 month reset to pending: 2018-05")
    expect(page.locator("main .chip").first).to_contain_text("pending")
    page.goto(f"{site.url}/months/2024-12")
    expect(page.get_by_role("button", name="Run 2024-12 again")).to_be_hidden()
    page.get_by_text("Run again…").click()
    page.get_by_role("button", name="Run 2024-12 again").click()
    expect(page.get_by_role("status")).to_contain_text("1 month reset to pending: 2024-12")


def test_a_hostile_title_is_only_text(page, site):
    """Tags in titles, authors, evidence and reasons are shown as text; nothing of them runs."""
    page.goto(f"{site.url}/months/2024-11")
    expect(page.locator(".books > li").first).to_contain_text('<script>document.title = "broken"</script><img src=x')
    page.get_by_text("Evidence: 1 record considered").first.click()
    expect(page.locator(".books details li").first).to_contain_text("Book </details><script>")
    assert page.title() == "2024-11 · Alexandria Backfill"
    assert page.locator(".books img, .books script, .books b").count() == 0
    live(page, site)
    expect(page.locator("#failures")).to_contain_text('<b>"0 of 20"</b>')


def test_records_and_log_lines_lead_on(page, site):
    page.goto(f"{site.url}/months/2024-11")
    page.get_by_text("Evidence: 1 record considered").first.click()
    record = page.get_by_role("link", name="/books/OL1M").first
    expect(record).to_have_attribute("href", "https://openlibrary.org/books/OL1M")
    live(page, site)
    line = page.locator("#log p").first
    month = line.get_by_role("link").inner_text()
    line.get_by_role("link").click()
    expect(page).to_have_url(f"{site.url}/months/{month}")


def test_without_the_secret_no_page_opens(opened, site):
    """A wrong one is rejected; the right one leads to the requested page."""
    page = opened()
    page.goto(f"{site.url}/months/2018-05")
    page.get_by_label("Secret").fill("guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Wrong secret.")
    page.get_by_label("Secret").fill("canary-secret-of-the-page")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("May 2018")
    page.goto(site.url)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Secret")).to_be_visible()


def test_a_forged_form_does_nothing(page, site):
    """A form without the page's token is rejected, from the page's own address too."""
    live(page, site)
    page.get_by_role("button", name="Retry all 7").evaluate(  # at once, before an update puts it right
        "button => { button.form.elements.token.value = 'guess'; button.click() }"
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("Form expired")
    assert site.sql("SELECT count(*) AS n FROM backfill_log WHERE status = 'failed'") == [{"n": 7}]


def test_everything_works_without_javascript(opened, admitted, site):
    page = opened(java_script_enabled=False, storage_state=admitted)
    page.goto(site.url)
    expect(page.locator("#grid td a")).to_have_count(300)
    expect(page.locator("#live")).to_have_text("As of")
    page.get_by_role("button", name="Retry 2").click()
    expect(page.get_by_role("status")).to_contain_text("2 months reset to pending")
    page.get_by_text("Pause run…").click()
    page.get_by_role("button", name="Pause run").click()
    expect(page.locator("#run")).to_contain_text("Paused")
    page.get_by_role("button", name="Resume run").click()
    page.get_by_role("spinbutton", name="Schedule").fill("2")
    page.locator("#run").get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Schedule 2 months").click()
    expect(page.get_by_role("status")).to_contain_text("Scheduled 2 months")
    page.locator("#legend .failed").click()
    expect(page.locator(".months")).to_have_attribute("data-show", "failed")
    page.locator("#m2024-11 a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("November 2024")


def test_many_open_pages_are_all_updated(opened, admitted, site):
    """Browsers open six connections to a host: beyond four streams a page polls instead."""
    first = opened(storage_state=admitted)
    pages = [first, *(first.context.new_page() for _ in range(7))]
    for page in pages:
        page.goto(site.url)
    expect(pages[0].locator("#live")).to_have_text(LIVE)
    expect(pages[7].locator("#live")).to_contain_text("Many pages open")
    pages[7].get_by_role("button", name="Retry 4").click()
    expect(pages[7].get_by_role("status")).to_contain_text("4 months reset to pending")


@pytest.mark.parametrize(
    ("path", "width"),
    [("/", 1320), ("/", 400), ("/?show=failed", 1320), ("/months/2024-11", 1320), ("/months/2024-11", 400),
     ("/months/2020-05", 400), ("/schedule?months=12", 400)],
)  # fmt: skip
def test_pages_are_accessible_and_fit(page, site, width, path):
    """No violation of WCAG 2.2 A and AA that axe finds, and nothing to scroll sideways; targets are 24 px or more."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(site.url + path)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = (
        "all => all.map(a => a.getBoundingClientRect()).filter(box => Math.round(Math.min(box.width, box.height)) < 24)"
    )
    assert page.locator("#grid td a, button:visible, #legend a").evaluate_all(f"{sizes}") == []


@pytest.mark.parametrize(("width", "scheme"), [(1320, "light"), (400, "dark")])
def test_charts_and_panels_are_accessible_without_scripts(opened, admitted, site, width, scheme):
    """Each drawing has a name and a sentence that describes it, and the table behind it opens without JavaScript."""
    site.sql(
        "INSERT INTO call (provider, route, sent_at, ms, units, status, error) SELECT 'gemini', '/x', now() - make_interval(days => n),"
        " 9, 1, CASE WHEN n % 5 > 0 THEN 200 END, '' FROM generate_series(0, 25) AS n;"
        "UPDATE lane SET paused_until = now() + interval '1 h', pause_reason = 'too fast' WHERE name = 'isbndb';"
        "UPDATE backfill_log SET resolution_rate = 5 * month WHERE status = 'completed'"
    )
    page = opened(storage_state=admitted, color_scheme=scheme, viewport={"width": width, "height": 900})
    for path in ("/", "/charts"):
        page.goto(site.url + path)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    drawings = page.get_by_role("img")
    expect(drawings).to_have_count(6)  # months, rate, cost, two providers' calls, one quota
    expect(page.get_by_role("img", name="Months per day")).to_have_accessible_description(
        re.compile("130 months completed")
    )
    plain = opened(java_script_enabled=False, storage_state=admitted)
    plain.goto(site.url + "/charts")
    plain.get_by_text("Table: Calls per provider and day").click()
    expect(plain.get_by_role("region", name="Table: Calls per provider and day").get_by_role("row")).to_have_count(27)


def test_the_login_is_accessible(opened, site):
    page = opened(viewport={"width": 400, "height": 800})
    page.goto(site.url)
    assert violations(page) == []


def test_states_are_visible_without_colours(opened, admitted, site):
    """With forced colours and without motion; the glyph stays."""
    page = opened(storage_state=admitted, forced_colors="active", reduced_motion="reduce")
    page.goto(site.url)
    expect(page.locator("#m2004-01 a")).to_contain_text("‖")
    border = page.locator("#m2004-01 a").evaluate("a => getComputedStyle(a).borderTopColor")
    assert border == page.locator("#m2024-01 a").evaluate("a => getComputedStyle(a).color") != "rgb(20, 80, 143)"
