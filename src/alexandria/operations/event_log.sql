-- The event log of all processes.

-- name: write
-- One writer at a time: numbers become visible in order, so that no follower misses one. One statement: a writer that
-- freezes keeps no lock.
WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock('journal'::regclass::oid::integer, 0)),
written AS (
    INSERT INTO journal (at, level, event, process, year, month, fields)
    SELECT logged.at, logged.level, logged.event, %(process)s, logged.year, logged.month, logged.fields
    FROM alone, unnest(%(at)s::timestamptz[], %(level)s::text[], %(event)s::text[], %(year)s::integer[],
                       %(month)s::integer[], %(fields)s::jsonb[])
                WITH ORDINALITY AS logged (at, level, event, year, month, fields, place)
    ORDER BY logged.place
    RETURNING id
)
SELECT pg_notify('journal', max(id)::text) AS notified FROM written

-- name: newest
-- The newest events that match, oldest first.
SELECT * FROM (
    SELECT id, at, level, event, process, year, month, fields FROM journal
    WHERE level = ANY(%(levels)s) AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(year)s::integer IS NULL OR (year = %(year)s AND month = %(month)s))
    ORDER BY id DESC LIMIT %(limit)s
) AS newest ORDER BY id

-- name: later
-- The first events that match and come after a number, oldest first.
SELECT id, at, level, event, process, year, month, fields FROM journal
WHERE id > %(after)s AND level = ANY(%(levels)s) AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
  AND (%(year)s::integer IS NULL OR (year = %(year)s AND month = %(month)s))
ORDER BY id LIMIT %(limit)s

-- name: last
-- The newest event's number.
SELECT coalesce(max(id), 0) AS last FROM journal

-- name: prune
-- Delete some of the oldest events beyond those that are kept.
DELETE FROM journal WHERE id IN (
    SELECT id FROM journal WHERE id <= (SELECT max(id) FROM journal) - %(kept)s::bigint ORDER BY id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
