-- Circuit breakers. A provider without a row has always answered.

-- name: admit
-- Whether requests may be sent: not while a pause lasts, then one probe alone. An answer since ends a row of failures.
WITH cleared AS (
    UPDATE breaker SET failures = 0 WHERE name = %(name)s AND trips = 0 AND failures > 0
      AND coalesce(failed_at, '-infinity') < to_timestamp(%(answered_at)s::double precision)
), probing AS (
    UPDATE breaker SET probe = %(probe)s, probe_until = clock_timestamp() + make_interval(secs => %(seconds)s)
    WHERE name = %(name)s AND trips > 0 AND coalesce(open_until <= clock_timestamp(), true)
      AND coalesce(probe_until <= clock_timestamp(), true)
    RETURNING name
)
SELECT coalesce(b.trips, 0) > 0 AS tripped, EXISTS (SELECT FROM probing) AS probes,
       greatest(extract(epoch FROM b.open_until - clock_timestamp()), 0)::double precision AS rest,
       greatest(extract(epoch FROM b.probe_until - clock_timestamp()), 0)::double precision AS probe_rest,
       b.opened_at, l.pause_reason AS reason
FROM lane AS l LEFT JOIN breaker AS b USING (name) WHERE l.name = %(name)s

-- name: add_breaker
-- A row for a provider that has failed for the first time, unless no process has set up its rate limiter yet.
INSERT INTO breaker (name) SELECT name FROM lane WHERE name = %(name)s ON CONFLICT DO NOTHING

-- name: lock_breaker
-- The state of a breaker, locked.
SELECT failures, trips, trips_before, probe, extract(epoch FROM clock_timestamp() - failed_at)::double precision AS failed_for,
       extract(epoch FROM clock_timestamp() - closed_at)::double precision AS closed_for
FROM breaker WHERE name = %(name)s FOR UPDATE

-- name: count_failure
-- One more failure in a row.
UPDATE breaker SET failures = %(failures)s, failed_at = clock_timestamp() WHERE name = %(name)s

-- name: open_breaker
-- The provider is paused.
UPDATE breaker SET failures = 0, trips = %(trips)s, opened_at = coalesce(opened_at, clock_timestamp()),
    open_until = clock_timestamp() + make_interval(secs => %(seconds)s), probe = NULL, probe_until = NULL
WHERE name = %(name)s
RETURNING opened_at, open_until

-- name: pause_lane
-- The pause as everything else shows it; a longer one stays.
UPDATE lane SET paused_until = %(until)s, pause_reason = %(reason)s, paused_since = %(since)s
WHERE name = %(name)s AND coalesce(paused_until < %(until)s, true)

-- name: close_breaker
-- The provider has answered the probe: requests are sent again.
UPDATE breaker SET failures = 0, trips = 0, trips_before = trips, opened_at = NULL, open_until = NULL, probe = NULL, probe_until = NULL,
    closed_at = clock_timestamp(), recovered_at = clock_timestamp()
WHERE name = %(name)s AND probe = %(probe)s

-- name: probe_others
-- What kept one provider from answering may have kept the others: they are probed at once.
WITH tripped AS (
    UPDATE breaker SET open_until = clock_timestamp()
    FROM (SELECT name, open_until FROM breaker WHERE trips > 0 AND open_until > clock_timestamp()
          ORDER BY name FOR UPDATE SKIP LOCKED) AS before
    WHERE breaker.name = before.name RETURNING before.name, before.open_until
)
UPDATE lane SET paused_until = clock_timestamp() FROM tripped
WHERE lane.name = tripped.name AND lane.paused_until = tripped.open_until

-- name: release_probe
-- The request did not probe the provider after all: another may.
UPDATE breaker SET probe = NULL, probe_until = NULL WHERE name = %(name)s AND probe = %(probe)s
