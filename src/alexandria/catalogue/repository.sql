-- Works, editions and contributors.

-- name: one_writer
-- Months are recorded one after the other: two that share works or people would wait for each other for ever.
-- The wait for them is bounded by itself, and so is every later wait of this transaction. OFFSET 0 keeps the order.
SELECT set_config('lock_timeout', %(own)s::text, true) FROM (
    SELECT pg_advisory_xact_lock(hashtext('alexandria.catalogue')) FROM (
        SELECT set_config('lock_timeout', %(others)s::text, true) OFFSET 0) AS patient OFFSET 0) AS locked

-- name: by_isbn
-- The edition with this ISBN, and its work.
SELECT e.isbn13, e.work_id, w.title, e.title AS edition_title, w.author,
       EXISTS (SELECT FROM isbn_decision AS d
               WHERE d.work_id = e.work_id AND d.isbn13 = e.isbn13 AND d.act = 'reject') AS rejected
FROM edition AS e JOIN work AS w ON w.id = e.work_id
WHERE e.isbn13 = %(isbn13)s

-- name: book_of
-- The work under which a work is shown.
SELECT book_of(%(work_id)s) AS id

-- name: records_behind
-- Editions, each with the source's record that it rests on: that of its title, which nothing replaces.
-- JSON, as an array would be planned anew for each number of editions, which takes longer than to read them.
SELECT e.isbn13, e.title, e.subtitle, e.publisher, e.published, e.language, e.binding, e.pages,
       s.provider, s.provider_id, s.fetched_at,
       ARRAY(SELECT c.name FROM work_contributor AS wc JOIN contributor AS c ON c.id = wc.contributor_id
             WHERE wc.work_id = e.work_id ORDER BY wc.position) AS authors
FROM jsonb_array_elements_text(%(isbns)s::jsonb) AS sought (isbn13) CROSS JOIN LATERAL (
    SELECT source_record_id FROM provenance WHERE isbn13 = sought.isbn13 ORDER BY field <> 'title', field LIMIT 1) AS p
JOIN edition AS e ON e.isbn13 = sought.isbn13 JOIN source_record AS s ON s.id = p.source_record_id

-- condition: counts
    NOT EXISTS (SELECT FROM isbn_decision AS d WHERE d.work_id = own.work_id AND d.isbn13 = own.isbn13 AND d.act = 'reject')
    AND NOT EXISTS (SELECT FROM provenance AS p WHERE p.isbn13 = own.isbn13 AND p.field = 'isbn13')

-- condition: corrected
    EXISTS (SELECT FROM standing_decision AS d WHERE d.work_id = work.id AND d.act = 'correct' AND d.isbn13 IS NULL)

-- name: alike
-- Works that may be this one: the same key first, then by likeness of title, each with people and oldest edition.
-- A block has one vote, shared by its works: the rarer, the more it counts. Of one with more than `most` no more is read.
SELECT w.id AS work_id, w.key, w.title, w.author, w.first_published, w.language, e.isbn13,
       ARRAY(SELECT (SELECT name FROM contributor WHERE id = wc.contributor_id) -- no join, which would read all people
             FROM work_contributor AS wc WHERE wc.work_id = w.id ORDER BY wc.position) AS authors,
       array_remove(ARRAY(SELECT published FROM edition WHERE work_id = w.id) || w.first_published, NULL) AS dates,
       EXISTS (SELECT FROM work_alias WHERE key = %(key)s AND work_id = w.id) AS named_so,
       ARRAY(SELECT title FROM other_title WHERE work_id = w.id ORDER BY title) AS other_titles,
       w.key = %(key)s AS same_key, book_of(w.id) AS book,
       ARRAY(SELECT book_of(d.other_id) FROM different_work AS d WHERE d.work_id = ANY(b.works)) AS different_from
FROM (SELECT * FROM work WHERE key = %(key)s
      UNION
      SELECT work.* FROM work JOIN work_alias AS a ON a.work_id = work.id WHERE a.key = %(key)s
      UNION
      (SELECT work.* FROM (
          SELECT b.work_id, sum(b.vote) AS votes
          FROM unnest(%(blocks)s::text[]) AS sought (key), LATERAL (
              SELECT work_id, 1.0::float8 / count(*) OVER () AS vote
              FROM (SELECT work_id FROM work_block WHERE key = sought.key LIMIT %(most)s) AS sharing) AS b
          GROUP BY b.work_id ORDER BY votes DESC, b.work_id LIMIT 8 * %(limit)s) AS near
       JOIN work ON work.id = near.work_id
       ORDER BY near.votes DESC, similarity(work.title, %(title)s) DESC, work.id LIMIT %(limit)s)
     ) AS w
CROSS JOIN LATERAL (SELECT works_of_book(w.id) AS works) AS b
LEFT JOIN LATERAL (SELECT isbn13 FROM edition AS own WHERE work_id = ANY(b.works) AND {counts}
                   ORDER BY work_id <> w.id, related, created_at, isbn13 LIMIT 1) AS e ON true
ORDER BY w.key = %(key)s DESC, similarity(w.title, %(title)s) DESC, w.id

-- name: editions_of_work
-- The ISBNs of the editions of a work, and of those merged with it, and their titles, the oldest first.
SELECT isbn13, title FROM edition AS own WHERE work_id = ANY(works_of_book(%(work_id)s)) AND {counts}
ORDER BY related, created_at, isbn13 LIMIT %(limit)s

-- name: add_work
-- A work, or the one that is there already.
INSERT INTO work (key, title, author, first_published, language)
VALUES (%(key)s, %(title)s, %(author)s, %(first_published)s, %(language)s)
ON CONFLICT (key) DO UPDATE SET
    first_published = CASE WHEN {corrected} THEN work.first_published
        ELSE coalesce(work.first_published, excluded.first_published) END,
    language = CASE WHEN work.language = '' AND NOT {corrected} THEN excluded.language ELSE work.language END
RETURNING id

-- name: add_alias
-- A naming that led to a work; the first one stays.
INSERT INTO work_alias (key, work_id) VALUES (%(key)s, %(work_id)s) ON CONFLICT (key) DO NOTHING

-- name: correct_work
-- Facts from a source about a work that only a model had named so far.
UPDATE work SET title = %(title)s, author = %(author)s, language = %(language)s,
    first_published = coalesce(%(first_published)s, first_published)
WHERE id = %(work_id)s AND NOT EXISTS (SELECT FROM edition WHERE work_id = %(work_id)s) AND NOT {corrected}

-- name: drop_unproven
-- A work without edition that no candidate needs any more.
DELETE FROM work WHERE id = %(work_id)s
    AND NOT EXISTS (SELECT FROM edition WHERE work_id = %(work_id)s)
    AND NOT EXISTS (SELECT FROM candidate WHERE work_id = %(work_id)s)
    AND NOT EXISTS (SELECT FROM curation_decision WHERE %(work_id)s IN (work_id, other_work_id))

-- name: add_edition
-- An edition that is not there yet; no row if it is.
INSERT INTO edition (isbn13, work_id, title, subtitle, publisher, published, language, binding, pages, related,
                     added_year, added_month)
VALUES (%(isbn13)s, %(work_id)s, %(title)s, %(subtitle)s, %(publisher)s, %(published)s, %(language)s,
        %(binding)s, %(pages)s, %(related)s, %(added_year)s, %(added_month)s)
ON CONFLICT (isbn13) DO NOTHING
RETURNING isbn13

-- name: prove
-- A source has an edition that a person alone had named so far.
DELETE FROM provenance WHERE isbn13 = %(isbn13)s AND field = 'isbn13'

-- name: move_edition
-- An edition of another work than the one for which a person rejected it.
UPDATE edition SET work_id = %(work_id)s, related = false, changed_at = now() WHERE isbn13 = %(isbn13)s

-- name: add_contributor
-- A person, or the one that is there already.
INSERT INTO contributor (key, name) VALUES (%(key)s, %(name)s)
ON CONFLICT (key) DO UPDATE SET name = contributor.name
RETURNING id

-- name: link_contributor
-- A person's part in a work.
INSERT INTO work_contributor (work_id, contributor_id, role, position)
VALUES (%(work_id)s, %(contributor_id)s, %(role)s, %(position)s)
ON CONFLICT DO NOTHING

-- name: add_source_record
-- Where a fact came from.
INSERT INTO source_record (provider, provider_id, fetched_at) VALUES (%(provider)s, %(provider_id)s, %(fetched_at)s)
ON CONFLICT (provider, provider_id) DO UPDATE SET fetched_at = greatest(source_record.fetched_at, excluded.fetched_at)
RETURNING id

-- name: add_provenance
-- What a stored field rests on.
INSERT INTO provenance (isbn13, field, source_record_id)
SELECT %(isbn13)s, field, %(source_record_id)s FROM unnest(%(fields)s::text[]) AS field
ON CONFLICT DO NOTHING

-- name: add_subjects
-- What a work is about, each subject once whatever its capitals.
INSERT INTO subject (work_id, name, source_record_id)
SELECT %(work_id)s, name, %(source_record_id)s FROM unnest(%(names)s::text[]) AS name
ON CONFLICT (work_id, lower(name)) DO NOTHING

-- name: add_related_isbns
-- Numbers that a source lists beside an edition.
INSERT INTO related_isbn (isbn13, other, source_record_id)
SELECT %(isbn13)s, other, %(source_record_id)s FROM unnest(%(others)s::text[]) AS other
ON CONFLICT DO NOTHING

-- name: found
-- Resolved candidates of a range of months, for a reader.
SELECT c.year, c.month, c.title, c.author, c.isbn13, c.source, c.score
FROM candidate AS c WHERE c.isbn13 IS NOT NULL ORDER BY c.year DESC, c.month DESC, c.position LIMIT %(limit)s
