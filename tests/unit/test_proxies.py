"""The proxies and certificates of the environment are used, for providers and alerts, and doctor shows them."""

import asyncio
import contextlib

import httpx2
import pytest
from pydantic import SecretStr

from alexandria.cli.doctor import checks
from alexandria.core import config, errors
from alexandria.core.config import ProviderSettings
from alexandria.core.provider_facts import PROVIDERS
from alexandria.core.proxies import EnvironmentTransport, proxy_for
from alexandria.core.tls import authorities, chosen_authorities
from alexandria.operations.alerts.incidents import DeliveryFailed
from alexandria.operations.alerts.webhook import Receiver
from alexandria.providers.client import ProviderClient, Request, json_of

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"found": 1}'


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextlib.asynccontextmanager
async def server(answer=ANSWER):
    """A server that answers every request with `answer`: its address, and the heads of the requests it saw."""
    heads: list[str] = []
    connections: list[asyncio.Task[None] | None] = []

    async def serve(reader, writer):
        connections.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                heads.append(head)
                length = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
                await reader.readexactly(int(length[0].partition(":")[2]) if length else 0)
                writer.write(answer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    listening = await asyncio.start_server(serve, "127.0.0.1")
    async with listening:
        host, port = listening.sockets[0].getsockname()
        yield f"{host}:{port}", heads
    if connections:
        await asyncio.wait([each for each in connections if each], timeout=5)


def client_of(limiter, answers, base_url):
    limits = PROVIDERS["open_library"].limits.model_dump() | {"base_url": base_url, "timeout": 5.0}
    settings = ProviderSettings(name="open_library", **limits, key=None)
    return ProviderClient(settings, limiter, answers, contact="", version="1")


async def ask(client):
    try:
        return await client.fetch_uncached(Request("GET", "/thing"), lambda answer: json_of(client.name, answer))
    finally:
        await client.aclose()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_request_goes_by_the_proxy_with_its_credentials(monkeypatch, limiter, answers, name):
    async with server() as (address, heads):
        monkeypatch.setenv(name, f"http://me:secret@{address}")
        assert await ask(client_of(limiter, answers, "http://books.test/api")) == {"found": 1}
    (head,) = heads
    assert head.startswith("GET http://books.test/api/thing HTTP/1.1")
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in head
    assert len(limiter.on_the_wire) == 1


async def test_https_is_tunnelled_and_a_refusal_of_the_tunnel_is_not_a_request(monkeypatch, limiter, answers):
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    async with server(refusal) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", address)
        with pytest.raises(errors.ProviderDown, match="ProxyError"):
            await ask(client_of(limiter, answers, "https://books.test"))
    assert heads[0].startswith("CONNECT books.test:443 HTTP/1.1")
    assert limiter.on_the_wire == []
    assert limiter.refunded > 0
    assert answers.calls == []


async def test_no_proxy_is_obeyed(monkeypatch, limiter, answers):
    async with server() as (address, heads), server() as (proxy, passed):
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy}")
        monkeypatch.setenv("NO_PROXY", "books.test, 127.0.0.1")
        assert await ask(client_of(limiter, answers, f"http://{address}")) == {"found": 1}
    assert (len(heads), passed) == (1, [])


async def test_alerts_go_by_the_proxy_too(monkeypatch):
    async with server() as (proxy, passed):
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy}")
        receiver = Receiver(SecretStr("http://hooks.test/alexandria"), None, "1")
        assert await receiver.send("1", {"a": 1}) == 200
    assert passed[0].startswith("POST http://hooks.test/alexandria")
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(DeliveryFailed, match="HTTP_PROXY"):
        await receiver.send("1", {"a": 1})


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://books.test", {}, None),
        ("https://books.test", {"HTTP_PROXY": "http://p:1"}, None),
        ("https://books.test", {"HTTPS_PROXY": "p:1"}, "http://p:1"),
        ("https://books.test", {"HTTPS_PROXY": " "}, None),
        ("https://books.test", {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, "http://a:1"),
        ("https://books.test", {"ALL_PROXY": "https://p:1"}, "https://p:1"),
        ("https://books.test", {"HTTPS_PROXY": "p:1", "NO_PROXY": "*"}, None),
        ("https://books.test", {"HTTPS_PROXY": "p:1", "NO_PROXY": "books.test"}, None),
        ("https://api.books.test", {"HTTPS_PROXY": "p:1", "NO_PROXY": "books.test"}, None),
        ("https://api.books.test", {"HTTPS_PROXY": "p:1", "NO_PROXY": ".books.test"}, None),
        ("https://api.books.test", {"HTTPS_PROXY": "p:1", "no_proxy": "a.test,*.books.test"}, None),
        ("https://notbooks.test", {"HTTPS_PROXY": "p:1", "NO_PROXY": "books.test"}, "http://p:1"),
        ("https://books.test", {"HTTPS_PROXY": "p:1", "NO_PROXY": "books.test:443"}, None),
        ("https://books.test", {"HTTPS_PROXY": "p:1", "NO_PROXY": "books.test:8443"}, "http://p:1"),
        ("http://10.1.2.3:8000", {"HTTP_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://10.1.2.3:8000", {"HTTP_PROXY": "p:1", "NO_PROXY": "10.1.2.3"}, None),
        ("http://[fd00::1]:8000", {"HTTP_PROXY": "p:1", "NO_PROXY": "[fd00::1]:8000"}, None),
        ("http://[fd00::1]:8000", {"HTTP_PROXY": "p:1", "NO_PROXY": "fd00::/8"}, None),
        ("http://127.0.0.1:11434", {"HTTP_PROXY": "p:1"}, None),
        ("http://localhost:11434", {"HTTP_PROXY": "p:1"}, None),
        ("http://127.0.0.1:11434", {"HTTP_PROXY": "http://127.0.0.1:3128"}, "http://127.0.0.1:3128"),
    ],
)
def test_the_variables_are_read_as_curl_reads_them(url, environment, proxy):
    found = proxy_for(url, environment)
    assert (found and found.url) == proxy


@pytest.mark.parametrize("value", ["socks5://p:1", "http://", "ftp://p", "http://p:99999999", "http://[::1"])
def test_a_proxy_that_cannot_be_used_is_refused_by_the_variables_name(monkeypatch, value):
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(errors.Misconfigured, match="HTTPS_PROXY"):
        EnvironmentTransport()


def lines(monkeypatch):
    settings = config.load()
    asked = {"isbndb": "https://api2.isbndb.com", "openai": "http://127.0.0.1:11434"}
    return {check.name: check for check in checks._network(settings, asked)}


def test_doctor_shows_the_proxies_without_their_credentials(monkeypatch):
    assert "proxy" not in lines(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:canary@proxy.test:3128")
    monkeypatch.setenv("ALEXANDRIA_ALARM_URL", "https://hooks.test/canary")
    proxy = lines(monkeypatch)["proxy"]
    assert proxy.ok
    assert proxy.message == "HTTPS_PROXY http://proxy.test:3128 for isbndb, alerts; none for openai"
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.test")
    proxy = lines(monkeypatch)["proxy"]
    assert not proxy.ok
    assert "HTTPS_PROXY" in proxy.message


def test_doctor_shows_the_certificates_and_finds_that_they_are_missing(monkeypatch, tmp_path):
    ours = tmp_path / "ca.pem"
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(ours))
    for content in (None, "not a certificate"):
        if content:
            ours.write_text(content)
        certificates = lines(monkeypatch)["certificates"]
        assert not certificates.ok
        assert "SSL_CERT_FILE" in certificates.message
        with pytest.raises(errors.Misconfigured, match="SSL_CERT_FILE"):
            authorities()
    monkeypatch.delenv("SSL_CERT_FILE")
    assert chosen_authorities() is None
    assert "certificates" not in lines(monkeypatch)


def test_credentials_in_a_base_url_are_refused_by_the_settings_name(monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_XAI_BASE_URL", "https://me:canary-password@api.test/xai")
    with pytest.raises(errors.Misconfigured, match="ALEXANDRIA_XAI_BASE_URL") as refused:
        config.load()
    assert "canary" not in f"{refused.value.message} {refused.value.hint}"
    monkeypatch.setenv("ALEXANDRIA_XAI_BASE_URL", "https://api.test/users/@me")
    assert config.load().providers["xai"].base_url == "https://api.test/users/@me"


async def test_a_plain_client_needs_no_environment():
    transport = EnvironmentTransport(httpx2.Limits(keepalive_expiry=1.0))
    async with server() as (address, _), httpx2.AsyncClient(transport=transport) as client:
        assert (await client.get(f"http://{address}/")).json() == {"found": 1}
