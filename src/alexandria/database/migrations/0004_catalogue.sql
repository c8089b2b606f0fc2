-- The catalogue: works, their editions and contributors, what every fact rests on, and each month's candidates.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE FUNCTION isbn13_valid(isbn text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT isbn ~ '^97[89][0-9]{10}$' AND (
        SELECT sum(substr(isbn, place, 1)::int * CASE place % 2 WHEN 1 THEN 1 ELSE 3 END) % 10 = 0
        FROM generate_series(1, 13) AS place)
$$;

CREATE TABLE work (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key             text NOT NULL UNIQUE CHECK (key <> ''),
    title           text NOT NULL CHECK (title <> ''),
    author          text NOT NULL,
    first_published text CHECK (first_published ~ '^\d{4}(-\d{2}){0,2}$'),
    language        text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE work IS 'A book in the abstract: what all its editions have in common.';
COMMENT ON COLUMN work.key IS 'equal for all spellings of one work; made by alexandria.match';
COMMENT ON COLUMN work.first_published IS 'as precise as it is known: YYYY, YYYY-MM or YYYY-MM-DD';
COMMENT ON COLUMN work.author IS 'the first contributor as shown';
CREATE INDEX work_title_similar ON work USING gin (title gin_trgm_ops);

CREATE TABLE edition (
    isbn13      text PRIMARY KEY CHECK (isbn13_valid(isbn13)),
    work_id     bigint NOT NULL REFERENCES work ON DELETE CASCADE,
    title       text NOT NULL,
    subtitle    text NOT NULL DEFAULT '',
    publisher   text NOT NULL DEFAULT '',
    published   text CHECK (published ~ '^\d{4}(-\d{2}){0,2}$'),
    language    text NOT NULL DEFAULT '',
    binding     text NOT NULL DEFAULT '',
    pages       integer CHECK (pages > 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    enriched_at timestamptz
);
COMMENT ON TABLE edition IS 'One publication of a work, with an ISBN of its own.';
COMMENT ON COLUMN edition.published IS 'as precise as the source: YYYY, YYYY-MM or YYYY-MM-DD';
CREATE INDEX edition_of_work ON edition (work_id);
CREATE INDEX edition_to_enrich ON edition (created_at) WHERE enriched_at IS NULL;

CREATE TABLE contributor (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key  text NOT NULL UNIQUE CHECK (key <> ''),
    name text NOT NULL CHECK (name <> '')
);
COMMENT ON TABLE contributor IS 'A person who had a part in works.';
COMMENT ON COLUMN contributor.key IS 'equal for all spellings of one name; made by alexandria.person';

CREATE TABLE work_contributor (
    work_id        bigint NOT NULL REFERENCES work ON DELETE CASCADE,
    contributor_id bigint NOT NULL REFERENCES contributor ON DELETE CASCADE,
    role           text NOT NULL DEFAULT 'author',
    position       integer NOT NULL,
    PRIMARY KEY (work_id, contributor_id, role)
);
COMMENT ON TABLE work_contributor IS 'Who had which part in a work, in the order of the title page.';

CREATE TABLE source_record (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider    text NOT NULL,
    provider_id text NOT NULL,
    fetched_at  timestamptz NOT NULL,
    UNIQUE (provider, provider_id)
);
COMMENT ON TABLE source_record IS 'A record of a source that something in the catalogue rests on.';
COMMENT ON COLUMN source_record.provider_id IS 'the source''s own name for the record';

CREATE TABLE provenance (
    isbn13           text NOT NULL REFERENCES edition ON DELETE CASCADE,
    field            text NOT NULL,
    source_record_id bigint NOT NULL REFERENCES source_record ON DELETE CASCADE,
    PRIMARY KEY (isbn13, field)
);
COMMENT ON TABLE provenance IS 'The source record that each stored field of an edition rests on.';

CREATE TABLE candidate (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    year       integer NOT NULL,
    month      integer NOT NULL,
    position   integer NOT NULL,
    title      text NOT NULL,
    author     text NOT NULL,
    named_by   text[] NOT NULL,
    work_id    bigint REFERENCES work ON DELETE SET NULL,
    isbn13     text REFERENCES edition ON DELETE SET NULL,
    source     text NOT NULL DEFAULT '',
    score      numeric(5, 2) NOT NULL DEFAULT 0,
    reason     text NOT NULL,
    evidence   jsonb NOT NULL DEFAULT '[]',
    unavailable jsonb NOT NULL DEFAULT '{}',
    FOREIGN KEY (year, month) REFERENCES backfill_log (year, month) ON UPDATE CASCADE ON DELETE CASCADE,
    UNIQUE (year, month, position)
);
COMMENT ON TABLE candidate IS 'What models named for a month and what became of it; evidence holds every hit considered.';
COMMENT ON COLUMN candidate.position IS 'its place among the month''s books';
COMMENT ON COLUMN candidate.named_by IS 'the generators that named it';
COMMENT ON COLUMN candidate.isbn13 IS 'the accepted ISBN; null: unresolved, and reason says why';
COMMENT ON COLUMN candidate.source IS 'who had the accepted record; catalogue: it was held already';
COMMENT ON COLUMN candidate.score IS 'how well the accepted record fits, 0 to 100';
COMMENT ON COLUMN candidate.unavailable IS 'sources that could not be asked, with what they said';
CREATE INDEX candidate_of_work ON candidate (work_id);
