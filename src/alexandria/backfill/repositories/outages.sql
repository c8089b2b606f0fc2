-- Months that wait for providers that do not answer, or for keys.

-- name: recovered
-- Providers that answer again, each returned once.
UPDATE breaker SET recovered_at = NULL
WHERE name IN (SELECT name FROM breaker WHERE recovered_at IS NOT NULL ORDER BY name FOR UPDATE SKIP LOCKED)
RETURNING name

-- name: to_probe
-- Providers whose pause is over, that no request probes and that months wait for; each is returned once in a while.
UPDATE breaker SET probed_at = clock_timestamp()
WHERE name IN (
    SELECT name FROM breaker
    WHERE trips > 0 AND open_until <= clock_timestamp() AND coalesce(probe_until <= clock_timestamp(), true)
      AND coalesce(probed_at <= clock_timestamp() - make_interval(secs => %(interval)s), true)
    ORDER BY name FOR UPDATE SKIP LOCKED)
RETURNING name

-- name: wake_one
-- The newest month that waits for a provider is due at once.
UPDATE backfill_log SET next_attempt_at = now()
WHERE id = (
    SELECT id FROM backfill_log
    WHERE status = 'retry' AND error_code <> 'paused' AND blocked_reason ~ %(messages)s
    ORDER BY year DESC, month DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING year, month

-- name: wake_keyed
-- Months that wait for the key of a provider are due at once.
UPDATE backfill_log SET next_attempt_at = now()
WHERE id IN (
    SELECT id FROM backfill_log
    WHERE status = 'retry' AND error_code = 'no_key' AND blocked_reason ~ %(messages)s
    ORDER BY year, month FOR UPDATE SKIP LOCKED)
RETURNING year, month
