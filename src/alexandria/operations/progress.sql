-- The progress of the backfill at one instant.

-- name: cells
-- Every month as the grid shows it, newest year first.
SELECT year, month, status, blocked_reason, error_code, next_attempt_at, resolution_rate, updated_at
FROM backfill_log ORDER BY year DESC, month

-- name: failures
-- Failed months by reason, the reason of most months first; the sentence is the latest one.
SELECT coalesce(error_code, 'unknown') AS code,
       (array_agg(coalesce(error_message, '') ORDER BY completed_at DESC))[1] AS sentence,
       (array_agg(year * 100 + month ORDER BY completed_at DESC))[1] AS latest,
       array_agg(year * 100 + month ORDER BY year DESC, month DESC) AS months,
       max(completed_at) AS last_seen
FROM backfill_log WHERE status = 'failed'
GROUP BY 1 ORDER BY count(*) DESC, code

-- name: ended_attempts
-- The attempts that ended last, newest first.
SELECT ended_at, year, month, worker, outcome, code, reason
FROM attempt WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, token LIMIT %(limit)s

-- name: found_books
-- The named books that have an ISBN: how many different ones, how many were named again by another month, and how many sources date
-- to the month that named them, or to another one.
SELECT count(DISTINCT coalesce(m.book_id, c.work_id))::integer AS distinct_books,
       (count(*) - count(DISTINCT coalesce(m.book_id, c.work_id)))::integer AS repeated,
       (count(*) FILTER (WHERE c.in_month = 'confirmed'))::integer AS confirmed,
       (count(*) FILTER (WHERE c.in_month = 'contradicted'))::integer AS contradicted
FROM candidate AS c LEFT JOIN merged_work AS m USING (work_id) WHERE c.isbn13 IS NOT NULL

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
