-- What people have told the whole backfill.

CREATE TABLE control (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    paused_since timestamptz,
    paused_until timestamptz,
    paused_by    text NOT NULL DEFAULT '',
    pause_reason text NOT NULL DEFAULT '',
    CONSTRAINT ends_if_it_began CHECK (paused_until IS NULL OR paused_since IS NOT NULL)
);
COMMENT ON TABLE control IS 'What people have told the whole backfill, in its only row. No attempt begins during a pause.';
COMMENT ON COLUMN control.paused_since IS 'when the pause began; null: there is none';
COMMENT ON COLUMN control.paused_until IS 'when it ends by itself; null: when somebody resumes';
INSERT INTO control DEFAULT VALUES;
