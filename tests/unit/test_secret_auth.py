"""Authentication by the secret, and the limit of wrong ones per client."""

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.auth import secret as secret_auth
from alexandria.web.auth.secret import SecretAuth
from tests.support.clocks import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def auth(clock):
    return SecretAuth(WebhookSecrets(("right", "sécret")), clock)


async def authenticate(auth, secret=b"wrong", host="192.0.2.1"):
    """(status, Retry-After) of one request; 200 if it is authenticated."""
    headers = [] if secret is None else [(b"x-cron-secret", secret)]
    request = Request({"type": "http", "headers": headers, "client": (host, 1) if host else None})
    try:
        await auth.check(request)
    except HTTPException as rejected:
        return rejected.status_code, (rejected.headers or {}).get("Retry-After")
    return 200, None


async def test_a_valid_secret_is_accepted_and_a_wrong_or_missing_one_is_not(auth):
    assert await authenticate(auth, b"right") == (200, None)
    assert await authenticate(auth, "sécret".encode()) == (200, None)
    for wrong in (b"wrong", b"", None, "sécret".encode("latin-1"), b"\xff"):
        assert await authenticate(auth, wrong) == (401, None)


async def test_an_empty_secret_admits_nobody():
    """An emptied secret file must not admit everybody who sends none."""
    assert await authenticate(SecretAuth(WebhookSecrets(("",))), b"") == (401, None)
    assert await authenticate(SecretAuth(WebhookSecrets(())), None) == (401, None)


async def test_after_ten_failures_a_minute_the_client_must_wait(auth, clock):
    assert [(await authenticate(auth))[0] for _ in range(11)] == [401] * 10 + [429]
    assert await authenticate(auth) == (429, "6")
    clock.now += 6
    assert (await authenticate(auth))[0] == 401
    assert await authenticate(auth) == (429, "6")
    clock.now += 60
    assert [(await authenticate(auth))[0] for _ in range(11)] == [401] * 10 + [429]


async def test_tries_during_the_wait_do_not_prolong_it(auth, clock):
    for _ in range(100):
        await authenticate(auth)
    clock.now += 6
    assert (await authenticate(auth))[0] == 401


async def test_a_valid_secret_never_waits(auth):
    for _ in range(20):
        await authenticate(auth)
    assert await authenticate(auth, b"right") == (200, None)


async def test_the_limit_is_per_client(auth):
    for _ in range(20):
        await authenticate(auth)
    assert await authenticate(auth, host="192.0.2.2") == (401, None)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        (None, None, True),
        ("testclient", "other", False),
    ],
)
async def test_a_client_is_one_address_or_one_network_of_ipv6(auth, one, other, same):
    for _ in range(10):
        await authenticate(auth, host=one)
    assert (await authenticate(auth, host=other))[0] == (429 if same else 401)


async def test_the_memory_of_clients_is_bounded(auth, monkeypatch):
    """The client that failed longest ago is dropped first."""
    monkeypatch.setattr(secret_auth, "MAX_CLIENTS", 3)
    for _ in range(10):
        await authenticate(auth, host="192.0.2.1")
    for last in (2, 3):
        await authenticate(auth, host=f"192.0.2.{last}")
    assert (await authenticate(auth, host="192.0.2.1"))[0] == 429
    for last in (4, 5):
        await authenticate(auth, host=f"192.0.2.{last}")
    assert (await authenticate(auth, host="192.0.2.1"))[0] == 429
    for last in (6, 7, 8):
        await authenticate(auth, host=f"192.0.2.{last}")
    assert (await authenticate(auth, host="192.0.2.1"))[0] == 401
    assert len(auth._failures) == 3
