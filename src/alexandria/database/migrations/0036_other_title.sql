-- The titles by which sources know a work besides its own, as in other languages, so that it is found by them again.

CREATE TABLE other_title (
    work_id          bigint NOT NULL REFERENCES work ON DELETE CASCADE,
    title            text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 300),
    language         text NOT NULL DEFAULT '',
    source_record_id bigint NOT NULL REFERENCES source_record ON DELETE CASCADE,
    PRIMARY KEY (work_id, title)
);
COMMENT ON TABLE other_title IS
    'Titles by which sources know a work besides its own, as the original one or that of a translation.';
COMMENT ON COLUMN other_title.language IS 'two letters, as the source states it; empty: it does not';
