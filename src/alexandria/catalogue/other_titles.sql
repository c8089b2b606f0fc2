-- The titles by which sources know works besides their own.

-- name: known
-- The titles of a work, and its people, whose names are in the keys of each title.
SELECT w.title, w.language, coalesce(nullif(ARRAY(
    SELECT c.name FROM work_contributor AS wc JOIN contributor AS c ON c.id = wc.contributor_id
    WHERE wc.work_id = w.id ORDER BY wc.position), '{}'), ARRAY[w.author]) AS people,
    ARRAY(SELECT title FROM other_title WHERE work_id = w.id) AS others
FROM work AS w WHERE w.id = %(work_id)s

-- name: add
-- Titles of a work, each with the record that gives it.
INSERT INTO other_title (work_id, title, language, source_record_id)
SELECT %(work_id)s, title, language, record
FROM unnest(%(titles)s::text[], %(languages)s::text[], %(records)s::bigint[]) AS given (title, language, record)
ON CONFLICT DO NOTHING
