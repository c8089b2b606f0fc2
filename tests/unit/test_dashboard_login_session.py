"""Sessions of the dashboard: who signed them, how long they last and what their cookie gives away."""

import hashlib
import hmac

import pytest
from starlette.requests import Request

from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.auth.session import COOKIE, SESSION_LIFETIME, SessionAuth
from tests.support.clocks import Clock

SECRET, PREVIOUS = "canary-session-secret", "canary-previous-secret"


@pytest.fixture
def clock():
    return Clock(1_790_000_000.5)


@pytest.fixture
def sessions(clock):
    return SessionAuth(WebhookSecrets((SECRET, PREVIOUS)), lambda: False, clock)


def visitor(sessions, cookie):
    return sessions.visitor(Request({"type": "http", "headers": [(b"cookie", f"{COOKIE}={cookie}".encode())]}))


def flip(signature):
    return ("B" if signature[0] == "A" else "A") + signature[1:]


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
def test_each_valid_secret_opens_a_session_with_a_token_of_its_own(sessions, secret):
    first, second = (visitor(sessions, sessions.new_session(secret)) for _ in range(2))
    assert first.admitted
    assert second.admitted
    assert first.token != second.token
    assert visitor(sessions, sessions.new_session("not-a-valid-secret")) is None


def test_a_session_reads_the_same_each_time_and_in_each_process(sessions, clock):
    cookie = sessions.new_session(SECRET)
    other = SessionAuth(WebhookSecrets((SECRET,)), lambda: False, clock)
    assert visitor(sessions, cookie) == visitor(other, cookie) == visitor(sessions, cookie)


def test_the_cookie_holds_neither_the_secret_nor_the_token(sessions):
    cookie = sessions.new_session(SECRET)
    assert SECRET not in cookie
    assert visitor(sessions, cookie).token not in cookie


def test_a_changed_cookie_is_no_session(sessions):
    name, time, signature = sessions.new_session(SECRET).split(".")
    for changed in (
        f"x{name}.{time}.{signature}", f"{name}.z{time[1:]}.{signature}", f"{name}.{time}.{flip(signature)}",
        f"{name}.{signature}", f"{name}.{time}.", f"{name}", f".{time}.{signature}",
    ):  # fmt: skip
        assert visitor(sessions, changed) is None, changed


def test_a_session_ends_after_its_lifetime_and_not_before(sessions, clock):
    cookie = sessions.new_session(SECRET)
    clock.now += SESSION_LIFETIME - 1
    assert visitor(sessions, cookie).admitted
    clock.now += 1
    assert visitor(sessions, cookie) is None


def test_a_process_whose_clock_is_behind_accepts_a_session_just_opened(sessions, clock):
    """Else a login would fail whenever the next request is served by another machine."""
    cookie = sessions.new_session(SECRET)
    clock.now -= 30
    assert visitor(sessions, cookie).admitted


def test_a_session_of_the_signing_before_itsdangerous_needs_a_new_login(sessions, clock):
    answer = f"{int(clock()) + SESSION_LIFETIME}.name"
    key = hmac.digest(SECRET.encode(), b"alexandria dashboard", "sha256")
    assert visitor(sessions, f"{answer}.{hmac.new(key, f'pass {answer}'.encode(), hashlib.sha256).hexdigest()}") is None
