-- The tables of the bibliography. New ones are made in a schema of their own beside those that serve, which it then replaces.

-- name: lock
-- One load at a time in a database; the lock ends with the session.
SELECT pg_advisory_lock(%(key)s)

-- name: lock_patience
-- For how long to wait for an earlier load that has just been killed.
SELECT set_config('lock_timeout', %(patience)s, false), set_config('client_connection_check_interval', '1s', false)

-- name: work_memory
-- For sorting when indexes are made.
SELECT set_config('maintenance_work_mem', '128MB', false)

-- name: strangers
-- Relations in the two schemas if they are not ours: ours have the table load, or nothing yet.
SELECT n.nspname AS schema, count(c.oid) AS relations
FROM pg_namespace AS n LEFT JOIN pg_class AS c ON c.relnamespace = n.oid
WHERE n.nspname IN ('bibliography', 'bibliography_new', 'bibliography_old')
GROUP BY n.nspname
HAVING count(c.oid) > 0 AND NOT bool_or(c.relname IN ('load', 'title', 'edition'))

-- name: drop_new
DROP SCHEMA IF EXISTS bibliography_new CASCADE

-- name: drop_old
DROP SCHEMA IF EXISTS bibliography_old CASCADE

-- name: drop
DROP SCHEMA IF EXISTS bibliography CASCADE

-- name: create_schema
CREATE SCHEMA bibliography_new

-- name: create_title
CREATE TABLE bibliography_new.title (
    id int NOT NULL,
    work int NOT NULL,
    title text NOT NULL,
    authors text NOT NULL
)

-- name: create_edition
CREATE TABLE bibliography_new.edition (
    isbn13 bigint NOT NULL,
    title int NOT NULL,
    record int NOT NULL,
    published int NOT NULL,
    binding smallint NOT NULL,
    pages smallint NOT NULL,
    language text NOT NULL,
    publisher text NOT NULL,
    subtitle text NOT NULL
)

-- name: create_other_title
-- Titles by which records know a work besides the one of the title.
CREATE TABLE bibliography_new.other_title (title int NOT NULL, language text NOT NULL, name text NOT NULL)

-- name: create_bucket
CREATE TABLE bibliography_new.bucket (no int NOT NULL, postings bytea NOT NULL)

-- name: store_plainly
-- Postings cannot be compressed.
ALTER TABLE bibliography_new.bucket ALTER COLUMN postings SET STORAGE EXTERNAL

-- name: create_binding
CREATE TABLE bibliography_new.binding (code smallint PRIMARY KEY, name text NOT NULL)

-- name: create_load
CREATE TABLE bibliography_new.load (
    loaded_at timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL,
    newest timestamptz,
    lines bigint NOT NULL,
    records bigint NOT NULL,
    editions bigint NOT NULL,
    titles bigint NOT NULL,
    left_out jsonb NOT NULL,
    first_year int,
    last_year int,
    languages text[] NOT NULL,
    bucket_bits int NOT NULL,
    key_version int NOT NULL,
    seconds real NOT NULL
)

-- name: copy_title
COPY bibliography_new.title (id, work, title, authors) FROM STDIN (FREEZE)

-- name: copy_edition
COPY bibliography_new.edition (isbn13, title, record, published, binding, pages, language, publisher, subtitle)
FROM STDIN (FREEZE)

-- name: copy_other_title
COPY bibliography_new.other_title (title, language, name) FROM STDIN (FREEZE)

-- name: copy_bucket
COPY bibliography_new.bucket (no, postings) FROM STDIN (FORMAT binary, FREEZE)

-- name: index_title
ALTER TABLE bibliography_new.title ADD PRIMARY KEY (id)

-- name: index_work
CREATE INDEX title_work ON bibliography_new.title (work) WHERE work > 0

-- name: index_isbn
CREATE INDEX edition_isbn13 ON bibliography_new.edition (isbn13)

-- name: index_edition
CREATE INDEX edition_title ON bibliography_new.edition (title)

-- name: index_other_title
CREATE INDEX other_title_title ON bibliography_new.other_title (title)

-- name: index_bucket
ALTER TABLE bibliography_new.bucket ADD PRIMARY KEY (no)

-- name: add_bindings
INSERT INTO bibliography_new.binding (code, name) SELECT ordinality, name
FROM unnest(%(names)s::text[]) WITH ORDINALITY AS given (name, ordinality)

-- name: add_load
INSERT INTO bibliography_new.load (source, newest, lines, records, editions, titles, left_out, first_year, last_year,
                                   languages, bucket_bits, key_version, seconds)
VALUES (%(source)s, %(newest)s::timestamptz, %(lines)s, %(records)s, %(editions)s, %(titles)s, %(left_out)s::jsonb,
        %(first_year)s, %(last_year)s, %(languages)s::text[], %(bucket_bits)s, %(key_version)s, %(seconds)s)

-- name: analyze
ANALYZE bibliography_new.title, bibliography_new.edition, bibliography_new.other_title, bibliography_new.bucket,
    bibliography_new.binding

-- name: is_loaded
SELECT to_regclass('bibliography.bucket') IS NOT NULL AND to_regclass('bibliography.load') IS NOT NULL AS loaded

-- name: retire
ALTER SCHEMA bibliography RENAME TO bibliography_old

-- name: serve
ALTER SCHEMA bibliography_new RENAME TO bibliography

-- name: let_all_read
-- Workers may have another role; the tables hold nothing but published facts.
GRANT USAGE ON SCHEMA bibliography_new TO PUBLIC

-- name: let_all_read_tables
GRANT SELECT ON ALL TABLES IN SCHEMA bibliography_new TO PUBLIC

-- name: size
-- Bytes on disk, with indexes.
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'bibliography' AND c.relkind = 'r'

-- name: status
SELECT * FROM bibliography.load
