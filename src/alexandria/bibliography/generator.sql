-- The notable works of a month.

-- name: is_there
-- A bibliography of an earlier version has none.
SELECT to_regclass('bibliography.notable') IS NOT NULL AS there

-- name: notable
-- The first of them, with their authors.
SELECT t.title, t.authors
FROM bibliography.notable AS n JOIN bibliography.title AS t ON t.id = n.title
WHERE n.month = %(month)s ORDER BY n.place LIMIT %(limit)s
