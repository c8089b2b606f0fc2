-- Opening a session: its settings, and the schema that holds the tables.

-- name: settings
-- Those of the wanted settings that this server has.
SELECT set_config(name, value, false) FROM unnest(%(names)s::text[], %(values)s::text[]) AS wanted (name, value)
WHERE current_setting(name, true) IS NOT NULL

-- name: search_path
-- The given path, or else that of the schema with the tables: `wanted`, or an installation that is there, or `new`.
-- The schema of pg_trgm follows, and no other: a table of others is never taken for one of ours.
WITH installed AS (
    SELECT n.oid, n.nspname::text AS name
    FROM pg_catalog.pg_namespace AS n
    JOIN pg_catalog.pg_class AS version ON version.relnamespace = n.oid AND version.relname = 'schema_version'
    JOIN pg_catalog.pg_attribute AS number ON number.attrelid = version.oid AND number.attname = 'version_num'
    JOIN pg_catalog.pg_class AS lane ON lane.relnamespace = n.oid AND lane.relname = 'lane'
    JOIN pg_catalog.pg_attribute AS held ON held.attrelid = lane.oid AND held.attname = 'held_units'
), chosen AS (
    SELECT coalesce(%(wanted)s::text, (
        SELECT name FROM installed
        ORDER BY name <> %(new)s, array_position(current_schemas(false)::text[], name), name <> 'public', name LIMIT 1
    ), %(new)s) AS name
), trigrams AS (
    SELECT n.nspname::text AS name FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'
)
SELECT set_config('search_path', coalesce(%(path)s::text, (
    SELECT concat_ws(',', quote_ident(chosen.name), quote_ident(trigrams.name))
    FROM chosen LEFT JOIN trigrams ON trigrams.name NOT IN (chosen.name, 'pg_catalog')
)), false) AS path

-- name: current_path
SELECT current_setting('search_path') AS path
