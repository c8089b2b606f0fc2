-- The first forecast of each rollout, and what came.

-- name: store_first
-- Keep a forecast, unless there is one of this rollout.
INSERT INTO rollout_forecast (rollout_id, day, made_at, low, middle, high)
SELECT rollout.id, band.day, %(made_at)s, band.low, band.middle, band.high
FROM rollout, unnest(%(days)s::date[], %(lows)s::integer[], %(middles)s::integer[], %(highs)s::integer[])
    AS band (day, low, middle, high)
WHERE rollout.id = %(rollout)s AND NOT EXISTS (SELECT FROM rollout_forecast WHERE rollout_id = rollout.id)
ON CONFLICT DO NOTHING

-- name: first
-- The forecast that was kept of a rollout.
SELECT day, low, middle, high, made_at FROM rollout_forecast WHERE rollout_id = %(rollout)s ORDER BY day

-- name: ended
-- On which days months of a plan ended.
SELECT (completed_at AT TIME ZONE 'UTC')::date AS day, count(*)::integer AS months
FROM backfill_log
JOIN unnest(%(years)s::integer[], %(months)s::integer[]) AS planned (year, month) USING (year, month)
WHERE status IN ('completed', 'failed') GROUP BY 1
