-- Which month a book counts for that sources date to another one than the one that named it, and how many books there are,
-- are read for pages.

CREATE INDEX work_first_month ON work (left(first_published, 7)) WHERE length(first_published) >= 7;
CREATE INDEX candidate_found ON candidate (work_id, in_month) WHERE isbn13 IS NOT NULL;

CREATE VIEW candidate_of_other_month AS
SELECT c.id, w.id AS book_id, CASE WHEN length(w.first_published) >= 7 THEN left(w.first_published, 7) END AS belongs_to
FROM candidate AS c JOIN work AS w ON w.id = book_of(c.work_id)
WHERE c.in_month = 'contradicted' AND c.isbn13 IS NOT NULL
    AND left(w.first_published, 7) IS DISTINCT FROM format('%s-%s', c.year, lpad(c.month::text, 2, '0'))
    AND NOT EXISTS (SELECT FROM standing_decision AS d WHERE d.work_id = ANY(works_of_book(c.work_id))
                    AND d.act = 'accept' AND d.year = c.year AND d.month = c.month);
COMMENT ON VIEW candidate_of_other_month IS
    'Resolved candidates that sources date to another month than the one that named them, and no person to this one, with that month if it is known.';
