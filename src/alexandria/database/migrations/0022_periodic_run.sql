-- When the periodic tasks that months depend on last finished.

CREATE TABLE periodic_run (
    task        text PRIMARY KEY,
    finished_at timestamptz NOT NULL
);
COMMENT ON TABLE periodic_run IS 'When a periodic task last did all that it had to do, on whichever worker.';
COMMENT ON COLUMN periodic_run.finished_at IS 'within a few seconds; a worker that starts sets it as well';
