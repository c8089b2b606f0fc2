-- The ledger of daily quotas beside what a provider itself has counted.

-- name: before
-- The ledger's row of a day, locked, and what the rate limiter stored last.
SELECT lane.plan_limit, lane.daily_limit, coalesce(quota.used, 0) AS used
FROM lane LEFT JOIN quota ON quota.name = lane.name AND quota.day = %(day)s
WHERE lane.name = %(name)s FOR UPDATE OF lane

-- name: plan
-- The limit of the plan that the provider reported; null if it reports none.
UPDATE lane SET plan_limit = %(total)s, plan_seen_at = now(), plan_note = %(note)s WHERE name = %(name)s

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
