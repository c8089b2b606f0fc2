-- What each day began is recorded for all rollouts, and outlives the months' rows; a failed day stays one.

CREATE TABLE rollout_day (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rollout_id   bigint NOT NULL REFERENCES rollout,
    year         integer NOT NULL,
    month        integer NOT NULL,
    day          date NOT NULL,
    failed       boolean NOT NULL DEFAULT false,
    seeded_year  integer,
    seeded_month integer,
    FOREIGN KEY (seeded_year, seeded_month) REFERENCES backfill_log (year, month) ON UPDATE CASCADE ON DELETE SET NULL
);
COMMENT ON TABLE rollout_day IS 'The months that rollouts have begun, one row each time. A day''s pace counts those of all rollouts.';
COMMENT ON COLUMN rollout_day.day IS 'on which day, UTC';
COMMENT ON COLUMN rollout_day.failed IS 'whether the month failed then; a retry on another day does not change it';
COMMENT ON COLUMN rollout_day.seeded_year IS 'the month''s row in backfill_log, with seeded_month; null once it was deleted';
CREATE INDEX rollout_day_day ON rollout_day (day);
CREATE INDEX rollout_day_month ON rollout_day (year, month, id DESC);
CREATE INDEX rollout_day_seeded ON rollout_day (seeded_year, seeded_month);

INSERT INTO rollout_day (rollout_id, year, month, day, failed, seeded_year, seeded_month)
SELECT rollout_id, year, month, day, status = 'failed', year, month
FROM rollout_month JOIN backfill_log USING (year, month) ORDER BY rollout_id, day, year DESC, month DESC;

CREATE FUNCTION backfill_log_failed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rollout_day SET failed = true
    WHERE id = (SELECT max(id) FROM rollout_day WHERE year = NEW.year AND month = NEW.month) AND NOT failed;
    RETURN NULL;
END
$$;
CREATE TRIGGER failed_day AFTER UPDATE OF status ON backfill_log
    FOR EACH ROW WHEN (NEW.status = 'failed' AND OLD.status <> 'failed') EXECUTE FUNCTION backfill_log_failed_day();
