-- name: unindexed_works
-- Works after the given id without keys, each with its people and other titles. Locked, so that none is deleted while it gets its keys.
SELECT w.id, w.title, coalesce(nullif(ARRAY(
    SELECT c.name FROM work_contributor AS wc JOIN contributor AS c ON c.id = wc.contributor_id
    WHERE wc.work_id = w.id ORDER BY wc.position), '{}'), ARRAY[w.author]) AS people,
    ARRAY(SELECT title FROM other_title WHERE work_id = w.id) AS others
FROM work AS w
WHERE w.id > %(after)s AND NOT EXISTS (SELECT FROM work_block WHERE work_id = w.id)
ORDER BY w.id LIMIT %(limit)s
FOR KEY SHARE OF w

-- name: add_keys
-- Keys by which spellings of a work are found.
INSERT INTO work_block (key, work_id) SELECT key, %(work_id)s FROM unnest(%(keys)s::text[]) AS k (key)
ON CONFLICT DO NOTHING
