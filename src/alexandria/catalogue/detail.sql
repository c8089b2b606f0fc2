-- One work in full: its people, editions and subjects, and each month that named it with the evidence.

-- name: work
-- The work, with what the list of books has of it; subjects and titles of those that are merged with it, too.
SELECT w.id, b.works, w.title, w.author, w.first_published, w.created_at, l.language, l.status, l.source, l.score, l.in_month,
    ARRAY(SELECT jsonb_build_object('name', c.name, 'role', wc.role) FROM work_contributor AS wc
          JOIN contributor AS c ON c.id = wc.contributor_id WHERE wc.work_id = w.id
          ORDER BY wc.position, c.name LIMIT %(contributors)s) AS contributors,
    ARRAY(SELECT min(name) FROM subject WHERE work_id = ANY(b.works) GROUP BY lower(name) ORDER BY lower(name) LIMIT %(subjects)s) AS subjects,
    ARRAY(SELECT jsonb_build_object('id', m.id, 'title', m.title, 'author', m.author) FROM work AS m
          WHERE m.id = ANY(b.works) AND m.id <> w.id ORDER BY m.id) AS merged,
    ARRAY(SELECT jsonb_build_object('title', o.title, 'language', o.language, 'provider', s.provider, 'id', s.provider_id)
          FROM other_title AS o JOIN source_record AS s ON s.id = o.source_record_id
          WHERE o.work_id = ANY(b.works) ORDER BY o.title) AS other_titles
FROM (SELECT book_of(%(id)s) AS id, works_of_book(%(id)s) AS works) AS b
JOIN work AS w USING (id) JOIN work_listing AS l ON l.work_id = w.id

-- name: editions
-- Its editions, those that a month wanted first, each with the record that each field rests on.
SELECT e.isbn13, e.title, e.subtitle, e.publisher, e.published, e.language, e.binding, e.pages, e.related, e.created_at,
    e.changed_at, EXISTS (SELECT FROM withdrawn_edition AS x WHERE x.isbn13 = e.isbn13) AS withdrawn,
    ARRAY(SELECT other FROM related_isbn AS r WHERE r.isbn13 = e.isbn13 ORDER BY other LIMIT %(related)s) AS related_isbns,
    ARRAY(SELECT jsonb_build_object('field', p.field, 'provider', s.provider, 'id', s.provider_id, 'fetched_at', s.fetched_at)
          FROM provenance AS p JOIN source_record AS s ON s.id = p.source_record_id
          WHERE p.isbn13 = e.isbn13 ORDER BY p.field) AS fields
FROM edition AS e WHERE e.work_id = ANY(%(works)s::bigint[]) ORDER BY e.related, e.created_at, e.isbn13 LIMIT %(limit)s

-- name: decisions
-- The months that named it, the newest first, each with what became of it there.
SELECT year, month, position, title, author, named_by, c.isbn13, source, score, score_version, reason, evidence, unavailable,
    in_month, looks, look_again_at, r.isbn13 AS reviewed_isbn13, r.excluded_by IS NOT NULL AS excluded
FROM candidate AS c JOIN reviewed_candidate AS r USING (id) WHERE work_id = ANY(%(works)s::bigint[]) ORDER BY year DESC, month DESC, position LIMIT %(limit)s

-- name: counts
-- How many editions and decisions there are, of which the page may show less.
SELECT (SELECT count(*) FROM edition WHERE work_id = ANY(%(works)s::bigint[])) AS editions,
    (SELECT count(*) FROM candidate WHERE work_id = ANY(%(works)s::bigint[])) AS decisions

-- name: of_isbn
-- The work under which an edition is shown.
SELECT book_of(work_id) AS work_id FROM edition WHERE isbn13 = %(isbn13)s
