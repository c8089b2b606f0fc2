"""What can go wrong? Every error we raise, on one screen. A class says what happened; `retry_policy.decide` says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar


class AlexandriaError(Exception):
    """Base of all our errors. `code` is stable and public; the message is for people; `hint` is the cure."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class BadInput(AlexandriaError):
    """A value from outside that cannot be used; the message names the field, the hint the cure."""

    code = "bad_input"


class Unknown(AlexandriaError):
    """What was asked for does not exist."""

    code = "not_found"


class PlanChanged(AlexandriaError):
    """A live call named a plan that can no longer be carried out exactly; `details` is the difference."""

    code = "plan_changed"


class NotNow(AlexandriaError):
    """The state of things does not allow it now; the message says which state."""

    code = "not_now"


class GateShut(NotNow):
    """The gate of a phase is not open; the message says why."""

    code = "gate_shut"


class Misconfigured(AlexandriaError):
    """A setting is missing or impossible; the message names it."""

    code = "misconfigured"


class DatabaseUnavailable(AlexandriaError):
    """PostgreSQL does not answer."""

    code = "database_unavailable"


class NotMigrated(AlexandriaError):
    """The database lacks migrations that this version needs."""

    code = "not_migrated"


class AttemptLost(AlexandriaError):
    """This attempt's token is no longer the month's: somebody else has it, so nothing may be written."""

    code = "attempt_lost"


class Paused(AlexandriaError):
    """Work on a month must wait, by a person's wish or a shutdown, until `until`."""

    code = "paused"

    def __init__(self, message: str, until: datetime, *, hint: str = "", details: Any = None) -> None:
        super().__init__(message, hint=hint, details=details)
        self.until = until


class NoBooks(AlexandriaError):
    """No generator named a single book. `causes` holds why, one of each generator."""

    code = "no_books"

    def __init__(self, message: str, causes: tuple[ProviderError, ...] = ()) -> None:
        super().__init__(message)
        self.causes = causes


class NoSources(AlexandriaError):
    """Not one bibliographic source could be asked. `causes` holds what each of them said."""

    code = "no_sources"

    def __init__(self, message: str, causes: tuple[ProviderError, ...] = ()) -> None:
        super().__init__(message)
        self.causes = causes


class ProviderError(AlexandriaError):
    """A provider gave no usable answer. `provider` is its name as in the configuration."""

    code = "provider_error"

    def __init__(self, provider: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{provider}: {message}", hint=hint)
        self.provider = provider


class RateLimited(ProviderError):
    """Too many requests just now; `retry_after` seconds if the provider said so."""

    code = "rate_limited"

    def __init__(self, provider: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(provider, message)
        self.retry_after = retry_after


class QuotaSpent(ProviderError):
    """The day's allowance is used up until `until`."""

    code = "quota_spent"

    def __init__(self, provider: str, message: str, *, until: datetime) -> None:
        super().__init__(provider, message)
        self.until = until


class NoCredit(ProviderError):
    """The account has no money or no allowance left at all: waiting does not help."""

    code = "no_credit"


class KeyMissing(ProviderError):
    """No key is configured for this provider."""

    code = "key_missing"


class KeyRefused(ProviderError):
    """The provider refuses our key, plan or User-Agent."""

    code = "key_refused"


class RequestRefused(ProviderError):
    """The provider says that the request itself is wrong: an unknown model, a malformed query."""

    code = "request_refused"


class ProviderDown(ProviderError):
    """Server error, broken connection or time-out."""

    code = "provider_down"


class BadAnswer(ProviderError):
    """An answer that cannot be read: truncated, of the wrong type, without what was asked for."""

    code = "bad_answer"


class ContentRefused(ProviderError):
    """A language model declined to answer: safety, recitation or a plain refusal."""

    code = "content_refused"


def in_words(violation: Mapping[str, Any]) -> str:
    """What one of pydantic's violations says, as the rest of a sentence of ours: no prefix and no pattern."""
    if violation["type"] == "string_pattern_mismatch":
        return "it is not of the form that is wanted"
    said = str(violation["msg"]).removeprefix("Value error, ")
    return said[:1].lower() + said[1:]


def extra_hint(extra: str) -> str:
    """How to get an extra that is missing. The package is on no index, so it comes from a checkout or a wheel."""
    return f"install the extra {extra!r} (in a checkout: make setup; from a wheel: FILE.whl[{extra}])"
