"""All errors that the code raises, on one screen. A class names what happened; `retry_policy.decide` decides what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar


class AlexandriaError(Exception):
    """Base of all errors. `code` is stable and public; the message is for people; `hint` is how to fix it."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", details: Any = None) -> None:
        # PostgreSQL stores neither NUL nor halves of characters, and how an attempt ends must be stored.
        storable = message.encode("utf-8", "replace").decode().replace("\0", "\\x00")
        super().__init__(storable)
        self.message = storable
        self.hint = hint
        self.details = details


class BadInput(AlexandriaError):
    """A value from outside that cannot be used; the message names the field, the hint the fix."""

    code = "bad_input"


class Unknown(AlexandriaError):
    """The requested thing does not exist."""

    code = "not_found"


class UnknownBook(Unknown):
    """The catalogue does not hold the requested book."""


class PlanChanged(AlexandriaError):
    """A live call named a plan that can no longer be carried out exactly; `details` is the difference."""

    code = "plan_changed"


class NotNow(AlexandriaError):
    """The present state does not allow the action; the message names that state."""

    code = "not_now"


class DecisionConflict(NotNow):
    """Another person has decided on the same book since; `details` has both decisions."""

    code = "decision_conflict"


class CallInProgress(NotNow):
    """The first call with the same idempotency key has not ended; a later repetition gets its response."""

    code = "call_in_progress"


class KeyReused(BadInput):
    """An idempotency key came again with another body."""

    code = "idempotency_key_reused"


class StillInUse(NotNow):
    """Another program may be working at this moment on what is to be adopted from it; the message names the months."""

    code = "still_in_use"


class GateShut(NotNow):
    """The gate of a phase has not passed; the message gives the reason."""

    code = "gate_shut"


class Misconfigured(AlexandriaError):
    """A setting is missing or impossible; the message names it."""

    code = "misconfigured"


class ServerUnavailable(AlexandriaError):
    """A server on another machine does not answer, or not as one of this program and version does."""

    code = "server_unavailable"


class ServerRefused(AlexandriaError):
    """A server on another machine wants another secret."""

    code = "unauthorized"


class ServerBusy(NotNow):
    """A server on another machine does not answer this now, and will later."""

    code = "server_busy"


class DatabaseFailed(AlexandriaError):
    """PostgreSQL did not do what was asked; the message has the server's own reason."""

    code = "database_failed"


class DatabaseUnavailable(DatabaseFailed):
    """PostgreSQL does not answer, accepts no connections, or takes no data: waiting for it helps."""

    code = "database_unavailable"


class DatabaseBusy(DatabaseFailed):
    """Another transaction was in the way: the same is tried again."""

    code = "database_busy"


class BadData(DatabaseFailed):
    """PostgreSQL refuses the data itself: trying again does not help."""

    code = "bad_data"


class NotMigrated(AlexandriaError):
    """The database lacks migrations that this version needs."""

    code = "not_migrated"


class DatabaseNotPrepared(NotMigrated):
    """The role cannot migrate until an administrator has changed the database; `details` may hold the statements."""

    code = "database_not_prepared"


class ProgramTooOld(NotMigrated):
    """The schema was made by a newer version than this one, which does not know it."""

    code = "program_too_old"


class AttemptLost(AlexandriaError):
    """This attempt's token is no longer the month's: another attempt owns the month, so nothing may be written."""

    code = "attempt_lost"


class AttemptCompleted(AttemptLost):
    """This attempt has completed its month: it was stopped before the answer to its commit arrived."""

    code = "attempt_completed"


class Paused(AlexandriaError):
    """Work on a month must wait until `until`, because the backfill is paused or the worker shuts down."""

    code = "paused"

    def __init__(self, message: str, until: datetime, *, hint: str = "", details: Any = None) -> None:
        super().__init__(message, hint=hint, details=details)
        self.until = until


class Stalled(AlexandriaError):
    """This process was suspended or stood still during a request, so that the failure of the request proves nothing."""

    code = "stalled"


class NoBooks(AlexandriaError):
    """No generator named a book. `causes` holds the error of each generator that failed."""

    code = "no_books"

    def __init__(self, message: str, causes: tuple[ProviderError, ...] = ()) -> None:
        super().__init__(message)
        self.causes = causes


class NoSources(AlexandriaError):
    """No bibliographic source could be queried. `causes` holds the error of each."""

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
    """The provider refused because of too many requests; `retry_after` is in seconds, if it gave one."""

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
    """The account has no money or no allowance left at all. As providers report that by mistake, too, it is a wait.

    The provider is asked again at `until`: after an hour, then once a day. None: not yet known.
    """

    code = "no_credit"
    RECHECK: ClassVar[str] = "it is asked again after an hour, then once a day"  # marks the reason of such a pause

    def __init__(self, provider: str, message: str, *, hint: str = "", until: datetime | None = None) -> None:
        super().__init__(provider, message if self.RECHECK in message else f"{message}; {self.RECHECK}", hint=hint)
        self.until = until


class KeyMissing(ProviderError):
    """No key is configured for this provider."""

    code = "key_missing"


class KeyRefused(ProviderError):
    """The provider refuses the key, plan or User-Agent."""

    code = "key_refused"


class RequestRefused(ProviderError):
    """The provider refuses the request itself: an unknown model, a malformed query."""

    code = "request_refused"


class ProviderDown(ProviderError):
    """Server error, broken connection or time-out. `status` is that of the answer, if there was one.

    `retry_after` is in seconds, if the provider asks for a wait; then the provider is paused for as long.
    """

    code = "provider_down"
    WAIT: ClassVar[str] = "it asks for a wait"  # marks the reason of such a pause

    def __init__(
        self,
        provider: str,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        marked = message if not retry_after or self.WAIT in message else f"{message}; {self.WAIT}"
        super().__init__(provider, marked, hint=hint)
        self.status = status
        self.retry_after = retry_after


class NoAnswer(ProviderDown):
    """No answer came in time; the provider may still be working on it, and bill it."""


class CircuitOpen(ProviderDown):
    """The provider has not answered lately and is paused for all workers; no request was sent."""


class BadAnswer(ProviderError):
    """An answer that cannot be read: truncated, of the wrong type, or without the requested content."""

    code = "bad_answer"


class ContentRefused(ProviderError):
    """A language model declined to answer: safety, recitation or a plain refusal."""

    code = "content_refused"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, the outermost first; ends even if the causes form a cycle."""
    passed: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in passed:
        passed.add(id(cause))
        yield cause
        cause = cause.__cause__


def origin(error: BaseException) -> BaseException:
    """Return the first cause of an error, beneath all wrapping."""
    *_, first = causes(error)
    return first


def in_words(violation: Mapping[str, Any]) -> str:
    """Return a violation that pydantic found as the end of a sentence, without its prefix or pattern."""
    if violation["type"] == "string_pattern_mismatch":
        return "it does not have the expected form"
    message = str(violation["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


@contextmanager
def usable_data_dir(folder: Path) -> Iterator[None]:
    """Raise Misconfigured for an OSError inside: `folder` cannot be used as the data directory."""
    try:
        yield
    except OSError as problem:
        raise Misconfigured(
            f"cannot use {folder} as data directory: {(problem.strerror or str(problem)).lower()}",
            hint="set ALEXANDRIA_DATA_DIR to another folder, or set DATABASE_URL to a PostgreSQL of your own",
        ) from problem


def extra_hint(extra: str) -> str:
    """Return how to install a missing extra. The package is on no index, so it comes from a checkout or a wheel."""
    return f"install the extra {extra!r} (in a checkout: make setup; from a wheel: FILE.whl[{extra}])"
