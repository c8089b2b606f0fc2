-- Editions that persons give to another work.

-- name: editions
-- These editions of a book, in the order in which it shows them.
SELECT isbn13, title, subtitle, language FROM edition
WHERE work_id = ANY(%(works)s::bigint[]) AND isbn13 = ANY(%(isbns)s::text[]) ORDER BY related, created_at, isbn13

-- name: key_taken
-- Whether a work has this key.
SELECT FROM work WHERE key = %(key)s

-- name: make
-- The work that a split makes.
INSERT INTO work (key, title, author, language) VALUES (%(key)s, %(title)s, %(author)s, %(language)s) RETURNING id

-- name: namings
-- The candidates of works that have one of these ISBNs.
SELECT c.id, c.title, c.author, c.isbn13, w.key FROM candidate AS c JOIN work AS w ON w.id = c.work_id
WHERE c.work_id = ANY(%(works)s::bigint[]) AND c.isbn13 = ANY(%(isbns)s::text[]) ORDER BY c.id

-- name: aliases
-- The works that these namings lead to.
SELECT key, work_id FROM work_alias WHERE key = ANY(%(keys)s::text[])

-- name: list
-- The editions that a split moves.
INSERT INTO split_edition (decision_id, isbn13, from_work_id, to_work_id)
SELECT %(decision)s, isbn13, work_id, %(target)s FROM edition
WHERE work_id = ANY(%(works)s::bigint[]) AND isbn13 = ANY(%(isbns)s::text[])

-- name: listed
-- The editions that a split moved.
SELECT isbn13, from_work_id FROM split_edition WHERE decision_id = %(decision)s

-- name: move
-- The editions of a split, as those of the other work.
UPDATE edition AS e SET work_id = s.to_work_id, changed_at = now()
FROM split_edition AS s WHERE s.decision_id = %(decision)s AND e.isbn13 = s.isbn13

-- name: move_back
-- The editions of a split that was undone, unless a person gave them to another work meanwhile.
UPDATE edition AS e SET work_id = s.from_work_id, changed_at = now()
FROM split_edition AS s WHERE s.decision_id = %(decision)s AND e.isbn13 = s.isbn13 AND e.work_id = s.to_work_id

-- name: move_namings
-- Candidates, as those of another work.
UPDATE candidate SET work_id = %(work_id)s WHERE id = ANY(%(ids)s::bigint[])

-- name: move_aliases
-- These namings lead to a work.
INSERT INTO work_alias (key, work_id) SELECT key, %(work_id)s FROM unnest(%(keys)s::text[]) AS k (key)
ON CONFLICT (key) DO UPDATE SET work_id = excluded.work_id

-- name: give_alias_back
-- A naming that leads to the work that it led to before a split.
UPDATE work_alias SET work_id = %(work_id)s WHERE key = %(key)s AND work_id = %(target)s

-- name: drop_alias
-- A naming that led to no work before a split.
DELETE FROM work_alias WHERE key = %(key)s AND work_id = %(target)s

-- name: later
-- An edition of a split that a later one, which stands, moved on.
SELECT later.isbn13, later.decision_id FROM split_edition AS own JOIN split_edition AS later USING (isbn13)
JOIN standing_decision AS d ON d.id = later.decision_id
WHERE own.decision_id = %(decision)s AND later.decision_id > own.decision_id ORDER BY later.decision_id DESC LIMIT 1

-- name: retire
-- Works that splits had made which were undone, and of which nothing is left; nothing finds them any more.
WITH gone AS (
    UPDATE work AS w SET retired = true, key = format('(retired %%s)', w.id)
    WHERE w.id = ANY(%(works)s::bigint[]) AND NOT w.retired
        AND EXISTS (SELECT FROM curation_decision AS d JOIN curation_decision AS u ON u.undoes = d.id
                    WHERE d.act = 'split' AND d.other_work_id = w.id AND d.before @> '{"made": true}')
        AND NOT EXISTS (SELECT FROM edition WHERE work_id = w.id)
        AND NOT EXISTS (SELECT FROM candidate WHERE work_id = w.id)
        AND NOT EXISTS (SELECT FROM merged_work WHERE work_id = w.id)
    RETURNING w.id),
keys AS (DELETE FROM work_block AS b USING gone WHERE b.work_id = gone.id)
DELETE FROM work_alias AS a USING gone WHERE a.work_id = gone.id
