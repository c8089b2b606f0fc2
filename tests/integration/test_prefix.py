"""Behind a reverse proxy that publishes the server under a path: every link, form, cookie and stream stays under it."""

import os
import re
import socket
import socketserver
import threading

import httpx2
import psycopg
import pytest

from tests.support.forked import ForkedChild

SECRET = "canary-secret-of-the-door"
PREFIX = "/apps/books"
LINK = re.compile(r'(?:href|action|src|hx-post|data-events)="([^"]+)"')


class Proxy(socketserver.ThreadingTCPServer):
    """Passes on what is under PREFIX, with or without it, and notes the paths of all that is not."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, backend, *, strips):
        super().__init__(("127.0.0.1", 0), Passing)
        self.backend, self.strips, self.lost = backend, strips, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Passing(socketserver.StreamRequestHandler):
    """One request a connection."""

    server: Proxy

    def handle(self):
        head = []
        while (line := self.rfile.readline()) not in {b"\r\n", b""}:
            head.append(line)
        if not head:
            return
        method, target, version = head[0].split(b" ", 2)
        if not target.startswith(PREFIX.encode()):
            self.server.lost.append(target.decode())
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if self.server.strips:
            target = target.removeprefix(PREFIX.encode()) or b"/"
        head[0] = b" ".join((method, target, version))
        kept = [line for line in head if not line.lower().startswith((b"connection:", b"x-forwarded"))]
        length = next((int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:")), 0)
        with socket.create_connection(self.server.backend, 20) as upstream:
            upstream.sendall(b"".join(kept) + b"Connection: close\r\n\r\n" + self.rfile.read(length))
            while part := upstream.recv(65536):
                self.wfile.write(part)


@pytest.fixture(scope="module")
def backend(shared_database_url, tmp_path_factory):
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("INSERT INTO backfill_log (year, month) SELECT 2024, generate_series(1, 12)")
    environment = os.environ | {"DATABASE_URL": shared_database_url, "ALEXANDRIA_WEBHOOK_SECRET": SECRET}
    options = ("--port", "0", "--root-path", f"{PREFIX}/")
    with ForkedChild("serve", *options, folder=tmp_path_factory.mktemp("serve"), environment=environment) as child:
        url = child.url()
        assert url.endswith(PREFIX)
        yield "127.0.0.1", int(url.split(":")[2].split("/")[0])


@pytest.fixture(params=[True, False], ids=["prefix stripped", "prefix passed on"])
def proxy(request, backend, shared_database_url):
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("UPDATE control SET paused_since = NULL, paused_until = NULL")
    with Proxy(backend, strips=request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def browser(proxy):
    with httpx2.Client(base_url=proxy.url, trust_env=False, timeout=20) as client:
        yield client


def token_of(page):
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def log_in(browser):
    first = browser.get(f"{PREFIX}/months/2024-05")
    assert (first.status_code, first.headers["location"]) == (303, f"{PREFIX}/login?to=/months/2024-05")
    form = browser.get(first.headers["location"])
    assert f"path={PREFIX}" in form.headers["set-cookie"].lower().replace(" ", "").split(";")
    done = browser.post(f"{PREFIX}/login", data={"token": token_of(form), "secret": SECRET, "to": "/months/2024-05"})
    assert (done.status_code, done.headers["location"]) == (303, f"{PREFIX}/months/2024-05")


def test_every_link_of_every_page_stays_under_the_prefix(proxy, browser):
    log_in(browser)
    seen, left = set(), [f"{PREFIX}/"]
    while left:
        page = browser.get(left.pop())
        # An earlier and a later month that are not seeded, and targets of forms.
        assert page.status_code in ({200, 404} if "/months/" in str(page.url) else {200, 303, 401, 403, 405}), page.url
        if page.headers["content-type"].startswith("text/html") and page.request.url.path != f"{PREFIX}/docs":
            for link in LINK.findall(page.text):
                assert link.startswith((f"{PREFIX}/", "#")), (page.url, link)
                if "events" not in link and "logout" not in link and link not in seen:
                    seen.add(link)
                    left.append(link)
    assert {f"{PREFIX}/months/2024-01", f"{PREFIX}/pause", f"{PREFIX}/schedule"} <= seen
    assert any(link.startswith(f"{PREFIX}/static/dashboard.js") for link in seen)
    assert proxy.lost == []


def test_forms_act_and_return_under_the_prefix(proxy, browser):
    log_in(browser)
    page = browser.get(f"{PREFIX}/")
    done = browser.post(f"{PREFIX}/pause", data={"token": token_of(page), "why": "lunch"})
    assert (done.status_code, done.headers["location"]) == (303, f"{PREFIX}/")
    assert f"path={PREFIX}" in done.headers["set-cookie"].lower().replace(" ", "").split(";")
    shown = browser.get(done.headers["location"])
    assert "Paused by dashboard" in shown.text
    assert f"path={PREFIX}" in shown.headers["set-cookie"].lower().replace(" ", "").split(";"), "the message is deleted"
    back = browser.post(
        f"{PREFIX}/retry", data={"token": token_of(page), "month": "2024-05", "back": "/months/2024-05"}
    )
    assert back.headers["location"] == f"{PREFIX}/months/2024-05"
    assert browser.post(f"{PREFIX}/pause", data={"token": "x"}).status_code == 403
    assert browser.post(f"{PREFIX}/logout", data={"token": token_of(page)}).headers["location"] == f"{PREFIX}/"
    assert browser.get(f"{PREFIX}/").status_code == 303
    assert proxy.lost == []


def test_the_stream_runs_under_the_prefix(proxy, browser):
    log_in(browser)
    path = re.search(r'data-events="([^"]+)"', browser.get(f"{PREFIX}/").text)
    assert path
    assert path[1].startswith(f"{PREFIX}/events?since=")
    with browser.stream("GET", path[1]) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        text = ""
        for part in response.iter_text():
            text += part
            if "</hx-partial>" in text and "updated" in text:
                break
    links = LINK.findall(text.replace("&#34;", '"'))
    assert links
    assert all(link.startswith(f"{PREFIX}/") for link in links)


def test_the_description_names_the_prefix(proxy, browser):
    page = browser.get(f"{PREFIX}/docs")
    assert f"{proxy.url}{PREFIX}/api/internal/schedule-backfill" in page.text
    description = browser.get(f"{PREFIX}/openapi.json").json()
    assert description["servers"] == [{"url": PREFIX}]
    assert "/api/internal/months" in description["paths"]
    headers = {"X-Cron-Secret": SECRET, "Idempotency-Key": "k"}
    for _ in range(2):
        answer = browser.post(f"{PREFIX}/api/internal/schedule-backfill", json={"batch_size": 1}, headers=headers)
        assert answer.json()["months_selected"] == 1
    assert answer.headers["idempotent-replayed"] == "true"
    assert browser.get(f"{PREFIX}/health/live").status_code == 200
    assert 'route="/health/live"' in browser.get(f"{PREFIX}/metrics").text
    assert browser.get(f"{PREFIX}/nothing").json()["error"]["code"] == "not_found"
