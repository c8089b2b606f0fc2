"""Requests whose end is ambiguous are refused, and the connection is closed: a proxy might read two where we read one."""

import os
import re
import socket
import urllib.parse

import pytest

from tests.support.forked import ForkedChild

SECRET = "canary-secret-of-the-door"
RESUME = (
    b"POST /api/internal/resume HTTP/1.1\r\nHost: x\r\nX-Cron-Secret: " + SECRET.encode() + b"\r\n"
    b"Content-Type: application/json\r\n"
)
CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"
NEXT = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def address(shared_database_url, tmp_path_factory):
    environment = os.environ | {"DATABASE_URL": shared_database_url, "ALEXANDRIA_WEBHOOK_SECRET": SECRET}
    with ForkedChild(
        "serve", "--port", "0", folder=tmp_path_factory.mktemp("serve"), environment=environment
    ) as serving:
        yield urllib.parse.urlsplit(serving.url())


def responses(address, request):
    """The status of each response to these bytes, until the server closes the connection."""
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(request)
        received = b""
        while part := client.recv(65536):
            received += part
    return [status.decode() for status in re.findall(rb"HTTP/1\.1 (\d{3})", received)]


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 12\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: 0x2\r\n",
    ],
)
def test_a_request_with_an_ambiguous_length_is_one_400_and_the_end(address, lengths):
    found = responses(address, RESUME + lengths + b"\r\n" + CHUNKED + NEXT)
    assert len(found) == 1
    assert found[0] in {"400", "501"}


def test_a_request_with_one_length_leaves_the_connection_for_the_next(address):
    for lengths, body in ((b"Content-Length: 2\r\n", b"{}"), (b"Transfer-Encoding: chunked\r\n", CHUNKED)):
        assert responses(address, RESUME + lengths + b"\r\n" + body + NEXT) == ["200", "200"]


@pytest.mark.parametrize("path", [b"/health/live", b"/metrics", b"/nothing", b"/events", b"/static/dashboard.css"])
def test_an_answer_to_head_ends_with_its_headers(address, path):
    request = b"HEAD " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    found = responses(address, request + NEXT)
    assert len(found) == 2
    assert found[1] == "200"
