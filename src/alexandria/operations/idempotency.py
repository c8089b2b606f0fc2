"""Stores the responses to writing calls by their idempotency keys, so that a repeated call changes nothing more."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)

RESPONSE_LIFETIME = 24 * 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """One call: what makes it the same call again (`id`), and what it asks for (`request`); both are SHA-256 digests."""

    id: bytes
    request: bytes

    @classmethod
    def of(cls, credential: str, path: str, key: str, body: bytes) -> IdempotentCall:
        """The call of `key` at `path` by the holder of `credential`, of which only a keyed digest is stored."""
        named = f"{path}\n{key}".encode()
        return cls(hmac.digest(credential.encode(), named, "sha256"), hashlib.sha256(body).digest())

    @property
    def lock(self) -> int:
        """The number of the advisory lock that is held while the call is carried out."""
        return int.from_bytes(self.id[:8], signed=True)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response of the first call. `request` is that call's."""

    request: bytes
    status: int
    headers: dict[str, list[str]]
    body: bytes


async def try_lock(connection: Connection, call: IdempotentCall) -> bool:
    """Whether this transaction may carry out the call: false while another one does. Waits for nothing."""
    row = await (await connection.execute(SQL["try_lock"], {"lock": call.lock})).fetchone()
    return row is not None and bool(row["locked"])


async def find(connection: Connection, call: IdempotentCall) -> StoredResponse | None:
    """The response to the first call with this key within its lifetime."""
    values = {"id": call.id, "lifetime": RESPONSE_LIFETIME}
    row = await (await connection.execute(SQL["find"], values)).fetchone()
    return None if row is None else StoredResponse(**row)


async def save(connection: Connection, call: IdempotentCall, response: StoredResponse) -> None:
    """Store the response in the transaction that carried out the call."""
    values = {
        "id": call.id,
        "request": response.request,
        "status": response.status,
        "headers": Jsonb(response.headers),
        "body": response.body,
    }
    await connection.execute(SQL["save"], values)


async def delete_expired(connection: Connection, limit: int) -> int:
    """Delete up to `limit` responses whose lifetime is over; returns how many."""
    values = {"lifetime": RESPONSE_LIFETIME, "limit": limit}
    return (await connection.execute(SQL["delete_expired"], values)).rowcount
