"""Turns an unexpected error inside a call to a provider into that provider's own failure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import structlog

from alexandria.core import errors

log = structlog.get_logger(__name__)


@contextlib.contextmanager
def failure_of(provider: str) -> Iterator[None]:
    """Turn an unforeseen error inside into BadAnswer of `provider`, as only its answer differs from other calls.

    So the answers of other providers are used. Our own errors pass, also those of a database that does not answer.
    """
    try:
        yield
    except errors.AlexandriaError:
        raise
    except Exception as unforeseen:  # whatever an answer can do to the code that reads it concerns this provider alone
        log.exception("unexpected error in a call to a provider", provider=provider)
        raise errors.BadAnswer(provider, f"its answer led to an unexpected {type(unforeseen).__name__}") from unforeseen
