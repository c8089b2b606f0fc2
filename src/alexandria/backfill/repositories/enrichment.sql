-- Editions that are due for enrichment, and its results.

-- name: due
-- Editions that are due, the longest waiting first, kept from other workers for a while.
UPDATE edition AS e SET enrich_at = now() + interval '15 minutes'
FROM (SELECT isbn13 FROM edition WHERE enrich_at <= now() ORDER BY enrich_at, isbn13 LIMIT %(limit)s
      FOR UPDATE SKIP LOCKED) AS due
WHERE e.isbn13 = due.isbn13
RETURNING e.isbn13, e.work_id, e.title, e.subtitle, e.publisher, e.published, e.language, e.binding, e.pages, e.related,
    e.enrich_looks AS looks, e.enriched_at,
    ARRAY(SELECT c.name FROM work_contributor AS wc JOIN contributor AS c ON c.id = wc.contributor_id
          WHERE wc.work_id = e.work_id ORDER BY wc.position) AS authors,
    ARRAY(SELECT jsonb_build_array(p.field, s.provider, s.provider_id, extract(epoch FROM s.fetched_at))
          FROM provenance AS p JOIN source_record AS s ON s.id = p.source_record_id
          WHERE p.isbn13 = e.isbn13) AS sources

-- name: lock
-- Those of these editions that exist and that no other transaction has locked, locked. New months may refer to them.
SELECT isbn13 FROM edition WHERE isbn13 = ANY(%(isbns)s::text[]) FOR NO KEY UPDATE SKIP LOCKED

-- name: present
-- The fields of an edition as they are now, and those that a person corrected.
SELECT e.subtitle, e.publisher, e.published, e.language, e.binding, e.pages,
       ARRAY(SELECT p.field FROM provenance AS p JOIN source_record AS s ON s.id = p.source_record_id
             WHERE p.isbn13 = e.isbn13 AND s.provider = %(person)s) AS corrected
FROM edition AS e WHERE e.isbn13 = %(isbn13)s

-- name: finish
-- The result of one enrichment; no row if the edition has been deleted.
UPDATE edition SET enrich_at = %(enrich_at)s, enrich_looks = %(looks)s, enrich_note = %(note)s,
    enriched_at = CASE WHEN %(done)s THEN %(now)s ELSE enriched_at END
WHERE isbn13 = %(isbn13)s

-- name: improve
-- Better values for an edition's fields.
UPDATE edition SET subtitle = %(subtitle)s, publisher = %(publisher)s, published = %(published)s,
    language = %(language)s, binding = %(binding)s, pages = %(pages)s
WHERE isbn13 = %(isbn13)s

-- name: changed
-- An edition whose fields are better than before.
UPDATE edition SET changed_at = %(now)s WHERE isbn13 = %(isbn13)s

-- name: replace_provenance
-- The source record of a field that was replaced.
INSERT INTO provenance (isbn13, field, source_record_id) VALUES (%(isbn13)s, %(field)s, %(source_record_id)s)
ON CONFLICT (isbn13, field) DO UPDATE SET source_record_id = excluded.source_record_id

-- name: wanted
-- How many editions a request to enrich again covers.
SELECT count(*)::integer AS editions FROM edition
WHERE isbn13 = ANY(%(isbns)s::text[]) OR enriched_at < now() - make_interval(days => %(older_than)s::integer)

-- name: again
-- Editions are due at once, with counters reset; stored answers about their ISBNs are deleted.
WITH again AS (
    UPDATE edition SET enrich_at = now(), enrich_looks = 0, enrich_note = ''
    WHERE isbn13 = ANY(%(isbns)s::text[]) OR enriched_at < now() - make_interval(days => %(older_than)s::integer)
    RETURNING isbn13
), forgotten AS (
    DELETE FROM answer USING again WHERE request ? 'isbn' AND request ->> 'isbn' = again.isbn13
)
SELECT count(*)::integer AS editions FROM again

-- name: overview
-- How enrichment stands: editions due now, waiting for a later time, and done.
SELECT count(*) FILTER (WHERE enrich_at <= now())::integer AS due,
       count(*) FILTER (WHERE enrich_at > now())::integer AS waiting,
       count(*) FILTER (WHERE enrich_at IS NULL)::integer AS done
FROM edition

-- name: waiting
-- Why editions wait, the most frequent reasons first.
SELECT enrich_note AS reason, count(*)::integer AS editions, min(enrich_at) AS next_at FROM edition
WHERE enrich_at > now() AND enrich_note <> '' GROUP BY enrich_note ORDER BY editions DESC, reason LIMIT %(limit)s
