-- What a forecast may know of the past: the plan's own months, and others apart from them.

-- name: attempts
-- The latest attempts at the plan's months that ended, oldest first.
SELECT year, month, began_at, ended_at, outcome, coalesce(code, '') AS code FROM (
    SELECT attempt.* FROM attempt
    JOIN unnest(%(years)s::integer[], %(months)s::integer[]) AS planned (year, month) USING (year, month)
    WHERE ended_at IS NOT NULL AND began_at IS NOT NULL AND outcome <> 'superseded'
    ORDER BY ended_at DESC LIMIT %(limit)s) AS latest
ORDER BY ended_at

-- name: waiting
-- Months in progress: their failed attempts, when those in retry continue, and whether a generator has answered for
-- them. A month whose attempt has not begun is in progress too.
SELECT year, month, retry_count, next_attempt_at, EXISTS (
    SELECT FROM call WHERE call.year = b.year AND call.month = b.month AND call.status BETWEEN 200 AND 299
    AND call.provider <> ALL(%(sources)s::text[])) AS listed
FROM backfill_log AS b WHERE status IN ('processing', 'retry')

-- name: requests
-- Requests for the plan's months by provider, whatever became of the months, and those of them for completed months.
SELECT call.provider, count(*)::integer AS requests,
       (count(*) FILTER (WHERE b.status = 'completed'))::integer AS completed
FROM call
JOIN unnest(%(years)s::integer[], %(months)s::integer[]) AS planned (year, month) USING (year, month)
LEFT JOIN backfill_log AS b USING (year, month)
GROUP BY call.provider

-- name: purchases
-- Requests to generators for the plan's months by address, and how many of them were answered.
SELECT call.provider, call.route, count(*)::integer AS requests,
       (count(*) FILTER (WHERE call.status BETWEEN 200 AND 299))::integer AS answered
FROM call
JOIN unnest(%(years)s::integer[], %(months)s::integer[]) AS planned (year, month) USING (year, month)
WHERE call.provider = ANY(%(providers)s::text[])
GROUP BY call.provider, call.route

-- name: tokens
-- The average tokens of a request to a language model, by generator: those for months of the plan, and others. Every
-- prompt names its month with these words.
SELECT request ->> 'generator' AS generator,
       coalesce(substring(request ->> 'prompt' FROM 'first published in ([A-Z][a-z]+ [0-9]{4})') = ANY(%(names)s::text[]), false) AS own,
       count(*)::integer AS lists,
       avg((body #>> '{tokens,input}')::double precision / purchases) AS input,
       avg((body #>> '{tokens,output}')::double precision / purchases) AS output
FROM answer, LATERAL (SELECT greatest((body ->> 'purchases')::integer, 1) AS purchases) AS bought
WHERE request ? 'generator' AND body ? 'tokens' GROUP BY 1, 2

-- name: approvals
-- Hours that passed gates waited for a person's approval.
SELECT extract(epoch FROM l.at - v.at)::double precision / 3600 AS hours
FROM rollout_log AS l
CROSS JOIN LATERAL (SELECT max(at) AS at FROM rollout_verdict
                    WHERE rollout_id = l.rollout_id AND verdict = 'open' AND at <= l.at) AS v
WHERE l.act = 'approve' AND v.at IS NOT NULL

-- name: other_months
-- The latest months outside the plan that ended, newest first, and how many there are in all.
SELECT b.year, b.month, b.status, b.isbndb_calls AS calls, b.ended,
       coalesce(c.resolved, b.isbns_resolved)::integer AS resolved,
       coalesce(c.unresolved, b.books_generated - b.isbns_resolved)::integer AS unresolved,
       coalesce(c.hindered, 0)::integer AS hindered,
       coalesce(c.confirmed, 0)::integer AS confirmed,
       coalesce(c.contradicted, 0)::integer AS contradicted
FROM (
    SELECT backfill_log.*, (count(*) OVER ())::integer AS ended FROM backfill_log
    WHERE status IN ('completed', 'failed') AND adopted_at IS NULL AND NOT EXISTS (
        SELECT FROM unnest(%(years)s::integer[], %(months)s::integer[]) AS planned (year, month)
        WHERE planned.year = backfill_log.year AND planned.month = backfill_log.month)
    ORDER BY completed_at DESC, year DESC, month DESC LIMIT %(limit)s) AS b
LEFT JOIN LATERAL (
    SELECT count(isbn13) AS resolved, count(*) FILTER (WHERE isbn13 IS NULL AND NOT hindered) AS unresolved,
           count(*) FILTER (WHERE hindered) AS hindered,
           count(*) FILTER (WHERE isbn13 IS NOT NULL AND in_month = 'confirmed') AS confirmed,
           count(*) FILTER (WHERE isbn13 IS NOT NULL AND in_month = 'contradicted') AS contradicted
    FROM candidate WHERE candidate.year = b.year AND candidate.month = b.month HAVING count(*) > 0) AS c ON true
ORDER BY b.completed_at DESC, b.year DESC, b.month DESC

-- name: other_use
-- Units of providers' days that were spent on anything but months, by hour of the provider's day. What a provider has
-- counted beyond the requests sent from here has no hour.
WITH asked AS (
    SELECT * FROM unnest(%(names)s::text[], %(zones)s::text[], %(since)s::date[], %(until)s::date[]) AS asked (name, zone, since, until)
), sent AS (
    SELECT name, (sent_at AT TIME ZONE zone)::date AS day,
           extract(hour FROM sent_at AT TIME ZONE zone)::integer AS hour, units, attempt_token
    FROM asked JOIN call ON call.provider = name
    WHERE sent_at >= since::timestamp AT TIME ZONE zone AND sent_at < until::timestamp AT TIME ZONE zone
), uncounted AS (
    SELECT quota.name, quota.day, quota.used - coalesce((
        SELECT sum(units) FROM sent WHERE sent.name = quota.name AND sent.day = quota.day), 0) AS units
    FROM asked JOIN quota USING (name) WHERE day >= since AND day < until
)
SELECT name, day, hour, sum(units) FILTER (WHERE attempt_token IS NULL)::double precision AS units
FROM sent GROUP BY name, day, hour
UNION ALL
SELECT name, day, NULL, greatest(units, 0)::double precision FROM uncounted

-- name: spent_by_months
-- Units of each provider's present day, which began at its midnight, that attempts at months have spent.
SELECT name, coalesce(sum(units), 0)::integer AS units
FROM unnest(%(names)s::text[], %(midnights)s::timestamptz[]) AS asked (name, midnight)
LEFT JOIN call ON call.provider = name AND call.sent_at >= midnight AND call.attempt_token IS NOT NULL
GROUP BY name
