"""Who may come in? Whoever shows a valid secret; who keeps showing wrong ones is slowed down, by all processes together."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request

from alexandria.core.errors import DatabaseUnavailable, NotMigrated
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.pool import Database
from alexandria.operations import failed_logins

HEADER = "X-Cron-Secret"
FAILURES = 10.0  # wrong secrets that one client may show at once
FORGIVEN = FAILURES / 60  # of these, so many are forgiven a second
CLIENTS = 4096  # remembered at most by one process
PATIENCE = 1.0  # seconds to ask what other processes know


class SecretAuth:
    """A right secret is never kept waiting, else whoever shares the operator's address could lock the operator out.

    While the `database` is away, or if there is none, each process counts for itself.
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
        """Raises HTTPException 401, or 429 when this client has failed too often."""
        await self.admit(request, request.headers.get(HEADER, "").encode("latin-1").decode("utf-8", "replace"))

    async def admit(self, request: Request, shown: str) -> None:
        """The same for a secret that was shown elsewhere than in the header."""
        if shown and self._secrets.admits(shown):
            return
        who = client(request)
        wait = self._wait_after_failure(who) or await self._wait_for_all(who)
        if wait:
            raise HTTPException(429, headers={"Retry-After": str(math.ceil(wait))})
        raise HTTPException(401, headers={"WWW-Authenticate": HEADER})

    def _wait_after_failure(self, who: str) -> float:
        """0 if this failure is within the allowance, else the seconds until one would be."""
        now = self._clock()
        count, then = self._failures.pop(who, (0.0, now))
        count = max(count - (now - then) * FORGIVEN, 0.0)
        within = count + 1 <= FAILURES
        self._failures[who] = (count + within, now)
        if len(self._failures) > CLIENTS:
            self._failures.popitem(last=False)
        return 0.0 if within else (count + 1 - FAILURES) / FORGIVEN

    async def _wait_for_all(self, who: str) -> float:
        """The same by what all processes have counted."""
        if self._database is None:
            return 0.0
        try:
            async with asyncio.timeout(PATIENCE), self._database().transaction() as connection:
                return await failed_logins.failed(connection, who, 1 / FORGIVEN, FAILURES / FORGIVEN)
        except (TimeoutError, DatabaseUnavailable, NotMigrated):
            return 0.0


def client(request: Request) -> str:
    """The caller's address; of IPv6 its network, as one caller has many addresses there."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return host
