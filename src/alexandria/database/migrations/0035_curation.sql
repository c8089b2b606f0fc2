-- Decisions of persons about books. They stand apart from what machines find, and outlive it.

CREATE TABLE curation_decision (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    who     text NOT NULL CHECK (who <> ''),
    why     text NOT NULL CHECK (why <> ''),
    act     text NOT NULL CHECK (act IN ('reject', 'pin', 'exclude', 'correct', 'undo')),
    work_id bigint NOT NULL REFERENCES work,
    isbn13  text CHECK (isbn13_valid(isbn13)),
    year    integer,
    month   integer,
    field   text,
    value   text,
    before  jsonb,
    records jsonb NOT NULL DEFAULT '[]',
    undoes  bigint UNIQUE REFERENCES curation_decision,
    CONSTRAINT about_an_edition CHECK ((isbn13 IS NOT NULL) = (act IN ('reject', 'pin', 'correct')) OR act = 'undo'),
    CONSTRAINT excluded_from_a_month CHECK ((year IS NULL) = (month IS NULL) AND (year IS NULL OR act IN ('exclude', 'undo'))),
    CONSTRAINT corrects_a_field CHECK ((field IS NOT NULL AND value IS NOT NULL AND before IS NOT NULL) = (act = 'correct')),
    CONSTRAINT undoes_another CHECK ((undoes IS NOT NULL) = (act = 'undo'))
);
COMMENT ON TABLE curation_decision IS 'What persons decided about books, with their reasons; rows are only ever added.';
COMMENT ON COLUMN curation_decision.who IS 'the name as it was given';
COMMENT ON COLUMN curation_decision.act IS
    'reject: this ISBN is not of this work; pin: it is the one; exclude: the work is not of this month, or of none; correct: a field; undo: a decision';
COMMENT ON COLUMN curation_decision.month IS 'with year: excluded from this month alone; null: from every month';
COMMENT ON COLUMN curation_decision.value IS 'the corrected value; empty: none';
COMMENT ON COLUMN curation_decision.before IS 'the value that sources gave, and the id of its source record, for an undo';
COMMENT ON COLUMN curation_decision.records IS 'the sources'' records that are rejected with an ISBN: [provider, id]';
COMMENT ON COLUMN curation_decision.undoes IS 'the decision that no longer stands';
CREATE INDEX curation_decision_of_work ON curation_decision (work_id, id DESC);
CREATE INDEX curation_decision_of_isbn ON curation_decision (isbn13, work_id);
CREATE TRIGGER only_ever_added BEFORE UPDATE OR DELETE OR TRUNCATE ON curation_decision
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added();

CREATE VIEW standing_decision AS
SELECT * FROM curation_decision AS d
WHERE act <> 'undo' AND NOT EXISTS (SELECT FROM curation_decision AS u WHERE u.undoes = d.id);
COMMENT ON VIEW standing_decision IS 'Decisions of persons that nobody has undone.';

CREATE VIEW isbn_decision AS
SELECT DISTINCT ON (work_id, isbn13) * FROM standing_decision
WHERE act IN ('reject', 'pin') ORDER BY work_id, isbn13, id DESC;
COMMENT ON VIEW isbn_decision IS 'What persons last decided about each ISBN of a work: rejected or pinned.';

CREATE VIEW reviewed_candidate AS
SELECT c.id,
       CASE WHEN pin.isbn13 IS NOT NULL THEN pin.isbn13 WHEN reject.id IS NULL THEN c.isbn13 END AS isbn13,
       coalesce(pin.id, reject.id) AS isbn_decision_id, exclude.id AS excluded_by
FROM candidate AS c
LEFT JOIN LATERAL (SELECT id, isbn13 FROM isbn_decision WHERE work_id = c.work_id AND act = 'pin'
                   ORDER BY id DESC LIMIT 1) AS pin ON true
LEFT JOIN LATERAL (SELECT id FROM isbn_decision
                   WHERE work_id = c.work_id AND isbn13 = c.isbn13 AND act = 'reject') AS reject ON true
LEFT JOIN LATERAL (SELECT id FROM standing_decision
                   WHERE work_id = c.work_id AND act = 'exclude'
                     AND (year IS NULL OR (year, month) = (c.year, c.month))
                   ORDER BY id DESC LIMIT 1) AS exclude ON true;
COMMENT ON VIEW reviewed_candidate IS 'The ISBN of each candidate after the decisions of persons, and what excludes it.';

-- An edition that a person named and no source: its field isbn13 rests on the record of a person, until a source has it.
CREATE VIEW withdrawn_edition AS
SELECT e.isbn13, max(w.decision_id) AS decision_id
FROM (SELECT work_id, isbn13, id AS decision_id FROM isbn_decision WHERE act = 'reject'
      UNION ALL
      SELECT d.work_id, of_work.isbn13, d.id FROM standing_decision AS d JOIN edition AS of_work ON of_work.work_id = d.work_id
      WHERE d.act = 'exclude' AND d.year IS NULL
      UNION ALL
      SELECT d.work_id, d.isbn13, d.id FROM curation_decision AS d
      JOIN provenance AS p ON p.isbn13 = d.isbn13 AND p.field = 'isbn13'
      WHERE d.act = 'pin' AND NOT EXISTS (
          SELECT FROM isbn_decision AS i WHERE i.work_id = d.work_id AND i.isbn13 = d.isbn13 AND i.act = 'pin')) AS w
JOIN edition AS e ON e.isbn13 = w.isbn13 AND e.work_id = w.work_id
GROUP BY e.isbn13;
COMMENT ON VIEW withdrawn_edition IS 'Editions that a decision of a person takes out of the catalogue.';
