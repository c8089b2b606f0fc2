-- The catalogue as others read it, edition by edition.

-- name: patience
-- The reader of the stream may take as long as it needs.
SELECT set_config('idle_in_transaction_session_timeout', '0', true)

-- name: editions
-- Every edition in full, or those with some ISBNs; or those that changed since a time, among them those that persons took out
-- of the catalogue.
SELECT e.isbn13, w.id AS work_id, e.title, e.subtitle, e.publisher, e.published, e.language, e.binding, e.pages, e.related,
    w.first_published, e.created_at, e.changed_at, x.isbn13 IS NOT NULL AS withdrawn,
    ARRAY(SELECT ARRAY[c.name, wc.role] FROM work_contributor AS wc JOIN contributor AS c ON c.id = wc.contributor_id
          WHERE wc.work_id = w.id ORDER BY wc.position) AS people,
    ARRAY(SELECT min(name) FROM subject WHERE work_id = ANY(b.works) GROUP BY lower(name)
          ORDER BY lower(name)) AS subjects,
    ARRAY(SELECT DISTINCT title FROM other_title AS o WHERE o.work_id = ANY(b.works) ORDER BY title) AS other_titles,
    ARRAY(SELECT other FROM related_isbn AS r WHERE r.isbn13 = e.isbn13 ORDER BY other) AS related_isbns,
    ARRAY(SELECT jsonb_build_object('field', p.field, 'provider', s.provider, 'id', s.provider_id,
                                    'fetched_at', to_char(s.fetched_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
          FROM provenance AS p JOIN source_record AS s ON s.id = p.source_record_id
          WHERE p.isbn13 = e.isbn13 ORDER BY p.field) AS sources
FROM edition AS e LEFT JOIN merged_work AS m ON m.work_id = e.work_id
CROSS JOIN LATERAL (SELECT CASE WHEN m.book_id IS NULL THEN ARRAY[e.work_id] ELSE works_of_book(e.work_id) END AS works) AS b
JOIN work AS w ON w.id = coalesce(m.book_id, e.work_id) LEFT JOIN withdrawn_edition AS x ON x.isbn13 = e.isbn13
WHERE CASE WHEN %(since)s::timestamptz IS NULL THEN x.isbn13 IS NULL ELSE e.changed_at >= %(since)s END
    AND (%(isbns)s::text[] IS NULL OR e.isbn13 = ANY(%(isbns)s))
ORDER BY e.isbn13
