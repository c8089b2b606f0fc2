"""Names the month and the attempt that calls to providers are charged to, and their place in the queues for providers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from uuid import UUID

from alexandria.core.month import Month

_charged: ContextVar[tuple[Month, UUID | None] | None] = ContextVar("charged", default=None)
_since: ContextVar[float | None] = ContextVar("time at which what calls are charged to began", default=None)


@contextlib.contextmanager
def charged_to(month: Month, attempt_token: UUID | None) -> Iterator[None]:
    """Charge the calls made inside, also in tasks started inside, to this attempt of this month (None: no attempt)."""
    token, since = _charged.set((month, attempt_token)), _since.set(time.monotonic())
    try:
        yield
    finally:
        _since.reset(since)
        _charged.reset(token)


def charged() -> tuple[Month | None, UUID | None]:
    """The month and the attempt that calls are charged to now, if any."""
    return _charged.get() or (None, None)


def is_charged() -> bool:
    """Whether calls are charged to an attempt now."""
    return charged()[1] is not None


def place() -> float:
    """When the attempt that calls are charged to began, else now (monotonic seconds).

    By this place calls wait for a provider: a month that began before goes before, so that months end one after the other
    instead of all at last, and whatever has no month waits for those that are in progress and for no later one.
    """
    since = _since.get()
    return time.monotonic() if since is None else since


def charge_attributes() -> dict[str, str]:
    """The month and the attempt that calls are charged to now, as attributes of a span."""
    month, token = charged()
    return {name: str(value) for name, value in (("month", month), ("attempt", token)) if value is not None}
