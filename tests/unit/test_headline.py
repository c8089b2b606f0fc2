"""The one sentence about everything, and the condition of a provider that it is made from."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from alexandria.operations.eta import RunState
from alexandria.operations.headline import headline
from alexandria.operations.progress import MonthCell
from alexandria.operations.provider_states import state_of
from alexandria.operations.schemas import PauseState
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.providers.response_cache import RecentCalls
from tests.unit.test_run_state import APPROVAL, TOMORROW

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RUNNING = RunState("Running", "2 months in progress.", "processing")
IN_AN_HOUR, IN_TWO = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
AT_MIDNIGHT = NOW + timedelta(hours=12)


def lane(name="isbndb", **changes):
    values = {"rate": 1.0, "paused_until": None, "pause_reason": "", "day": date(2026, 11, 24), "cap": None, "limit": None,
              "used": 0, "reserved": 0, "reset_at": AT_MIDNIGHT}  # fmt: skip
    return LaneStatus(name, **(values | changes))


def provider(recent=None, last=None, *, in_use=True, **changes):
    it = lane(**changes)
    return state_of(it, recent, last, in_use={it.name} if in_use else set())


def sentence(*providers, cells=(), pause=None, workers=2, rollout=None, incidents=0):
    return headline(
        RUNNING, cells, NOW, pause=pause, workers=workers, rollout=rollout, summary=None, providers=providers, incidents=incidents
    )  # fmt: skip


def retried(month, at):
    return MonthCell(2023, month, "retry", None, None, at, Decimal(0), NOW)


DOWN = {
    "down_since": NOW - timedelta(minutes=5),
    "paused_until": IN_AN_HOUR,
    "pause_reason": "does not answer (timeout)",
}


@pytest.mark.parametrize(
    ("changes", "condition", "breaker", "words"),
    [
        ({}, "working", "closed", "no request within an hour"),
        ({"in_use": False}, "not_used", "closed", "no setting names it as a source or generator"),
        ({"failures": 3}, "failing", "closed", "3 requests in a row without an answer"),
        ({"cap": 10, "used": 9, "reserved": 1}, "quota_spent", "closed", "the day's quota for months is used up until 00:00 UTC"),
        ({"paused_until": IN_AN_HOUR, "pause_reason": "too fast"}, "paused", "closed", "paused until 13:00 UTC: too fast"),
        (DOWN, "down", "open", "no answer since 11:55 UTC; probed again at 13:00 UTC"),
        (DOWN | {"probing": True}, "down", "half_open", "no answer since 11:55 UTC; a request probes it now"),
        (DOWN | {"in_use": False}, "down", "open", "no answer since 11:55 UTC; probed again at 13:00 UTC"),
    ],
)  # fmt: skip
def test_a_provider_has_one_condition_and_the_state_of_its_breaker(changes, condition, breaker, words):
    found = provider(**changes)
    assert (found.condition, found.breaker, found.words) == (condition, breaker, words)


def test_errors_are_all_calls_that_gave_no_answer_of_use():
    recent = RecentCalls("isbndb", answered=90, limited=5, refused=3, silent=2, median_ms=200, p95_ms=900)
    found = provider(recent, NOW)
    assert (found.calls, found.errors, found.limited, found.words) == (100, 10, 5, "10 of 100 requests failed")
    assert (found.median_ms, found.p95_ms, found.last_answer_at) == (200, 900, NOW)
    quiet = provider()
    assert (quiet.calls, quiet.errors, quiet.median_ms, quiet.last_answer_at) == (0, 0, None, None)


def test_everything_is_in_one_sentence():
    paused = provider(name="wikidata", paused_until=IN_TWO)
    assert sentence(provider(), provider(name="open_library"), provider(name="openai", in_use=False)).text == (
        "Running: 2 months in progress; no rollout; 2 worker processes running; 2 providers available; no incident; no event is due."
    )
    assert sentence(
        provider(**DOWN), paused, workers=0, incidents=2, cells=[retried(3, NOW + timedelta(days=3))]
    ).text == (
        "Running: 2 months in progress; no rollout; no worker is running; ISBNdb not answering; Wikidata paused; 2 incidents; "
        "next: ISBNdb is queried again at 13:00 UTC."
    )
    many = [provider(name=name, failures=1) for name in ("gemini", "xai", "isbndb", "wikidata")]
    assert "; Gemini, xAI and 2 more failing; " in sentence(*many).text
    assert "; no provider has been asked yet; " in sentence().text


@pytest.mark.parametrize(
    ("conditions", "words", "at"),
    [
        ({"cells": [retried(3, IN_TWO), retried(4, IN_AN_HOUR), retried(5, NOW)]}, "next: 2023-04 is retried at 13:00 UTC", IN_AN_HOUR),
        ({"cells": [retried(3, NOW + timedelta(days=3))]}, "next: 2023-03 is retried at 27 Nov 12:00 UTC", NOW + timedelta(days=3)),
        ({"rollout": TOMORROW}, "next: the rollout's next months start at 08:00 UTC", NOW + timedelta(hours=20)),
        ({"rollout": APPROVAL}, "next: a person approves the gate", None),
        ({"rollout": APPROVAL, "cells": [retried(3, IN_TWO)]}, "next: a person approves the gate, and 2023-03 is retried at 14:00 UTC", IN_TWO),
        ({"pause": PauseState(since=NOW, until=IN_TWO, by="olga", reason="", months_finishing=0), "rollout": APPROVAL,
          "cells": [retried(3, IN_AN_HOUR)]}, "next: the run resumes at 14:00 UTC", IN_TWO),
        ({"pause": PauseState(since=NOW, by="olga", reason="", months_finishing=0), "cells": [retried(3, IN_TWO)]},
         "next: a person resumes the run", None),
    ],
)  # fmt: skip
def test_the_next_event_is_the_first_that_will_happen(conditions, words, at):
    found = sentence(provider(), **conditions)
    assert found.next_words == words
    assert (found.next.at if found.next else None) == at


def test_a_spent_quota_ends_with_the_providers_day():
    assert sentence(provider(cap=10, used=10)).next_words == "next: ISBNdb's quota resets at 00:00 UTC"
