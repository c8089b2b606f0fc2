-- What the bibliography holds, and how many books it settles.

-- name: count
-- Add to the books of the present day.
INSERT INTO bibliography_use AS u (day, asked, settled)
VALUES ((now() AT TIME ZONE 'UTC')::date, %(asked)s, %(settled)s)
ON CONFLICT (day) DO UPDATE SET asked = u.asked + excluded.asked, settled = u.settled + excluded.settled

-- name: is_loaded
SELECT to_regclass('bibliography.load') IS NOT NULL AS loaded

-- name: state
-- The load that serves, its bytes on disk with indexes, and the books of the last days.
SELECT l.loaded_at, l.newest, l.editions, l.titles, l.key_version, (
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'bibliography' AND c.relkind = 'r') AS bytes, u.asked, u.settled
FROM bibliography.load AS l CROSS JOIN (
    SELECT coalesce(sum(asked), 0)::bigint AS asked, coalesce(sum(settled), 0)::bigint AS settled
    FROM bibliography_use WHERE day > (now() AT TIME ZONE 'UTC')::date - %(days)s::int) AS u
