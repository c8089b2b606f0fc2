-- The ledger of daily quotas beside what a provider itself has counted.

-- name: before
-- The ledger's row of a day, locked, and what the rate limiter stored last.
SELECT lane.plan_limit, lane.plan_note, lane.daily_limit, lane.daily_cap, lane.by_plan, coalesce(quota.used, 0) AS used
FROM lane LEFT JOIN quota ON quota.name = lane.name AND quota.day = %(day)s
WHERE lane.name = %(name)s FOR UPDATE OF lane

-- name: plan
-- What the provider reports of its plan; what it leaves out stays as it was.
UPDATE lane SET plan_limit = coalesce(%(total)s, plan_limit), plan_seen_at = now(), plan_note = %(note)s,
    plan_rate = coalesce(%(rate)s, plan_rate), plan_host = coalesce(nullif(%(host)s, ''), plan_host)
WHERE name = %(name)s

-- name: pace
-- The rate of the plan's host, on a lane whose rate is a default.
UPDATE lane SET rate = %(rate)s, sends = %(sends)s, win = %(win)s, gap = %(gap)s
WHERE name = %(name)s AND 'rate' = ANY(by_plan) AND rate <> %(rate)s

-- name: raise
-- Never less than the provider has counted, and never less than we have.
INSERT INTO quota AS ours (name, day, cap, used)
SELECT name, %(day)s, greatest(lane_limit(lane), %(spent)s), %(spent)s FROM lane WHERE name = %(name)s
ON CONFLICT (name, day) DO UPDATE
SET used = greatest(ours.used, excluded.used),
    cap = CASE WHEN ours.cap IS NOT NULL THEN greatest(ours.cap, excluded.used) END

-- name: note
-- Why the provider's word could not be had.
UPDATE lane SET plan_note = %(note)s WHERE name = %(name)s
