-- Decisions of persons, and what follows from them in the catalogue.

-- name: work
-- A work and its newest decision, which is the version that a person must have seen.
SELECT w.id, w.title, w.author, coalesce((SELECT max(id) FROM curation_decision WHERE work_id = w.id), 0) AS version
FROM work AS w WHERE w.id = %(work_id)s

-- name: decisions
-- All decisions on a work, newest first, each with the one that undid it.
SELECT d.id, d.at, d.who, d.why, d.act, d.work_id, d.isbn13, d.year, d.month, d.field, d.value, d.undoes,
       u.id AS undone_by
FROM curation_decision AS d LEFT JOIN curation_decision AS u ON u.undoes = d.id
WHERE d.work_id = %(work_id)s AND d.id > %(after)s ORDER BY d.id DESC LIMIT %(limit)s

-- name: decision
-- One decision, with the one that undid it.
SELECT d.*, u.id AS undone_by FROM curation_decision AS d LEFT JOIN curation_decision AS u ON u.undoes = d.id
WHERE d.id = %(id)s

-- name: decide
-- A person's decision.
INSERT INTO curation_decision (who, why, act, work_id, isbn13, year, month, field, value, before, records, undoes)
VALUES (%(who)s, %(why)s, %(act)s, %(work_id)s, %(isbn13)s, %(year)s, %(month)s, %(field)s, %(value)s, %(before)s,
        %(records)s, %(undoes)s)
RETURNING id, at

-- name: edition
-- An edition with its work.
SELECT e.*, w.title AS work_title, w.author AS work_author,
       EXISTS (SELECT FROM isbn_decision AS d
               WHERE d.work_id = e.work_id AND d.isbn13 = e.isbn13 AND d.act = 'reject') AS rejected
FROM edition AS e JOIN work AS w ON w.id = e.work_id WHERE e.isbn13 = %(isbn13)s

-- name: named_in
-- Whether a month has, or had, the work among its books.
SELECT EXISTS (SELECT FROM candidate WHERE work_id = %(work_id)s AND year = %(year)s AND month = %(month)s)
    OR EXISTS (SELECT FROM earlier_candidate WHERE work_id = %(work_id)s AND year = %(year)s AND month = %(month)s) AS named

-- name: considered
-- Every record that was considered for a work, now and earlier, the newest results first.
SELECT hit FROM (
    SELECT evidence, 'infinity'::timestamptz AS until FROM candidate WHERE work_id = %(work_id)s
    UNION ALL SELECT evidence, replaced_at FROM earlier_candidate WHERE work_id = %(work_id)s) AS c,
    jsonb_array_elements(c.evidence) AS hit
ORDER BY c.until DESC LIMIT %(limit)s

-- name: refused
-- ISBNs that persons rejected for these works, with the records that had them.
SELECT isbn13, records, who, at, why FROM isbn_decision WHERE act = 'reject' AND work_id = ANY(%(works)s::bigint[])

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
WHERE work_id = %(work_id)s AND (%(isbn13)s::text IS NULL OR isbn13 = %(isbn13)s)
