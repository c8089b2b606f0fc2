-- The log of what persons decide about books.

-- name: book
-- The work under which a book is shown, all works that are merged in it, and its newest decision: the version that a
-- person must have seen.
SELECT w.id, w.title, w.author, w.retired, b.works, book_version(w.id) AS version
FROM (SELECT book_of(%(work_id)s) AS id, works_of_book(%(work_id)s) AS works) AS b JOIN work AS w USING (id)

-- name: newest
-- The newest decision of all.
SELECT coalesce(max(id), 0) AS id FROM curation_decision

-- name: decisions
-- All decisions on the works of a book, and the corrections of its editions wherever they were then, newest first, each with
-- the one that undid it.
SELECT d.id, d.at, d.who, d.why, d.act, d.work_id, d.isbn13, d.year, d.month, d.field, d.value, d.other_work_id, d.undoes,
       u.id AS undone_by, ARRAY(SELECT isbn13 FROM split_edition WHERE decision_id = d.id ORDER BY isbn13) AS isbns
FROM curation_decision AS d LEFT JOIN curation_decision AS u ON u.undoes = d.id
WHERE (d.work_id = ANY(%(works)s::bigint[]) OR d.other_work_id = ANY(%(works)s::bigint[])
       OR d.act = 'correct' AND d.isbn13 = ANY(ARRAY(SELECT isbn13 FROM edition WHERE work_id = ANY(%(works)s::bigint[]))))
    AND d.id > %(after)s
ORDER BY d.id DESC LIMIT %(limit)s

-- name: decision
-- One decision, with the one that undid it.
SELECT d.*, u.id AS undone_by FROM curation_decision AS d LEFT JOIN curation_decision AS u ON u.undoes = d.id
WHERE d.id = %(id)s

-- name: work_of
-- The work that a decision is about: of the field of an edition, the work that it is of now.
SELECT coalesce((SELECT e.work_id FROM edition AS e WHERE e.isbn13 = d.isbn13 AND d.act = 'correct'), d.work_id) AS work_id
FROM curation_decision AS d WHERE d.id = %(id)s

-- name: decide
-- A person's decision.
INSERT INTO curation_decision (who, why, act, work_id, isbn13, year, month, field, value, before, records, undoes,
                               other_work_id)
VALUES (%(who)s, %(why)s, %(act)s, %(work_id)s, %(isbn13)s, %(year)s, %(month)s, %(field)s, %(value)s, %(before)s,
        coalesce(%(records)s::jsonb, '[]'), %(undoes)s, %(other_work_id)s)
RETURNING id, at
