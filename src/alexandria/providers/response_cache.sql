-- Answers that were paid for, and the record of every request.

-- name: read
-- A stored answer that has not expired.
SELECT body, fetched_at FROM answer
WHERE provider = %(provider)s AND key = %(key)s AND (expires_at IS NULL OR expires_at > now())

-- name: write
-- Keep an answer, in the place of an older one.
INSERT INTO answer (provider, key, request, body, fetched_at, expires_at)
VALUES (%(provider)s, %(key)s, %(request)s, %(body)s, now(), now() + %(life)s::interval)
ON CONFLICT (provider, key) DO UPDATE
SET request = excluded.request, body = excluded.body, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at
RETURNING fetched_at

-- name: purge
-- Forget all answers of one provider.
DELETE FROM answer WHERE provider = %(provider)s

-- name: of_provider
-- How many answers of one provider are kept.
SELECT count(*)::integer AS answers FROM answer WHERE provider = %(provider)s

-- name: forget
-- Delete some answers that have expired; one that is written again meanwhile is a new row.
DELETE FROM answer
WHERE ctid = ANY(ARRAY(SELECT ctid FROM answer WHERE expires_at <= now() LIMIT %(most)s FOR UPDATE SKIP LOCKED))

-- name: record
-- One request that was sent. An attempt's end counts its requests; one that is of no living attempt is counted here.
WITH sent AS (
    INSERT INTO call (provider, route, sent_at, ms, units, status, error, year, month, attempt_token)
    VALUES (%(provider)s, %(route)s, %(sent_at)s, %(ms)s, %(units)s, %(status)s, %(error)s,
            %(year)s, %(month)s, %(attempt_token)s)
    RETURNING provider, year, month, attempt_token
)
UPDATE backfill_log AS b
SET gemini_calls = gemini_calls + (sent.provider = 'gemini')::integer,
    xai_calls = xai_calls + (sent.provider = 'xai')::integer,
    isbndb_calls = isbndb_calls + (sent.provider = 'isbndb')::integer
FROM sent
WHERE b.year = sent.year AND b.month = sent.month AND b.attempt_token IS DISTINCT FROM sent.attempt_token
  AND sent.provider IN ('gemini', 'xai', 'isbndb')

-- name: record_alone
-- The same without the months' counters, which another transaction keeps locked.
INSERT INTO call (provider, route, sent_at, ms, units, status, error, year, month, attempt_token)
VALUES (%(provider)s, %(route)s, %(sent_at)s, %(ms)s, %(units)s, %(status)s, %(error)s,
        %(year)s, %(month)s, %(attempt_token)s)

-- name: calls_since
-- Requests sent since a moment, by provider.
SELECT provider, count(*)::integer AS calls FROM call WHERE sent_at >= %(since)s GROUP BY provider

-- name: recent_calls
-- How the requests of the last hour ended, by provider, and the milliseconds within which half and 95 % of them ended.
SELECT provider,
       (count(*) FILTER (WHERE status < 400 OR status = 404))::integer AS answered,
       (count(*) FILTER (WHERE status = 429))::integer AS limited,
       (count(*) FILTER (WHERE status >= 400 AND status NOT IN (404, 429)))::integer AS refused,
       (count(*) FILTER (WHERE status IS NULL))::integer AS silent,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS median_ms,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY ms) AS p95_ms
FROM call WHERE sent_at > now() - interval '1 hour'
GROUP BY provider

-- name: last_answers
-- When each of these providers was last sent a request that it answered; null: never.
-- Each is one step into the index call_answered: by "provider = name" all requests would be read backwards to find none.
SELECT name, (SELECT CASE WHEN last.provider = name THEN last.sent_at END
              FROM (SELECT provider, sent_at FROM call WHERE provider <= name AND status IS NOT NULL
                    ORDER BY provider DESC, sent_at DESC LIMIT 1) AS last) AS at
FROM unnest(%(names)s::text[]) AS asked (name)
