-- Incidents, and the notices about them.

-- name: counts
-- Workers alive, and months by what they wait for or how they ended within a day.
SELECT (SELECT count(*) FROM worker
        WHERE last_heartbeat > now() - make_interval(secs => %(silence)s))::integer AS workers,
       (SELECT extract(epoch FROM now() - finished_at)::float8 FROM periodic_run
        WHERE task = %(rescue)s AND EXISTS (
            SELECT FROM worker
            WHERE last_heartbeat > now() - make_interval(secs => %(beating)s))) AS rescued_ago,
       (count(*) FILTER (WHERE status = 'processing'))::integer AS processing,
       (count(*) FILTER (WHERE status = 'retry' AND next_attempt_at <= now()))::integer AS due,
       (count(*) FILTER (WHERE status IN ('processing', 'retry')))::integer AS under_way,
       (count(*) FILTER (WHERE status = 'completed' AND adopted_at IS NULL AND completed_at > now() - interval '1 day'))::integer AS completed,
       (count(*) FILTER (WHERE status = 'failed' AND adopted_at IS NULL AND completed_at > now() - interval '1 day'))::integer AS failed,
       coalesce(mode() WITHIN GROUP (ORDER BY error_message)
                FILTER (WHERE status = 'failed' AND adopted_at IS NULL AND completed_at > now() - interval '1 day'), '') AS failed_because
FROM backfill_log

-- name: blocked
-- Months that have waited too long since their last real attempt, for anything but the end of a pause.
SELECT count(*)::integer AS months, min(since) AS since,
       coalesce(mode() WITHIN GROUP (ORDER BY blocked_reason), '') AS because
FROM (
    SELECT b.blocked_reason, coalesce(
        (SELECT min(a.ended_at) FROM attempt AS a
         WHERE a.year = b.year AND a.month = b.month AND a.outcome = 'snoozed' AND a.created_at > coalesce(
            (SELECT max(o.created_at) FROM attempt AS o
             WHERE o.year = b.year AND o.month = b.month AND o.outcome <> 'snoozed'), '-infinity')),
        b.updated_at) AS since
    FROM backfill_log AS b
    WHERE b.status = 'retry' AND b.blocked_reason IS NOT NULL AND b.error_code IS DISTINCT FROM 'paused'
) AS waiting
WHERE since <= now() - %(longer)s::interval

-- name: down
-- Months that have waited too long for providers that do not answer, or for keys; also while an attempt finds it out again.
SELECT count(*)::integer AS months, min(since) AS since, coalesce(mode() WITHIN GROUP (ORDER BY reason), '') AS because
FROM (
    SELECT last.reason, (
        SELECT min(a.ended_at) FROM attempt AS a
        WHERE a.year = b.year AND a.month = b.month AND a.outcome = 'snoozed' AND a.code = ANY(%(codes)s::text[])
          AND a.created_at > coalesce(
            (SELECT max(o.created_at) FROM attempt AS o
             WHERE o.year = b.year AND o.month = b.month AND o.ended_at IS NOT NULL
               AND (o.outcome <> 'snoozed' OR coalesce(o.code, '') <> ALL(%(neutral)s::text[]))), '-infinity')) AS since
    FROM backfill_log AS b
    JOIN LATERAL (SELECT code, reason FROM attempt AS a
                  WHERE a.year = b.year AND a.month = b.month AND a.ended_at IS NOT NULL
                  ORDER BY a.created_at DESC LIMIT 1) AS last ON last.code = ANY(%(codes)s::text[])
    WHERE b.status IN ('retry', 'processing')
) AS waiting
WHERE since <= now() - %(longer)s::interval

-- name: try_lock
-- Whether no other transaction updates incidents now; holds until the transaction ends.
SELECT pg_try_advisory_xact_lock('incident'::regclass::oid::integer, 0) AS locked

-- name: begin
-- Store incidents that have begun.
INSERT INTO incident (kind, subject, reason)
SELECT * FROM unnest(%(kinds)s::text[], %(subjects)s::text[], %(reasons)s::text[])
ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO NOTHING
RETURNING id, kind, subject, reason

-- name: renew
-- Keep the reasons of incidents that last up to date: counts and causes change.
UPDATE incident SET reason = lasting.reason
FROM unnest(%(kinds)s::text[], %(subjects)s::text[], %(reasons)s::text[]) AS lasting (kind, subject, reason)
WHERE cleared_at IS NULL AND lasting.kind = incident.kind AND lasting.subject = incident.subject
  AND lasting.reason <> incident.reason

-- name: recent
-- The incidents that last, then those that cleared lately.
SELECT id, kind, subject, reason, began_at, cleared_at
FROM incident
WHERE cleared_at IS NULL OR cleared_at >= now() - %(within)s::interval
ORDER BY cleared_at IS NOT NULL, began_at DESC, id DESC
LIMIT %(limit)s

-- name: clear
-- End incidents that last no longer.
UPDATE incident SET cleared_at = now()
WHERE cleared_at IS NULL
  AND NOT EXISTS (SELECT FROM unnest(%(kinds)s::text[], %(subjects)s::text[]) AS lasting (kind, subject)
                  WHERE lasting.kind = incident.kind AND lasting.subject = incident.subject)
RETURNING id, kind, subject, reason

-- name: remind
-- Incidents that last and were last reported so long ago.
UPDATE incident SET reminded_at = now()
WHERE cleared_at IS NULL AND kind = ANY(%(kinds)s::text[])
  AND coalesce(reminded_at, began_at) <= now() - %(interval)s::interval
RETURNING id, kind, subject, reason

-- name: queue_reminders
-- Queue one more notice for each of these incidents, which last.
INSERT INTO notice (incident_id, event) SELECT unnest(%(ids)s::bigint[]), 'lasts'
ON CONFLICT (incident_id, event) DO UPDATE SET tries = 0, next_try_at = now(), delivered_at = NULL, result = ''

-- name: queue_notices
-- Queue a notice for each of these incidents.
INSERT INTO notice (incident_id, event) SELECT unnest(%(ids)s::bigint[]), %(event)s

-- name: due_notice
-- One notice to deliver now, the oldest first, and for one incident "began" before all others; locked.
SELECT n.incident_id AS id, n.event, n.tries, i.kind, i.subject, i.reason, i.began_at, i.reminded_at,
       CASE WHEN n.event = 'cleared' THEN i.cleared_at END AS cleared_at
FROM notice AS n JOIN incident AS i ON i.id = n.incident_id
WHERE n.next_try_at <= now()
  AND NOT EXISTS (SELECT FROM notice AS earlier WHERE n.event <> 'began' AND earlier.event = 'began'
                  AND earlier.incident_id = n.incident_id AND earlier.next_try_at IS NOT NULL)
ORDER BY n.incident_id, n.event
LIMIT 1
FOR UPDATE OF n SKIP LOCKED

-- name: record_delivery
-- How a delivery ended, and when the next one is tried.
UPDATE notice
SET tries = tries + 1, result = %(result)s, next_try_at = %(next_try)s::timestamptz,
    delivered_at = CASE WHEN %(delivered)s THEN now() END
WHERE incident_id = %(id)s AND event = %(event)s
