"""Who looks at the pages? Whoever holds a signed pass, got for the secret at the login; its forms carry a token.

Passes are signed with a key made from the newest secret, so that a rotation ends them all. Nothing is stored.
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

from alexandria.secret import WebhookSecrets

COOKIE = "alexandria_pass"
LASTS = 12 * 3600  # seconds
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: `admitted` by the secret or only looking. `token` is what this visitor's forms must bring back."""

    id: str
    admitted: bool
    expires: int
    token: str


class Entrance:
    """Signs passes and reads them. While `public` says so everybody may look; only who is admitted may act."""

    def __init__(
        self, secrets: WebhookSecrets, public: Callable[[], bool], clock: Callable[[], float] = time.time
    ) -> None:
        self._secrets = secrets
        self._public = public
        self._clock = clock

    def visitor(self, request: Request) -> Visitor | None:
        """None without a pass that is valid now."""
        told, _, signature = request.cookies.get(COOKIE, "").rpartition(".")
        if not told or not hmac.compare_digest(signature.encode(), self._sign(f"pass {told}").encode()):
            return None
        admitted, expires, name = told.split(".")
        if int(expires) <= self._clock():
            return None
        return Visitor(name, admitted == "in", int(expires), self._sign(f"form {told}"))

    def welcome(self, *, admitted: bool) -> tuple[Visitor, str]:
        """A new visitor and the text of the pass. Nobody becomes admitted on an old pass: it might be another's."""
        expires, name = int(self._clock()) + LASTS, chance.token_urlsafe(12)
        told = f"{'in' if admitted else 'out'}.{expires}.{name}"
        return Visitor(name, admitted, expires, self._sign(f"form {told}")), f"{told}.{self._sign(f'pass {told}')}"

    @property
    def public(self) -> bool:
        return self._public()

    def may_look(self, visitor: Visitor | None) -> bool:
        return self.public or (visitor is not None and visitor.admitted)

    def _sign(self, text: str) -> str:
        key = hmac.digest(self._secrets.valid[0].encode(), b"alexandria dashboard", "sha256")
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def entrance_of(request: Request) -> Entrance:
    entrance: Entrance = request.app.state.entrance
    return entrance


def hand_over(response: Response, request: Request, text: str) -> None:
    """Put a pass into the visitor's browser; an empty one takes it away."""
    response.set_cookie(
        COOKIE,
        text,
        max_age=LASTS if text else 0,
        httponly=True,
        samesite="strict",
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
