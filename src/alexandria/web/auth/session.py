"""Who looks at the pages? Whoever holds a signed pass, got for the secret at the login; its forms carry a token.

A pass is signed with a key made from the secret that it was got for, so that it ends when that secret does. Nothing is
stored.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as chance
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alexandria.core.webhook_secrets import WebhookSecrets

COOKIE = "alexandria_pass"
STRANGER = "stranger"
LASTS = 12 * 3600  # seconds
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: `admitted` by the secret or only looking. `token` is what this visitor's forms must bring back."""

    id: str
    admitted: bool
    token: str


class SessionAuth:
    """Signs passes and reads them. While `public` says so everybody may look; only who is admitted may act."""

    def __init__(
        self, secrets: WebhookSecrets, public: Callable[[], bool], clock: Callable[[], float] = time.time
    ) -> None:
        self._secrets = secrets
        self._public = public
        self._clock = clock

    def visitor(self, request: Request) -> Visitor | None:
        """None without a pass that is valid now."""
        told, _, rest = request.cookies.get(COOKIE, "").rpartition(".")
        if told == STRANGER and rest:
            return Visitor(rest, admitted=False, token=rest)
        for secret in filter(None, self._secrets.valid if told else ()):
            if hmac.compare_digest(rest.encode(), _sign(secret, f"pass {told}").encode()):
                expires, name = told.split(".")
                return Visitor(name, True, _sign(secret, f"form {told}")) if int(expires) > self._clock() else None
        return None

    def admit(self, shown: str) -> str:
        """The pass for who showed this valid secret. Nobody is admitted on an older pass: it might be another's."""
        told = f"{int(self._clock()) + LASTS}.{chance.token_urlsafe(12)}"
        return f"{told}.{_sign(shown, f'pass {told}')}"

    def greet(self) -> tuple[Visitor, str]:
        """A stranger, with a pass that only proves where the login's form came from.

        It is not signed: else everybody could take one away and try secrets on it.
        """
        name = chance.token_urlsafe(24)
        return Visitor(name, admitted=False, token=name), f"{STRANGER}.{name}"

    @property
    def public(self) -> bool:
        return self._public()

    def may_look(self, visitor: Visitor | None) -> bool:
        return self.public or (visitor is not None and visitor.admitted)


def _sign(secret: str, text: str) -> str:
    key = hmac.digest(secret.encode(), b"alexandria dashboard", "sha256")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def entrance_of(request: Request) -> SessionAuth:
    entrance: SessionAuth = request.app.state.entrance
    return entrance


def hand_over(response: Response, request: Request, text: str) -> None:
    """Put a pass into the visitor's browser; an empty one takes it away.

    It comes along when a link elsewhere leads here, else that visit would replace it; forms are told by their token.
    """
    response.set_cookie(
        COOKIE,
        text,
        max_age=LASTS if text else 0,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


async def read_form(request: Request, visitor: Visitor | None) -> dict[str, str]:
    """The fields of a form of ours. Raises HTTPException 403 if another site, or nobody we know, made it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(403)
    try:
        fields = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise HTTPException(403) from None
    shown = fields.pop("token", "").encode()
    if visitor is None or not hmac.compare_digest(shown, visitor.token.encode()):
        raise HTTPException(403)
    return fields
