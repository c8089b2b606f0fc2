-- The candidates of each month, and their resolution.

-- name: forget
-- A month that is filled again. A trigger keeps what is deleted in earlier_candidate.
DELETE FROM candidate WHERE year = %(year)s AND month = %(month)s

-- name: add
-- A candidate and its resolution.
INSERT INTO candidate (year, month, position, title, author, named_year, named_by, work_id, isbn13, source, score,
                       score_version, reason, evidence, unavailable, hindered, in_month, looks, look_again_at, attempt_token)
VALUES (%(year)s, %(month)s, %(position)s, %(title)s, %(author)s, %(named_year)s, %(named_by)s, %(work_id)s,
        %(isbn13)s, %(source)s, %(score)s, %(score_version)s, %(reason)s, %(evidence)s, %(unavailable)s, %(hindered)s,
        %(in_month)s, %(looks)s, %(look_again_at)s, %(attempt_token)s)

-- name: of_month
-- A month's candidates with their evidence.
SELECT c.position, c.title, c.author, c.named_by, c.isbn13, c.source, c.score, c.score_version, c.reason, c.evidence,
       c.unavailable,
       c.in_month, c.looks, c.look_again_at, c.work_id, e.title AS edition_title, e.publisher, e.published,
       r.isbn13 AS reviewed_isbn13, r.excluded_by IS NOT NULL AS excluded, o.id IS NOT NULL AS of_other_month, o.belongs_to,
       ARRAY(SELECT to_jsonb(d) - 'before' - 'records' FROM standing_decision AS d
             WHERE d.id IN (r.isbn_decision_id, r.excluded_by)
                OR (d.act = 'correct' AND d.isbn13 = c.isbn13 AND d.work_id = ANY(works_of_book(c.work_id)))
             ORDER BY d.id) AS decisions,
       ARRAY(SELECT jsonb_build_object('field', p.field, 'provider', s.provider, 'id', s.provider_id,
                                       'fetched_at', s.fetched_at)
             FROM provenance AS p JOIN source_record AS s ON s.id = p.source_record_id
             WHERE p.isbn13 = c.isbn13 ORDER BY p.field) AS fields
FROM candidate AS c JOIN reviewed_candidate AS r ON r.id = c.id LEFT JOIN edition AS e ON e.isbn13 = c.isbn13
LEFT JOIN candidate_of_other_month AS o ON o.id = c.id
WHERE c.year = %(year)s AND c.month = %(month)s ORDER BY c.position

-- name: dated_to
-- Books that other months named, that sources date to this one, and that it did not name itself.
SELECT w.id AS work_id, w.title, w.author, min(format('%%s-%%s', c.year, lpad(c.month::text, 2, '0'))) AS named_in
FROM work AS w JOIN candidate AS c ON c.work_id = ANY(works_of_book(w.id))
JOIN candidate_of_other_month AS o ON o.id = c.id AND o.book_id = w.id
JOIN reviewed_candidate AS r ON r.id = c.id AND r.excluded_by IS NULL AND r.isbn13 IS NOT NULL
WHERE length(w.first_published) >= 7 AND left(w.first_published, 7) = %(key)s
    AND NOT EXISTS (SELECT FROM candidate AS own WHERE own.work_id = ANY(works_of_book(w.id))
                    AND own.year = %(year)s AND own.month = %(month)s)
GROUP BY w.id ORDER BY w.title, w.id LIMIT %(limit)s

-- name: unresolved
-- Candidates that are due to be looked up again, newest months first; other workers skip them.
SELECT id, year, month, title, author, named_year, named_by, work_id, looks FROM candidate
WHERE isbn13 IS NULL AND look_again_at <= now()
ORDER BY year DESC, month DESC, position LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: reserve
-- Keep candidates that are being looked up from other workers for a while.
UPDATE candidate SET look_again_at = now() + interval '15 minutes' WHERE id = ANY(%(ids)s::bigint[])

-- name: lock_recheck
-- The month of an unresolved candidate, and then the candidate, as a month that is recorded locks them; no row if the
-- month was filled again meanwhile.
WITH held AS MATERIALIZED (
    SELECT year, month FROM backfill_log WHERE year = %(year)s AND month = %(month)s FOR UPDATE)
SELECT c.id FROM held JOIN candidate AS c USING (year, month) WHERE c.id = %(id)s AND c.isbn13 IS NULL FOR UPDATE OF c

-- name: finish_recheck
-- What a further look-up of an unresolved candidate found. A trigger keeps what it replaces in earlier_candidate.
UPDATE candidate
SET recorded_at = now(), work_id = %(work_id)s, isbn13 = %(isbn13)s, source = %(source)s, score = %(score)s,
    score_version = %(score_version)s, reason = %(reason)s, evidence = %(evidence)s, unavailable = %(unavailable)s,
    hindered = %(hindered)s, in_month = %(in_month)s, looks = %(looks)s,
    look_again_at = %(look_again_at)s
WHERE id = %(id)s AND isbn13 IS NULL

-- name: count
-- The resolved books of a month, and how many of their editions it was the first to add.
SELECT count(c.isbn13)::integer AS resolved,
       (count(*) FILTER (WHERE (e.added_year, e.added_month) = (c.year, c.month)))::integer AS queued
FROM candidate AS c LEFT JOIN edition AS e USING (isbn13) WHERE c.year = %(year)s AND c.month = %(month)s

-- name: count_again
-- A completed month's counters after a further look-up.
UPDATE backfill_log AS b
SET isbns_resolved = %(resolved)s::integer, isbns_queued = %(queued)s,
    resolution_rate = CASE WHEN b.books_generated > 0 THEN round(100.0 * %(resolved)s / b.books_generated, 2) ELSE 0 END,
    isbndb_calls = calls_sent(b.year, b.month, 'isbndb')
WHERE b.year = %(year)s AND b.month = %(month)s AND b.status = 'completed'

-- name: in_month
-- How many of a month's resolved books were first published in it, by what the sources date.
SELECT in_month, count(*)::integer AS books FROM candidate
WHERE year = %(year)s AND month = %(month)s AND isbn13 IS NOT NULL GROUP BY in_month

-- name: spent_on_rechecks
-- Requests sent today for further look-ups: they belong to a month but to no attempt.
SELECT count(*)::integer AS calls FROM call
WHERE sent_at >= date_trunc('day', now()) AND year IS NOT NULL AND attempt_token IS NULL

-- name: earlier
-- Results of a month that later ones replaced, the newest first, each with the attempt that recorded it.
SELECT e.id, e.position, e.title, e.author, e.named_by, e.isbn13, e.source, e.score, e.score_version, e.reason,
       e.evidence, e.unavailable, e.in_month, e.looks, e.work_id, e.attempt_token, e.recorded_at, e.replaced_at
FROM earlier_candidate AS e
WHERE e.year = %(year)s AND e.month = %(month)s AND (%(before)s::bigint IS NULL OR e.id < %(before)s)
ORDER BY e.id DESC LIMIT %(limit)s
