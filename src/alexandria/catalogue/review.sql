-- The review queue: what persons should look at, a page at a time, and what they decided, as labelled pairs.

-- name: plan_each
-- Plan each statement for its own values: each reason has its own index.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: page
-- Questions after a place, with what a person needs to see; those without a reason that is wanted are left out.
WITH page AS MATERIALIZED (
    SELECT * FROM review_item
    WHERE (%(reason)s::text IS NULL OR reasons @> ARRAY[%(reason)s::text])
      AND (%(after_place)s::numeric IS NULL
           OR (place, work_id, subject) > (%(after_place)s, %(after_work)s::bigint, %(after_subject)s::text))
    ORDER BY place, work_id, subject LIMIT %(limit)s)
SELECT p.work_id, p.subject, p.isbn13, p.year, p.month, p.reasons, p.place, w.title, w.author, w.first_published,
    book_version(p.work_id) AS version,
    c.title AS named_title, c.author AS named_author, c.year AS named_year, c.month AS named_month, c.named_by,
    c.isbn13 AS accepted_isbn13, c.score_version, c.reason, e.published, e.publisher,
    ARRAY(SELECT DISTINCT format('%%s-%%s', o.year, lpad(o.month::text, 2, '0')) FROM candidate AS o
          WHERE o.work_id = p.work_id ORDER BY 1 LIMIT %(months)s) AS months,
    ARRAY(SELECT hit FROM jsonb_array_elements(c.evidence) AS hit
          WHERE CASE WHEN p.isbn13 IS NULL THEN hit ->> 'verdict' = 'accept' ELSE hit ->> 'isbn13' = p.isbn13 END
          ORDER BY hit ->> 'verdict' <> 'accept', (hit ->> 'score')::numeric DESC LIMIT %(records)s) AS records
FROM page AS p JOIN work AS w ON w.id = p.work_id
LEFT JOIN candidate AS c ON c.id = p.candidate_id
LEFT JOIN edition AS e ON e.isbn13 = coalesce(p.isbn13, c.isbn13)
ORDER BY p.place, p.work_id, p.subject

-- name: item
-- One question.
SELECT isbn13, year, month, reasons FROM review_item WHERE work_id = %(work_id)s AND subject = %(subject)s

-- name: waiting
-- How many questions wait for each reason, counted up to a bound; each reason is written out, as each has its own index.
SELECT (SELECT count(*) FROM (SELECT FROM review_item LIMIT %(most)s) AS each) AS "all",
    (SELECT count(*) FROM (SELECT FROM review_item WHERE reasons @> '{disputed}' LIMIT %(most)s) AS each) AS disputed,
    (SELECT count(*) FROM (SELECT FROM review_item WHERE reasons @> '{unsure}' LIMIT %(most)s) AS each) AS unsure,
    (SELECT count(*) FROM (SELECT FROM review_item WHERE reasons @> '{sample}' LIMIT %(most)s) AS each) AS sample,
    (SELECT count(*) FROM (SELECT FROM review_item WHERE reasons @> '{doubtful}' LIMIT %(most)s) AS each) AS doubtful,
    (SELECT count(*) FROM (SELECT FROM review_item WHERE reasons @> '{undecided}' LIMIT %(most)s) AS each) AS undecided,
    (SELECT count(*) FROM (SELECT FROM review_item WHERE reasons @> '{contradicted}' LIMIT %(most)s) AS each) AS contradicted,
    (SELECT count(*) FROM (SELECT FROM review_item WHERE reasons @> '{repeated}' LIMIT %(most)s) AS each) AS repeated,
    (SELECT count(*) FROM (SELECT FROM review_item WHERE reasons @> '{other_title}' LIMIT %(most)s) AS each) AS other_title
