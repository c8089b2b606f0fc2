"""Every rule that the database keeps about rows, each shown to refuse a row that breaks it and nothing else.

A rule that is new needs a line here: the last test counts them.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN, ISBN, OTHER = UUID(int=1), "9780374600303", "9780306406157"
MONTH = {"year": 2023, "month": 11}
# A legal row of each table, with as little as it needs, and with every reference to another table.
LEGAL: dict[str, dict[str, Any]] = {
    "backfill_log": MONTH,
    "attempt": MONTH | {"token": TOKEN},
    "bibliography_use": {"day": NOON.date(), "asked": 2, "settled": 1},
    "breaker": {"name": "isbndb"},
    "candidate": MONTH | {"position": 1, "title": "T", "author": "A", "named_by": ["gemini"], "reason": "r"}
    | {"work_id": 1, "isbn13": ISBN, "source": "isbndb"},
    "contributor": {"key": "k", "name": "N"},
    "curation_decision": {"who": "ann", "why": "w", "act": "undo", "work_id": 1, "undoes": 10**9}
    | {"other_work_id": 2},
    "edition": {"isbn13": ISBN, "work_id": 1, "title": "T"},
    "enrichment_rest": {"provider": "isbndb", "until": NOON, "reason": "r", "permanent": False, "failures": 1},
    "incident": {"kind": "idle", "reason": "r", "began_at": NOON},
    "journal": {"at": NOON, "level": "info", "event": "e", "process": "p"},
    "lane": {"name": "isbndb", "rate": 1, "sends": 1, "win": 1, "gap": 1},
    "merged_work": {"work_id": 1, "book_id": 1},
    "notice": {"incident_id": 1, "event": "began"},
    "other_title": {"work_id": 1, "title": "T", "source_record_id": 1},
    "provenance": {"isbn13": ISBN, "field": "title", "source_record_id": 1},
    "quota": {"name": "isbndb", "day": date(2026, 11, 24), "cap": 10, "used": 10},
    "related_isbn": {"isbn13": ISBN, "other": OTHER, "source_record_id": 1},
    "review_item": {"work_id": 1, "subject": ISBN, "isbn13": ISBN, "candidate_id": 1, "reasons": ["unsure"], "place": 9},
    "rollout": {"plan": Jsonb({}), "started_at": NOON, "started_by": "ann", "begins": NOON.date()},
    "rollout_day": MONTH | {"rollout_id": 1, "day": NOON.date(), "seeded_year": 2024, "seeded_month": 11},
    "rollout_forecast": {"rollout_id": 1, "day": NOON.date(), "made_at": NOON, "low": 1, "middle": 2, "high": 3},
    "rollout_log": {"rollout_id": 1, "at": NOON, "who": "ann", "act": "hold", "why": ""},
    "rollout_month": MONTH | {"rollout_id": 1, "day": NOON.date()},
    "rollout_verdict": {"rollout_id": 1, "phase": 0, "at": NOON, "verdict": "wait", "reasons": ["r"], "inputs": Jsonb({})},
    "source_record": {"provider": "isbndb", "provider_id": ISBN, "fetched_at": NOON},
    "split_edition": {"decision_id": 1, "isbn13": ISBN, "from_work_id": 1, "to_work_id": 2},
    "subject": {"work_id": 1, "name": "N", "source_record_id": 1},
    "work": {"key": "k", "title": "T", "author": "A"},
    "work_alias": {"key": "k", "work_id": 1},
    "work_block": {"key": "k", "work_id": 1},
    "work_contributor": {"work_id": 1, "contributor_id": 1, "position": 1},
    "work_listing": {"work_id": 1, "title_key": "t", "author_key": "a", "language": "", "status": "resolved", "source": "isbndb", "in_month": "unknown", "words": "t"},
}  # fmt: skip
# What makes it illegal, by table and constraint.
ILLEGAL: dict[tuple[str, str], dict[str, Any]] = {
    ("attempt", "attempt_outcome_check"): {"outcome": "well", "ended_at": NOON},
    ("attempt", "ended_with_outcome"): {"outcome": "completed"},
    ("backfill_log", "backfill_log_batch_size_check"): {"batch_size": 101},
    ("backfill_log", "backfill_log_books_generated_check"): {"books_generated": -1},
    ("backfill_log", "backfill_log_gemini_calls_check"): {"gemini_calls": -1},
    ("backfill_log", "backfill_log_isbndb_calls_check"): {"isbndb_calls": -1},
    ("backfill_log", "backfill_log_isbns_queued_check"): {"isbns_queued": -1},
    ("backfill_log", "backfill_log_isbns_resolved_check"): {"isbns_resolved": -1},
    ("backfill_log", "backfill_log_month_check"): {"month": 13},
    ("backfill_log", "backfill_log_resolution_rate_check"): {"resolution_rate": 101},
    ("backfill_log", "backfill_log_retry_count_check"): {"retry_count": 6},
    ("backfill_log", "backfill_log_status_check"): {"status": "done"},
    ("backfill_log", "backfill_log_xai_calls_check"): {"xai_calls": -1},
    ("backfill_log", "backfill_log_year_check"): {"year": 1899},
    ("backfill_log", "blocked_only_in_retry"): {"blocked_reason": "quota"},
    ("backfill_log", "counters_nest"): {"isbns_resolved": 1},
    ("backfill_log", "due_if_retry"): {"next_attempt_at": NOON},
    ("backfill_log", "ended_if_final"): {"completed_at": NOON},
    ("backfill_log", "ends_after_it_starts"): {"status": "failed", "started_at": NOON, "completed_at": NOON - timedelta(1)},
    ("backfill_log", "token_if_processing"): {"attempt_token": TOKEN},
    ("bibliography_use", "bibliography_use_check"): {"settled": 3},
    ("breaker", "breaker_failures_check"): {"failures": -1},
    ("breaker", "breaker_trips_before_check"): {"trips_before": -1},
    ("breaker", "breaker_trips_check"): {"trips": -1, "opened_at": None},
    ("breaker", "open_if_tripped"): {"trips": 1},
    ("breaker", "probe_ends"): {"probe": TOKEN},
    ("candidate", "candidate_in_month_check"): {"in_month": "perhaps"},
    ("candidate", "candidate_looks_check"): {"looks": 0},
    ("candidate", "explained"): {"reason": ""},
    ("candidate", "hindered_only_if_unresolved"): {"hindered": True},
    ("candidate", "look_again_if_unresolved"): {"look_again_at": NOON},
    ("candidate", "proven_by_a_source"): {"source": ""},
    ("contributor", "contributor_key_check"): {"key": ""},
    ("contributor", "contributor_name_check"): {"name": ""},
    ("control", "control_only_row_check"): {"only_row": False},
    ("control", "ends_if_it_began"): {"paused_until": NOON},
    ("curation_decision", "about_an_edition"): {"act": "reject", "undoes": None},
    ("curation_decision", "about_two_works"): {"act": "merge", "undoes": None, "other_work_id": None},
    ("curation_decision", "another_work"): {"other_work_id": 1},
    ("curation_decision", "accepts_one"): {"act": "accept", "undoes": None, "other_work_id": None},
    ("curation_decision", "corrects_a_field"): {"field": "title", "value": "T", "before": Jsonb({})},
    ("curation_decision", "curation_decision_act_check"): {"act": "like", "other_work_id": None},
    ("curation_decision", "curation_decision_isbn13_check"): {"isbn13": "9780374600304"},
    ("curation_decision", "curation_decision_who_check"): {"who": ""},
    ("curation_decision", "curation_decision_why_check"): {"why": ""},
    ("curation_decision", "excluded_from_a_month"): {"year": 2023},
    ("curation_decision", "undoes_another"): {"undoes": None},
    ("edition", "added_for_a_month"): {"added_year": 2023},
    ("edition", "edition_enrich_looks_check"): {"enrich_looks": -1},
    ("edition", "edition_isbn13_check"): {"isbn13": "9780374600304"},
    ("edition", "edition_pages_check"): {"pages": 0},
    ("edition", "edition_published_check"): {"published": "May 1999"},
    ("enrichment_rest", "enrichment_rest_failures_check"): {"failures": 0},
    ("incident", "incident_check"): {"cleared_at": NOON - timedelta(1)},
    ("incident", "incident_kind_check"): {"kind": ""},
    ("journal", "journal_fields_check"): {"fields": Jsonb([])},
    ("journal", "journal_level_check"): {"level": "loud"},
    ("journal", "of_a_month"): {"year": 2023},
    ("lane", "lane_check"): {"daily_limit": 1, "daily_cap": 2},
    ("lane", "lane_daily_limit_check"): {"daily_limit": -1},
    ("lane", "lane_gap_check"): {"gap": -1},
    ("lane", "lane_held_units_check"): {"held_units": -1},
    ("lane", "lane_plan_limit_check"): {"plan_limit": -1},
    ("lane", "lane_plan_rate_check"): {"plan_rate": 0},
    ("lane", "lane_rate_check"): {"rate": 0},
    ("lane", "lane_sends_check"): {"sends": 0},
    ("lane", "lane_win_check"): {"win": 0},
    ("notice", "no_try_once_delivered"): {"delivered_at": NOON},
    ("notice", "notice_event_check"): {"event": "grew"},
    ("notice", "notice_tries_check"): {"tries": -1},
    ("other_title", "other_title_title_check"): {"title": "T" * 301},
    ("quota", "never_overspent"): {"used": 11},
    ("related_isbn", "related_isbn_other_check"): {"other": "0374600309"},
    ("related_isbn", "related_to_another"): {"other": ISBN},
    ("review_item", "about_one"): {"isbn13": None},
    ("review_item", "review_item_reasons_check"): {"reasons": []},
    ("rollout", "ended_with_outcome"): {"outcome": "finished"},
    ("rollout", "rollout_check"): {"outcome": "finished", "ended_at": NOON - timedelta(1)},
    ("rollout", "rollout_outcome_check"): {"outcome": "lost", "ended_at": NOON},
    ("rollout", "rollout_phase_check"): {"phase": -1},
    ("rollout", "rollout_plan_check"): {"plan": Jsonb([])},
    ("rollout", "rollout_started_by_check"): {"started_by": ""},
    ("rollout_forecast", "band_in_order"): {"low": 4},
    ("rollout_forecast", "rollout_forecast_low_check"): {"low": -1},
    ("rollout_log", "rollout_log_act_check"): {"act": "stop"},
    ("rollout_log", "rollout_log_detail_check"): {"detail": Jsonb([])},
    ("rollout_log", "rollout_log_who_check"): {"who": ""},
    ("rollout_verdict", "rollout_verdict_inputs_check"): {"inputs": Jsonb([])},
    ("rollout_verdict", "rollout_verdict_phase_check"): {"phase": -1},
    ("rollout_verdict", "rollout_verdict_reasons_check"): {"reasons": []},
    ("rollout_verdict", "rollout_verdict_verdict_check"): {"verdict": "maybe"},
    ("split_edition", "moves"): {"to_work_id": 1},
    ("split_edition", "split_edition_isbn13_check"): {"isbn13": "9780374600304"},
    ("subject", "subject_name_check"): {"name": "N" * 201},
    ("work", "work_first_published_check"): {"first_published": "1999-5"},
    ("work", "work_key_check"): {"key": ""},
    ("work", "work_title_check"): {"title": ""},
    ("work_alias", "work_alias_key_check"): {"key": ""},
    ("work_block", "work_block_key_check"): {"key": ""},
    ("work_listing", "work_listing_in_month_check"): {"in_month": "perhaps"},
    ("work_listing", "work_listing_status_check"): {"status": "fine"},
}  # fmt: skip
# What may not be there twice, and how the second row differs from the first.
ONCE: dict[str, tuple[str, dict[str, Any]]] = {
    "backfill_log_year_month_key": ("backfill_log", {}),
    "candidate_year_month_position_key": ("candidate", {"title": "Another"}),
    "contributor_key_key": ("contributor", {"name": "Another"}),
    "curation_decision_undoes_key": ("curation_decision", {"who": "bob"}),
    "incident_once": ("incident", {"reason": "another"}),
    "rollout_alone": ("rollout", {"started_by": "bob"}),
    "source_record_provider_provider_id_key": ("source_record", {"fetched_at": NOON + timedelta(1)}),
    "subject_once": ("subject", {"name": "n"}),
    "work_key_key": ("work", {"title": "Another"}),
}
CHECKS = """SELECT conrelid::regclass::text, conname FROM pg_constraint
    WHERE contype = 'c' AND connamespace = 'alexandria'::regnamespace AND conrelid::regclass::text NOT LIKE 'procrastinate%'"""
UNIQUE = """SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    WHERE indisunique AND NOT indisprimary AND relnamespace = 'alexandria'::regnamespace AND relname NOT LIKE 'procrastinate%'"""
REFERENCES = """SELECT conrelid::regclass::text, conname FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'alexandria'::regnamespace AND conrelid::regclass::text NOT LIKE 'procrastinate%'"""


@pytest.fixture
def connection(shared_database_url):
    """Without triggers, which would put some rows right before the rules see them, or that other tables are asked."""
    with psycopg.connect(shared_database_url) as connected:
        connected.execute("SET session_replication_role = replica")
        yield connected
        connected.rollback()


def insert(connection, table, row):
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    connection.execute(statement, row)


@pytest.mark.parametrize("table", LEGAL)
def test_a_legal_row_is_taken(connection, table):
    insert(connection, table, LEGAL[table])


@pytest.mark.parametrize(("table", "rule"), ILLEGAL)
def test_a_row_that_breaks_one_rule_is_refused_by_it(connection, table, rule):
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        insert(connection, table, LEGAL.get(table, {}) | ILLEGAL[table, rule])
    assert refused.value.diag.constraint_name == rule


@pytest.mark.parametrize("rule", ONCE)
def test_a_second_row_of_a_unique_kind_is_refused(connection, rule):
    table, other = ONCE[rule]
    insert(connection, table, LEGAL[table])
    with pytest.raises(psycopg.errors.UniqueViolation) as refused:
        insert(connection, table, LEGAL[table] | other)
    assert refused.value.diag.constraint_name == rule


def test_no_row_speaks_of_another_that_is_not_there(connection):
    """Each reference by itself, the table's others being dropped meanwhile."""
    connection.execute("SET session_replication_role = origin")
    references = connection.execute(REFERENCES).fetchall()
    for table, rule in references:
        with connection.transaction(force_rollback=True):
            for other in (name for owner, name in references if owner == table and name != rule):
                drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
                connection.execute(drop.format(sql.Identifier(table), sql.Identifier(other)))
            with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused, connection.transaction():
                insert(connection, table, LEGAL[table])
            assert refused.value.diag.constraint_name == rule
    assert len(references) > 20


def test_decisions_of_a_rollout_cannot_be_changed(connection):
    """The log and the verdicts of a rollout are only ever added to."""
    for table in ("rollout_log", "rollout_verdict"):
        insert(connection, table, LEGAL[table])
    connection.execute("SET session_replication_role = origin")
    for statement in ("UPDATE rollout_log SET why = 'another'", "DELETE FROM rollout_log",
                      "UPDATE rollout_verdict SET verdict = 'open'", "DELETE FROM rollout_verdict"):  # fmt: skip
        with pytest.raises(psycopg.errors.RestrictViolation), connection.transaction():
            connection.execute(statement)


def test_no_rule_is_without_a_test(connection):
    assert set(connection.execute(CHECKS).fetchall()) == ILLEGAL.keys()
    numbered = "lane_id_key"  # by the database, which gives no number twice
    assert {name for (name,) in connection.execute(UNIQUE)} - {numbered} == ONCE.keys()
