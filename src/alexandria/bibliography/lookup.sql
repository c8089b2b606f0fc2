-- Look-ups in the bibliography. Arrays stand in a SELECT of their own: the planner then expects as many elements of each,
-- and keeps one plan instead of making one for each look-up, which takes longer than the look-up itself.

-- name: is_loaded
SELECT to_regclass('bibliography.bucket') IS NOT NULL AND to_regclass('bibliography.load') IS NOT NULL AS loaded

-- name: facts
-- A bibliography of an earlier version has no other titles.
SELECT loaded_at, coalesce(newest, loaded_at) AS as_of, key_version,
    to_regclass('bibliography.other_title') IS NOT NULL AS has_other_titles
FROM bibliography.load

-- name: postings
-- The postings of the buckets that the checksums choose.
SELECT k.ordinality AS position, b.postings
FROM bibliography.load AS l
CROSS JOIN unnest((SELECT %(checksums)s::bigint[])) WITH ORDINALITY AS k (checksum, ordinality)
JOIN bibliography.bucket AS b ON b.no = (k.checksum >> (32 - l.bucket_bits))::int
WHERE l.loaded_at = %(loaded_at)s

-- name: titles
-- Some titles; nothing if another load serves by now.
SELECT t.id, t.title
FROM bibliography.load AS l
CROSS JOIN unnest((SELECT %(titles)s::int[])) AS w (id)
JOIN bibliography.title AS t ON t.id = w.id
WHERE l.loaded_at = %(loaded_at)s

-- name: editions
-- All editions of some titles, and the first year of the works; nothing if another load serves by now.
SELECT t.id AS title_id, t.work, t.title, t.authors, e.isbn13, e.record, e.published, e.language, e.pages, e.publisher,
    e.subtitle, coalesce(b.name, '') AS binding, f.first_year
FROM bibliography.load AS l
CROSS JOIN unnest((SELECT %(titles)s::int[])) WITH ORDINALITY AS w (id, ordinality)
JOIN bibliography.title AS t ON t.id = w.id
CROSS JOIN LATERAL (
    SELECT * FROM bibliography.edition AS e WHERE e.title = t.id ORDER BY e.isbn13 LIMIT %(limit)s
) AS e
LEFT JOIN bibliography.binding AS b ON b.code = e.binding
LEFT JOIN LATERAL (
    SELECT min(published) / 10000 AS first_year FROM (
        SELECT s.published FROM bibliography.title AS o JOIN bibliography.edition AS s ON s.title = o.id
        WHERE o.work = t.work AND o.work > 0 AND s.published > 0 LIMIT %(limit)s
    ) AS others
) AS f ON true
WHERE l.loaded_at = %(loaded_at)s
ORDER BY w.ordinality, e.isbn13

-- name: by_isbns
-- The editions with these numbers, and by what else their works are known: each title with its language, and the titles of
-- other editions. Without an order, and with arrays of selects, as each further step of a plan is a part of its time.
SELECT t.id AS title_id, t.work, t.title, t.authors, e.isbn13, e.record, e.published, e.language, e.pages, e.publisher, e.subtitle,
    coalesce((SELECT name FROM bibliography.binding WHERE code = e.binding), '') AS binding, NULL::int AS first_year,
    ARRAY(SELECT ARRAY[name, language] FROM bibliography.other_title WHERE title = t.id LIMIT %(limit)s) AS known,
    ARRAY(SELECT s.title FROM bibliography.title AS s
          WHERE s.work = t.work AND s.work > 0 AND s.id <> t.id LIMIT %(limit)s) AS of_others
FROM bibliography.edition AS e JOIN bibliography.title AS t ON t.id = e.title
WHERE e.isbn13 = ANY((SELECT %(isbns)s::bigint[])::bigint[])

-- name: by_isbns_alone
-- As by_isbns, in a bibliography of an earlier version, which has no other titles.
SELECT t.id AS title_id, t.work, t.title, t.authors, e.isbn13, e.record, e.published, e.language, e.pages, e.publisher, e.subtitle,
    coalesce((SELECT name FROM bibliography.binding WHERE code = e.binding), '') AS binding, NULL::int AS first_year,
    NULL::text[] AS known, NULL::text[] AS of_others
FROM bibliography.edition AS e JOIN bibliography.title AS t ON t.id = e.title
WHERE e.isbn13 = ANY((SELECT %(isbns)s::bigint[])::bigint[])

-- name: other_titles
-- By what else the works of some titles are known: as their records say, and by the titles of their other editions. Each
-- title has a row; there is none at all if another load serves by now.
SELECT w.id AS title_id, coalesce(o.name, '') AS name, coalesce(o.language, '') AS language
FROM bibliography.load AS l
CROSS JOIN unnest((SELECT %(titles)s::int[])) AS w (id)
LEFT JOIN LATERAL (
    (SELECT name, language FROM bibliography.other_title WHERE title = w.id LIMIT %(limit)s)
    UNION ALL
    (SELECT s.title, '' FROM bibliography.title AS t JOIN bibliography.title AS s ON s.work = t.work
    WHERE t.id = w.id AND s.work > 0 AND s.id <> t.id LIMIT %(limit)s)
) AS o ON true
WHERE l.loaded_at = %(loaded_at)s
