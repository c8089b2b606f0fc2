"""Names the month and the attempt that calls to providers are charged to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from uuid import UUID

from alexandria.core.month import Month

_charged: ContextVar[tuple[Month, UUID | None] | None] = ContextVar("charged", default=None)


@contextlib.contextmanager
def charged_to(month: Month, attempt_token: UUID | None) -> Iterator[None]:
    """Charge the calls made inside, also in tasks started inside, to this attempt of this month (None: no attempt)."""
    token = _charged.set((month, attempt_token))
    try:
        yield
    finally:
        _charged.reset(token)


def charged() -> tuple[Month | None, UUID | None]:
    """The month and the attempt that calls are charged to now, if any."""
    return _charged.get() or (None, None)


def is_charged() -> bool:
    """Whether calls are charged to an attempt now."""
    return charged()[1] is not None


def charge_attributes() -> dict[str, str]:
    """The month and the attempt that calls are charged to now, as attributes of a span."""
    month, token = charged()
    return {name: str(value) for name, value in (("month", month), ("attempt", token)) if value is not None}
