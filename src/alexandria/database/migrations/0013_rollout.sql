-- A rollout in phases: its plan, where it stands, how its gates were judged, and who did what to it and why.

ALTER TABLE candidate
    ADD COLUMN hindered boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT hindered_only_if_unresolved CHECK (isbn13 IS NULL OR NOT hindered);
COMMENT ON COLUMN candidate.hindered IS 'unresolved while a quota or an outage kept a source from answering: that is no finding';
-- Who was hindered is looked up again when the providers' day has begun; nobody else is at this minute.
UPDATE candidate SET hindered = true
WHERE isbn13 IS NULL AND (look_again_at AT TIME ZONE 'UTC')::time = '00:10';

CREATE TABLE rollout (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan       jsonb NOT NULL CHECK (jsonb_typeof(plan) = 'object'),
    started_at timestamptz NOT NULL,
    started_by text NOT NULL CHECK (started_by <> ''),
    phase      integer NOT NULL DEFAULT 0 CHECK (phase >= 0),
    begins     date NOT NULL,
    held       text NOT NULL DEFAULT '',
    overridden boolean NOT NULL DEFAULT false,
    ended_at   timestamptz CHECK (ended_at >= started_at),
    outcome    text CHECK (outcome IN ('finished', 'replaced')),
    CONSTRAINT ended_with_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE rollout IS 'Rollouts in phases. At most one of them runs.';
COMMENT ON COLUMN rollout.plan IS 'what its rollout.toml said';
COMMENT ON COLUMN rollout.phase IS 'the present phase; the first is 0';
COMMENT ON COLUMN rollout.begins IS 'the day, UTC, from which on this phase schedules months';
COMMENT ON COLUMN rollout.held IS 'who holds it and why; empty: nobody';
COMMENT ON COLUMN rollout.overridden IS 'whether a person has overridden the gate of the present phase';
COMMENT ON COLUMN rollout.ended_at IS 'null: it runs';
CREATE UNIQUE INDEX rollout_alone ON rollout ((true)) WHERE ended_at IS NULL;

CREATE TABLE rollout_month (
    rollout_id bigint NOT NULL REFERENCES rollout,
    year       integer NOT NULL,
    month      integer NOT NULL,
    day        date NOT NULL,
    PRIMARY KEY (rollout_id, year, month),
    FOREIGN KEY (year, month) REFERENCES backfill_log (year, month) ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE rollout_month IS 'Months that a rollout has scheduled.';
COMMENT ON COLUMN rollout_month.day IS 'on which day, UTC; the last one, if a month was asked for again';

CREATE TABLE rollout_verdict (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rollout_id bigint NOT NULL REFERENCES rollout,
    phase      integer NOT NULL CHECK (phase >= 0),
    at         timestamptz NOT NULL,
    verdict    text NOT NULL CHECK (verdict IN ('open', 'wait', 'shut')),
    reasons    text[] NOT NULL CHECK (cardinality(reasons) > 0),
    inputs     jsonb NOT NULL CHECK (jsonb_typeof(inputs) = 'object')
);
COMMENT ON TABLE rollout_verdict IS 'How the gates of a rollout were judged, each time that anything changed; rows are only ever added.';
COMMENT ON COLUMN rollout_verdict.reasons IS 'what it waits for or is shut by, or what has opened it';
COMMENT ON COLUMN rollout_verdict.inputs IS 'the gate''s thresholds and the counts that they were held against';
CREATE INDEX rollout_verdict_newest ON rollout_verdict (rollout_id, id DESC);

CREATE TABLE rollout_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rollout_id bigint NOT NULL REFERENCES rollout,
    at         timestamptz NOT NULL,
    who        text NOT NULL CHECK (who <> ''),
    act        text NOT NULL CHECK (act IN ('start', 'hold', 'release', 'approve', 'override', 'schedule', 'advance', 'finish', 'replace')),
    why        text NOT NULL,
    detail     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object')
);
COMMENT ON TABLE rollout_log IS 'Who did what to a rollout and why; "rollout" is itself. Rows are only ever added.';
CREATE INDEX rollout_log_newest ON rollout_log (rollout_id, id DESC);

CREATE FUNCTION only_ever_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER only_ever_added BEFORE UPDATE OR DELETE OR TRUNCATE ON rollout_log
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added();
CREATE TRIGGER only_ever_added BEFORE UPDATE OR DELETE OR TRUNCATE ON rollout_verdict
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added();
