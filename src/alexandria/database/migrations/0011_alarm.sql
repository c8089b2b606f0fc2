-- What was wrong, from when to when, and who was told.

ALTER TABLE lane ADD COLUMN paused_since timestamptz;
COMMENT ON COLUMN lane.paused_since IS 'when the present pause began, however often it was prolonged';

CREATE TABLE incident (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind <> ''),
    subject    text NOT NULL DEFAULT '',
    reason     text NOT NULL,
    began_at   timestamptz NOT NULL DEFAULT now(),
    cleared_at timestamptz CHECK (cleared_at >= began_at)
);
COMMENT ON TABLE incident IS 'What was wrong without anybody being told, each once however many processes see it.';
COMMENT ON COLUMN incident.subject IS 'the provider that it is about, if it is about one';
COMMENT ON COLUMN incident.reason IS 'as it was when it began';
COMMENT ON COLUMN incident.cleared_at IS 'null: it lasts';
CREATE UNIQUE INDEX incident_once ON incident (kind, subject) WHERE cleared_at IS NULL;

CREATE TABLE notice (
    incident_id  bigint NOT NULL REFERENCES incident ON DELETE CASCADE,
    event        text NOT NULL CHECK (event IN ('began', 'cleared')),
    tries        integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    next_try_at  timestamptz DEFAULT now(),
    delivered_at timestamptz,
    result       text NOT NULL DEFAULT '',
    PRIMARY KEY (incident_id, event),
    CONSTRAINT no_try_once_delivered CHECK (delivered_at IS NULL OR next_try_at IS NULL)
);
COMMENT ON TABLE notice IS 'What the operator''s receiver of alarms was told of incidents.';
COMMENT ON COLUMN notice.next_try_at IS 'null: delivered or given up';
COMMENT ON COLUMN notice.result IS 'how the last try ended';
CREATE INDEX notice_due ON notice (next_try_at) WHERE next_try_at IS NOT NULL;
