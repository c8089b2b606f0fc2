-- The tables of another database that hold Open Library's dump: authors, works and editions, with the records as jsonb.

-- name: own_path
-- The search path that the role has in its own database, where ours does not matter.
RESET search_path

-- name: tables
-- Which of them are there and can be read, and about how many rows they have.
SELECT c.relname AS name, c.reltuples::bigint AS row_count,
       has_table_privilege(c.oid, 'SELECT') AS readable,
       (SELECT count(*) FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attname IN ('type', 'key', 'last_modified', 'data') AND NOT a.attisdropped) = 4 AS usable
FROM unnest(ARRAY['authors', 'works', 'editions']) AS wanted (name)
JOIN pg_class AS c ON c.oid = to_regclass(wanted.name)
ORDER BY array_position(ARRAY['authors', 'works', 'editions'], wanted.name)

-- name: authors
COPY (SELECT type, key, 1, last_modified::text, data::jsonb FROM authors) TO STDOUT

-- name: works
COPY (SELECT type, key, 1, last_modified::text, data::jsonb FROM works) TO STDOUT

-- name: editions
COPY (SELECT type, key, 1, last_modified::text, data::jsonb FROM editions) TO STDOUT
