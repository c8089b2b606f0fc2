-- What all processes have logged.

-- name: write
-- One writer at a time, so that numbers become visible in their order and nobody who follows misses one; one statement,
-- so that a writer that freezes holds up nobody.
WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock('journal'::regclass::oid::integer, 0)),
written AS (
    INSERT INTO journal (at, level, event, process, year, month, fields)
    SELECT told.at, told.level, told.event, %(process)s, told.year, told.month, told.fields
    FROM alone, unnest(%(at)s::timestamptz[], %(level)s::text[], %(event)s::text[], %(year)s::integer[],
                       %(month)s::integer[], %(fields)s::jsonb[])
                WITH ORDINALITY AS told (at, level, event, year, month, fields, place)
    ORDER BY told.place
    RETURNING id
)
SELECT pg_notify('journal', max(id)::text) AS told FROM written

-- name: newest
-- The newest events that fit, oldest first.
SELECT * FROM (
    SELECT id, at, level, event, process, year, month, fields FROM journal
    WHERE level = ANY(%(levels)s) AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(year)s::integer IS NULL OR (year = %(year)s AND month = %(month)s))
    ORDER BY id DESC LIMIT %(most)s
) AS newest ORDER BY id

-- name: later
-- The first events that fit and come after a number, oldest first.
SELECT id, at, level, event, process, year, month, fields FROM journal
WHERE id > %(after)s AND level = ANY(%(levels)s) AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
  AND (%(year)s::integer IS NULL OR (year = %(year)s AND month = %(month)s))
ORDER BY id LIMIT %(most)s

-- name: last
-- The newest event's number.
SELECT coalesce(max(id), 0) AS last FROM journal

-- name: prune
-- Delete some of the oldest events, as long as there are more than are kept.
DELETE FROM journal WHERE id IN (
    SELECT id FROM journal WHERE id <= (SELECT max(id) FROM journal) - %(kept)s::bigint ORDER BY id LIMIT %(most)s
)
