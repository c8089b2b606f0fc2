-- What a forecast may know of the past.

-- name: attempts
-- The latest attempts that ended, oldest first.
SELECT year, month, began_at, ended_at, outcome, coalesce(code, '') AS code FROM (
    SELECT * FROM attempt
    WHERE ended_at IS NOT NULL AND began_at IS NOT NULL AND outcome <> 'superseded'
    ORDER BY ended_at DESC LIMIT %(limit)s) AS latest
ORDER BY ended_at

-- name: waiting
-- Months in progress: their failed attempts, and when those in retry continue.
SELECT year, month, retry_count, next_attempt_at FROM backfill_log WHERE status IN ('processing', 'retry')

-- name: requests
-- Requests by provider for completed months.
SELECT call.provider, count(*)::integer AS requests
FROM call JOIN backfill_log AS b USING (year, month) WHERE b.status = 'completed' GROUP BY call.provider

-- name: tokens
-- The average tokens of a language model's book list, by generator.
SELECT request ->> 'generator' AS generator, avg((body #>> '{tokens,input}')::double precision) AS input,
       avg((body #>> '{tokens,output}')::double precision) AS output
FROM answer WHERE request ? 'generator' AND body ? 'tokens' GROUP BY 1

-- name: approvals
-- Hours that passed gates waited for a person's approval.
SELECT extract(epoch FROM l.at - v.at)::double precision / 3600 AS hours
FROM rollout_log AS l
CROSS JOIN LATERAL (SELECT max(at) AS at FROM rollout_verdict
                    WHERE rollout_id = l.rollout_id AND verdict = 'open' AND at <= l.at) AS v
WHERE l.act = 'approve' AND v.at IS NOT NULL
