"""How is the operator's receiver of alarms told? One signed request; its address may hold a secret and is never shown."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx2
from pydantic import SecretStr

from alexandria.core.tls import authorities

PATIENCE = 5.0  # seconds
SIGNATURE = "X-Alexandria-Signature"
DELIVERY = "X-Alexandria-Delivery"


class Refused(Exception):
    """The receiver did not take it; the message says why and nothing secret."""


class Receiver:
    """`secret` signs: the header X-Alexandria-Signature is "sha256=" and the HMAC of the body in hexadecimal."""

    def __init__(self, url: SecretStr, secret: SecretStr | None, version: str) -> None:
        self._url, self._secret = url, secret
        self._agent = f"Alexandria/{version}"

    async def tell(self, delivery: str, message: dict[str, Any]) -> int:
        """Send `message` as JSON; the status of a receiver that took it. Equal `delivery`: told before. Raises Refused."""
        body = json.dumps(message).encode()
        headers = {"Content-Type": "application/json", "User-Agent": self._agent, DELIVERY: delivery}
        if self._secret is not None:
            key = self._secret.get_secret_value().encode()
            headers[SIGNATURE] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        try:
            straight = httpx2.AsyncHTTPTransport(verify=authorities())
            async with (
                asyncio.timeout(PATIENCE),
                httpx2.AsyncClient(transport=straight, timeout=PATIENCE) as client,
                client.stream("POST", self._url.get_secret_value(), content=body, headers=headers) as response,
            ):
                pass  # the status is all that counts
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as failed:
            raise Refused(type(failed).__name__) from None
        if not response.is_success:
            raise Refused(f"answered {response.status_code}")
        return response.status_code
