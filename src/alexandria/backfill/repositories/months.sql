-- Months and the attempts at them.

-- condition: claimable
-- Which months a schedule call may claim.
status = 'pending' OR (status = 'retry' AND next_attempt_at <= now()) OR (%(failed_too)s AND status = 'failed')

-- name: seed
-- Add the months of a range of years that are not there yet.
INSERT INTO backfill_log (year, month)
SELECT year, month FROM generate_series(%(first)s::integer, %(last)s::integer) AS year, generate_series(1, 12) AS month
ON CONFLICT (year, month) DO NOTHING

-- name: totals
-- How many months are in each status.
SELECT status, count(*)::integer AS months FROM backfill_log GROUP BY status

-- name: open
-- The newest months that may be claimed now.
SELECT year, month, status, books_generated, isbns_resolved, resolution_rate, error_message
FROM backfill_log
WHERE {claimable}
  AND year BETWEEN %(first)s AND %(last)s
ORDER BY year DESC, month DESC
LIMIT %(limit)s

-- name: open_locked
-- The same, locked, without those that another call has locked.
SELECT year, month, status, books_generated, isbns_resolved, resolution_rate, error_message
FROM backfill_log
WHERE {claimable}
  AND year BETWEEN %(first)s AND %(last)s
ORDER BY year DESC, month DESC
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: planned_locked
-- The months of a plan that may still be claimed, locked.
SELECT b.year, b.month, b.status, b.books_generated, b.isbns_resolved, b.resolution_rate, b.error_message
FROM backfill_log AS b
JOIN unnest(%(years)s::integer[], %(months)s::integer[]) AS planned (year, month) USING (year, month)
WHERE {claimable}
ORDER BY b.year DESC, b.month DESC
FOR UPDATE OF b SKIP LOCKED

-- name: named
-- The months that a person names, whatever their status.
SELECT b.year, b.month, b.status, b.books_generated, b.isbns_resolved, b.resolution_rate, b.error_message
FROM backfill_log AS b
JOIN unnest(%(years)s::integer[], %(months)s::integer[]) AS named (year, month) USING (year, month)
ORDER BY b.year DESC, b.month DESC

-- name: named_locked
-- The same, locked, without those that another transaction has locked.
SELECT b.year, b.month, b.status, b.books_generated, b.isbns_resolved, b.resolution_rate, b.error_message
FROM backfill_log AS b
JOIN unnest(%(years)s::integer[], %(months)s::integer[]) AS named (year, month) USING (year, month)
ORDER BY b.year DESC, b.month DESC
FOR UPDATE OF b SKIP LOCKED

-- name: due_locked
-- One month in retry whose time has come, locked; not if another transaction has locked it.
SELECT year, month, status FROM backfill_log
WHERE year = %(year)s AND month = %(month)s AND status = 'retry' AND next_attempt_at <= now()
FOR UPDATE SKIP LOCKED

-- name: reopen
-- Completed and failed months become pending, with their counters reset.
UPDATE backfill_log SET status = 'pending', retry_count = 0, error_message = NULL, error_code = NULL
FROM unnest(%(years)s::integer[], %(months)s::integer[]) AS asked (year, month)
WHERE backfill_log.year = asked.year AND backfill_log.month = asked.month AND status IN ('completed', 'failed')

-- name: claim
-- Give each month its new attempt token.
UPDATE backfill_log
SET status = 'processing', attempt_token = claimed.token, started_at = now(), error_message = NULL, error_code = NULL
FROM unnest(%(years)s::integer[], %(months)s::integer[], %(tokens)s::uuid[]) AS claimed (year, month, token)
WHERE backfill_log.year = claimed.year AND backfill_log.month = claimed.month AND status IN ('pending', 'retry')

-- name: add_attempts
-- One attempt a claimed month, with the job that will make it.
INSERT INTO attempt (token, year, month, job_id)
SELECT * FROM unnest(%(tokens)s::uuid[], %(years)s::integer[], %(months)s::integer[], %(jobs)s::bigint[])

-- name: begin
-- A worker starts an attempt, if its token still holds.
UPDATE attempt SET began_at = coalesce(began_at, now()), worker = %(worker)s
FROM backfill_log AS b
WHERE attempt.token = %(token)s AND b.attempt_token = attempt.token AND attempt.ended_at IS NULL
RETURNING b.year, b.month, b.retry_count, b.prompt_variant, b.batch_size

-- name: begin_unless_paused
-- The same; nothing during a pause, which no other transaction may begin now.
UPDATE attempt SET began_at = coalesce(began_at, now()), worker = %(worker)s
FROM backfill_log AS b
WHERE attempt.token = %(token)s AND b.attempt_token = attempt.token AND attempt.ended_at IS NULL
  AND NOT EXISTS (SELECT FROM control
                  WHERE paused_since IS NOT NULL AND (paused_until IS NULL OR paused_until > clock_timestamp()))
RETURNING b.year, b.month, b.retry_count, b.prompt_variant, b.batch_size

-- name: lock
-- Lock the month for the attempt that owns it, until the transaction ends.
SELECT year, month, retry_count FROM backfill_log WHERE attempt_token = %(token)s FOR UPDATE

-- name: try_lock
-- The same without waiting: a month that another transaction has locked is skipped.
SELECT year, month, retry_count FROM backfill_log WHERE attempt_token = %(token)s FOR UPDATE SKIP LOCKED

-- name: outage_waits
-- How often in a row the month of an attempt has waited for providers.
SELECT count(*)::integer AS waits FROM attempt AS a
JOIN attempt AS present ON present.token = %(token)s AND a.year = present.year AND a.month = present.month
WHERE a.outcome = 'snoozed' AND a.code = ANY(%(codes)s::text[])
  AND a.created_at > coalesce(
    (SELECT max(o.created_at) FROM attempt AS o
     WHERE o.year = present.year AND o.month = present.month AND o.outcome <> 'snoozed'), '-infinity')

-- name: lock_lost
-- Lock the month of an attempt that was lost because its worker was silent.
SELECT b.year, b.month, b.status FROM backfill_log AS b JOIN attempt AS a USING (year, month)
WHERE a.token = %(token)s AND a.outcome = 'lost' AND a.code = %(lost)s
FOR UPDATE OF b

-- name: spare_attempt
-- The attempt was lost, and does not count, as its worker lives.
UPDATE attempt SET code = %(code)s, reason = %(reason)s WHERE token = %(token)s AND outcome = 'lost' AND code = %(lost)s

-- name: spare_month
-- One failed attempt less; a month that failed by it goes on.
UPDATE backfill_log
SET retry_count = greatest(retry_count - 1, 0),
    status = CASE WHEN status = 'failed' AND error_code = %(lost)s THEN 'retry' ELSE status END
WHERE year = %(year)s AND month = %(month)s
RETURNING status

-- name: complete
-- The month is done.
UPDATE backfill_log
SET status = 'completed', completed_at = greatest(now(), started_at),
    books_generated = %(generated)s::integer, isbns_resolved = %(resolved)s::integer, isbns_queued = %(queued)s,
    resolution_rate = CASE WHEN %(generated)s > 0 THEN round(100.0 * %(resolved)s / %(generated)s, 2) ELSE 0 END,
    prompt_variant = %(variant)s, error_message = %(note)s, error_code = %(code)s,
    gemini_calls = calls_sent(year, month, 'gemini'),
    xai_calls = calls_sent(year, month, 'xai'),
    isbndb_calls = calls_sent(year, month, 'isbndb')
WHERE attempt_token = %(token)s

-- name: postpone
-- The month waits: after a failed attempt (failed = 1) or snoozed (failed = 0, with the reason it is blocked).
UPDATE backfill_log
SET status = 'retry', retry_count = retry_count + %(failed)s, next_attempt_at = %(at)s,
    last_retry_at = CASE WHEN %(failed)s > 0 THEN now() ELSE last_retry_at END,
    error_message = %(message)s, error_code = %(code)s, blocked_reason = %(blocked)s,
    gemini_calls = calls_sent(year, month, 'gemini'),
    xai_calls = calls_sent(year, month, 'xai'),
    isbndb_calls = calls_sent(year, month, 'isbndb')
WHERE attempt_token = %(token)s

-- name: fail
-- The month has failed until a person asks for it again.
UPDATE backfill_log
SET status = 'failed', completed_at = greatest(now(), started_at), retry_count = least(retry_count + 1, 5),
    last_retry_at = now(), error_message = %(message)s, error_code = %(code)s,
    gemini_calls = calls_sent(year, month, 'gemini'),
    xai_calls = calls_sent(year, month, 'xai'),
    isbndb_calls = calls_sent(year, month, 'isbndb')
WHERE attempt_token = %(token)s

-- name: has_completed
-- Whether an attempt has completed its month.
SELECT EXISTS (SELECT FROM attempt WHERE token = %(token)s AND outcome = 'completed') AS completed

-- name: end_attempt
-- How an attempt ended; runs before the month gives up the token.
UPDATE attempt SET ended_at = now(), outcome = %(outcome)s, code = %(code)s, reason = %(reason)s
WHERE token = %(token)s AND ended_at IS NULL

-- name: end_job
-- The job of an attempt that has completed its month.
DELETE FROM procrastinate_jobs WHERE id = (SELECT job_id FROM attempt WHERE token = %(token)s)

-- name: lost
-- Attempts whose job is gone, or whose worker no longer beats.
SELECT year, month, token, outage FROM lost_attempts(%(silence)s)

-- name: drop_dead_jobs
-- Jobs that dead workers have left; their months are rescued.
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT id FROM procrastinate_jobs WHERE id IN (SELECT dead_jobs(%(silence)s)) FOR UPDATE SKIP LOCKED)

-- name: unscheduled
-- Months in retry that are overdue, with no job to wake them now.
SELECT year, month FROM unscheduled_months(%(silence)s)

-- name: progress
-- Sums over all months.
SELECT coalesce(sum(books_generated), 0)::bigint AS total_books_generated,
       coalesce(sum(isbns_resolved), 0)::bigint AS total_isbns_resolved,
       CASE WHEN sum(books_generated) > 0
            THEN round(100.0 * sum(isbns_resolved) / sum(books_generated), 2) ELSE 0 END AS overall_resolution_rate,
       coalesce(sum(isbns_queued), 0)::bigint AS total_isbns_queued
FROM backfill_log

-- name: daily
-- The numbers of the daily check, and the same of the last day.
SELECT count(*)::integer AS total,
       (count(*) FILTER (WHERE status = 'pending'))::integer AS pending,
       (count(*) FILTER (WHERE status = 'processing'))::integer AS processing,
       (count(*) FILTER (WHERE status = 'retry'))::integer AS retry,
       (count(*) FILTER (WHERE status = 'completed'))::integer AS completed,
       (count(*) FILTER (WHERE status = 'completed' AND lately))::integer AS completed_lately,
       (count(*) FILTER (WHERE status = 'completed' AND adopted_at IS NOT NULL))::integer AS adopted,
       (count(*) FILTER (WHERE status = 'failed'))::integer AS failed,
       (count(*) FILTER (WHERE status = 'failed' AND lately))::integer AS failed_lately,
       (count(*) FILTER (WHERE status = 'processing' AND started_at < now() - interval '1 hour'))::integer AS stuck,
       round(avg(resolution_rate) FILTER (WHERE status = 'completed' AND adopted_at IS NULL), 2) AS resolution,
       round(avg(resolution_rate) FILTER (WHERE status = 'completed' AND lately), 2) AS resolution_lately
FROM (SELECT *, adopted_at IS NULL AND completed_at > now() - interval '1 day' AS lately FROM backfill_log) AS b

-- name: recent
-- The newest completed months.
SELECT year, month, status, books_generated, isbns_resolved, resolution_rate, error_message
FROM backfill_log WHERE status = 'completed' ORDER BY completed_at DESC, year DESC, month DESC LIMIT %(limit)s

-- name: listed
-- Months for a list or the grid, newest first.
SELECT * FROM backfill_log
WHERE (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(year)s::integer IS NULL OR year = %(year)s)
  AND (%(reason)s::text IS NULL OR error_code = %(reason)s OR error_message = %(reason)s OR blocked_reason = %(reason)s)
ORDER BY year DESC, month DESC

-- name: one
-- One month in full.
SELECT * FROM backfill_log WHERE year = %(year)s AND month = %(month)s

-- name: attempts
-- The attempts at one month, oldest first.
SELECT token, job_id, created_at, began_at, ended_at, worker, outcome, code, reason
FROM attempt WHERE year = %(year)s AND month = %(month)s ORDER BY created_at, token

-- name: attempt_of_job
-- The attempt that a job makes.
SELECT token, job_id, year, month, created_at, began_at, ended_at, worker, outcome, code, reason
FROM attempt WHERE job_id = %(job_id)s

-- name: spent
-- The requests that a month has cost, by provider.
SELECT provider, count(*)::integer AS calls, sum(units)::integer AS units,
       (count(*) FILTER (WHERE status = 429))::integer AS refused
FROM call WHERE year = %(year)s AND month = %(month)s GROUP BY provider ORDER BY provider

-- name: workers
-- How many workers have a recent heartbeat, and how many months need one.
SELECT (SELECT count(*) FROM worker
        WHERE last_heartbeat > now() - make_interval(secs => %(silence)s))::integer AS workers,
       (SELECT count(*) FROM backfill_log WHERE status = 'retry' AND next_attempt_at <= now())::integer AS due,
       (SELECT count(*) FROM backfill_log WHERE status = 'processing')::integer AS processing

-- name: waiting
-- How many months are claimed, due, or due within so many seconds.
SELECT count(*)::integer AS months FROM backfill_log
WHERE status = 'processing' OR (status = 'retry' AND next_attempt_at <= now() + make_interval(secs => %(soon)s))

-- name: audit
-- A person's request.
INSERT INTO audit (who, act, detail) VALUES (%(who)s, %(act)s, %(detail)s)
