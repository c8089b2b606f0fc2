"""A real server before slow, many and broken clients: it answers everybody else, keeps descriptors and logs little."""

import contextlib
import json
import os
import resource
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx2
import psycopg
import pytest

from alexandria.web.middleware import MAX_BODY_SIZE
from alexandria.web.server import HEADER_TIMEOUT, UNREAD_BODY_TIMEOUT
from tests.support.forked import Forked

pytestmark = pytest.mark.long

SECRET = "canary-secret-of-the-door"
DESCRIPTORS = 1024  # of the server, as many systems give
HALF_OPEN = 1100
MAX_LOG_SIZE = 100_000  # characters
TIMEOUT = 40.0  # seconds


class Server:
    """`alexandria serve` in a process of its own."""

    def __init__(self, database_url, folder, *options, descriptors=DESCRIPTORS, **settings):
        self._log, self._read_from = folder / "serve.log", 0
        environment = os.environ | {"DATABASE_URL": database_url, "ALEXANDRIA_WEBHOOK_SECRET": SECRET} | settings
        limited = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        command = ["--json", "serve", "--port", "0", *options]
        with self._log.open("wb") as log:
            self.process = Forked(*command, environment=environment, log=log, prepare=limited)
        self.url = json.loads(self.process.stdout.readline())["data"]["url"]
        self.address = ("127.0.0.1", int(self.url.split(":")[2].split("/")[0]))

    def stop(self):
        self.process.terminate()
        code = self.process.wait(TIMEOUT)
        self.process.stdin.close()
        self.process.stdout.close()
        return code

    def begin_log(self):
        """From now on `log_text` leaves out what has been logged so far."""
        self._read_from = self._log.stat().st_size

    def log_text(self):
        return self._log.read_bytes()[self._read_from :].decode()

    def connect(self, *parts):
        """A connection that has sent these bytes."""
        client = socket.create_connection(self.address, TIMEOUT)
        for part in parts:
            client.sendall(part)
        return client

    @property
    def descriptors(self):
        return len([*Path(f"/proc/{self.process.pid}/fd").iterdir()])

    def descriptors_of_clients(self):
        """How many connections of clients it has open."""
        port = f":{self.address[1]:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(port) and row[3] == "01" for row in rows)


@pytest.fixture(scope="module")
def lasting(fresh_database, tmp_path_factory):
    with fresh_database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO backfill_log (year, month) VALUES (2024, 1), (2024, 2)")
        server = Server(url, tmp_path_factory.mktemp("serve"))
        yield server
        assert server.stop() == 0


@pytest.fixture
def ordinary(lasting):
    """One server with the defaults for many tests, whose log begins again with each."""
    lasting.begin_log()
    return lasting


@pytest.fixture
def served(database_url, tmp_path):
    """A function: starts a server with a test's own settings."""
    servers = []

    def start(*options, **settings):
        servers.append(Server(database_url, tmp_path, *options, **settings))
        return servers[-1]

    yield start
    for server in servers:
        assert server.stop() == 0


def read(client):
    """Everything until the server closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            received += part
    return received


def error_of(received):
    """The status and the error of a response, which has the common shape."""
    head, _, body = received.partition(b"\r\n\r\n")
    whole = json.loads(body)
    assert set(whole) == {"success", "error", "meta"}
    return int(head.split()[1]), whole["error"]


def raise_own_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /health/live HTTP/1.1\r\nHost: x\r\n", b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"],
    ids=["nothing", "half of the headers", "no body"],
)
def test_half_open_connections_stop_nobody(ordinary, sent):
    """More connections than the process may have descriptors: probes are answered, and the log stays short."""
    raise_own_limit()
    with (
        contextlib.ExitStack() as stack,
        httpx2.Client(base_url=ordinary.url, trust_env=False, timeout=TIMEOUT) as client,
    ):
        assert client.get("/health/ready").status_code in {200, 503}
        for _ in range(HALF_OPEN):
            stack.enter_context(ordinary.connect(sent))
        times = []
        for _ in range(50):
            with httpx2.Client(base_url=ordinary.url, trust_env=False, timeout=TIMEOUT) as fresh:
                began = time.monotonic()
                assert fresh.get("/health/live").status_code == 200
                times.append(time.monotonic() - began)
        assert ordinary.descriptors < DESCRIPTORS - 300, "kept for the worker and the database"
        headers = {"X-Cron-Secret": SECRET}
        assert client.post("/api/internal/schedule-backfill", json={}, headers=headers).status_code == 200
        assert statistics.quantiles(times, n=20)[-1] < 2.0
    assert len(ordinary.log_text()) < MAX_LOG_SIZE


def test_a_small_number_of_descriptors_is_enough(served):
    server = served(descriptors=256)
    with contextlib.ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(server.connect(b"GET / HTTP/1.1\r\n"))
        assert httpx2.get(f"{server.url}/health/live", trust_env=False, timeout=TIMEOUT).status_code == 200
        assert httpx2.get(f"{server.url}/api/quota/status", trust_env=False, timeout=TIMEOUT).status_code == 200
    assert len(server.log_text()) < MAX_LOG_SIZE


def test_slow_headers_are_408_and_a_silent_connection_is_closed(ordinary):
    began = time.monotonic()
    silent, slow = ordinary.connect(), ordinary.connect(b"GET /health/live HTTP/1.1\r\nHost: x\r\n")
    drip = ordinary.connect(b"GET /health/live HTTP/1.1\r\n")
    kept = ordinary.connect(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    first = kept.recv(65536)
    assert first.startswith(b"HTTP/1.1 200")
    kept.sendall(b"GET /health/live HTTP/1.1\r\n")
    with silent, slow, drip, kept, ThreadPoolExecutor() as pool:
        answers = [pool.submit(read, client) for client in (silent, slow, drip, kept)]
        with contextlib.suppress(OSError):  # one header after the other prolongs nothing
            for number in range(200):
                drip.sendall(b"X-%d: y\r\n" % number)
                if answers[2].done():
                    break
                time.sleep(0.1)  # the client is slow by intention
        assert answers[0].result(TIMEOUT) == b""
        for answer in answers[1:]:
            status, error = error_of(answer.result(TIMEOUT)[-2000:])
            assert (status, error["code"]) == (408, "too_slow")
            assert error["details"]["hint"]
    assert HEADER_TIMEOUT - 1 < time.monotonic() - began < HEADER_TIMEOUT + 10


def test_a_slow_body_is_408(ordinary):
    """For the API and for a form; both clients wait at the same time."""
    kinds = {"/api/internal/schedule-backfill": "application/json", "/login": "application/x-www-form-urlencoded"}
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as pool:
        answers = {}
        for path, kind in kinds.items():
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Cron-Secret: {SECRET}\r\nContent-Type: {kind}\r\nContent-Length: 99\r\n\r\n"
            answers[path] = pool.submit(read, stack.enter_context(ordinary.connect(head.encode(), b"{")))
        assert {path: error_of(answer.result(TIMEOUT))[0] for path, answer in answers.items()} == dict.fromkeys(
            kinds, 408
        )
    assert "Traceback" not in ordinary.log_text()


def test_the_rest_of_a_refused_body_is_not_read_for_ever(ordinary):
    head = f"POST /api/internal/pause HTTP/1.1\r\nHost: x\r\nContent-Length: {10 * MAX_BODY_SIZE}\r\n\r\n"
    with ordinary.connect(head.encode()) as client:
        began = time.monotonic()
        answer = read(client)
        assert b" 413 " in answer.partition(b"\r\n")[0]
        assert time.monotonic() - began < UNREAD_BODY_TIMEOUT + 5


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000,
        b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\r\n\r\n\x00",
    ],
    ids=["tls", "no version", "long header", "bad chunk", "nul"],
)
def test_junk_that_is_not_http_is_400_in_the_common_shape_and_logged_a_few_times(ordinary, junk):
    for _ in range(100):
        with ordinary.connect() as client:
            with contextlib.suppress(ConnectionError):
                client.sendall(junk)
            answer = read(client)
            if answer:
                assert error_of(answer)[0] in {400, 403}
    assert httpx2.get(f"{ordinary.url}/health/live", trust_env=False).status_code == 200
    text = ordinary.log_text()
    assert text.count("Invalid HTTP request") <= 10
    assert "Traceback" not in text


def test_a_client_that_leaves_in_its_body_is_no_error(ordinary):
    for path in ("/login", "/api/internal/pause"):
        for _ in range(20):
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Cron-Secret: {SECRET}\r\nIdempotency-Key: k\r\n"
            kind = "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n"
            ordinary.connect(head.encode(), kind.encode(), b"{").close()
    assert httpx2.get(f"{ordinary.url}/health/live", trust_env=False).status_code == 200
    assert "Traceback" not in ordinary.log_text()


def test_a_reader_that_stops_does_not_keep_its_response(served, database_url):
    """The server is asked to stop while a client reads nothing: it ends in its usual time."""
    server = served()
    with server.connect(b"GET /static/htmx.min.js HTTP/1.1\r\nHost: x\r\n\r\n" * 50):
        assert httpx2.get(f"{server.url}/health/live", trust_env=False).status_code == 200


def test_only_a_configured_proxy_may_name_the_client(served, database_url):
    """Wrong secrets are counted by client: who may choose an address at will is never slowed down."""
    open_to_all, behind = served(), served(ALEXANDRIA_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8")

    def statuses(server):
        with httpx2.Client(base_url=server.url, trust_env=False) as client:
            return [
                client.get(
                    "/api/internal/months", headers={"X-Cron-Secret": "wrong", "X-Forwarded-For": f"192.0.2.{n}"}
                ).status_code
                for n in range(12)
            ]

    assert 429 in statuses(open_to_all)
    assert statuses(behind) == [401] * 12
    with psycopg.connect(database_url) as connection:
        clients = {row[0] for row in connection.execute("SELECT client FROM knock").fetchall()}
    assert clients >= {"127.0.0.1", "192.0.2.3"}


def test_the_scheme_comes_from_a_configured_proxy_alone(served):
    headers = {"X-Forwarded-Proto": "https"}
    for server, secure in ((served(), False), (served(ALEXANDRIA_TRUSTED_PROXIES="127.0.0.1"), True)):
        cookie = httpx2.get(f"{server.url}/login", headers=headers, trust_env=False).headers["set-cookie"]
        assert ("secure" in cookie.lower()) is secure


def test_many_streams_at_once_are_counted_before_they_begin(served):
    """Of one client at most four; the others get one response, and a stream that ended makes room for another."""
    server = served(ALEXANDRIA_DASHBOARD_PUBLIC="1")
    request = b"GET /events?since=1-300 HTTP/1.1\r\nHost: x\r\n\r\n"

    def kinds(clients):
        heads = [client.recv(65536).partition(b"\r\n\r\n")[0] for client in clients]
        return ["stream" if b"text/event-stream" in head else "page" for head in heads]

    for _ in range(3):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.connect()) for _ in range(20)]
            for client in clients:
                client.sendall(request)
            assert sorted(kinds(clients)) == ["page"] * 16 + ["stream"] * 4
        deadline = time.monotonic() + TIMEOUT
        while True:  # the server notices within a refresh that they have left
            with server.connect(request) as client:
                if kinds([client]) == ["stream"]:
                    break
            assert time.monotonic() < deadline
        while server.descriptors_of_clients():
            assert time.monotonic() < deadline
