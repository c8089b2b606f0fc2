"""Calls the operator's receiver of alerts: one request, signed as Standard Webhooks asks.

The address may contain a secret and is never printed. See https://www.standardwebhooks.com for how a receiver verifies a call.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import httpx2
from pydantic import SecretStr
from standardwebhooks import Webhook

from alexandria.core.config import STANDARD_SECRET_PREFIX
from alexandria.core.errors import Misconfigured
from alexandria.core.proxies import EnvironmentTransport
from alexandria.operations.alerts.incidents import DeliveryFailed

CALL_TIMEOUT = 5.0  # seconds
SIGNATURE_HEADER = (
    "X-Alexandria-Signature"  # of the first release; to be removed with DELIVERY_HEADER after the next one
)
DELIVERY_HEADER = "X-Alexandria-Delivery"


class Receiver:
    """The receiver at `url`. Calls are signed if there is a `secret`; see `signing_key` for the key made from it."""

    def __init__(self, url: SecretStr, secret: SecretStr | None, version: str) -> None:
        self._url, self._secret = url, secret
        self._agent = f"Alexandria/{version}"

    async def send(self, delivery: str, message: dict[str, Any]) -> int:
        """Send `message` as JSON and return the status of the answer. Raises DeliveryFailed.

        `delivery` is the same for every attempt to deliver one message, so that the receiver can ignore a repeated one.
        """
        body = json.dumps(message)
        headers = {"Content-Type": "application/json", "User-Agent": self._agent} | self._identify(delivery, body)
        try:
            async with (
                asyncio.timeout(CALL_TIMEOUT),
                httpx2.AsyncClient(transport=EnvironmentTransport(), timeout=CALL_TIMEOUT) as client,
                client.stream("POST", self._url.get_secret_value(), content=body.encode(), headers=headers) as response,
            ):
                pass  # the status is all that counts
        except Misconfigured as proxy:
            raise DeliveryFailed(proxy.message) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as failed:
            raise DeliveryFailed(type(failed).__name__) from None
        if not response.is_success:
            raise DeliveryFailed(f"answered {response.status_code}")
        return response.status_code

    def _identify(self, delivery: str, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        headers = {"webhook-id": delivery, "webhook-timestamp": str(int(now.timestamp())), DELIVERY_HEADER: delivery}
        if self._secret is not None:
            secret = self._secret.get_secret_value()
            headers["webhook-signature"] = Webhook(signing_key(secret)).sign(delivery, now, body)
            headers[SIGNATURE_HEADER] = f"sha256={hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()}"
        return headers


def signing_key(secret: str) -> str | bytes:
    """Return the key of the Standard Webhooks signature as the library takes it.

    A secret like whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw is base64 of the key; any other text is itself the key.
    """
    return secret if secret.startswith(STANDARD_SECRET_PREFIX) else secret.encode()
