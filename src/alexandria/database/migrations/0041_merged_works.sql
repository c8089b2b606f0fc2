-- Persons merge works that are one book, and mark works that are different ones. No row moves, so that an undo restores.

ALTER TABLE curation_decision ADD COLUMN other_work_id bigint REFERENCES work;
ALTER TABLE curation_decision
    DROP CONSTRAINT curation_decision_act_check,
    ADD CONSTRAINT curation_decision_act_check
        CHECK (act IN ('reject', 'pin', 'accept', 'exclude', 'correct', 'merge', 'different', 'undo')),
    ADD CONSTRAINT about_two_works CHECK (
        (other_work_id IS NOT NULL) = (act IN ('merge', 'different')) OR act = 'undo'),
    ADD CONSTRAINT another_work CHECK (other_work_id <> work_id);
COMMENT ON COLUMN curation_decision.act IS
    'reject: this ISBN is not of this work; pin: it is the one; accept: this ISBN, or the work in this month, is right as found; exclude: the work is not of this month, or of none; correct: a field; merge: the work is the same book as the other, under which it is shown; different: both are two books; undo: a decision';
COMMENT ON COLUMN curation_decision.other_work_id IS 'with merge and different, and the undo of these: the other work';
CREATE INDEX curation_decision_of_other_work ON curation_decision (other_work_id, id DESC) WHERE other_work_id IS NOT NULL;

CREATE OR REPLACE VIEW standing_decision AS
SELECT * FROM curation_decision AS d
WHERE act <> 'undo' AND NOT EXISTS (SELECT FROM curation_decision AS u WHERE u.undoes = d.id);

CREATE VIEW different_work AS
SELECT work_id, other_work_id AS other_id FROM standing_decision WHERE act = 'different'
UNION ALL
SELECT other_work_id, work_id FROM standing_decision WHERE act = 'different';
COMMENT ON VIEW different_work IS 'Works that persons marked as different books, each pair in both orders.';

CREATE TABLE merged_work (
    work_id bigint PRIMARY KEY REFERENCES work ON DELETE CASCADE,
    book_id bigint NOT NULL REFERENCES work ON DELETE CASCADE
);
COMMENT ON TABLE merged_work IS
    'Works that persons merged, and the one under which they are shown, which is among them. Made from the decisions that stand.';
CREATE INDEX merged_work_of_book ON merged_work (book_id);

CREATE FUNCTION book_of(the_work bigint) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce((SELECT book_id FROM merged_work WHERE work_id = the_work), the_work)
$$;
CREATE FUNCTION works_of_book(the_work bigint) RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(ARRAY(SELECT same.work_id FROM merged_work AS own JOIN merged_work AS same USING (book_id)
                                 WHERE own.work_id = the_work), '{}'), ARRAY[the_work])
$$;

CREATE FUNCTION book_version(the_work bigint) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(greatest((SELECT max(id) FROM curation_decision WHERE work_id = ANY(works_of_book(the_work))),
                             (SELECT max(id) FROM curation_decision WHERE other_work_id = ANY(works_of_book(the_work)))), 0)
$$;

-- What a person decided about a work counts for all works that are merged with it; an ISBN that is an edition of one of them
-- is rejected only for that one.
CREATE OR REPLACE VIEW reviewed_candidate AS
SELECT c.id,
       CASE WHEN pin.isbn13 IS NOT NULL THEN pin.isbn13 WHEN reject.id IS NULL THEN c.isbn13 END AS isbn13,
       coalesce(pin.id, reject.id) AS isbn_decision_id, exclude.id AS excluded_by
FROM candidate AS c
LEFT JOIN LATERAL (SELECT works_of_book(c.work_id) AS works) AS book ON true
LEFT JOIN LATERAL (SELECT id, isbn13 FROM isbn_decision WHERE work_id = ANY(book.works) AND act = 'pin'
                   ORDER BY id DESC LIMIT 1) AS pin ON true
LEFT JOIN LATERAL (SELECT d.id FROM isbn_decision AS d LEFT JOIN edition AS e ON e.isbn13 = d.isbn13
                   WHERE d.work_id = ANY(book.works) AND d.isbn13 = c.isbn13 AND d.act = 'reject'
                     AND (e.work_id = d.work_id OR e.work_id <> ALL(book.works)) LIMIT 1) AS reject ON true
LEFT JOIN LATERAL (SELECT id FROM standing_decision
                   WHERE work_id = ANY(book.works) AND act = 'exclude'
                     AND (year IS NULL OR (year, month) = (c.year, c.month))
                   ORDER BY id DESC LIMIT 1) AS exclude ON true;

CREATE OR REPLACE VIEW withdrawn_edition AS
SELECT e.isbn13, max(w.decision_id) AS decision_id
FROM (SELECT work_id, isbn13, id AS decision_id FROM isbn_decision WHERE act = 'reject'
      UNION ALL
      SELECT d.work_id, of_work.isbn13, d.id FROM standing_decision AS d JOIN edition AS of_work ON of_work.work_id = d.work_id
      WHERE d.act = 'exclude' AND d.year IS NULL
      UNION ALL
      SELECT of_work.work_id, of_work.isbn13, d.id
      FROM standing_decision AS d JOIN merged_work AS own ON own.work_id = d.work_id
      JOIN merged_work AS same ON same.book_id = own.book_id JOIN edition AS of_work ON of_work.work_id = same.work_id
      WHERE d.act = 'exclude' AND d.year IS NULL
      UNION ALL
      SELECT d.work_id, d.isbn13, d.id FROM curation_decision AS d
      JOIN provenance AS p ON p.isbn13 = d.isbn13 AND p.field = 'isbn13'
      WHERE d.act = 'pin' AND NOT EXISTS (
          SELECT FROM isbn_decision AS i WHERE i.work_id = d.work_id AND i.isbn13 = d.isbn13 AND i.act = 'pin')) AS w
JOIN edition AS e ON e.isbn13 = w.isbn13 AND e.work_id = w.work_id
GROUP BY e.isbn13;

-- A book is listed once, with the words of all works that are merged in it.
CREATE OR REPLACE FUNCTION list_work(the_work bigint) RETURNS void LANGUAGE sql AS $$
    DELETE FROM work_listing WHERE work_id = the_work AND book_of(the_work) <> the_work;
    INSERT INTO work_listing AS l
    SELECT w.id, search_words(left(w.title, 200)), search_words(left(regexp_replace(w.author, '^(.*)\s(\S+)$', '\2 \1'), 200)),
        coalesce(nullif(w.language, ''), e.language, ''),
        CASE WHEN c.id IS NULL THEN 'not_named' WHEN c.isbn13 IS NOT NULL THEN 'resolved'
             WHEN c.evidence @> '[{"verdict": "doubt"}]' THEN 'doubtful' WHEN c.hindered THEN 'not_checked'
             WHEN c.evidence <> '[]' THEN 'refused' ELSE 'not_found' END,
        CASE WHEN c.isbn13 IS NULL THEN '' ELSE c.source END, CASE WHEN c.isbn13 IS NOT NULL THEN c.score END,
        coalesce(dated.in_month, 'unknown'),
        to_tsvector('simple', search_words(w.title || ' ' || coalesce(people.names, w.author) || coalesce(merged.names, '')))
    FROM work AS w
    LEFT JOIN LATERAL (SELECT works_of_book(w.id) AS works) AS book ON true
    LEFT JOIN LATERAL (SELECT * FROM candidate WHERE work_id = ANY(book.works)
                       ORDER BY isbn13 IS NULL, source = 'catalogue', id DESC LIMIT 1) AS c ON true
    LEFT JOIN LATERAL (SELECT language FROM edition WHERE work_id = ANY(book.works) AND language <> ''
                       ORDER BY related, created_at, isbn13 LIMIT 1) AS e ON true
    LEFT JOIN LATERAL (SELECT coalesce(min(in_month) FILTER (WHERE in_month = 'contradicted'), min(in_month)) AS in_month
                       FROM candidate WHERE work_id = ANY(book.works) AND isbn13 IS NOT NULL) AS dated ON true
    LEFT JOIN LATERAL (SELECT left(string_agg((SELECT name FROM contributor WHERE id = wc.contributor_id), ' '), 1000) AS names
                       FROM work_contributor AS wc WHERE wc.work_id = w.id) AS people ON true
    LEFT JOIN LATERAL (SELECT left(string_agg(' ' || m.title || ' ' || m.author, ''), 2000) AS names
                       FROM work AS m WHERE m.id = ANY(book.works) AND m.id <> w.id) AS merged ON true
    WHERE w.id = book_of(the_work)
    ON CONFLICT (work_id) DO UPDATE SET title_key = excluded.title_key, author_key = excluded.author_key,
        language = excluded.language, status = excluded.status, source = excluded.source, score = excluded.score,
        in_month = excluded.in_month, words = excluded.words
    WHERE (l.title_key, l.author_key, l.language, l.status, l.source, l.score, l.in_month, l.words) IS DISTINCT FROM
        (excluded.title_key, excluded.author_key, excluded.language, excluded.status, excluded.source, excluded.score,
         excluded.in_month, excluded.words)
$$;

-- What a person answered for one of the works of a book is not asked about the others.
CREATE OR REPLACE VIEW named_month AS
SELECT c.work_id, c.year, c.month, max(c.id) AS candidate_id,
       bool_or(c.in_month = 'contradicted' AND c.isbn13 IS NOT NULL) AS contradicted,
       count(*) OVER (PARTITION BY c.work_id) > 1 AND NOT bool_or(c.in_month = 'confirmed') AS repeated,
       bool_or(search_words(c.title) <> search_words(w.title)) AS by_other_title
FROM candidate AS c JOIN work AS w ON w.id = c.work_id
WHERE NOT EXISTS (SELECT FROM standing_decision AS d WHERE d.work_id = ANY(works_of_book(c.work_id)) AND d.act = 'exclude'
                  AND (d.year IS NULL OR d.year = c.year AND d.month = c.month))
GROUP BY c.work_id, c.year, c.month;

CREATE OR REPLACE VIEW due_review AS
SELECT a.work_id, a.isbn13 AS subject, a.isbn13, NULL::integer AS year, NULL::integer AS month, a.candidate_id, why.reasons,
       100 - CASE WHEN a.disputed THEN greatest(a.risk, 50) WHEN a.unsure THEN a.risk ELSE a.draw END AS place
FROM accepted_isbn AS a
CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
    CASE WHEN a.disputed THEN 'disputed' END, CASE WHEN a.unsure THEN 'unsure' END,
    CASE WHEN NOT a.disputed AND NOT a.unsure AND a.draw < 0.05 THEN 'sample' END], NULL) AS reasons) AS why
WHERE why.reasons <> '{}'
  AND NOT EXISTS (SELECT FROM standing_decision AS d WHERE d.work_id = ANY(works_of_book(a.work_id)) AND (
      d.act = 'pin' OR d.act IN ('accept', 'reject') AND d.isbn13 = a.isbn13 OR d.act = 'exclude' AND d.year IS NULL))
UNION ALL
(SELECT DISTINCT ON (o.work_id) o.work_id, o.isbn13, o.isbn13, NULL, NULL, o.candidate_id,
        ARRAY[CASE WHEN o.undecided THEN 'undecided' ELSE 'doubtful' END], 100 - o.score
 FROM doubtful_isbn AS o
 WHERE NOT EXISTS (SELECT FROM candidate AS c WHERE c.work_id = ANY(works_of_book(o.work_id)) AND c.isbn13 IS NOT NULL)
   AND NOT EXISTS (SELECT FROM edition AS e WHERE e.isbn13 = o.isbn13 AND e.work_id <> ALL(works_of_book(o.work_id)))
   AND NOT EXISTS (SELECT FROM standing_decision AS d WHERE d.work_id = ANY(works_of_book(o.work_id)) AND (
       d.act = 'pin' OR d.act = 'reject' AND d.isbn13 = o.isbn13 OR d.act = 'exclude' AND d.year IS NULL))
 ORDER BY o.work_id, o.score DESC, o.isbn13)
UNION ALL
SELECT m.work_id, format('%s-%s', m.year, lpad(m.month::text, 2, '0')), NULL, m.year, m.month, m.candidate_id,
       array_remove(ARRAY[CASE WHEN m.contradicted THEN 'contradicted' END, CASE WHEN m.repeated THEN 'repeated' END,
                          CASE WHEN m.repeated AND m.by_other_title THEN 'other_title' END], NULL),
       CASE WHEN m.contradicted AND m.repeated THEN 40 WHEN m.contradicted THEN 60 ELSE 70 END
FROM named_month AS m
WHERE (m.contradicted OR m.repeated)
  AND NOT EXISTS (SELECT FROM standing_decision AS d
                  WHERE d.work_id = ANY(works_of_book(m.work_id)) AND d.act = 'accept' AND d.year = m.year AND d.month = m.month);

-- The view is large: to plan it for each book costs ten times what it costs to ask it.
CREATE OR REPLACE FUNCTION queue_review(the_work bigint) RETURNS void LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    works bigint[] := works_of_book(the_work);
BEGIN
    DELETE FROM review_item AS r WHERE r.work_id = ANY(works)
        AND NOT EXISTS (SELECT FROM due_review AS d WHERE d.work_id = r.work_id AND d.subject = r.subject);
    INSERT INTO review_item AS r (work_id, subject, isbn13, year, month, candidate_id, reasons, place)
    SELECT work_id, subject, isbn13, year, month, candidate_id, reasons, place FROM due_review WHERE work_id = ANY(works)
    ON CONFLICT (work_id, subject) DO UPDATE SET
        candidate_id = excluded.candidate_id, reasons = excluded.reasons, place = excluded.place
    WHERE (r.candidate_id, r.reasons, r.place) IS DISTINCT FROM (excluded.candidate_id, excluded.reasons, excluded.place);
    UPDATE work_listing SET needs_review = NOT needs_review
    WHERE work_id = book_of(the_work) AND needs_review <> EXISTS (SELECT FROM review_item WHERE work_id = ANY(works));
END
$$;

CREATE CONSTRAINT TRIGGER listed AFTER INSERT OR DELETE OR UPDATE ON merged_work
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION list_changed_work();
CREATE CONSTRAINT TRIGGER reviewed AFTER INSERT OR DELETE OR UPDATE ON merged_work
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION queue_changed_review();

-- The books that some works are in, as the decisions that stand make them.
CREATE FUNCTION regroup_works(the_works bigint[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM merged_work WHERE work_id = ANY(the_works);
    WITH RECURSIVE led (work_id, book_id) AS (
        SELECT id, id FROM unnest(the_works) AS w (id)
        WHERE NOT EXISTS (SELECT FROM standing_decision WHERE work_id = w.id AND act = 'merge')
        UNION ALL
        SELECT d.work_id, led.book_id FROM led JOIN standing_decision AS d ON d.other_work_id = led.work_id AND d.act = 'merge')
    INSERT INTO merged_work SELECT work_id, book_id FROM led
    WHERE EXISTS (SELECT FROM standing_decision AS d WHERE d.act = 'merge' AND led.work_id IN (d.work_id, d.other_work_id))
$$;
