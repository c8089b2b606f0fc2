"""Sessions of the dashboard: a signed cookie that a login with the webhook secret gets, and the token of its forms.

A session is signed with a key derived from the secret that it was opened with, and ends when that secret does. Nothing
is stored, and the cookie holds no secret.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from itsdangerous import BadSignature, Signer, TimestampSigner
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alexandria.core.webhook_secrets import WebhookSecrets

COOKIE = "alexandria_pass"
GUEST = "stranger"  # marks the cookie of a visitor who has not logged in
SESSION_LIFETIME = 12 * 3600  # seconds
FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 120  # a page of books has one for each that is selected


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser with a session; `admitted` by the secret or a guest. Its forms must return `token`."""

    id: str
    admitted: bool
    token: str


class SessionAuth:
    """Signs and verifies session cookies. While `public()` is true everybody may view; only the admitted may act."""

    def __init__(
        self, secrets: WebhookSecrets, public: Callable[[], bool], clock: Callable[[], float] = time.time
    ) -> None:
        self._secrets = secrets
        self._public = public
        self._clock = clock

    def visitor(self, request: Request) -> Visitor | None:
        """Return the visitor of the request's cookie, or None without a session that is valid now."""
        cookie = request.cookies.get(COOKIE, "")
        kind, _, name = cookie.rpartition(".")
        if kind == GUEST and name:
            return Visitor(name, admitted=False, token=name)
        for secret in filter(None, self._secrets.valid):
            try:
                # No `max_age`: it also refuses a session of the coming second, as another machine's clock makes them.
                signed, opened_at = _Sessions(secret, self._clock).unsign(cookie, return_timestamp=True)
            except BadSignature:
                continue
            if self._clock() - opened_at.timestamp() < SESSION_LIFETIME:
                return Visitor(signed.decode(), admitted=True, token=_form_token(secret, signed))
        return None

    def new_session(self, secret: str) -> str:
        """Return the cookie of a new session, opened with this valid secret. An older cookie is never admitted again."""
        return _Sessions(secret, self._clock).sign(secrets.token_urlsafe(12)).decode()

    def new_guest(self) -> tuple[Visitor, str]:
        """Return a guest and its cookie, which only proves that the login's form came from this browser.

        It is not signed: a signed one could be taken away to try secrets on.
        """
        name = secrets.token_urlsafe(24)
        return Visitor(name, admitted=False, token=name), f"{GUEST}.{name}"

    @property
    def public(self) -> bool:
        return self._public()

    def may_view(self, visitor: Visitor | None) -> bool:
        return self.public or (visitor is not None and visitor.admitted)


class _Sessions(TimestampSigner):
    """Signs the names of sessions with the time of a given clock."""

    def __init__(self, secret: str, clock: Callable[[], float]) -> None:
        super().__init__(
            secret, salt="alexandria dashboard session", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock())


def _form_token(secret: str, session: bytes) -> str:
    signer = Signer(secret, salt="alexandria dashboard form", key_derivation="hmac", digest_method=hashlib.sha256)
    return signer.get_signature(session).decode()


def session_auth_of(request: Request) -> SessionAuth:
    """The session authentication of the application."""
    auth: SessionAuth = request.app.state.session_auth
    return auth


def set_session_cookie(response: Response, request: Request, session: str) -> None:
    """Set the session cookie in the visitor's browser; an empty session deletes it.

    The browser also sends it when a link on another site leads here, as that visit would otherwise replace the session;
    forms are protected by their token.
    """
    response.set_cookie(
        COOKIE,
        session,
        max_age=SESSION_LIFETIME if session else 0,
        path=cookie_path(request),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def cookie_path(request: Request) -> str:
    """The path of our cookies: they are not sent to what else a proxy publishes on the same host."""
    return request.scope.get("root_path") or "/"


async def read_form(request: Request, visitor: Visitor | None) -> dict[str, str]:
    """Return the fields of a form. Raises HTTPException 403 if the form is not from a page of this visitor."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_CONTENT_TYPE:
        raise HTTPException(415)
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(403)
    try:
        fields = dict(
            parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
        )
    except ValueError:
        raise HTTPException(403) from None
    token = fields.pop("token", "").encode()
    if visitor is None or not hmac.compare_digest(token, visitor.token.encode()):
        raise HTTPException(403)
    return fields
