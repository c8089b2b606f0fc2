-- Decisions of persons, and what follows from them in the catalogue.

-- name: edition
-- An edition with its work.
SELECT e.*, w.title AS work_title, w.author AS work_author,
       EXISTS (SELECT FROM isbn_decision AS d
               WHERE d.work_id = e.work_id AND d.isbn13 = e.isbn13 AND d.act = 'reject') AS rejected
FROM edition AS e JOIN work AS w ON w.id = e.work_id WHERE e.isbn13 = %(isbn13)s

-- name: named_in
-- Whether a month has, or had, the work among its books.
SELECT EXISTS (SELECT FROM candidate WHERE work_id = ANY(%(works)s::bigint[]) AND year = %(year)s AND month = %(month)s)
    OR EXISTS (SELECT FROM earlier_candidate WHERE work_id = ANY(%(works)s::bigint[]) AND year = %(year)s AND month = %(month)s) AS named

-- name: refused
-- ISBNs that persons rejected for these works and those merged with them, with the records that had them; not for one
-- work what is an edition of another that is merged with it.
SELECT d.isbn13, d.records, d.who, d.at, d.why
FROM (SELECT DISTINCT unnest(works_of_book(id)) AS id FROM unnest(%(works)s::bigint[]) AS w (id)) AS w
JOIN isbn_decision AS d ON d.work_id = w.id AND d.act = 'reject'
LEFT JOIN edition AS e ON e.isbn13 = d.isbn13 AND e.work_id <> d.work_id AND e.work_id = ANY(works_of_book(d.work_id))
WHERE e.isbn13 IS NULL OR EXISTS (SELECT FROM isbn_decision AS own
                                  WHERE own.work_id = e.work_id AND own.isbn13 = e.isbn13 AND own.act = 'reject')

-- name: any_refused
-- Whether any of these ISBNs or records is rejected for some work.
SELECT EXISTS (
    SELECT FROM isbn_decision AS d WHERE d.act = 'reject' AND (
        d.isbn13 = ANY(%(isbns)s::text[])
        OR EXISTS (SELECT FROM jsonb_array_elements(d.records) AS r WHERE %(records)s::jsonb @> jsonb_build_array(r)))) AS refused

-- name: add_edition
-- An edition that a person names; enrichment asks sources about it.
INSERT INTO edition (isbn13, work_id, title, subtitle, publisher, published, language, binding)
VALUES (%(isbn13)s, %(work_id)s, %(title)s, %(subtitle)s, %(publisher)s, %(published)s, %(language)s, %(binding)s)

-- name: correct
-- A field of an edition.
UPDATE edition SET title = %(title)s, subtitle = %(subtitle)s, publisher = %(publisher)s, published = %(published)s,
    language = %(language)s, binding = %(binding)s, pages = %(pages)s, changed_at = now()
WHERE isbn13 = %(isbn13)s

-- name: ask_again
-- Sources are asked again about an edition, since one of its fields is theirs again.
UPDATE edition SET enrich_at = now() WHERE isbn13 = %(isbn13)s

-- name: rests_on
-- The source record of a field.
SELECT source_record_id FROM provenance WHERE isbn13 = %(isbn13)s AND field = %(field)s

-- name: rest
-- The source record that a field rests on from now on.
INSERT INTO provenance (isbn13, field, source_record_id) VALUES (%(isbn13)s, %(field)s, %(record)s)
ON CONFLICT (isbn13, field) DO UPDATE SET source_record_id = excluded.source_record_id

-- name: rest_on_nothing
-- A field without a source record.
DELETE FROM provenance WHERE isbn13 = %(isbn13)s AND field = %(field)s

-- name: standing_correction
-- The newest correction of a field that stands.
SELECT id, at, value, before FROM standing_decision
WHERE act = 'correct' AND isbn13 = %(isbn13)s AND field = %(field)s ORDER BY id DESC LIMIT 1

-- name: changed
-- Editions that a reader of changes must see again.
UPDATE edition SET changed_at = now()
WHERE work_id = ANY(%(works)s::bigint[]) AND (%(isbn13)s::text IS NULL OR isbn13 = %(isbn13)s)
