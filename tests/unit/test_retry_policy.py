"""What follows from every error there is: a row for each class, and what PostgreSQL's own errors become."""

import inspect
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout

from alexandria.backfill.retry_policy import (
    MAX_ATTEMPTS,
    MAX_HINT,
    MAX_OUTAGE_WAIT,
    MIN_HINT,
    MIXED_FAILURE_PAUSE,
    NO_KEY,
    PROVIDERS_DOWN,
    RATE_LIMIT_PAUSE,
    GiveUp,
    Retry,
    Snooze,
    backoff,
    decide,
    decide_lost,
    outage_wait,
    recheck_at,
)
from alexandria.core import errors
from alexandria.database.pool import unavailable

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
SPENT = errors.QuotaSpent("isbndb", "the day's quota is used up", until=LATER)
SLOW = errors.RateLimited("xai", "slow down", retry_after=48.0)
DOWN = errors.ProviderDown("xai", "answered 503")
KEY = errors.KeyRefused("gemini", "refuses our key with 401")
NO_XAI_KEY = errors.KeyMissing("xai", "no key is configured")
EMPTY = errors.BadAnswer("gemini", "named 0 books")
FIRST_WAIT = timedelta(seconds=30)  # for providers, without the share that chance takes off
# Every class of errors.py, in its order. A wait costs no attempt; Retry is one attempt of five; Bury is for people.
ROWS: dict[type[errors.AlexandriaError], list[tuple[BaseException, type]]] = {
    errors.AlexandriaError: [(errors.AlexandriaError("something"), Retry)],
    errors.BadInput: [(errors.BadInput("prompt_variant: unknown"), GiveUp)],
    errors.Unknown: [(errors.Unknown("no such month"), Retry)],
    errors.UnknownBook: [(errors.UnknownBook("no such book"), Retry)],  # is never raised by an attempt
    errors.PlanChanged: [(errors.PlanChanged("gone"), Retry)],
    errors.DecisionConflict: [(errors.DecisionConflict("decided again"), Retry)],  # is never raised by an attempt
    errors.NotNow: [(errors.NotNow("nobody holds it"), Retry)],  # is never raised by an attempt, nor is the next
    errors.GateShut: [(errors.GateShut("not proven"), Retry)],
    errors.StillInUse: [(errors.StillInUse("the earlier scheduler may be working"), Retry)],
    errors.CallInProgress: [(errors.CallInProgress("in progress"), Retry)],
    errors.Misconfigured: [(errors.Misconfigured("setting X: impossible"), GiveUp)],
    errors.KeyReused: [(errors.KeyReused("another body"), GiveUp)],
    errors.ServerUnavailable: [(errors.ServerUnavailable("no answer"), Retry)],  # of commands alone, as the next two
    errors.ServerRefused: [(errors.ServerRefused("wants another one"), Retry)],
    errors.ServerBusy: [(errors.ServerBusy("asked too often"), Retry)],
    errors.DatabaseFailed: [(errors.DatabaseFailed("PostgreSQL refuses the statement"), Retry)],
    errors.DatabaseBusy: [(errors.DatabaseBusy("another transaction is in the way"), Snooze)],
    errors.BadData: [(errors.BadData("PostgreSQL refuses the data"), GiveUp)],
    errors.DatabaseUnavailable: [(errors.DatabaseUnavailable("PostgreSQL does not answer"), Snooze)],
    errors.NotMigrated: [(errors.NotMigrated("the schema is older than this version needs"), Snooze)],
    errors.DatabaseNotPrepared: [(errors.DatabaseNotPrepared("the role may not do this"), Snooze)],
    errors.ProgramTooOld: [(errors.ProgramTooOld("the schema is newer"), Snooze)],
    errors.AttemptLost: [(errors.AttemptLost("taken over"), Retry)],  # is never written: the month is another's
    errors.AttemptCompleted: [(errors.AttemptCompleted("the month is completed"), Retry)],  # is never written either
    errors.Paused: [(errors.Paused("the worker was stopped", NOW), Snooze), (errors.Paused("by ann", LATER), Snooze)],
    errors.NoBooks: [
        (errors.NoBooks("none is configured"), Retry),
        (errors.NoBooks("none", (DOWN, DOWN)), Snooze),
        (errors.NoBooks("none", (DOWN, KEY)), Snooze),
        (errors.NoBooks("none", (NO_XAI_KEY, NO_XAI_KEY)), Snooze),
        (errors.NoBooks("none", (NO_XAI_KEY, KEY)), GiveUp),
        (errors.NoBooks("none", (NO_XAI_KEY, EMPTY)), Retry),
        (errors.NoBooks("none", (KEY, errors.NoCredit("xai", "no credit"))), Snooze),
        (errors.NoBooks("none", (SPENT, SLOW)), Snooze),
        (errors.NoBooks("none", (SPENT, KEY)), Snooze),
        (errors.NoBooks("none", (SPENT, DOWN)), Snooze),
        (errors.NoBooks("none", (errors.BadAnswer("gemini", "named 0 books"), SPENT)), Snooze),
        (errors.NoBooks("none", (errors.BadAnswer("gemini", "named 0 books"), KEY)), Retry),
    ],
    errors.Stalled: [(errors.Stalled("this process stood still during a request"), Snooze)],
    errors.NoSources: [
        (errors.NoSources("none is configured"), Retry),
        (errors.NoSources("none", (DOWN,)), Snooze),
        (errors.NoSources("none", (KEY,)), GiveUp),
        (errors.NoSources("none", (SPENT, DOWN)), Snooze),
    ],
    errors.ProviderError: [(errors.ProviderError("xai", "something"), Retry)],
    errors.RateLimited: [(SLOW, Snooze), (errors.RateLimited("xai", "slow down"), Snooze)],
    errors.QuotaSpent: [(SPENT, Snooze)],
    errors.NoCredit: [(errors.NoCredit("xai", "no credit"), Snooze)],  # which is reported by mistake, too
    errors.KeyMissing: [(errors.KeyMissing("gemini", "no key"), Snooze)],
    errors.KeyRefused: [(KEY, GiveUp), (errors.KeyRefused("open_library", "refuses us with 403"), GiveUp)],
    errors.RequestRefused: [(errors.RequestRefused("gemini", "knows no model 'x'"), GiveUp)],
    errors.ProviderDown: [(DOWN, Snooze), (errors.ProviderDown("gemini", "no answer within 120 s"), Snooze)],
    errors.NoAnswer: [(errors.NoAnswer("gemini", "no answer within 300 s"), Snooze)],
    errors.CircuitOpen: [(errors.CircuitOpen("gemini", "paused for 30 s: does not answer"), Snooze)],
    errors.BadAnswer: [(errors.BadAnswer("gemini", "is not JSON"), Retry)],
    errors.ContentRefused: [(errors.ContentRefused("gemini", "the model declined (SAFETY)"), Retry)],
}
FOREIGN = [ZeroDivisionError("secret"), TimeoutError(), MemoryError(), RecursionError(), pg.UniqueViolation("secret")]
# What PostgreSQL, its driver and the pool raise, and what it amounts to.
TRANSLATED: dict[type[errors.AlexandriaError], list[type[Exception]]] = {
    errors.DatabaseUnavailable: [
        pg.ConnectionFailure, pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.QueryCanceled, pg.IoError,
        pg.SystemError, pg.InsufficientResources, pg.DiskFull, pg.OutOfMemory, pg.TooManyConnections,
        pg.InvalidPassword, pg.InvalidCatalogName, pg.IdleInTransactionSessionTimeout, pg.ReadOnlySqlTransaction,
        psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed,
    ],
    errors.DatabaseBusy: [pg.LockNotAvailable, pg.ObjectInUse, pg.DeadlockDetected, pg.SerializationFailure],
    errors.BadData: [
        pg.StringDataRightTruncation, pg.UntranslatableCharacter, pg.NumericValueOutOfRange, pg.CheckViolation,
        pg.UniqueViolation, pg.ForeignKeyViolation, pg.ProgramLimitExceeded, psycopg.DataError,
    ],
    errors.NotMigrated: [pg.UndefinedTable, pg.UndefinedColumn, pg.UndefinedFunction],
    errors.DatabaseNotPrepared: [pg.InsufficientPrivilege],
    errors.DatabaseFailed: [
        pg.SyntaxError, pg.RaiseException, pg.InternalError_, pg.ConfigurationLimitExceeded,
        pg.InFailedSqlTransaction, pg.FeatureNotSupported,
    ],
}  # fmt: skip
LASTING: dict[type[errors.AlexandriaError], type] = {
    errors.BadData: GiveUp,
    errors.DatabaseFailed: Retry,
}  # by what it amounts to; everything else is a wait


def decided(error, failed_before=0):
    return decide(error, failed_before, NOW, random.Random(1))


def test_every_class_of_error_has_its_row():
    """A class that is added to errors.py without a row here fails."""
    classes = [
        each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, errors.AlexandriaError)
    ]
    assert ROWS.keys() == set(classes)
    assert all(type(error) is of for of, rows in ROWS.items() for error, _ in rows)


@pytest.mark.parametrize(
    ("error", "kind"), [row for rows in ROWS.values() for row in rows] + [(error, Retry) for error in FOREIGN]
)
def test_the_decision_for_each_error(error, kind):
    """Waits stay waits on the last attempt; a failure on the last attempt is the end; nothing lies in the past or leaks."""
    first, last = decided(error), decided(error, MAX_ATTEMPTS - 1)
    assert type(first) is kind
    assert type(last) is (GiveUp if kind is Retry else kind)
    when = first.at if isinstance(first, Retry) else first.until if isinstance(first, Snooze) else NOW
    assert NOW <= when <= NOW + timedelta(days=1)
    assert first.reason
    assert first.code
    assert "secret" not in first.reason + last.reason


@pytest.mark.parametrize("bundle", [errors.NoBooks, errors.NoSources])
def test_the_decision_for_several_errors_follows_from_each(bundle):
    """Every class of a provider's error with every other, two and three at a time: a wait if one of them is a wait,
    the end if each of them is, else a failed attempt; never sooner than the first wait, never counted for one."""
    each = [row for of, rows in ROWS.items() if issubclass(of, errors.ProviderError) for row in rows]
    counted: Counter[type] = Counter()
    for together in (*combinations_with_replacement(each, 2), *combinations_with_replacement(each, 3)):
        if len({type(cause) is errors.KeyMissing for cause, _ in together}) == 2:
            continue  # a provider without a key is as one that is not configured: see below
        causes, kinds = zip(*together, strict=True)
        kind = Snooze if Snooze in kinds else GiveUp if set(kinds) == {GiveUp} else Retry
        first, last = (decided(bundle("none", causes), failed) for failed in (0, MAX_ATTEMPTS - 1))
        assert type(first) is kind, causes
        assert type(last) is (GiveUp if kind is Retry else kind), causes
        if isinstance(first, Snooze):
            waits = [alone.until for cause in causes if isinstance(alone := decided(cause), Snooze)]
            meanwhile = [NOW + MIXED_FAILURE_PAUSE] if Retry in kinds else []
            only_down = all(k is GiveUp or issubclass(type(c), errors.ProviderDown) for c, k in together)
            assert (first.code == PROVIDERS_DOWN) == only_down, causes
            assert first.until == min(waits + meanwhile), causes
        counted[kind] += 1
    assert set(counted) == {Retry, Snooze, GiveUp}


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [(raised, becomes) for becomes, many in TRANSLATED.items() for raised in many],
    ids=lambda value: value.__name__,
)
def test_only_a_server_that_is_away_full_or_busy_is_a_wait(raised, becomes):
    """As PostgreSQL and the pool say it, through the one place that translates: no month fails of it."""
    with pytest.raises(errors.AlexandriaError) as caught, unavailable():
        raise raised("the server's own sentence")
    assert type(caught.value) is becomes
    assert "the server's own sentence" in caught.value.message or raised is PoolClosed
    assert type(decided(caught.value)) is LASTING.get(becomes, Snooze)


def test_a_full_disk_is_reported():
    with pytest.raises(errors.DatabaseUnavailable, match="disk of PostgreSQL is full"), unavailable():
        raise pg.DiskFull


def test_a_mistake_in_the_use_of_the_driver_stays_what_it_is():
    with pytest.raises(psycopg.ProgrammingError), unavailable():
        raise psycopg.ProgrammingError("the query has 2 placeholders but 1 parameters were passed")


@given(st.floats())
def test_no_hint_of_a_provider_breaks_a_decision(hint):
    """Seconds without end, before now or of no number at all."""
    decision = decided(errors.RateLimited("xai", "slow down", retry_after=hint))
    assert isinstance(decision, Snooze)
    assert NOW + MIN_HINT <= decision.until <= NOW + max(MAX_HINT, RATE_LIMIT_PAUSE)


def test_of_several_waits_the_first_counts_and_what_failed_is_tried_meanwhile():
    assert decided(errors.NoBooks("none", (SPENT, SLOW))).until == NOW + timedelta(seconds=48)
    assert decided(errors.NoBooks("none", (SPENT, EMPTY))).until == NOW + MIXED_FAILURE_PAUSE
    assert decided(errors.NoBooks("none", (SPENT, KEY))).until == LATER


@pytest.mark.parametrize("failed", range(MAX_ATTEMPTS))
def test_a_lost_attempt_counts_unless_the_database_was_away(failed):
    lost, away = decide_lost(failed, NOW, outage=False), decide_lost(failed, NOW, outage=True)
    assert type(lost) is (GiveUp if failed + 1 == MAX_ATTEMPTS else Retry)
    assert isinstance(away, Snooze)
    assert away.until == NOW


class Chance(random.Random):
    """Always draws the same fraction."""

    def __init__(self, fraction):
        super().__init__()
        self.fraction = fraction

    def random(self):
        return self.fraction


@pytest.mark.parametrize(
    ("failed", "seconds"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (7, 1920), (8, 3600), (9, 3600)],
)
def test_the_wait_after_a_failure_doubles_from_half_a_minute_to_an_hour_give_or_take_a_quarter(failed, seconds):
    shortest, usual, longest = (backoff(failed, Chance(fraction)).total_seconds() for fraction in (0.0, 0.5, 1.0))
    assert (shortest, usual, longest) == (seconds * 0.75, seconds, seconds * 1.25)


@pytest.mark.parametrize(("failed_before", "seconds"), [(0, 30), (1, 60), (2, 120), (3, 240)])
def test_a_failed_attempt_is_repeated_after_the_wait_for_all_failures_so_far(failed_before, seconds):
    decision = decide(EMPTY, failed_before, NOW, Chance(0.5))
    assert decision == Retry(NOW + timedelta(seconds=seconds), "gemini: named 0 books", "bad_answer")


@pytest.mark.parametrize(
    ("waited", "seconds"), [(0, 30), (1, 60), (2, 120), (5, 960), (6, 1800), (7, 1800), (400, 1800)]
)
def test_an_outage_is_a_wait_that_doubles_to_half_an_hour_whatever_the_attempts_before(waited, seconds):
    """Never longer than that, shorter by up to a quarter; in a bundle, and on what would be the last attempt."""
    rest = timedelta(seconds=seconds)
    assert (outage_wait(waited, Chance(1.0)), outage_wait(waited, Chance(0.0))) == (rest, rest * 0.75)
    assert rest <= MAX_OUTAGE_WAIT
    reason = "providers_down: xai: answered 503"
    for error in (DOWN, errors.NoBooks("none", (DOWN,)), errors.NoSources("none", (DOWN,))):
        decision = decide(error, MAX_ATTEMPTS - 1, NOW, Chance(1.0), waited)
        assert decision == Snooze(NOW + rest, reason, PROVIDERS_DOWN)


def test_a_provider_without_a_key_is_as_one_that_is_not_configured():
    """If all lack one the month waits for it; else what the others say decides, and a wrong key still fails."""
    missing = errors.NoBooks("none", (NO_XAI_KEY, errors.KeyMissing("gemini", "no key is configured")))
    decision = decide(missing, MAX_ATTEMPTS - 1, NOW, Chance(1.0), 1)
    reason = "no_key: xai: no key is configured; gemini: no key is configured"
    assert decision == Snooze(NOW + 2 * FIRST_WAIT, reason, NO_KEY)
    for other in (DOWN, KEY, SPENT, SLOW, EMPTY, errors.NoCredit("xai", "no credit")):
        beside, alone = (decided(errors.NoBooks("none", causes)) for causes in ((NO_XAI_KEY, other), (other,)))
        assert beside == alone


def test_a_month_does_not_fail_for_good_while_no_model_has_a_key():
    """Where only Wikidata was asked, which knows no book of it; beside a model with a key it fails."""
    nothing = errors.BadAnswer("wikidata", "named 0 books")
    causes = (NO_XAI_KEY, nothing)
    assert isinstance(decided(errors.NoBooks("none", causes), MAX_ATTEMPTS - 2), Retry)
    last = decided(errors.NoBooks("none", causes), MAX_ATTEMPTS - 1)
    assert (type(last), last.code) == (Snooze, NO_KEY)
    assert last.reason == "no_key: xai: no key is configured; wikidata: named 0 books"
    for others in ((nothing,), (NO_XAI_KEY, EMPTY), (NO_XAI_KEY, nothing, EMPTY)):
        assert isinstance(decided(errors.NoBooks("none", others), MAX_ATTEMPTS - 1), GiveUp)


def test_the_fifth_failure_is_the_last_and_is_counted_in_the_reason():
    assert decided(EMPTY, 4) == GiveUp("gemini: named 0 books (attempt 5 of 5)", "bad_answer")
    assert decide_lost(4, NOW, outage=False) == GiveUp("its worker was lost (attempt 5 of 5)", "worker_lost")
    assert decide_lost(3, NOW, outage=False) == Retry(NOW, "its worker was lost", "worker_lost")
    assert decide_lost(4, NOW, outage=True).code == "database_unavailable"


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (errors.DatabaseUnavailable("PostgreSQL does not answer"), timedelta(seconds=5)),
        (errors.NotMigrated("the schema is older than this version needs"), timedelta(minutes=1)),
        (errors.RateLimited("xai", "slow down"), timedelta(minutes=1)),
        (errors.RateLimited("xai", "slow down", retry_after=float("inf")), timedelta(minutes=1)),
        (errors.RateLimited("xai", "slow down", retry_after=0.0), timedelta(seconds=5)),
        (errors.RateLimited("xai", "slow down", retry_after=5.5), timedelta(seconds=5.5)),
        (errors.RateLimited("xai", "slow down", retry_after=1e9), timedelta(days=1)),
        (errors.QuotaSpent("xai", "used up", until=NOW - timedelta(hours=1)), timedelta(0)),
        (errors.NoBooks("none", (SPENT, EMPTY)), timedelta(minutes=10)),
        (errors.NoBooks("none", (SPENT, KEY, EMPTY)), timedelta(minutes=10)),
        (errors.Stalled("this process stood still during a request"), timedelta(0)),
        (errors.NoBooks("none", (SPENT, KEY, SPENT)), timedelta(hours=3)),
    ],
)
def test_each_wait_has_its_length(error, wait):
    """An outage, an old schema, a provider's hint within bounds, a quota, and what is tried meanwhile."""
    assert decided(error) == Snooze(NOW + wait, error.message, error.code)


def test_a_foreign_error_shows_its_type_only():
    decision = decided(ZeroDivisionError("secret"))
    assert (decision.reason, decision.code) == ("unexpected ZeroDivisionError", "unexpected")


@pytest.mark.parametrize(
    ("looks", "hindered", "at"),
    [
        (1, False, NOW + timedelta(days=7)),
        (2, False, NOW + timedelta(days=30)),
        (3, False, None),
        (1, True, datetime(2026, 11, 25, 0, 10, tzinfo=UTC)),
        (3, True, datetime(2026, 11, 25, 0, 10, tzinfo=UTC)),
    ],
)
def test_an_unresolved_book_is_looked_up_again_after_a_week_and_a_month(looks, hindered, at):
    """One whose sources could not be asked is looked up when the providers' next day has begun."""
    assert recheck_at(looks, hindered, NOW.replace(minute=34, second=56, microsecond=78) if hindered else NOW) == at
