-- Persons split works, and correct the fields of works themselves.

ALTER TABLE work ADD COLUMN retired boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN work.retired IS 'made by a split that was undone, and nothing is of it; it is never found or listed';

ALTER TABLE curation_decision
    DROP CONSTRAINT curation_decision_act_check,
    DROP CONSTRAINT about_an_edition,
    DROP CONSTRAINT about_two_works,
    ADD CONSTRAINT curation_decision_act_check
        CHECK (act IN ('reject', 'pin', 'accept', 'exclude', 'correct', 'merge', 'different', 'split', 'undo')),
    ADD CONSTRAINT about_an_edition
        CHECK ((isbn13 IS NOT NULL) = (act IN ('reject', 'pin')) OR act IN ('accept', 'correct', 'undo')),
    ADD CONSTRAINT about_two_works CHECK (
        (other_work_id IS NOT NULL) = (act IN ('merge', 'different', 'split')) OR act = 'undo');
COMMENT ON COLUMN curation_decision.act IS
    'reject: this ISBN is not of this work; pin: it is the one; accept: this ISBN, or the work in this month, is right as found; exclude: the work is not of this month, or of none; correct: a field of the edition, or without isbn13 of the work; merge: the work is the same book as the other, under which it is shown; different: both are two books; split: some editions are of the other work; undo: a decision';
COMMENT ON COLUMN curation_decision.other_work_id IS 'with merge, different and split, and the undo of these: the other work';
COMMENT ON COLUMN curation_decision.before IS 'what an undo gives back: the value that sources gave, and the id of its source record; of a split, what moved besides the editions';

CREATE TABLE split_edition (
    decision_id  bigint NOT NULL REFERENCES curation_decision,
    isbn13       text NOT NULL CHECK (isbn13_valid(isbn13)),
    from_work_id bigint NOT NULL REFERENCES work,
    to_work_id   bigint NOT NULL REFERENCES work,
    PRIMARY KEY (decision_id, isbn13),
    CONSTRAINT moves CHECK (from_work_id <> to_work_id)
);
COMMENT ON TABLE split_edition IS 'The editions that a split moved, each with the work that it was of; rows are only ever added.';
CREATE INDEX split_edition_from ON split_edition (from_work_id, isbn13);
CREATE INDEX split_edition_to ON split_edition (to_work_id, isbn13);
CREATE TRIGGER only_ever_added BEFORE UPDATE OR DELETE OR TRUNCATE ON split_edition
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added();

-- An edition that was split off is rejected for the work that it was of, and no longer for the one that it came to.
CREATE OR REPLACE VIEW isbn_decision AS
SELECT DISTINCT ON (work_id, isbn13) * FROM (
    SELECT id, at, who, why, act, work_id, isbn13, year, month, field, value, before, records, undoes
    FROM standing_decision WHERE act IN ('reject', 'pin')
    UNION ALL
    SELECT d.id, d.at, d.who, d.why, 'reject', s.from_work_id, s.isbn13, NULL, NULL, NULL, NULL, NULL, d.records, NULL
    FROM split_edition AS s JOIN standing_decision AS d ON d.id = s.decision_id
    UNION ALL
    SELECT d.id, d.at, d.who, d.why, 'split', s.to_work_id, s.isbn13, NULL, NULL, NULL, NULL, NULL, '[]', NULL
    FROM split_edition AS s JOIN standing_decision AS d ON d.id = s.decision_id) AS each
ORDER BY work_id, isbn13, id DESC;
COMMENT ON VIEW isbn_decision IS
    'What persons last decided about each ISBN of a work: rejected, pinned, or split off from another work.';

CREATE OR REPLACE VIEW different_work AS
SELECT work_id, other_work_id AS other_id FROM standing_decision WHERE act IN ('different', 'split')
UNION ALL
SELECT other_work_id, work_id FROM standing_decision WHERE act IN ('different', 'split');
COMMENT ON VIEW different_work IS 'Works that persons marked as different books, or split, each pair in both orders.';

-- A retired work is not listed.
CREATE OR REPLACE FUNCTION list_work(the_work bigint) RETURNS void LANGUAGE sql AS $$
    DELETE FROM work_listing WHERE work_id = the_work
        AND (book_of(the_work) <> the_work OR (SELECT retired FROM work WHERE id = the_work));
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
    WHERE w.id = book_of(the_work) AND NOT w.retired
    ON CONFLICT (work_id) DO UPDATE SET title_key = excluded.title_key, author_key = excluded.author_key,
        language = excluded.language, status = excluded.status, source = excluded.source, score = excluded.score,
        in_month = excluded.in_month, words = excluded.words
    WHERE (l.title_key, l.author_key, l.language, l.status, l.source, l.score, l.in_month, l.words) IS DISTINCT FROM
        (excluded.title_key, excluded.author_key, excluded.language, excluded.status, excluded.source, excluded.score,
         excluded.in_month, excluded.words)
$$;

DROP TRIGGER listed ON work;
CREATE CONSTRAINT TRIGGER listed AFTER INSERT OR UPDATE OF title, author, language, retired ON work
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION list_changed_work();

-- A decision on two works may raise or settle questions about both.
CREATE OR REPLACE FUNCTION queue_changed_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'work' THEN
        PERFORM queue_review(NEW.id);
        RETURN NULL;
    END IF;
    PERFORM queue_review(NEW.work_id);
    IF OLD.work_id IS DISTINCT FROM NEW.work_id THEN
        PERFORM queue_review(OLD.work_id);
    END IF;
    IF TG_TABLE_NAME = 'curation_decision' THEN
        IF NEW.other_work_id IS NOT NULL THEN
            PERFORM queue_review(NEW.other_work_id);
        END IF;
    END IF;
    RETURN NULL;
END
$$;
