-- No ISBN without the source that has it, and no book without the reason for what became of it.

ALTER TABLE candidate
    ADD CONSTRAINT explained CHECK (reason <> ''),
    ADD CONSTRAINT proven_by_a_source CHECK (isbn13 IS NULL OR source <> '');
COMMENT ON COLUMN candidate.reason IS 'why the record was accepted, or why none was';
