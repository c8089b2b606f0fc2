"""Authenticates requests by the secret, and limits wrong ones per client, for all processes together."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request

from alexandria.core.errors import DatabaseFailed, NotMigrated
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.pool import Database
from alexandria.operations import failed_logins

HEADER = "X-Cron-Secret"
MAX_FAILURES = 10.0  # wrong secrets that one client may send at once
FORGIVEN_PER_SECOND = MAX_FAILURES / 60
MAX_CLIENTS = 4096  # remembered by one process
MAX_CLIENT_LENGTH = 100  # characters of what is no address
DATABASE_TIMEOUT = 1.0  # seconds to read what other processes have counted


class SecretAuth:
    """Checks secrets.

    A valid secret never waits; otherwise a client with the operator's address could lock the operator out. While the
    `database` is away, or without one, each process counts on its own.
    """

    def __init__(
        self,
        secrets: WebhookSecrets,
        clock: Callable[[], float] = time.monotonic,
        database: Callable[[], Database] | None = None,
    ) -> None:
        self._secrets = secrets
        self._clock = clock
        self._database = database
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, and when the last was

    async def check(self, request: Request) -> None:
        """Check the secret in the header. Raises HTTPException 401, or 429 if this client has failed too often."""
        await self.admit(request, request.headers.get(HEADER, "").encode("latin-1").decode("utf-8", "replace"))

    async def admit(self, request: Request, secret: str) -> None:
        """Check a secret that was sent in another way. Raises like `check`."""
        if secret and self._secrets.admits(secret):
            return
        address = client_address(request)
        wait = self._wait_after_failure(address) or await self._wait_in_all_processes(address)
        if wait:
            raise HTTPException(429, headers={"Retry-After": str(math.ceil(wait))})
        raise HTTPException(401, headers={"WWW-Authenticate": HEADER})

    def _wait_after_failure(self, address: str) -> float:
        """Count a failure; returns 0 if it is within the allowance, else the seconds until one would be."""
        now = self._clock()
        count, then = self._failures.pop(address, (0.0, now))
        count = max(count - (now - then) * FORGIVEN_PER_SECOND, 0.0)
        within = count + 1 <= MAX_FAILURES
        self._failures[address] = (count + within, now)
        if len(self._failures) > MAX_CLIENTS:
            self._failures.popitem(last=False)
        return 0.0 if within else (count + 1 - MAX_FAILURES) / FORGIVEN_PER_SECOND

    async def _wait_in_all_processes(self, address: str) -> float:
        """The same, by what all processes have counted."""
        if self._database is None:
            return 0.0
        try:
            async with asyncio.timeout(DATABASE_TIMEOUT), self._database().transaction() as connection:
                return await failed_logins.record_failure(
                    connection, address, 1 / FORGIVEN_PER_SECOND, MAX_FAILURES / FORGIVEN_PER_SECOND
                )
        except (TimeoutError, DatabaseFailed, NotMigrated):
            return 0.0


def client_address(request: Request) -> str:
    """The client's address; for IPv6 its network, as one client has many addresses there.

    What a proxy passes on instead of an address is cut off: it is stored.
    """
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:MAX_CLIENT_LENGTH]
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return host
