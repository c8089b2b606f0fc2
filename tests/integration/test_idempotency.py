"""A writing call that comes twice with one Idempotency-Key is carried out once, by whichever client and process."""

import asyncio
import contextlib
import os
from datetime import UTC, datetime

import httpx2
import pytest
import structlog

from alexandria.backfill.repositories import months
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.operations import idempotency
from alexandria.web.app import create_app
from alexandria.web.auth.session import Visitor
from alexandria.web.dashboard.stream import PageUpdates
from alexandria.web.idempotency import MAX_KEY_LENGTH, REPLAYED_HEADER
from tests.support.dashboard_visitors import PREVIOUS, SECRET, hidden
from tests.support.forked import ForkedChild

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTERNAL = "/api/internal"
SCHEDULE, PAUSE, RETRY = f"{INTERNAL}/schedule-backfill", f"{INTERNAL}/pause", f"{INTERNAL}/retry"
TWO = {"batch_size": 2}
TIMEOUT = 20.0  # seconds


@pytest.fixture(autouse=True)
async def _seeded(empty, system, sql):
    await sql("TRUNCATE idempotent_response")
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    await sql("SET LOCAL session_replication_role = replica; TRUNCATE rollout CASCADE")
    async with system.database.transaction() as connection:
        await months.seed(connection, 2020, 2024)


async def call(api, path, key, body, **headers):
    return await api.post(path, json=body, headers={"Idempotency-Key": key, **headers})


async def scheduled(sql):
    [row] = await sql("SELECT count(*) AS n FROM backfill_log WHERE status = 'processing'")
    return row["n"]


async def test_a_repeated_call_gets_the_first_response_and_changes_nothing(api, sql):
    first = await call(api, SCHEDULE, "nightly-2026-11-24", TWO)
    again = await call(api, SCHEDULE, "nightly-2026-11-24", TWO)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get(REPLAYED_HEADER), again.headers.get(REPLAYED_HEADER)) == (None, "true")
    assert await scheduled(sql) == 2
    assert await sql("SELECT count(*) AS jobs FROM procrastinate_jobs WHERE task_name = 'attempt'") == [{"jobs": 2}]


async def test_without_a_key_a_repeated_call_takes_further_months(api, sql):
    for _ in range(2):
        assert (await api.post(SCHEDULE, json=TWO)).status_code == 200
    assert await scheduled(sql) == 4


async def test_the_same_json_written_in_another_way_is_the_same_call(api, sql):
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    first = await api.post(SCHEDULE, content=b'{"batch_size": 2, "dry_run": false}', headers=headers)
    again = await api.post(SCHEDULE, content=b'{"dry_run":false,"batch_size":2}', headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert await scheduled(sql) == 2


async def test_the_same_key_with_another_body_is_refused(api, sql):
    await call(api, SCHEDULE, "k", TWO)
    other = await call(api, SCHEDULE, "k", {"batch_size": 3})
    assert other.status_code == 422
    assert other.json()["error"]["code"] == "idempotency_key_reused"
    assert "Idempotency-Key" in other.json()["error"]["message"]
    assert await scheduled(sql) == 2
    assert (await call(api, SCHEDULE, "k", TWO)).headers[REPLAYED_HEADER] == "true"


async def test_a_key_belongs_to_its_path_and_its_secret(api, sql):
    await call(api, SCHEDULE, "k", TWO)
    assert REPLAYED_HEADER not in (await call(api, RETRY, "k", {"status": "failed"})).headers
    with_other = await call(api, SCHEDULE, "k", TWO, **{"X-Cron-Secret": PREVIOUS})
    assert REPLAYED_HEADER not in with_other.headers
    assert await scheduled(sql) == 4


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{INTERNAL}/seed-backfill-queue", {"year_start": 2018, "year_end": 2019}, 200),
        (PAUSE, {"minutes": 5, "reason": "once"}, 200),
        (f"{INTERNAL}/resume", {}, 200),
        (RETRY, {"months": ["2024-12"]}, 200),
        (f"{INTERNAL}/rollout/start", {"why": "once"}, 200),
        (f"{INTERNAL}/rollout/hold", {"why": "once"}, 404),
        (f"{INTERNAL}/rollout/release", {}, 404),
        (f"{INTERNAL}/rollout/approve", {}, 404),
        (f"{INTERNAL}/rollout/override", {"why": "once"}, 404),
        (f"{INTERNAL}/rollout/override-in-advance", {"why": "once", "phase": 1}, 404),
    ],
)
async def test_every_writing_call_replays_its_response(api, sql, path, body, status):
    first, again = [await call(api, path, "k", body) for _ in range(2)]
    assert (first.status_code, again.status_code, again.content) == (status, status, first.content)
    assert again.headers[REPLAYED_HEADER] == "true"
    assert await sql("SELECT count(*) AS n FROM idempotent_response") == [{"n": 1}]


async def test_every_writing_route_describes_the_key(app):
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "header"]
            assert names == (["Idempotency-Key"] if method == "post" else []), (method, path)
            assert method == "get" or "409" in operation["responses"]


async def test_acts_on_a_rollout_are_done_once(api, sql):
    await call(api, f"{INTERNAL}/rollout/start", "s", {})
    for _ in range(3):
        assert (await call(api, f"{INTERNAL}/rollout/hold", "h", {"why": "look first"})).status_code == 200
    assert await sql("SELECT count(*) AS n FROM rollout_log WHERE act = 'hold'") == [{"n": 1}]


async def test_a_refusal_is_replayed_and_an_unauthorized_call_is_not_stored(api, sql):
    await api.post(PAUSE, json={})
    refused = await call(api, SCHEDULE, "k", TWO)
    assert refused.status_code == 409
    await api.post(f"{INTERNAL}/resume", json={})
    again = await call(api, SCHEDULE, "k", TWO)
    assert (again.status_code, again.content) == (409, refused.content)
    assert (await call(api, SCHEDULE, "x", TWO, **{"X-Cron-Secret": "wrong"})).status_code == 401
    assert (await call(api, SCHEDULE, "x", TWO)).status_code == 200
    assert (await call(api, SCHEDULE, "y", {"batch_size": 0})).status_code == 422
    assert (await call(api, SCHEDULE, "y", {"batch_size": 0})).headers[REPLAYED_HEADER] == "true"


async def test_a_call_whose_body_was_not_read_is_not_stored(api):
    sent = {"Idempotency-Key": "k", "Content-Type": "text/plain"}
    assert (await api.post(SCHEDULE, content=b'{"batch_size": 2}', headers=sent)).status_code == 415
    assert (await call(api, SCHEDULE, "k", TWO)).status_code == 200


async def test_a_server_error_is_not_stored_and_leaves_nothing(api, sql):
    """The call is undone as a whole, and its repetition is carried out."""
    await sql("ALTER TABLE procrastinate_jobs RENAME TO hidden")
    try:
        assert (await call(api, SCHEDULE, "k", TWO)).status_code >= 500
    finally:
        await sql("ALTER TABLE hidden RENAME TO procrastinate_jobs")
    assert await scheduled(sql) == 0
    assert await sql("SELECT 1 FROM idempotent_response") == []
    assert (await call(api, SCHEDULE, "k", TWO)).status_code == 200
    assert await scheduled(sql) == 2


async def test_the_response_and_what_the_call_wrote_are_one_transaction(api, sql):
    """If the response cannot be stored, the months are not claimed."""
    await sql("ALTER TABLE idempotent_response ADD CONSTRAINT never CHECK (status < 200)")
    try:
        with structlog.testing.capture_logs():
            assert (await call(api, SCHEDULE, "k", TWO)).is_error
    finally:
        await sql("ALTER TABLE idempotent_response DROP CONSTRAINT never")
    assert await scheduled(sql) == 0
    assert (await call(api, SCHEDULE, "k", TWO)).status_code == 200


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * (MAX_KEY_LENGTH + 1), "tab\there", "é"])
async def test_a_key_that_is_no_key_is_refused_by_name(api, sql, key):
    headers = [("Idempotency-Key", key.encode("latin-1")), ("X-Cron-Secret", SECRET.encode())]
    response = await api.post(SCHEDULE, json=TWO, headers=headers)
    assert response.status_code == 422
    assert response.json()["error"]["message"].startswith("Idempotency-Key: ")
    assert response.json()["error"]["details"]["hint"]
    assert await scheduled(sql) == 0


async def test_the_longest_key_is_accepted_and_two_keys_are_not(api):
    assert (await call(api, SCHEDULE, "x" * MAX_KEY_LENGTH, TWO)).status_code == 200
    two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("X-Cron-Secret", SECRET)]
    assert (await api.post(SCHEDULE, json=TWO, headers=two)).status_code == 422


async def test_reading_calls_ignore_the_key(api, sql):
    assert (await api.get(f"{INTERNAL}/backfill-stats", headers={"Idempotency-Key": ""})).status_code == 200
    assert await sql("SELECT 1 FROM idempotent_response") == []


async def test_a_key_is_forgotten_after_a_day(api, sql, system):
    await call(api, SCHEDULE, "old", TWO)
    await sql("UPDATE idempotent_response SET created_at = now() - interval '24 hours'")
    await call(api, SCHEDULE, "new", TWO)
    await system.maintenance.forget()
    assert await sql("SELECT count(*) AS n FROM idempotent_response") == [{"n": 1}]
    assert REPLAYED_HEADER not in (await call(api, SCHEDULE, "old", TWO)).headers
    await sql("UPDATE idempotent_response SET created_at = now() - interval '24 hours'")
    assert REPLAYED_HEADER not in (await call(api, SCHEDULE, "old", TWO)).headers, "also before it is deleted"
    assert (await call(api, SCHEDULE, "old", TWO)).headers[REPLAYED_HEADER] == "true"


async def test_no_secret_and_no_key_is_stored(api, sql):
    await call(api, SCHEDULE, "canary-key", TWO)
    [row] = await sql("SELECT idempotent_response::text AS whole FROM idempotent_response")
    assert "canary" not in row["whole"]
    assert b"canary".hex() not in row["whole"]


@pytest.fixture
async def hold(sql):
    """A function that stays on while calls that claim months are held in the middle of their transaction."""
    await sql("CREATE TABLE held (held boolean)")
    await sql(
        "CREATE FUNCTION wait_while_held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " WHILE EXISTS (SELECT FROM held) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN NULL; END $$"
    )
    await sql("CREATE TRIGGER held AFTER UPDATE ON backfill_log FOR EACH STATEMENT EXECUTE FUNCTION wait_while_held()")

    @contextlib.asynccontextmanager
    async def holding():
        await sql("INSERT INTO held VALUES (true)")
        try:
            yield
        finally:
            await sql("DELETE FROM held")

    yield holding
    await sql("DROP TRIGGER held ON backfill_log")
    await sql("DROP FUNCTION wait_while_held; DROP TABLE held")


async def in_flight(sql):
    """Returns once a call is held."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    async with asyncio.timeout(TIMEOUT):
        while not await sql(waiting):  # noqa: ASYNC110 # the event is in the database server
            await asyncio.sleep(0.01)


async def test_a_call_in_flight_is_409_with_retry_after(api, sql, hold):
    async with hold():
        first = asyncio.create_task(call(api, SCHEDULE, "k", TWO))
        await in_flight(sql)
        again = await call(api, SCHEDULE, "k", TWO)
        assert again.status_code == 409
        assert again.json()["error"]["code"] == "call_in_progress"
        assert int(again.headers["retry-after"]) > 0
        other = asyncio.create_task(call(api, SCHEDULE, "another", {"batch_size": 1}))
    assert (await first).status_code == 200
    assert (await other).status_code == 200
    assert (await call(api, SCHEDULE, "k", TWO)).content == (await first).content
    assert await scheduled(sql) == 3


async def test_twenty_calls_at_once_are_carried_out_once(api, sql):
    responses = await asyncio.gather(*(call(api, SCHEDULE, "k", TWO) for _ in range(20)))
    assert {each.status_code for each in responses} <= {200, 409}
    assert len({each.content for each in responses if each.status_code == 200}) == 1
    assert await scheduled(sql) == 2


async def test_two_applications_share_the_keys(api, sql, system):
    other = create_app(system, WebhookSecrets((SECRET,)))
    transport = httpx2.ASGITransport(other)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://other", headers={"X-Cron-Secret": SECRET}
    ) as two:
        first = await call(api, SCHEDULE, "k", TWO)
        assert (await call(two, SCHEDULE, "k", TWO)).content == first.content


async def test_two_processes_carry_out_a_call_once(sql, hold, shared_database_url, tmp_path):
    """One process has the call in flight while the other is asked the same; then it is killed, and the other does it."""
    environment = os.environ | {"DATABASE_URL": shared_database_url, "ALEXANDRIA_WEBHOOK_SECRET": SECRET}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        ForkedChild("serve", "--port", "0", folder=tmp_path / "one", environment=environment) as one,
        ForkedChild("serve", "--port", "0", folder=tmp_path / "two", environment=environment) as two,
    ):
        urls = [await asyncio.to_thread(each.url) for each in (one, two)]
        clients = [httpx2.AsyncClient(base_url=url, headers={"X-Cron-Secret": SECRET}, trust_env=False) for url in urls]
        async with clients[0] as left, clients[1] as right:
            async with hold():
                lost = asyncio.create_task(call(left, SCHEDULE, "k", TWO))
                await in_flight(sql)
                assert (await call(right, SCHEDULE, "k", TWO)).status_code == 409
                one._process.kill()
                await asyncio.wait({lost})
            async with asyncio.timeout(TIMEOUT):
                while (done := await call(right, SCHEDULE, "k", TWO)).status_code == 409:  # noqa: ASYNC110 # of another process
                    await asyncio.sleep(0.05)
            assert done.status_code == 200
            assert (await call(right, SCHEDULE, "k", TWO)).headers[REPLAYED_HEADER] == "true"
    assert await scheduled(sql) == 2


# Forms of the pages


async def test_a_double_click_schedules_once_and_reports_success(admitted, sql):
    page = await admitted.get("/schedule?months=3")
    form = {name: hidden(page, name) for name in ("token", "call", "months", "plan")}
    first, again = await asyncio.gather(*(admitted.post("/schedule", data=form) for _ in range(2)))
    assert (first.status_code, again.status_code) == (303, 303)
    assert "Scheduled" in first.headers["set-cookie"]
    assert again.headers["set-cookie"] == first.headers["set-cookie"]
    assert await scheduled(sql) == 3


async def test_a_double_click_starts_a_rollout_once(admitted, sql):
    page = await admitted.get("/")
    form = {"token": hidden(page, "token"), "call": hidden(page, "call", "/rollout/start"), "who": "", "why": ""}
    statuses = [(await admitted.post("/rollout/start", data=form)).status_code for _ in range(3)]
    assert statuses == [303] * 3
    assert await sql("SELECT count(*) AS n FROM rollout") == [{"n": 1}]


async def test_the_same_act_from_a_new_page_is_done_again(admitted, sql):
    for _ in range(2):
        page = await admitted.get("/")
        form = {"token": hidden(page, "token"), "call": hidden(page, "call", "/pause"), "why": "lunch"}
        assert (await admitted.post("/pause", data=form)).status_code == 303
        await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    assert await sql("SELECT count(*) AS n FROM audit WHERE act = 'pause'") == [{"n": 2}]


async def test_a_form_with_other_input_is_another_call(admitted, sql):
    page = await admitted.get("/")
    form = {"token": hidden(page, "token"), "call": hidden(page, "call", "/pause")}
    assert (await admitted.post("/pause", data={**form, "why": "x" * 301})).status_code == 422
    assert (await admitted.post("/pause", data={**form, "why": "lunch"})).status_code == 303


async def test_a_new_key_alone_is_no_change_for_the_stream(app):
    """Every rendering has new keys; the parts are sent again only when something else differs."""
    view = await app.state.snapshots.get()
    updates = PageUpdates(datetime.now(UTC), len(view.cells), Visitor("v", admitted=True, token="t"))
    first = updates.since_last(view)
    assert 'name="call" value="' in first
    assert updates.since_last(view) == ""


async def test_a_stored_key_is_bound_to_the_credential():
    one, two = [idempotency.IdempotentCall.of(secret, "/p", "k", b"{}") for secret in ("a", "b")]
    assert one.id != two.id
    assert one.request == two.request
