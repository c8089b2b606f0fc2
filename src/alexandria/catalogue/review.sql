-- The review queue: what persons should look at, a page at a time, and what they decided, as labelled pairs.

-- name: plan_each
-- Plan each statement for its own values: each reason has its own index.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: page
-- Questions after a place, with what a person needs to see; those without a reason that is wanted are left out. The version
-- is that of book_version, which would be planned again for each question.
WITH page AS MATERIALIZED (
    SELECT * FROM review_item
    WHERE (%(reason)s::text IS NULL OR reasons @> ARRAY[%(reason)s::text])
      AND (%(after_place)s::numeric IS NULL
           OR (place, work_id, subject) > (%(after_place)s, %(after_work)s::bigint, %(after_subject)s::text))
    ORDER BY place, work_id, subject LIMIT %(limit)s)
SELECT p.work_id, p.subject, p.isbn13, p.year, p.month, p.reasons, p.place, w.title, w.author, w.first_published,
    coalesce(greatest((SELECT max(id) FROM curation_decision WHERE work_id = ANY(b.works)),
                      (SELECT max(id) FROM curation_decision WHERE other_work_id = ANY(b.works))), 0) AS version,
    c.title AS named_title, c.author AS named_author, c.year AS named_year, c.month AS named_month, c.named_by,
    c.isbn13 AS accepted_isbn13, c.score_version, c.reason, e.published, e.publisher,
    ARRAY(SELECT DISTINCT format('%%s-%%s', o.year, lpad(o.month::text, 2, '0')) FROM candidate AS o
          WHERE o.work_id = p.work_id ORDER BY 1 LIMIT %(months)s) AS months,
    ARRAY(SELECT hit FROM jsonb_array_elements(c.evidence) AS hit
          WHERE CASE WHEN p.isbn13 IS NULL THEN hit ->> 'verdict' = 'accept' ELSE hit ->> 'isbn13' = p.isbn13 END
          ORDER BY hit ->> 'verdict' <> 'accept', (hit ->> 'score')::numeric DESC LIMIT %(records)s) AS records
FROM page AS p JOIN work AS w ON w.id = p.work_id
CROSS JOIN LATERAL (SELECT ARRAY(SELECT same.work_id FROM merged_work AS own JOIN merged_work AS same USING (book_id)
                                 WHERE own.work_id = p.work_id) || p.work_id AS works) AS b
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

-- name: pairs
-- What persons last decided about each ISBN of a work, with the record that had it and the name by which it was asked for; as it
-- was found first; a split decides about each edition for both works. `stratum` says how the accepted ones came before a person: since they were suspected, drawn at random, or else.
SELECT d.id, d.act, d.at, d.work_id, d.isbn13, named.title, named.author, named.year, named.month, named.score_version, named.hit,
    coalesce(named.accepted, false) AS accepted,
    CASE WHEN NOT coalesce(named.accepted, false) THEN 'not_accepted' WHEN named.suspected THEN 'suspected'
         WHEN named.draw < 0.05 THEN 'sampled' ELSE 'other' END AS stratum
FROM (SELECT DISTINCT ON (work_id, isbn13) * FROM (
          SELECT id, act, at, work_id, isbn13 FROM standing_decision
          WHERE isbn13 IS NOT NULL AND act IN ('accept', 'pin', 'reject')
          UNION ALL
          SELECT s.id, sides.act, s.at, sides.work_id, moved.isbn13
          FROM split_edition AS moved JOIN standing_decision AS s ON s.id = moved.decision_id,
              LATERAL (VALUES ('reject', moved.from_work_id), ('split', moved.to_work_id)) AS sides (act, work_id)) AS each
      ORDER BY work_id, isbn13, id DESC) AS d
CROSS JOIN LATERAL (
    SELECT c.title, c.author, c.named_year AS year, c.month, c.score_version, hit, coalesce(c.isbn13 = d.isbn13 AND c.source <> 'catalogue', false) AS accepted,
        c.score < CASE WHEN c.score_version >= 2 THEN 95 ELSE 90 END
            OR c.evidence @> jsonb_build_array(jsonb_build_object('isbn13', d.isbn13, 'verdict', 'refuse'))
            OR c.evidence @> jsonb_build_array(jsonb_build_object('isbn13', d.isbn13, 'verdict', 'doubt')) AS suspected,
        ('x' || left(md5(d.work_id || d.isbn13), 8))::bit(32)::bigint / 4294967296.0 AS draw
    FROM (SELECT title, author, named_year, month, isbn13, source, score, score_version, evidence, 0 AS earlier FROM candidate
          WHERE work_id = d.work_id
          UNION ALL
          SELECT title, author, named_year, month, isbn13, source, score, score_version, evidence, id FROM earlier_candidate
          WHERE work_id = d.work_id) AS c,
        jsonb_array_elements(c.evidence) AS hit
    WHERE hit ->> 'isbn13' = d.isbn13 AND NOT (hit -> 'reasons')::text LIKE '["rejected by %%'
    ORDER BY accepted DESC, hit ->> 'verdict' <> 'accept', c.earlier DESC LIMIT 1) AS named
WHERE (d.id, d.work_id, d.isbn13) > (%(after)s, %(after_work)s, %(after_isbn)s) ORDER BY d.id, d.work_id, d.isbn13 LIMIT %(limit)s

-- name: strata
-- How many accepted ISBNs the catalogue has that are suspected, and that are not.
SELECT count(*) FILTER (WHERE unsure OR disputed) AS suspected, count(*) FILTER (WHERE NOT unsure AND NOT disputed) AS sampled
FROM accepted_isbn
