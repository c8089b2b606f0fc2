-- The people of works.

-- name: people
-- The people of a work, in the order of its title page.
SELECT c.name, wc.role FROM work_contributor AS wc JOIN contributor AS c ON c.id = wc.contributor_id
WHERE wc.work_id = %(work_id)s ORDER BY wc.position, c.name

-- name: unlink
-- A work without people.
DELETE FROM work_contributor WHERE work_id = %(work_id)s

-- name: person
-- A person who is spelled so.
SELECT id FROM contributor WHERE key IN (%(key)s, %(own_key)s) AND name = %(name)s ORDER BY key <> %(key)s LIMIT 1

-- name: add_person
-- A person, under a key of its own if another spelling has the usual one.
INSERT INTO contributor (key, name)
SELECT CASE WHEN EXISTS (SELECT FROM contributor WHERE key = %(key)s) THEN %(own_key)s ELSE %(key)s END, %(name)s
RETURNING id

-- name: link
-- A person's part in a work.
INSERT INTO work_contributor (work_id, contributor_id, role, position)
VALUES (%(work_id)s, %(contributor_id)s, %(role)s, %(position)s) ON CONFLICT DO NOTHING
