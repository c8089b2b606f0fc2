"""The mapping of an earlier scheduler's rows, value by value."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.backfill.adopted_row import DUE_COLUMNS, OPTIONAL_COLUMNS, REQUIRED_COLUMNS, read_row
from alexandria.backfill.adoption import parse_source
from alexandria.backfill.status import Status
from alexandria.core.errors import BadInput
from alexandria.core.month import Month

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
NEW = {"adopted_at": None, "status": "pending"}  # a month of ours that nothing was done to


def row(status="pending", **values):
    return {"year": "2023", "month": "11", "status": status} | values


def values_of(status="pending", present=NEW, **values):
    return read_row(row(status, **values), NOW).values(present, NOW)


def hours_ago(hours):
    return str(NOW - timedelta(hours=hours))


def test_nothing_but_month_and_status_is_needed():
    found = values_of("completed")
    assert {name: found[name] for name in ("year", "month", "status", "books_generated", "isbndb_calls", "batch_size")} == {
        "year": 2023, "month": 11, "status": "completed", "books_generated": 0, "isbndb_calls": 0, "batch_size": 20,
    }  # fmt: skip
    assert (found["resolution_rate"], found["prompt_variant"], found["retry_count"]) == (Decimal(0), None, 0)


@pytest.mark.parametrize(
    ("status", "started", "becomes", "active"),
    [("processing", hours_ago(1.1), "pending", False), ("processing", hours_ago(0.9), "pending", True),
     ("processing", None, "pending", True), ("processing", hours_ago(-5), "pending", True),
     ("pending", hours_ago(0.1), "pending", False), (" retry ", hours_ago(0.1), "retry", False)],
)  # fmt: skip
def test_a_month_in_work_becomes_pending_and_a_recent_one_is_active(status, started, becomes, active):
    found = read_row(row(status, started_at=started), NOW)
    assert (found.status, found.is_active) == (Status(becomes), active)


@pytest.mark.parametrize(
    ("times", "expected"),
    [({"completed_at": hours_ago(2), "started_at": hours_ago(3), "last_retry_at": hours_ago(1)}, 2),
     ({"last_retry_at": hours_ago(1), "started_at": hours_ago(3)}, 1), ({"started_at": hours_ago(3)}, 3), ({}, 0),
     ({"completed_at": hours_ago(9), "started_at": hours_ago(3)}, 3)],
)  # fmt: skip
@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_final_month_ends_at_the_best_time_that_is_known(times, expected, status):
    assert values_of(status, **times)["completed_at"] == NOW - timedelta(hours=expected)


@pytest.mark.parametrize("status", ["pending", "retry", "processing"])
def test_a_month_that_has_not_ended_has_no_end(status):
    assert values_of(status, completed_at=hours_ago(1), started_at=hours_ago(3))["completed_at"] is None


def test_a_retry_is_due_now_unless_its_time_is_known():
    assert values_of("retry")["next_attempt_at"] == NOW
    for column in DUE_COLUMNS:
        assert values_of("retry", **{column: hours_ago(-4)})["next_attempt_at"] == NOW + timedelta(hours=4)
    assert values_of("pending", next_attempt_at=hours_ago(-4))["next_attempt_at"] is None


def test_times_that_were_missing_stay_those_of_the_first_adoption():
    before = {"adopted_at": NOW, "completed_at": NOW - timedelta(days=2), "next_attempt_at": NOW - timedelta(days=1)}
    assert values_of("failed", before | {"status": "failed"})["completed_at"] == NOW - timedelta(days=2)
    assert values_of("retry", before | {"status": "retry"})["next_attempt_at"] == NOW - timedelta(days=1)
    assert values_of("failed", before | {"status": "pending"})["completed_at"] == NOW


@pytest.mark.parametrize(
    ("variant", "becomes", "unknown"),
    [("baseline", None, ""), (None, None, ""), ("annual", "annual", ""), ("", None, ""), ("his-own", None, "his-own")],
)
def test_only_a_known_prompt_that_was_chosen_is_kept(variant, becomes, unknown):
    found = read_row(row(prompt_variant=variant), NOW)
    assert (found.prompt_variant, found.unknown_variant) == (becomes, unknown)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"year": None}, "year is NULL"), ({"month": "13"}, "month 13 is not from 1 to 12"), ({"month": "-1"}, "month -1"),
     ({"month": "November"}, "month 'November' is not a whole number"), ({"year": "2101"}, "year 2101 is not from"),
     ({"status": None}, "status is NULL"), ({"status": "done"}, "status 'done' is unknown"),
     ({"books_generated": "-1"}, "books_generated -1 is not from 0"), ({"isbndb_calls": "1e3"}, "'1e3' is not a whole number"),
     ({"gemini_calls": "99999999999"}, "gemini_calls 99999999999 is not from 0"), ({"xai_calls": "NaN"}, "xai_calls 'NaN'"),
     ({"isbns_resolved": "1"}, "isbns_resolved 1 is more than books_generated 0"),
     ({"books_generated": "5", "isbns_queued": "1"}, "isbns_queued 1 is more than isbns_resolved 0"),
     ({"resolution_rate": "100.01"}, "resolution_rate 100.01 is not from 0 to 100"),
     ({"resolution_rate": "-0.1"}, "resolution_rate -0.1"), ({"resolution_rate": "high"}, "resolution_rate 'high'"),
     ({"batch_size": "0"}, "batch_size 0 is not from 1 to 100"), ({"retry_count": "-1"}, "retry_count -1"),
     ({"started_at": "infinity"}, "started_at 'infinity' is not a time"), ({"last_retry_at": "0044-03-15 BC"}, "last_retry_at"),
     ({"completed_at": "9999-12-31 23:59:59-10"}, "completed_at"), ({"next_retry_at": "soon"}, "next_retry_at 'soon'")],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_named_with_its_column_and_a_fix(changes, message):
    with pytest.raises(BadInput) as refused:
        read_row(row() | changes, NOW)
    assert message in refused.value.message
    assert refused.value.hint


TEXTS = st.none() | st.sampled_from(
    ["0", "1", "7", "19", "2023", " 12 ", "12.0", "99.999", "NaN", "completed", "failed", "retry", "processing", "pending",
     "2026-01-13 15:55:52+00", "2026-01-13", "baseline", "annual", "", "-infinity"]
) | st.text(max_size=12)  # fmt: skip


@given(st.fixed_dictionaries(dict.fromkeys((*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, *DUE_COLUMNS), TEXTS)))
def test_any_row_is_refused_or_keeps_our_constraints(texts):
    try:
        found = read_row(texts, NOW).values(NEW, NOW)
    except BadInput:
        return
    assert found["isbns_queued"] <= found["isbns_resolved"] <= found["books_generated"]
    assert 0 <= found["resolution_rate"] <= 100
    assert 0 <= found["retry_count"] <= 5
    assert 1 <= found["batch_size"] <= 100
    assert (found["completed_at"] is not None) == (found["status"] in {"completed", "failed"})
    assert (found["next_attempt_at"] is not None) == (found["status"] == "retry")
    if found["completed_at"] and found["started_at"]:
        assert found["completed_at"] >= found["started_at"]
    Month(found["year"], found["month"])


@pytest.mark.parametrize(
    ("text", "schema", "table"),
    [("public.backfill_log", "public", "backfill_log"), ("Public.Backfill_Log", "public", "backfill_log"),
     ('"Old Data"."Log"', "Old Data", "Log"), ('"a""b".c', 'a"b', "c"), (" public.x ", "public", "x")],
)  # fmt: skip
def test_a_name_is_read_as_sql_reads_it(text, schema, table):
    found = parse_source(text)
    assert (found.schema, found.table) == (schema, table)


@pytest.mark.parametrize(
    "text", ["", "x", "a.b.c", "a.", ".b", 'a."b', "1a.b", "a.b;", "a b.c", '"".x', "a." + "x" * 64]
)
def test_a_name_that_is_none_is_refused(text):
    with pytest.raises(BadInput):
        parse_source(text)
