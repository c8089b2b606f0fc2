-- The records that were considered for works.

-- name: considered
-- Every record that was considered for a work, now and earlier, the newest results first.
SELECT hit FROM (
    SELECT evidence, 'infinity'::timestamptz AS until FROM candidate WHERE work_id = ANY(%(works)s::bigint[])
    UNION ALL SELECT evidence, replaced_at FROM earlier_candidate WHERE work_id = ANY(%(works)s::bigint[])) AS c,
    jsonb_array_elements(c.evidence) AS hit
ORDER BY c.until DESC LIMIT %(limit)s
