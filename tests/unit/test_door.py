"""Who is let in, and who is slowed down."""

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.auth import secret as door
from alexandria.web.auth.secret import SecretAuth


class Clock:
    """Seconds that a test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def entrance(clock):
    return SecretAuth(WebhookSecrets(("right", "sécret")), clock)


async def knock(entrance, secret=b"wrong", host="192.0.2.1"):
    """(status, Retry-After) of one request; 200 if it is let in."""
    headers = [] if secret is None else [(b"x-cron-secret", secret)]
    request = Request({"type": "http", "headers": headers, "client": (host, 1) if host else None})
    try:
        await entrance.check(request)
    except HTTPException as refused:
        return refused.status_code, (refused.headers or {}).get("Retry-After")
    return 200, None


async def test_a_right_secret_opens_and_a_wrong_or_missing_one_does_not(entrance):
    assert await knock(entrance, b"right") == (200, None)
    assert await knock(entrance, "sécret".encode()) == (200, None)
    for wrong in (b"wrong", b"", None, "sécret".encode("latin-1"), b"\xff"):
        assert await knock(entrance, wrong) == (401, None)


async def test_an_empty_secret_opens_nothing():
    """A secret file that was emptied must not open the door to everybody who shows none."""
    assert await knock(SecretAuth(WebhookSecrets(("",))), b"") == (401, None)
    assert await knock(SecretAuth(WebhookSecrets(())), None) == (401, None)


async def test_ten_failures_a_minute_are_told_the_truth_and_the_next_is_told_to_wait(entrance, clock):
    assert [(await knock(entrance))[0] for _ in range(11)] == [401] * 10 + [429]
    assert await knock(entrance) == (429, "6")
    clock.now += 6
    assert (await knock(entrance))[0] == 401
    assert await knock(entrance) == (429, "6")
    clock.now += 60
    assert [(await knock(entrance))[0] for _ in range(11)] == [401] * 10 + [429]


async def test_knocking_while_slowed_down_does_not_prolong_the_wait(entrance, clock):
    for _ in range(100):
        await knock(entrance)
    clock.now += 6
    assert (await knock(entrance))[0] == 401


async def test_a_right_secret_is_never_kept_waiting(entrance):
    for _ in range(20):
        await knock(entrance)
    assert await knock(entrance, b"right") == (200, None)


async def test_another_client_is_not_slowed_down(entrance):
    for _ in range(20):
        await knock(entrance)
    assert await knock(entrance, host="192.0.2.2") == (401, None)


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
async def test_one_client_is_one_address_or_one_network_of_ipv6(entrance, one, other, same):
    for _ in range(10):
        await knock(entrance, host=one)
    assert (await knock(entrance, host=other))[0] == (429 if same else 401)


async def test_the_memory_of_clients_is_bounded(entrance, monkeypatch):
    """The one that failed longest ago is forgotten first."""
    monkeypatch.setattr(door, "CLIENTS", 3)
    for _ in range(10):
        await knock(entrance, host="192.0.2.1")
    for last in (2, 3):
        await knock(entrance, host=f"192.0.2.{last}")
    assert (await knock(entrance, host="192.0.2.1"))[0] == 429
    for last in (4, 5):
        await knock(entrance, host=f"192.0.2.{last}")
    assert (await knock(entrance, host="192.0.2.1"))[0] == 429
    for last in (6, 7, 8):
        await knock(entrance, host=f"192.0.2.{last}")
    assert (await knock(entrance, host="192.0.2.1"))[0] == 401
    assert len(entrance._failures) == 3
