"""Names that an installation of version 96c838d has stored, or that its scripts use: each of them still has its meaning.

Every table here is what that version had, written down once. A name may be added to the code, and none of these may be
lost: months wait under them in databases, and scripts, alerts and dashboards of operators ask for them. What the code
has now is read from its own registries: the OpenAPI description, the metrics page, PostgreSQL's catalogue, the classes
of errors. The names of jobs are proved by running them in test_upgrade.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from alexandria.providers import prompts
from tests.support.commands import run

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLLOUT = (
    "begins dry_run ended_at gate gate.counts gate.gate gate.reasons gate.verdict held log log.act log.at "
    "log.detail log.who log.why message name next next.kind next.months next.reason next.until overridden "
    "pace_today phase phases phases.completed phases.failed phases.hours phases.months phases.months_per_day "
    "phases.name phases.pending phases.state phases.under_way phases.years scheduled_today started_at "
    "started_by "
)
MONTH = (
    "batch_size blocked_reason books_generated completed_at error_code error_message gemini_calls isbndb_calls "
    "isbns_queued isbns_resolved last_retry_at month next_attempt_at prompt_variant resolution_rate retry_count "
    "started_at status updated_at xai_calls year "
)
# By route: the fields of its parameters and its body, and those of its answer.
ROUTES = {
    "GET /api/internal/backfill-stats": (
        "",
        (
            "by_status by_status.completed by_status.failed by_status.pending by_status.processing by_status.retry "
            "paused paused.by paused.months_finishing paused.reason paused.since paused.until progress "
            "progress.overall_resolution_rate progress.total_books_generated progress.total_isbns_queued "
            "progress.total_isbns_resolved recent_activity recent_activity.books_generated "
            "recent_activity.error_message recent_activity.isbns_resolved recent_activity.month "
            "recent_activity.resolution_rate recent_activity.status recent_activity.year total_months "
        ),
    ),
    "GET /api/internal/jobs/{job_id}": (
        "job_id",
        ("began_at code created_at ended_at job_id month reason state worker year "),
    ),
    "GET /api/internal/months": (
        "status year",
        (
            "months months.batch_size months.blocked_reason months.books_generated months.completed_at "
            "months.error_code months.error_message months.gemini_calls months.isbndb_calls months.isbns_queued "
            "months.isbns_resolved months.last_retry_at months.month months.next_attempt_at months.prompt_variant "
            "months.resolution_rate months.retry_count months.started_at months.status months.updated_at "
            "months.xai_calls months.year total "
        ),
    ),
    "GET /api/internal/months/{month}": (
        "month",
        MONTH
        + (
            "attempts attempts.began_at attempts.code attempts.created_at attempts.ended_at attempts.job_id "
            "attempts.outcome attempts.reason attempts.worker calls calls.calls calls.provider calls.refused "
            "calls.units candidates candidates.author candidates.edition_title candidates.evidence "
            "candidates.fields candidates.fields.fetched_at candidates.fields.field candidates.fields.id "
            "candidates.fields.provider candidates.in_month candidates.isbn13 candidates.look_again_at "
            "candidates.looks candidates.named_by candidates.position candidates.published candidates.publisher "
            "candidates.reason candidates.score candidates.score_version candidates.source candidates.title "
            "candidates.unavailable candidates.work_id in_month in_month.confirmed in_month.contradicted in_month.unknown "
        ),
    ),
    "GET /api/internal/rollout": (
        "",
        ROLLOUT,
    ),
    "GET /api/internal/rollout/verdicts": (
        "",
        ("verdicts verdicts.at verdicts.inputs verdicts.phase verdicts.reasons verdicts.verdict "),
    ),
    "GET /api/quota/status": (
        "",
        (
            "data data.can_make_calls data.daily_limit data.percentage_used data.providers "
            "data.providers.*.can_make_calls data.providers.*.daily_limit data.providers.*.day "
            "data.providers.*.pause_reason data.providers.*.paused_until data.providers.*.percentage_used "
            "data.providers.*.plan_limit data.providers.*.plan_note data.providers.*.plan_seen_at "
            "data.providers.*.rate data.providers.*.remaining data.providers.*.reserved data.providers.*.reset_at "
            "data.providers.*.safety_limit data.providers.*.safety_remaining data.providers.*.used data.remaining "
            "data.reserved data.reset_at data.safety_limit data.safety_remaining data.used meta meta.latency_ms "
            "meta.request_id meta.timestamp success "
        ),
    ),
    "GET /health/live": (
        "",
        ("status "),
    ),
    "GET /health/ready": (
        "",
        (
            "incidents incidents.kind incidents.reason incidents.subject months_due months_in_work paused status "
            "workers "
        ),
    ),
    "GET /metrics": (
        "",
        (" "),
    ),
    "POST /api/internal/pause": (
        "minutes reason until",
        ("message paused paused.by paused.months_finishing paused.reason paused.since paused.until "),
    ),
    "POST /api/internal/resume": (
        "provider",
        ("message months_woken resumed "),
    ),
    "POST /api/internal/retry": (
        "dry_run months reason status",
        ("dry_run left left.month left.status message reopened woken "),
    ),
    "POST /api/internal/rollout/approve": (
        "dry_run why",
        ROLLOUT,
    ),
    "POST /api/internal/rollout/hold": (
        "dry_run why",
        ROLLOUT,
    ),
    "POST /api/internal/rollout/override": (
        "dry_run why",
        ROLLOUT,
    ),
    "POST /api/internal/rollout/release": (
        "dry_run why",
        ROLLOUT,
    ),
    "POST /api/internal/rollout/start": (
        (
            "dry_run plan plan.name plan.phase plan.phase.gate plan.phase.gate.approval plan.phase.gate.hold_if_failed_later "
            "plan.phase.gate.max_failed_share plan.phase.gate.min_confirmed_sample plan.phase.gate.min_confirmed_share "
            "plan.phase.gate.min_quota_headroom plan.phase.gate.min_resolution_rate plan.phase.gate.min_sample "
            "plan.phase.hours plan.phase.months plan.phase.months_per_day plan.phase.name plan.phase.quota_share "
            "plan.phase.years replace why "
        ),
        ROLLOUT,
    ),
    "POST /api/internal/schedule-backfill": (
        "batch_size dry_run force_retry plan year_range year_range.end year_range.start",
        (
            "batch_size dry_run execution_summary execution_summary.errors execution_summary.skipped "
            "execution_summary.triggered months months.books_generated months.error_message months.isbns_resolved "
            "months.job_id months.month months.resolution_rate months.status months.year months_selected paused "
            "paused.by paused.months_finishing paused.reason paused.since paused.until plan total_completed "
            "total_failed total_pending total_processing total_retry "
        ),
    ),
    "POST /api/internal/seed-backfill-queue": (
        "year_end year_start",
        ("message months_seeded "),
    ),
}
# By table, its columns.
TABLES = {
    "answer": "provider key request body fetched_at expires_at",
    "attempt": "token year month job_id created_at began_at ended_at worker outcome code reason",
    "audit": "id at who act detail",
    "backfill_log": (
        "id year month status books_generated isbns_resolved isbns_queued resolution_rate "
        "gemini_calls xai_calls isbndb_calls started_at completed_at retry_count last_retry_at "
        "error_message prompt_variant batch_size attempt_token next_attempt_at blocked_reason "
        "error_code updated_at "
    ),
    "call": "id provider route sent_at ms units status error year month attempt_token",
    "candidate": (
        "id year month position title author named_by work_id isbn13 source score reason evidence "
        "unavailable named_year in_month looks look_again_at hindered score_version "
    ),
    "contributor": "id key name",
    "control": "only_row paused_since paused_until paused_by pause_reason",
    "edition": (
        "isbn13 work_id title subtitle publisher published language binding pages created_at enriched_at "
        "related enrich_at enrich_looks enrich_note changed_at "
    ),
    "enrichment_rest": "provider until reason permanent failures",
    "idempotent_response": "id request status headers body created_at",
    "incident": "id kind subject reason began_at cleared_at",
    "journal": "id at level event process year month fields",
    "knock": "client forgotten_at",
    "lane": (
        "name id rate sends win gap daily_limit daily_cap ring held_until held_units paused_until "
        "pause_reason plan_limit plan_seen_at plan_note paused_since by_plan plan_rate plan_host "
    ),
    "notice": "incident_id event tries next_try_at delivered_at result",
    "procrastinate_events": "id job_id type at",
    "procrastinate_jobs": (
        "id queue_name task_name priority lock queueing_lock args status scheduled_at "
        "attempts abort_requested worker_id "
    ),
    "procrastinate_periodic_defers": "id task_name defer_timestamp job_id periodic_id",
    "procrastinate_workers": "id last_heartbeat",
    "provenance": "isbn13 field source_record_id",
    "quota": "name day cap used",
    "related_isbn": "isbn13 other source_record_id",
    "review_item": "work_id subject isbn13 year month candidate_id reasons place",
    "rollout": "id plan started_at started_by phase begins held overridden ended_at outcome",
    "rollout_log": "id rollout_id at who act why detail",
    "rollout_month": "rollout_id year month day",
    "rollout_verdict": "id rollout_id phase at verdict reasons inputs",
    "schema_version": "version_num",
    "source_record": "id provider provider_id fetched_at",
    "subject": "work_id name source_record_id",
    "work": "id key title author first_published language created_at",
    "work_alias": "key work_id",
    "work_block": "key work_id",
    "work_contributor": "work_id contributor_id role position",
    "work_listing": "work_id title_key author_key language status source score in_month words needs_review",
}
# By metric, its labels.
METRICS = {
    "alexandria_books": "",
    "alexandria_call_seconds": "provider share",
    "alexandria_calls_last_hour": "end provider",
    "alexandria_database_up": "",
    "alexandria_http_requests_total": "method route status",
    "alexandria_incident": "kind",
    "alexandria_isbns": "",
    "alexandria_lane_paused": "provider",
    "alexandria_months": "status",
    "alexandria_paused": "",
    "alexandria_quota_limit": "provider",
    "alexandria_quota_reset_timestamp_seconds": "provider",
    "alexandria_quota_used": "provider",
    "alexandria_rollout_gate": "verdict",
    "alexandria_rollout_phase": "",
    "alexandria_rollout_rests": "kind",
    "alexandria_worker_loops": "",
    "alexandria_workers": "",
}
PROVIDERS = "gemini google_books internet_archive isbndb open_library openai wikidata xai"
# By metric and label, the values that alerts may name.
LABELS = {
    ("alexandria_months", "status"): "pending processing completed failed retry",
    ("alexandria_incident", "kind"): (
        "no_worker months_blocked months_failing quota_spent lane_paused paused rollout_shut rollout_waits"
    ),
    ("alexandria_rollout_gate", "verdict"): "open wait shut",
    ("alexandria_rollout_rests", "kind"): "day budget work missing approval shut held paused finished",
    ("alexandria_calls_last_hour", "end"): "answered limited refused silent",
    ("alexandria_call_seconds", "share"): "0.5 0.95",
    ("alexandria_calls_last_hour", "provider"): PROVIDERS,
    ("alexandria_lane_paused", "provider"): PROVIDERS,
    ("alexandria_quota_used", "provider"): PROVIDERS,
    ("alexandria_quota_limit", "provider"): "google_books isbndb",
}
# By column, the values that its constraint lists.
VALUES = {
    ("backfill_log", "status"): "pending processing completed failed retry",
    ("attempt", "outcome"): "completed retry snoozed failed lost superseded",
    ("candidate", "in_month"): "confirmed contradicted unknown",
    ("notice", "event"): "began cleared",
    ("rollout", "outcome"): "finished replaced",
    ("rollout_verdict", "verdict"): "open wait shut",
    ("rollout_log", "act"): "start hold release approve override schedule advance finish replace",
    ("journal", "level"): "debug info warning error critical",
}
FUNCTIONS = (
    "backfill_log_end_attempt backfill_log_keep_true calls_sent isbn13_valid lane_cap lane_enter lane_leave lane_limit"
    " only_ever_added quota_reserve"
)
MIGRATIONS = (
    "0001_queue 0002_lanes 0003_backfill 0004_catalogue 0005_recognise 0006_evidence 0007_enrich 0008_alias 0009_control"
    " 0010_ledger 0011_alarm 0012_forget 0013_rollout 0014_journal 0015_block 0016_proof 0017_knock"
)
ERRORS = (
    "attempt_lost bad_answer bad_input content_refused database_unavailable error gate_shut key_missing key_refused"
    " misconfigured no_books no_credit no_sources not_found not_migrated not_now paused plan_changed provider_down"
    " provider_error quota_spent rate_limited request_refused"
)
VARIANTS = (
    "baseline contemporary-notable annual diversity-emphasis overlooked-significance genre-rotation era-contextualized"
)
AUDITED = "retry pause resume enrich purge"


def lost(then: str, now: Iterator[str] | list[str] | set[str]) -> set[str]:
    """Of the names of that time, those that are there no more."""
    return {*then.split()} - {*now}


def fields(schema: dict[str, Any], whole: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of all properties of an OpenAPI schema, through lists and references; * is any key of a mapping."""
    if "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for one in schema.get("anyOf", ()):
        yield from fields(one, whole, prefix)
    if "items" in schema:
        yield from fields(schema["items"], whole, prefix)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from fields(schema["additionalProperties"], whole, f"{prefix}*.")
    for name, inner in schema.get("properties", {}).items():
        yield prefix + name
        yield from fields(inner, whole, f"{prefix}{name}.")


def body(content: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = content.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


async def test_every_route_takes_and_answers_its_fields(api):
    whole = (await api.get("/openapi.json")).json()
    gone = {}
    for route, (asked, answered) in ROUTES.items():
        method, path = route.split()
        operation = whole["paths"][path][method.lower()]
        takes = [one["name"] for one in operation.get("parameters", ())]
        takes += fields(body(operation.get("requestBody", {})), whole)
        gone[route] = lost(asked, takes) | lost(answered, fields(body(operation["responses"]["200"]), whole))
    assert {route: names for route, names in gone.items() if names} == {}


async def test_every_metric_has_its_labels_and_their_values(api):
    await api.get("/health/live")  # a first request is counted
    found: dict[str, dict[str, set[str]]] = {}
    for name, labels in re.findall(r"(?m)^(alexandria_\w+)(?:\{(.*)\})? ", (await api.get("/metrics")).text):
        of = found.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            of.setdefault(label, set()).add(value)
    assert lost(" ".join(METRICS), [*found]) == set()
    assert {name: names for name, labels in METRICS.items() if (names := lost(labels, [*found[name]]))} == {}
    values = {place: lost(then, found[place[0]].get(place[1], set())) for place, then in LABELS.items()}
    assert {place: names for place, names in values.items() if names} == {}


async def test_every_table_column_and_function_is_there(sql):
    rows = await sql(
        "SELECT table_name, array_agg(column_name::text) AS columns FROM information_schema.columns"
        " WHERE table_schema = 'alexandria' GROUP BY 1"
    )
    columns = {row["table_name"]: row["columns"] for row in rows}
    gone = {table: lost(then, columns.get(table, [])) for table, then in TABLES.items()}
    assert {table: names for table, names in gone.items() if names} == {}
    functions = await sql("SELECT proname::text AS name FROM pg_proc WHERE pronamespace = 'alexandria'::regnamespace")
    assert lost(FUNCTIONS, [row["name"] for row in functions]) == set()


async def test_every_value_that_a_column_may_have_is_allowed(sql):
    rows = await sql(
        "SELECT conrelid::regclass::text AS table, pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE contype = 'c'"
    )
    for (table, column), then in VALUES.items():
        texts = [row["text"] for row in rows if row["table"] == table and f"(({column} = ANY" in row["text"]]
        allowed = {value for text in texts for value in re.findall(r"'(\w+)'::text", text)}
        assert (table, column, lost(then, allowed)) == (table, column, set())


async def test_every_error_has_its_code(api):
    """Those of the errors that are raised, and those that the server answers by itself."""
    path = "/api/internal/seed-backfill-queue"
    wrong = {
        "malformed_json": await api.post(path, content="{", headers={"Content-Type": "application/json"}),
        "unsupported_media_type": await api.post(path, content="{}", headers={"Content-Type": "text/plain"}),
        "too_large": await api.post(path, json={"year_start": " " * 70_000}),
        "bad_input": await api.post(path, json={"year_start": "2000"}),
        "not_found": await api.get("/nowhere"),
        "method_not_allowed": await api.get(path),
    }
    assert {code: answer.json()["error"]["code"] for code, answer in wrong.items()} == {code: code for code in wrong}
    assert lost(ERRORS, codes(Exception)) == set()


def codes(error: type[BaseException]) -> Iterator[str]:
    """Of all our errors, wherever they are defined; the application has loaded them all."""
    for kind in error.__subclasses__():
        if kind.__module__.startswith("alexandria.") and isinstance(getattr(kind, "code", None), str):
            yield kind.code  # type: ignore[attr-defined] # as asked above
        yield from codes(kind)


async def test_every_prompt_variant_is_known():
    assert lost(VARIANTS, [*prompts.VARIANTS]) == set()


async def command(url: str, *arguments: str, exit_code: int) -> Any:
    """What a command of the version's scripts answers as JSON."""
    environment = dict(os.environ) | {"DATABASE_URL": url, "USER": "bob"}
    done = await asyncio.to_thread(run, "--json", *arguments, environment=environment)
    assert done.returncode == exit_code, done
    return json.loads(done.stdout)["data"] if done.stdout else None


async def test_every_migration_is_listed_under_its_name(empty_database_url):
    missing = (await command(empty_database_url, "migrate", "--check", exit_code=6))["missing"]
    then = MIGRATIONS.split()
    assert missing[: len(then)] == then


async def test_every_act_of_a_person_is_noted_under_its_name(api, sql, shared_database_url):
    """By HTTP and by commands as scripts have them."""
    await sql("INSERT INTO backfill_log (year, month, status, error_code) VALUES (2023, 1, 'failed', 'no_books')")
    await asyncio.gather(
        command(shared_database_url, "enrich", "--older-than", "0", exit_code=3),
        command(shared_database_url, "answers", "purge", "openai", exit_code=3),
    )
    for path, wanted in [("retry", {"reason": "no_books"}), ("pause", {"minutes": 5}), ("resume", {})]:
        answer = await api.post(f"/api/internal/{path}", json=wanted)
        assert answer.status_code == 200, answer.text
    rows = await sql("SELECT who, act FROM audit")
    assert lost(AUDITED, [row["act"] for row in rows]) == set()
    assert {row["who"] for row in rows} == {"api", "cli bob"}
