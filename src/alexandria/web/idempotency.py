"""Carries out a writing call once: a repetition with the same Idempotency-Key gets the response of the first one."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from alexandria.core.errors import BadInput, CallInProgress, KeyReused
from alexandria.database.pool import Database
from alexandria.operations import idempotency
from alexandria.operations.idempotency import IdempotentCall, StoredResponse

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_KEY_LENGTH = 255  # characters
VALID_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_LENGTH}}}", re.ASCII)
STORED_HEADERS = ("content-type", "content-security-policy", "vary", "location", "set-cookie")
MAX_CONCURRENT_CALLS = 6  # in one process: each holds one of the pool's connections, and may need a second one
POLL_INTERVAL = 0.05  # seconds
MIN_SERVER_ERROR_CODE = 500
# Not stored: nothing was carried out, or the same request may succeed later.
UNSTORED_STATUSES = frozenset({401, 403, 408, 413, 415, 429})
PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "makes the call safe to repeat: for 24 hours the same key and body get the first response again, marked "
    f"with {REPLAYED_HEADER}: true",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": r"^[\x21-\x7e]+$"},
}

Answer = Callable[[], Awaitable[Response]]


class _NotStored(Exception):  # carries a response out of a transaction that must not be kept
    def __init__(self, response: Response) -> None:
        self.response = response


class OnceOnly:
    """Carries out calls once, in one transaction with their stored responses."""

    def __init__(self, database: Callable[[], Database], clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_CALLS)

    async def run(self, call: IdempotentCall, answer: Answer, *, patience: float = 0.0) -> Response:
        """The response of `answer`, or that of an earlier call with the same key.

        While the first call is under way, waits `patience` seconds for its end, then raises CallInProgress. Raises
        KeyReused for another body. A response of 5xx is not stored, and what the call wrote is undone.
        """
        deadline = self._clock() + patience
        while True:
            try:
                return await self._run_now(call, answer)
            except CallInProgress:
                if self._clock() >= deadline:
                    raise
            await asyncio.sleep(POLL_INTERVAL)

    async def _run_now(self, call: IdempotentCall, answer: Answer) -> Response:
        try:
            async with self._slots, self._database().one_transaction() as connection:
                if not await idempotency.try_lock(connection, call):
                    raise CallInProgress(
                        f"the first call with this {HEADER} has not ended", hint="repeat it in a second"
                    )
                stored = await idempotency.find(connection, call)
                if stored is not None:
                    return _replay(call, stored)
                response = await answer()
                if response.status_code >= MIN_SERVER_ERROR_CODE:
                    raise _NotStored(response)
                if response.status_code not in UNSTORED_STATUSES:
                    await idempotency.save(connection, call, _to_store(call, response))
                return response
        except _NotStored as failed:
            return failed.response


def read_key(request: Request) -> str | None:
    """The call's idempotency key, if it has one. Raises BadInput."""
    sent = request.headers.getlist(HEADER)
    if not sent:
        return None
    if len(sent) > 1:
        raise BadInput(f"{HEADER}: sent twice", hint="send one key with each call")
    if not VALID_KEY.fullmatch(sent[0]):
        raise BadInput(
            f"{HEADER}: not 1 to {MAX_KEY_LENGTH} visible ASCII characters",
            hint="use a UUID, or a name such as nightly-2026-11-24",
        )
    return sent[0]


def canonical_json(body: bytes) -> bytes:
    """The same text for bodies that differ only in spaces or the order of fields; `body` itself if it is not JSON."""
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body


def _replay(call: IdempotentCall, stored: StoredResponse) -> Response:
    if stored.request != call.request:
        raise KeyReused(f"{HEADER}: used before with another body", hint="use a new key for a new call")
    response = Response(stored.body, stored.status)
    for name, values in stored.headers.items():
        for value in values:
            response.headers.append(name, value)
    response.headers[REPLAYED_HEADER] = "true"
    return response


def _to_store(call: IdempotentCall, response: Response) -> StoredResponse:
    headers = {name: response.headers.getlist(name) for name in STORED_HEADERS}
    return StoredResponse(
        call.request, response.status_code, {name: values for name, values in headers.items() if values},
        bytes(response.body),
    )  # fmt: skip
