-- The sources that enrichment does not ask for a while.

-- name: rests
-- The sources that failed last time, and until when they are paused.
SELECT provider, until, reason, permanent, failures FROM enrichment_rest

-- name: awake
-- Only these sources are paused.
DELETE FROM enrichment_rest WHERE provider <> ALL(%(providers)s::text[])

-- name: wake
-- The pause of a source ends.
DELETE FROM enrichment_rest WHERE provider = %(provider)s

-- name: rest
-- A source that failed.
INSERT INTO enrichment_rest (provider, until, reason, permanent, failures)
VALUES (%(provider)s, %(until)s, %(reason)s, %(permanent)s, %(failures)s)
ON CONFLICT (provider) DO UPDATE SET until = excluded.until, reason = excluded.reason,
    permanent = excluded.permanent, failures = excluded.failures
