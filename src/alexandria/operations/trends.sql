-- What was recorded of the last days and of the whole time, for charts and costs. Days are in UTC where nothing else is said.

-- name: attempts
-- Attempts that completed and failed months, by day.
SELECT (ended_at AT TIME ZONE 'UTC')::date AS day,
       (count(*) FILTER (WHERE outcome = 'completed'))::integer AS completed,
       (count(*) FILTER (WHERE outcome = 'failed'))::integer AS failed
FROM attempt WHERE ended_at >= %(since)s AND outcome IN ('completed', 'failed')
GROUP BY 1

-- name: books
-- Books of the months that were completed last on a day, without adopted months.
SELECT (completed_at AT TIME ZONE 'UTC')::date AS day, sum(books_generated)::integer AS books,
       sum(isbns_resolved)::integer AS resolved
FROM backfill_log WHERE status = 'completed' AND adopted_at IS NULL AND completed_at >= %(since)s
GROUP BY 1

-- name: calls
-- Requests by provider, address and day; those before the first day together, without one.
SELECT CASE WHEN sent_at >= %(since)s THEN (sent_at AT TIME ZONE 'UTC')::date END AS day, provider, route,
       count(*)::integer AS requests,
       (count(*) FILTER (WHERE status BETWEEN 200 AND 299))::integer AS answered,
       (count(*) FILTER (WHERE status IS NULL OR (status >= 400 AND status <> 404)))::integer AS errors,
       min(sent_at) AS first_at
FROM call GROUP BY 1, 2, 3

-- name: quotas
-- Units spent of each provider's day, in its zone, and how many months may spend now.
SELECT name, day, used, lane_cap(lane) AS cap FROM quota JOIN lane USING (name)
WHERE day >= %(since)s AND lane_cap(lane) IS NOT NULL
