-- Pages of the list of works: what matches a search, then a page of it by its key, then what the page shows.

-- name: plan_each
-- Plan each statement for its own values: filters that are not given must not be planned for.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: plan_seldom
-- What the page shows is planned as usual: the setting holds for functions, too, and planned those anew for each book.
SELECT set_config('plan_cache_mode', 'auto', true)

-- condition: wanted
    (%(language)s::text IS NULL OR l.language = %(language)s) AND (%(source)s::text IS NULL OR l.source = %(source)s)
    AND (%(statuses)s::text[] IS NULL OR l.status = ANY(%(statuses)s)) AND (%(in_month)s::text IS NULL OR l.in_month = %(in_month)s)
    AND (%(min_score)s::numeric IS NULL OR l.score >= %(min_score)s::numeric) AND (%(max_score)s::numeric IS NULL OR l.score <= %(max_score)s::numeric)
    AND (NOT %(needs_review)s OR l.needs_review)
    AND (%(among)s::bigint[] IS NULL OR l.work_id = ANY(%(among)s))

-- name: of_month
-- Works that a month named.
SELECT DISTINCT coalesce(m.book_id, c.work_id) AS work_id FROM candidate AS c LEFT JOIN merged_work AS m USING (work_id)
WHERE c.year = %(year)s AND c.month = %(month)s AND c.work_id IS NOT NULL

-- name: counted_for_month
-- Where books of other months are moved or dropped, the works that count for a month: those that it named, but for those that do not stay in it, and those that come from other months.
SELECT coalesce(m.book_id, c.work_id) AS work_id FROM candidate AS c LEFT JOIN merged_work AS m USING (work_id)
LEFT JOIN candidate_of_other_month AS o ON o.id = c.id
WHERE c.year = %(year)s AND c.month = %(month)s AND c.work_id IS NOT NULL
    AND (o.id IS NULL OR %(other_months)s = 'move' AND o.belongs_to IS NULL)
UNION
SELECT w.id FROM work AS w
WHERE %(other_months)s = 'move' AND length(w.first_published) >= 7
    AND left(w.first_published, 7) = format('%%s-%%s', %(year)s::integer, lpad(%(month)s::integer::text, 2, '0'))
    AND EXISTS (SELECT FROM candidate AS c JOIN candidate_of_other_month AS o ON o.id = c.id AND o.book_id = w.id
                JOIN reviewed_candidate AS r ON r.id = c.id
                WHERE c.work_id = ANY(works_of_book(w.id)) AND r.excluded_by IS NULL)

-- name: rarity
-- Which share of works has a word that begins so, and how many works there are, by the statistics of PostgreSQL. The share is 0
-- unless the word is among the most frequent.
WITH frequent AS MATERIALIZED ( -- once, not for each word
    SELECT e.word, e.share FROM pg_stats AS s, unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) AS e (word, share)
    WHERE s.schemaname = (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'work_listing'::regclass)
      AND s.tablename = 'work_listing' AND s.attname = 'words')
SELECT w.word, (SELECT coalesce(sum(f.share), 0) FROM frequent AS f WHERE starts_with(f.word, w.sought))::float8 AS share,
    (SELECT greatest(reltuples, 0)::float8 FROM pg_class WHERE oid = 'work_listing'::regclass) AS works
FROM (SELECT word, search_words(word) AS sought FROM unnest(%(words)s::text[]) AS w (word) OFFSET 0) AS w

-- name: matching
-- Works whose words are all of a search, or that share keys with a spelling of it and are alike; the most alike first. The index
-- is not read for frequent words beside rare ones: to collect all works with such a beginning takes longer than to test the few.
SELECT w.id FROM (
    SELECT work_id, bool_or(by_words) AS by_words FROM (
        (SELECT l.work_id, true AS by_words FROM work_listing AS l
         WHERE %(words)s <> '' AND l.words @@ to_tsquery('simple', search_words(%(words)s))
             AND (%(frequent)s = '' OR (l.words @@ to_tsquery('simple', search_words(%(frequent)s))) IS TRUE)
             AND {wanted} LIMIT %(limit)s)
        UNION ALL
        (SELECT l.work_id, false FROM (
            SELECT b.work_id FROM unnest(%(keys)s::text[]) AS sought (key), LATERAL (
                SELECT work_id FROM work_block WHERE key = sought.key LIMIT %(most)s) AS b
            GROUP BY b.work_id ORDER BY count(*) DESC, b.work_id LIMIT %(limit)s) AS near
         LEFT JOIN merged_work AS m USING (work_id)
         JOIN work_listing AS l ON l.work_id = coalesce(m.book_id, near.work_id) WHERE {wanted})) AS each
    GROUP BY work_id) AS found
JOIN work AS w ON w.id = found.work_id
CROSS JOIN LATERAL (SELECT greatest(similarity(w.title, %(text)s), similarity(w.title || ' ' || w.author, %(text)s),
    (SELECT max(similarity(o.title, %(text)s)) FROM other_title AS o WHERE o.work_id = w.id),
    (SELECT max(greatest(similarity(o.title, %(text)s), similarity(o.title || ' ' || o.author, %(text)s)))
     FROM merged_work AS m JOIN work AS o ON o.id = m.work_id WHERE m.book_id = w.id)) AS alike) AS s
WHERE found.by_words OR s.alike >= %(alike)s
ORDER BY s.alike DESC, w.id LIMIT %(limit)s

-- name: by_match
-- A page of a search, in its order.
SELECT l.work_id, f.place::text AS key FROM unnest(%(found)s::bigint[]) WITH ORDINALITY AS f (work_id, place)
JOIN work_listing AS l USING (work_id)
WHERE {wanted} AND (%(after_id)s::bigint IS NULL OR f.place > %(after_key)s::bigint) ORDER BY f.place LIMIT %(limit)s

-- name: by_newest
-- A page, the work that was added last first.
SELECT l.work_id, '' AS key FROM work_listing AS l
WHERE {wanted} AND (%(after_id)s::bigint IS NULL OR l.work_id < %(after_id)s) ORDER BY l.work_id DESC LIMIT %(limit)s

-- name: by_title
-- A page by title.
SELECT l.work_id, l.title_key AS key FROM work_listing AS l
WHERE {wanted} AND (%(after_id)s::bigint IS NULL OR (l.title_key, l.work_id) > (%(after_key)s::text, %(after_id)s))
ORDER BY l.title_key, l.work_id LIMIT %(limit)s

-- name: by_author
-- A page by the first author's family name.
SELECT l.work_id, l.author_key AS key FROM work_listing AS l
WHERE {wanted} AND (%(after_id)s::bigint IS NULL OR (l.author_key, l.work_id) > (%(after_key)s::text, %(after_id)s))
ORDER BY l.author_key, l.work_id LIMIT %(limit)s

-- name: by_score
-- A page of the resolved works, the least certain first.
SELECT l.work_id, l.score::text AS key FROM work_listing AS l
WHERE {wanted} AND l.score IS NOT NULL
    AND (%(after_id)s::bigint IS NULL OR (l.score, l.work_id) > (%(after_key)s::numeric, %(after_id)s))
ORDER BY l.score, l.work_id LIMIT %(limit)s

-- name: shown
-- What a page shows of its works, in their order. The ISBN is that of the best decision, as persons
-- reviewed it, or of the first edition.
SELECT w.id, w.title, w.author, w.first_published, l.language, l.status, l.source, l.score, l.in_month, c.score_version,
    CASE WHEN r.isbn_decision_id IS NULL THEN coalesce(c.isbn13, e.isbn13) ELSE r.isbn13 END AS isbn13,
    r.isbn_decision_id IS NOT NULL OR r.excluded_by IS NOT NULL
        OR EXISTS (SELECT FROM standing_decision WHERE work_id = ANY(b.works) AND act = 'accept') AS reviewed, l.needs_review, (SELECT count(*) FROM edition WHERE work_id = ANY(b.works)) AS editions,
    ARRAY(SELECT DISTINCT format('%%s-%%s', year, lpad(month::text, 2, '0')) FROM candidate
          WHERE work_id = ANY(b.works) ORDER BY 1 DESC LIMIT %(months)s) AS months
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS page (id, place)
JOIN work AS w USING (id) JOIN work_listing AS l ON l.work_id = w.id
CROSS JOIN LATERAL (SELECT works_of_book(w.id) AS works OFFSET 0) AS b -- once for each book
LEFT JOIN LATERAL (SELECT id, isbn13, score_version FROM candidate WHERE work_id = ANY(b.works)
                   ORDER BY isbn13 IS NULL, source = 'catalogue', id DESC LIMIT 1) AS c ON true
LEFT JOIN LATERAL (SELECT * FROM reviewed_candidate WHERE id = c.id) AS r ON true
LEFT JOIN LATERAL (SELECT isbn13 FROM edition WHERE work_id = ANY(b.works)
                   AND NOT EXISTS (SELECT FROM withdrawn_edition AS x WHERE x.isbn13 = edition.isbn13) ORDER BY related, created_at, isbn13 LIMIT 1) AS e ON true
ORDER BY page.place
