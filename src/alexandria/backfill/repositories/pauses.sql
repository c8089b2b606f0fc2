-- What people ask of the whole backfill.

-- name: pause_now
-- The pause, if there is one.
SELECT paused_since AS since, paused_until AS until, paused_by AS who, pause_reason AS reason
FROM control WHERE paused_since IS NOT NULL AND (paused_until IS NULL OR paused_until > clock_timestamp())

-- name: lock_pause
-- No pause begins before this transaction ends. Not the row, which a session in psql may have locked.
SELECT pg_advisory_xact_lock_shared('control'::regclass::oid::integer, 0)

-- name: lock_attempts
-- No attempt begins before this transaction ends, and those that are just beginning have begun.
SELECT pg_advisory_xact_lock('control'::regclass::oid::integer, 0)

-- name: pause
-- Stop, from now on; a pause that lasts already keeps its beginning.
INSERT INTO control AS present (only_row, paused_since, paused_until, paused_by, pause_reason)
VALUES (true, now(), %(until)s, %(who)s, %(reason)s)
ON CONFLICT (only_row) DO UPDATE
SET paused_since = CASE WHEN coalesce(present.paused_until > now(), true) THEN coalesce(present.paused_since, now()) ELSE now() END,
    paused_until = excluded.paused_until, paused_by = excluded.paused_by, pause_reason = excluded.pause_reason
RETURNING paused_since AS since, paused_until AS until, paused_by AS who, pause_reason AS reason

-- name: resume
-- Go on.
UPDATE control SET paused_since = NULL, paused_until = NULL, paused_by = '', pause_reason = ''
WHERE paused_since IS NOT NULL

-- name: end_breaker_pause
-- A provider that does not answer, or all of its servers, may be probed before its pause ends.
UPDATE breaker SET open_until = clock_timestamp()
WHERE %(provider)s IN (name, split_part(name, '@', 1)) AND open_until > clock_timestamp()

-- name: resume_lane
-- A provider, or all of its servers, may be asked again before the end that its lane's pause would have had; what it was.
UPDATE lane SET paused_until = NULL, pause_reason = ''
FROM (SELECT name, paused_until, pause_reason FROM lane WHERE %(provider)s IN (name, split_part(name, '@', 1)) ORDER BY name FOR UPDATE) AS before
WHERE lane.name = before.name AND before.paused_until > clock_timestamp()
RETURNING before.paused_until AS until, before.pause_reason AS reason

-- name: advance_blocked
-- Months that wait for a provider need not wait so long; their reason quotes the provider after its name.
UPDATE backfill_log SET next_attempt_at = %(at)s
FROM (SELECT id FROM backfill_log
      WHERE status = 'retry' AND error_code <> 'paused' AND next_attempt_at > %(at)s
        AND blocked_reason ~ %(messages)s
      FOR UPDATE SKIP LOCKED) AS free
WHERE backfill_log.id = free.id
RETURNING year, month

-- name: finishing
-- How many months are in work.
SELECT count(*)::integer AS months FROM backfill_log AS b JOIN attempt AS a ON a.token = b.attempt_token
WHERE a.began_at IS NOT NULL AND a.ended_at IS NULL

-- name: postpone
-- A month that may go on waits for the end of the pause.
UPDATE backfill_log
SET next_attempt_at = %(until)s, blocked_reason = %(reason)s, error_code = 'paused', error_message = NULL
WHERE year = %(year)s AND month = %(month)s AND status = 'retry'

-- name: advance_paused
-- Months that wait for the end of a pause need not wait so long.
UPDATE backfill_log SET next_attempt_at = %(at)s
FROM (SELECT id FROM backfill_log WHERE status = 'retry' AND error_code = 'paused' AND next_attempt_at > %(at)s
      FOR UPDATE SKIP LOCKED) AS free
WHERE backfill_log.id = free.id
RETURNING year, month

-- condition: wanted
-- Which months a person wants to have done again.
(%(years)s::integer[] IS NULL OR (year, month) IN (SELECT * FROM unnest(%(years)s::integer[], %(months)s::integer[])))
  AND (NOT %(failed)s OR status = 'failed')
  AND (NOT %(partial)s OR (status = 'completed' AND error_code = 'partial'))
  AND (NOT %(adopted)s OR (status IN ('completed', 'failed', 'retry') AND adopted_at IS NOT NULL))
  AND (%(reason)s::text IS NULL
       OR (status IN ('failed', 'retry') AND %(reason)s IN (coalesce(error_code, 'unknown'), error_message, blocked_reason)))

-- name: wanted
-- The months that a person wants to have done again.
SELECT year, month, status FROM backfill_log WHERE {wanted} ORDER BY year DESC, month DESC

-- name: wanted_locked
-- The same, locked, without those that another transaction has locked.
SELECT year, month, status FROM backfill_log WHERE {wanted} ORDER BY year DESC, month DESC FOR UPDATE SKIP LOCKED

-- name: advance_wakeup
-- Months in retry may go on at once.
UPDATE backfill_log SET next_attempt_at = now()
FROM unnest(%(years)s::integer[], %(months)s::integer[]) AS asked (year, month)
WHERE backfill_log.year = asked.year AND backfill_log.month = asked.month AND status = 'retry'
