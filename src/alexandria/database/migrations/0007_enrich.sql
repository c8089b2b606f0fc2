-- Enrichment: when each edition is asked about next and why, what sources say beside its fields, and who rests.

ALTER TABLE edition
    ADD COLUMN enrich_at    timestamptz DEFAULT now(),
    ADD COLUMN enrich_looks integer NOT NULL DEFAULT 0 CHECK (enrich_looks >= 0),
    ADD COLUMN enrich_note  text NOT NULL DEFAULT '',
    ADD COLUMN changed_at   timestamptz NOT NULL DEFAULT now();
UPDATE edition SET changed_at = created_at, enrich_at = CASE WHEN enriched_at IS NULL THEN created_at END;
COMMENT ON COLUMN edition.enrich_at IS 'when sources are asked about it; null: not again';
COMMENT ON COLUMN edition.enrich_looks IS 'how often no source that was asked knew it';
COMMENT ON COLUMN edition.enrich_note IS 'why it waits, or what could not be had';
COMMENT ON COLUMN edition.enriched_at IS 'when sources last answered about it';
COMMENT ON COLUMN edition.changed_at IS 'when anything of it last changed';
DROP INDEX edition_to_enrich;
CREATE INDEX edition_to_enrich ON edition (enrich_at) WHERE enrich_at IS NOT NULL;
CREATE INDEX edition_by_enrichment ON edition (enriched_at) WHERE enriched_at IS NOT NULL;

CREATE TABLE subject (
    work_id          bigint NOT NULL REFERENCES work ON DELETE CASCADE,
    name             text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    source_record_id bigint NOT NULL REFERENCES source_record ON DELETE CASCADE
);
COMMENT ON TABLE subject IS 'What works are about, in the words of the sources, each once whatever its capitals.';
CREATE UNIQUE INDEX subject_once ON subject (work_id, lower(name));

-- A bare number proves no edition: it becomes one when a record with its title has passed the matcher.
CREATE TABLE related_isbn (
    isbn13           text NOT NULL REFERENCES edition ON DELETE CASCADE,
    other            text NOT NULL CHECK (isbn13_valid(other)),
    source_record_id bigint NOT NULL REFERENCES source_record ON DELETE CASCADE,
    PRIMARY KEY (isbn13, other),
    CONSTRAINT related_to_another CHECK (isbn13 <> other)
);
COMMENT ON TABLE related_isbn IS 'Numbers that sources list beside an edition.';

CREATE TABLE enrichment_rest (
    provider  text PRIMARY KEY,
    until     timestamptz NOT NULL,
    reason    text NOT NULL,
    permanent boolean NOT NULL,
    failures  integer NOT NULL CHECK (failures > 0)
);
COMMENT ON TABLE enrichment_rest IS 'Sources that failed and are left alone by enrichment for a while, and why.';
COMMENT ON COLUMN enrichment_rest.permanent IS 'waiting is no cure, so that enrichment goes on without it';

-- Whoever asks for an edition again wants a fresh answer, so that of its ISBN is forgotten.
CREATE INDEX answer_of_isbn ON answer ((request ->> 'isbn')) WHERE request ? 'isbn';
