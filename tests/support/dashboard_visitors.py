"""Visitors of the dashboard without a browser: they log in and submit its forms."""

import re

import httpx2

SECRET, PREVIOUS = "canary-secret-of-the-door", "canary-secret-of-yesterday"


def browser(app, scheme="http"):
    """A client that keeps cookies and follows no redirects."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"{scheme}://alexandria")


def hidden(page, name, form=""):
    """The value of a hidden field of the page, or of its form that is sent to the path `form`."""
    inside = re.search(rf'<form[^>]*action="{form}".*?</form>', page.text, re.DOTALL) if form else None
    found = re.search(rf'name="{name}" value="([^"]+)"', inside[0] if inside else page.text)
    assert found, page.text
    return found[1]


def token_of(page):
    return hidden(page, "token")


async def log_in(client, secret=SECRET, to="/"):
    token = token_of(await client.get("/login"))
    return await client.post("/login", data={"token": token, "secret": secret, "to": to})


async def act(client, path, follow=True, **fields):
    """Submit a form of the page; returns the page that follows."""
    token = token_of(await client.get("/"))
    return await client.post(path, data={"token": token, **fields}, follow_redirects=follow)


def message(page):
    assert page.status_code == 200, page.text
    found = re.search(r'role="status"[^>]*>(.*?)</p>', page.text)
    return found and re.sub(r"</?time[^>]*>", "", found[1])


async def failing(sql, *, where, code):
    await sql(
        "UPDATE backfill_log SET status = 'failed', started_at = now(), completed_at = now(), error_code = %s,"
        f" error_message = 'isbndb did not answer' WHERE {where}",
        code,
    )
