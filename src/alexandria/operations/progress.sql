-- The progress of the backfill at one instant.

-- name: cells
-- Every month as the grid shows it, newest year first.
SELECT year, month, status, blocked_reason, error_code, next_attempt_at, resolution_rate, updated_at
FROM backfill_log ORDER BY year DESC, month

-- name: failures
-- Failed months by reason, the reason of most months first; the sentence is the latest one.
SELECT coalesce(error_code, 'unknown') AS code,
       (array_agg(coalesce(error_message, '') ORDER BY completed_at DESC))[1] AS sentence,
       array_agg(year * 100 + month ORDER BY year DESC, month DESC) AS months,
       max(completed_at) AS last_seen
FROM backfill_log WHERE status = 'failed'
GROUP BY 1 ORDER BY count(*) DESC, code

-- name: ended_attempts
-- The attempts that ended last, newest first.
SELECT ended_at, year, month, worker, outcome, code, reason
FROM attempt WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, token LIMIT %(limit)s

-- condition: lately
-- Months that workers completed within the last hour.
status = 'completed' AND adopted_at IS NULL AND completed_at > now() - interval '1 hour'

-- name: completion_rate
-- Now, the months completed within the last hour, and those with workers or in the queue.
SELECT now() AS at,
       count(*) FILTER (WHERE {lately})::integer AS last_hour,
       min(completed_at) FILTER (WHERE {lately}) AS first_of_hour,
       count(*) FILTER (WHERE status IN ('processing', 'retry'))::integer AS under_way
FROM backfill_log
