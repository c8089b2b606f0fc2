-- Evidence outlives a re-run: what was recorded of a month's books before is kept, with the attempt that found it.

ALTER TABLE candidate
    ADD COLUMN attempt_token uuid,
    ADD COLUMN recorded_at   timestamptz;
ALTER TABLE candidate ALTER COLUMN recorded_at SET DEFAULT now();
COMMENT ON COLUMN candidate.attempt_token IS 'the attempt that recorded it; null: recorded before this column was added';
COMMENT ON COLUMN candidate.recorded_at IS 'when the present result was recorded; null: before this column was added';

CREATE TABLE earlier_candidate (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    candidate_id  bigint NOT NULL,
    year          integer NOT NULL,
    month         integer NOT NULL,
    position      integer NOT NULL,
    title         text NOT NULL,
    author        text NOT NULL,
    named_year    integer,
    named_by      text[] NOT NULL,
    work_id       bigint,
    isbn13        text,
    source        text NOT NULL,
    score         numeric(5, 2) NOT NULL,
    score_version smallint NOT NULL,
    reason        text NOT NULL,
    evidence      jsonb NOT NULL,
    unavailable   jsonb NOT NULL,
    in_month      text NOT NULL,
    looks         integer NOT NULL,
    attempt_token uuid,
    recorded_at   timestamptz,
    replaced_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE earlier_candidate IS
    'Results that a later attempt or look-up replaced, with their evidence, as they were; rows are only ever added.';
COMMENT ON COLUMN earlier_candidate.candidate_id IS 'the row of candidate that held it';
COMMENT ON COLUMN earlier_candidate.work_id IS 'the work as it was then; it may be gone';
COMMENT ON COLUMN earlier_candidate.isbn13 IS 'the ISBN that was accepted then; its edition may be gone';
COMMENT ON COLUMN earlier_candidate.attempt_token IS 'the attempt that recorded it';
COMMENT ON COLUMN earlier_candidate.replaced_at IS 'when a later result took its place';
CREATE INDEX earlier_candidate_of_month ON earlier_candidate (year, month, id DESC);
CREATE INDEX earlier_candidate_of_work ON earlier_candidate (work_id);
CREATE TRIGGER only_ever_added BEFORE UPDATE OR DELETE OR TRUNCATE ON earlier_candidate
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added();

CREATE FUNCTION candidate_keep_earlier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO earlier_candidate (candidate_id, year, month, position, title, author, named_year, named_by, work_id,
                                   isbn13, source, score, score_version, reason, evidence, unavailable, in_month, looks,
                                   attempt_token, recorded_at)
    VALUES (OLD.id, OLD.year, OLD.month, OLD.position, OLD.title, OLD.author, OLD.named_year, OLD.named_by, OLD.work_id,
            OLD.isbn13, OLD.source, OLD.score, OLD.score_version, OLD.reason, OLD.evidence, OLD.unavailable,
            OLD.in_month, OLD.looks,
            coalesce(OLD.attempt_token, (SELECT token FROM attempt
                                         WHERE year = OLD.year AND month = OLD.month AND outcome = 'completed'
                                         ORDER BY ended_at DESC LIMIT 1)),
            OLD.recorded_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_deleted AFTER DELETE ON candidate FOR EACH ROW EXECUTE FUNCTION candidate_keep_earlier();
CREATE TRIGGER keep_replaced AFTER UPDATE ON candidate FOR EACH ROW
    WHEN (OLD.work_id IS DISTINCT FROM NEW.work_id OR OLD.isbn13 IS DISTINCT FROM NEW.isbn13
          OR OLD.source IS DISTINCT FROM NEW.source OR OLD.reason IS DISTINCT FROM NEW.reason
          OR OLD.evidence IS DISTINCT FROM NEW.evidence)
    EXECUTE FUNCTION candidate_keep_earlier();

-- Which month an edition was new to does not change when the month is run again.
ALTER TABLE edition
    ADD COLUMN added_year  integer,
    ADD COLUMN added_month integer,
    ADD CONSTRAINT added_for_a_month CHECK ((added_year IS NULL) = (added_month IS NULL));
COMMENT ON COLUMN edition.added_year IS 'with added_month: the month that was the first to have it; null: not known';
UPDATE edition SET added_year = first.year, added_month = first.month
FROM (SELECT DISTINCT ON (isbn13) isbn13, year, month FROM candidate
      WHERE isbn13 IS NOT NULL AND source <> 'catalogue' ORDER BY isbn13, id) AS first
WHERE edition.isbn13 = first.isbn13;
COMMENT ON COLUMN backfill_log.isbns_queued IS
    'books of the recorded attempt with an ISBN whose edition this month was the first to add to the catalogue';
