-- What persons should look at first, kept in the order of a review; and the decision that what was found is right.

ALTER TABLE curation_decision
    DROP CONSTRAINT curation_decision_act_check,
    DROP CONSTRAINT about_an_edition,
    DROP CONSTRAINT excluded_from_a_month,
    ADD CONSTRAINT curation_decision_act_check CHECK (act IN ('reject', 'pin', 'accept', 'exclude', 'correct', 'undo')),
    ADD CONSTRAINT about_an_edition
        CHECK ((isbn13 IS NOT NULL) = (act IN ('reject', 'pin', 'correct')) OR act IN ('accept', 'undo')),
    ADD CONSTRAINT excluded_from_a_month
        CHECK ((year IS NULL) = (month IS NULL) AND (year IS NULL OR act IN ('accept', 'exclude', 'undo'))),
    ADD CONSTRAINT accepts_one CHECK (act <> 'accept' OR (isbn13 IS NULL) = (year IS NOT NULL));
COMMENT ON COLUMN curation_decision.act IS
    'reject: this ISBN is not of this work; pin: it is the one; accept: this ISBN, or the work in this month, is right as found; exclude: the work is not of this month, or of none; correct: a field; undo: a decision';
COMMENT ON COLUMN curation_decision.month IS 'with year: accepted in this month, or excluded from it alone; null: from every month';

-- The score is that of the record which was accepted, not that by which a later month recognised the work.
CREATE VIEW accepted_isbn AS
SELECT DISTINCT ON (c.work_id, c.isbn13) c.work_id, c.isbn13, c.id AS candidate_id, 100 - found.score AS risk,
       found.score < CASE WHEN found.score_version >= 2 THEN 95 ELSE 90 END AS unsure,
       found.evidence @> jsonb_build_array(jsonb_build_object('isbn13', c.isbn13, 'verdict', 'refuse'))
           OR found.evidence @> jsonb_build_array(jsonb_build_object('isbn13', c.isbn13, 'verdict', 'doubt')) AS disputed,
       ('x' || left(md5(c.work_id || c.isbn13), 8))::bit(32)::bigint / 4294967296.0 AS draw
FROM candidate AS c
CROSS JOIN LATERAL (
    SELECT score, score_version, evidence FROM (
        SELECT c.score, c.score_version, c.evidence, c.source <> 'catalogue' AS first, 0 AS id
        UNION ALL
        SELECT e.score, e.score_version, e.evidence, e.source <> 'catalogue', e.id FROM earlier_candidate AS e
        WHERE c.source = 'catalogue' AND e.work_id = c.work_id AND e.isbn13 = c.isbn13) AS each
    ORDER BY first DESC, id DESC LIMIT 1) AS found
WHERE c.work_id IS NOT NULL AND c.isbn13 IS NOT NULL
ORDER BY c.work_id, c.isbn13, c.source = 'catalogue', c.id DESC;
COMMENT ON VIEW accepted_isbn IS
    'Each ISBN that was accepted for a work: how likely it is wrong, in per cent, whether that is more than a few (unsure), '
    'whether a source has the ISBN for another book (disputed), and a number from 0 to 1 that draws samples.';

CREATE VIEW doubtful_isbn AS
SELECT DISTINCT ON (c.work_id, hit ->> 'isbn13') c.work_id, hit ->> 'isbn13' AS isbn13, c.id AS candidate_id,
       (hit ->> 'score')::numeric AS score, hit ->> 'verdict' = 'accept' AS undecided
FROM candidate AS c CROSS JOIN LATERAL jsonb_array_elements(c.evidence) AS hit
WHERE c.work_id IS NOT NULL AND c.isbn13 IS NULL AND hit ->> 'verdict' IN ('accept', 'doubt') AND isbn13_valid(hit ->> 'isbn13')
ORDER BY c.work_id, hit ->> 'isbn13', (hit ->> 'score')::numeric DESC, c.id DESC;
COMMENT ON VIEW doubtful_isbn IS
    'ISBNs of records that may be of a work, and were not accepted; undecided: since another record was as good.';

CREATE VIEW named_month AS
SELECT c.work_id, c.year, c.month, max(c.id) AS candidate_id,
       bool_or(c.in_month = 'contradicted' AND c.isbn13 IS NOT NULL) AS contradicted,
       count(*) OVER (PARTITION BY c.work_id) > 1 AND NOT bool_or(c.in_month = 'confirmed') AS repeated,
       bool_or(search_words(c.title) <> search_words(w.title)) AS by_other_title
FROM candidate AS c JOIN work AS w ON w.id = c.work_id
WHERE NOT EXISTS (SELECT FROM standing_decision AS d WHERE d.work_id = c.work_id AND d.act = 'exclude'
                  AND (d.year IS NULL OR d.year = c.year AND d.month = c.month))
GROUP BY c.work_id, c.year, c.month;
COMMENT ON VIEW named_month IS
    'The months that name a work and from which no person excluded it; repeated: others do, and sources confirm this one not.';

CREATE VIEW due_review AS
SELECT a.work_id, a.isbn13 AS subject, a.isbn13, NULL::integer AS year, NULL::integer AS month, a.candidate_id, why.reasons,
       100 - CASE WHEN a.disputed THEN greatest(a.risk, 50) WHEN a.unsure THEN a.risk ELSE a.draw END AS place
FROM accepted_isbn AS a
CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
    CASE WHEN a.disputed THEN 'disputed' END, CASE WHEN a.unsure THEN 'unsure' END,
    CASE WHEN NOT a.disputed AND NOT a.unsure AND a.draw < 0.05 THEN 'sample' END], NULL) AS reasons) AS why
WHERE why.reasons <> '{}'
  AND NOT EXISTS (SELECT FROM standing_decision AS d WHERE d.work_id = a.work_id AND (
      d.act = 'pin' OR d.act IN ('accept', 'reject') AND d.isbn13 = a.isbn13 OR d.act = 'exclude' AND d.year IS NULL))
UNION ALL
(SELECT DISTINCT ON (o.work_id) o.work_id, o.isbn13, o.isbn13, NULL, NULL, o.candidate_id,
        ARRAY[CASE WHEN o.undecided THEN 'undecided' ELSE 'doubtful' END], 100 - o.score
 FROM doubtful_isbn AS o
 WHERE NOT EXISTS (SELECT FROM candidate AS c WHERE c.work_id = o.work_id AND c.isbn13 IS NOT NULL)
   AND NOT EXISTS (SELECT FROM edition AS e WHERE e.isbn13 = o.isbn13 AND e.work_id <> o.work_id)
   AND NOT EXISTS (SELECT FROM standing_decision AS d WHERE d.work_id = o.work_id AND (
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
                  WHERE d.work_id = m.work_id AND d.act = 'accept' AND d.year = m.year AND d.month = m.month);
COMMENT ON VIEW due_review IS 'What persons should look at, as it follows from candidates and decisions; review_item keeps it.';

CREATE TABLE review_item (
    work_id      bigint NOT NULL REFERENCES work ON DELETE CASCADE,
    subject      text COLLATE "C" NOT NULL,
    isbn13       text,
    year         integer,
    month        integer,
    candidate_id bigint NOT NULL,
    reasons      text[] NOT NULL CHECK (reasons <> '{}'),
    place        numeric(5, 2) NOT NULL,
    PRIMARY KEY (work_id, subject),
    CONSTRAINT about_one CHECK ((isbn13 IS NULL) = (year IS NOT NULL) AND (year IS NULL) = (month IS NULL))
);
COMMENT ON TABLE review_item IS
    'The questions that persons should answer: is this ISBN of this work, or the work of this month? Made by triggers at the end of each transaction.';
COMMENT ON COLUMN review_item.subject IS 'the ISBN, or the month as YYYY-MM';
COMMENT ON COLUMN review_item.candidate_id IS 'the row of candidate that raises the question';
COMMENT ON COLUMN review_item.reasons IS
    'of an ISBN without doubt of its own: sample; else disputed, unsure, doubtful or undecided; of a month: contradicted, repeated, other_title';
COMMENT ON COLUMN review_item.place IS 'sorts: 100 less the probability in per cent that the answer of a person changes something';

ALTER TABLE work_listing ADD COLUMN needs_review boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN work_listing.needs_review IS 'whether a review_item is about it';

-- In PL/pgSQL, as a session plans it once.
CREATE FUNCTION queue_review(the_work bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM review_item AS r WHERE r.work_id = the_work
        AND NOT EXISTS (SELECT FROM due_review AS d WHERE d.work_id = the_work AND d.subject = r.subject);
    INSERT INTO review_item AS r (work_id, subject, isbn13, year, month, candidate_id, reasons, place)
    SELECT work_id, subject, isbn13, year, month, candidate_id, reasons, place FROM due_review WHERE work_id = the_work
    ON CONFLICT (work_id, subject) DO UPDATE SET
        candidate_id = excluded.candidate_id, reasons = excluded.reasons, place = excluded.place
    WHERE (r.candidate_id, r.reasons, r.place) IS DISTINCT FROM (excluded.candidate_id, excluded.reasons, excluded.place);
    UPDATE work_listing SET needs_review = NOT needs_review
    WHERE work_id = the_work AND needs_review <> EXISTS (SELECT FROM review_item WHERE work_id = the_work);
END
$$;

INSERT INTO review_item (work_id, subject, isbn13, year, month, candidate_id, reasons, place)
SELECT work_id, subject, isbn13, year, month, candidate_id, reasons, place FROM due_review;
UPDATE work_listing SET needs_review = true WHERE work_id IN (SELECT work_id FROM review_item);

CREATE INDEX review_item_place ON review_item (place, work_id, subject);
CREATE INDEX review_item_disputed ON review_item (place, work_id, subject) WHERE reasons @> '{disputed}';
CREATE INDEX review_item_unsure ON review_item (place, work_id, subject) WHERE reasons @> '{unsure}';
CREATE INDEX review_item_sample ON review_item (place, work_id, subject) WHERE reasons @> '{sample}';
CREATE INDEX review_item_doubtful ON review_item (place, work_id, subject) WHERE reasons @> '{doubtful}';
CREATE INDEX review_item_undecided ON review_item (place, work_id, subject) WHERE reasons @> '{undecided}';
CREATE INDEX review_item_contradicted ON review_item (place, work_id, subject) WHERE reasons @> '{contradicted}';
CREATE INDEX review_item_repeated ON review_item (place, work_id, subject) WHERE reasons @> '{repeated}';
CREATE INDEX review_item_other_title ON review_item (place, work_id, subject) WHERE reasons @> '{other_title}';
CREATE INDEX work_listing_needs_review ON work_listing (work_id) WHERE needs_review;

CREATE FUNCTION queue_changed_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'work' THEN
        PERFORM queue_review(NEW.id);
        RETURN NULL;
    END IF;
    PERFORM queue_review(NEW.work_id);
    IF OLD.work_id IS DISTINCT FROM NEW.work_id THEN
        PERFORM queue_review(OLD.work_id);
    END IF;
    RETURN NULL;
END
$$;

-- After those named listed, which add the row of work_listing.
CREATE CONSTRAINT TRIGGER reviewed AFTER INSERT OR DELETE
    OR UPDATE OF work_id, year, month, title, isbn13, source, score, score_version, evidence, in_month
    ON candidate DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION queue_changed_review();
CREATE CONSTRAINT TRIGGER reviewed AFTER INSERT ON curation_decision
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION queue_changed_review();
CREATE CONSTRAINT TRIGGER reviewed AFTER UPDATE OF title ON work
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.title IS DISTINCT FROM NEW.title)
    EXECUTE FUNCTION queue_changed_review();
