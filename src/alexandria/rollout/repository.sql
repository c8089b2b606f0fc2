-- Rollouts: their plan and state, the months they scheduled, their verdicts, and the log of acts.

-- name: lock_starts
-- Rollouts are started one after the other.
SELECT pg_advisory_xact_lock('rollout'::regclass::oid::integer, 0)

-- name: newest
-- The running rollout, or the last one that ran.
SELECT id, plan, started_at, started_by, phase, begins, held, overridden, ended_at, outcome
FROM rollout ORDER BY id DESC LIMIT 1

-- name: running
-- The running rollout, locked.
SELECT id, plan, started_at, started_by, phase, begins, held, overridden, ended_at, outcome
FROM rollout WHERE ended_at IS NULL FOR UPDATE

-- name: running_unless_locked
-- The same, unless another transaction locks it.
SELECT id, plan, started_at, started_by, phase, begins, held, overridden, ended_at, outcome
FROM rollout WHERE ended_at IS NULL FOR UPDATE SKIP LOCKED

-- name: start
-- A new rollout.
INSERT INTO rollout (plan, started_at, started_by, begins) VALUES (%(plan)s, %(at)s, %(who)s, %(begins)s)
RETURNING id, plan, started_at, started_by, phase, begins, held, overridden, ended_at, outcome

-- name: save_state
-- The state of a rollout; with an outcome it has ended.
UPDATE rollout
SET phase = %(phase)s, begins = %(begins)s, held = %(held)s, overridden = %(overridden)s,
    outcome = %(outcome)s, ended_at = CASE WHEN %(outcome)s::text IS NOT NULL THEN greatest(%(at)s, started_at) END
WHERE id = %(id)s

-- name: outcomes
-- The outcomes of the months of a range of years. A month without candidates has its own counters; one that no rollout
-- has begun counts as begun long ago.
SELECT b.year, b.month, b.status, m.day, coalesce(m.failed_days, '{}') AS failed_days, b.isbndb_calls AS calls,
       coalesce(m.begun, '0001-01-01') AS begun,
       b.adopted_at IS NOT NULL AND b.status IN ('completed', 'failed') AS adopted,
       CASE WHEN b.status = 'completed' THEN coalesce(c.resolved, b.isbns_resolved) ELSE 0 END::integer AS resolved,
       CASE WHEN b.status = 'completed' THEN coalesce(c.unresolved, b.books_generated - b.isbns_resolved) ELSE 0 END::integer AS unresolved,
       CASE WHEN b.status = 'completed' THEN coalesce(c.hindered, 0) ELSE 0 END::integer AS hindered,
       CASE WHEN b.status = 'completed' THEN coalesce(c.confirmed, 0) ELSE 0 END::integer AS confirmed,
       CASE WHEN b.status = 'completed' THEN coalesce(c.contradicted, 0) ELSE 0 END::integer AS contradicted
FROM backfill_log AS b
LEFT JOIN (
    SELECT year, month, max(day) AS begun, max(day) FILTER (WHERE rollout_id = %(id)s) AS day,
           array_agg(DISTINCT day) FILTER (WHERE rollout_id = %(id)s AND failed) AS failed_days
    FROM rollout_day WHERE year BETWEEN %(first)s AND %(last)s GROUP BY year, month) AS m ON m.year = b.year AND m.month = b.month
LEFT JOIN (
    SELECT year, month, count(isbn13) AS resolved, count(*) FILTER (WHERE isbn13 IS NULL AND NOT hindered) AS unresolved,
           count(*) FILTER (WHERE hindered) AS hindered,
           count(*) FILTER (WHERE isbn13 IS NOT NULL AND in_month = 'confirmed') AS confirmed,
           count(*) FILTER (WHERE isbn13 IS NOT NULL AND in_month = 'contradicted') AS contradicted
    FROM candidate WHERE year BETWEEN %(first)s AND %(last)s GROUP BY year, month) AS c ON c.year = b.year AND c.month = b.month
WHERE b.year BETWEEN %(first)s AND %(last)s

-- name: save_scheduled
-- The day on which months were scheduled.
INSERT INTO rollout_month (rollout_id, year, month, day)
SELECT %(id)s, year, month, %(day)s FROM unnest(%(years)s::integer[], %(months)s::integer[]) AS asked (year, month)
ON CONFLICT (rollout_id, year, month) DO UPDATE SET day = excluded.day

-- name: save_begun
-- The same in the record that counts what a day has begun.
INSERT INTO rollout_day (rollout_id, year, month, day, seeded_year, seeded_month)
SELECT %(id)s, year, month, %(day)s, year, month
FROM unnest(%(years)s::integer[], %(months)s::integer[]) AS asked (year, month)

-- name: begun
-- How many months all rollouts have begun on a day.
SELECT count(*)::integer AS begun FROM rollout_day WHERE day = %(day)s

-- name: save_verdict
-- A verdict, unless it and its inputs are as before; the quota is left out, as it changes every minute.
INSERT INTO rollout_verdict (rollout_id, phase, at, verdict, reasons, inputs)
SELECT %(id)s, %(phase)s, %(at)s, %(verdict)s, %(reasons)s, %(inputs)s
WHERE NOT EXISTS (
    SELECT FROM (SELECT phase, verdict, inputs FROM rollout_verdict WHERE rollout_id = %(id)s ORDER BY id DESC LIMIT 1) AS last
    WHERE last.phase = %(phase)s AND last.verdict = %(verdict)s
      AND last.inputs #- '{counts,quota}' = %(inputs)s::jsonb #- '{counts,quota}')

-- name: log_act
-- An act of a person or of the rollout itself.
INSERT INTO rollout_log (rollout_id, at, who, act, why, detail)
VALUES (%(id)s, %(at)s, %(who)s, %(act)s, %(why)s, %(detail)s)

-- name: last_act
-- When an act of this name was last done, and to which phase.
SELECT at, detail ->> 'phase' AS phase FROM rollout_log
WHERE rollout_id = %(id)s AND act = %(act)s ORDER BY id DESC LIMIT 1

-- name: last_hold
-- The latest hold.
SELECT id FROM rollout_log WHERE rollout_id = %(id)s AND act = 'hold' ORDER BY id DESC LIMIT 1

-- name: log
-- The latest acts, newest first.
SELECT at, who, act, why, detail FROM rollout_log WHERE rollout_id = %(id)s ORDER BY id DESC LIMIT %(limit)s

-- name: verdicts
-- The latest verdicts, newest first.
SELECT phase, at, verdict, reasons, inputs FROM rollout_verdict WHERE rollout_id = %(id)s ORDER BY id DESC LIMIT %(limit)s

-- name: passed
-- The phases before this one whose last verdict is that the gate has passed, and their failed months then.
SELECT phase, failed FROM (
    SELECT DISTINCT ON (phase) phase, verdict, coalesce((inputs #>> '{counts,failed}')::integer, 0) AS failed
    FROM rollout_verdict WHERE rollout_id = %(id)s AND phase < %(before)s ORDER BY phase, id DESC) AS last
WHERE verdict = 'open' ORDER BY phase

-- name: accepted
-- What people accepted of phases that failed later, when they released the rollout.
SELECT DISTINCT jsonb_array_elements_text(detail -> 'accepted') AS evidence FROM rollout_log
WHERE rollout_id = %(id)s AND act = 'release' AND detail ? 'accepted'

-- name: last_change
-- The time of the latest verdict or act.
SELECT greatest((SELECT max(at) FROM rollout_verdict WHERE rollout_id = %(id)s),
                (SELECT max(at) FROM rollout_log WHERE rollout_id = %(id)s)) AS at

-- name: spent_by_months
-- Units of ISBNdb's day that attempts at months have spent.
SELECT coalesce(sum(units), 0)::integer AS units FROM call
WHERE provider = 'isbndb' AND attempt_token IS NOT NULL AND sent_at >= %(midnight)s
