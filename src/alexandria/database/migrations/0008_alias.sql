-- How works were named when they were found: the same naming needs no comparing.

CREATE TABLE work_alias (
    key     text PRIMARY KEY CHECK (key <> ''),
    work_id bigint NOT NULL REFERENCES work ON DELETE CASCADE
);
COMMENT ON TABLE work_alias IS 'Keys of titles and authors as models named them, and the work they proved to be.';
CREATE INDEX work_alias_of_work ON work_alias (work_id);
