-- The fields of works that persons correct.

-- name: work
-- A work with its fields as they are.
SELECT w.id, w.title, w.author, w.first_published, w.language, NULL AS contributors,
    ARRAY(SELECT title FROM other_title WHERE work_id = w.id) AS others
FROM work AS w WHERE w.id = %(work_id)s

-- name: set
-- The fields of a work.
UPDATE work SET title = %(title)s, first_published = %(first_published)s, language = %(language)s WHERE id = %(work_id)s

-- name: set_author
-- The first contributor as shown.
UPDATE work SET author = %(author)s WHERE id = %(work_id)s

-- name: standing
-- The newest correction of a field of a work that stands.
SELECT id, value, before FROM standing_decision
WHERE act = 'correct' AND isbn13 IS NULL AND work_id = %(work_id)s AND field = %(field)s ORDER BY id DESC LIMIT 1

-- name: add_aliases
-- Namings that lead to a work from now on.
INSERT INTO work_alias (key, work_id) SELECT key, %(work_id)s FROM unnest(%(keys)s::text[]) AS k (key)
ON CONFLICT DO NOTHING RETURNING key

-- name: drop_aliases
-- Namings that corrections added, once none of these stands.
DELETE FROM work_alias AS a WHERE a.work_id = %(work_id)s
    AND a.key IN (SELECT jsonb_array_elements_text(before -> 'aliases') FROM curation_decision
                  WHERE act = 'correct' AND isbn13 IS NULL AND work_id = %(work_id)s)
    AND NOT EXISTS (SELECT FROM standing_decision WHERE act = 'correct' AND isbn13 IS NULL AND work_id = %(work_id)s
                    AND field = ANY(%(fields)s::text[]))

-- name: changed
-- Editions that a reader of changes must see again, as they show fields of the work.
UPDATE edition SET changed_at = now() WHERE work_id = ANY(%(works)s::bigint[])
