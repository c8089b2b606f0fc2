-- Statements around the steps of a migration.

-- name: lock
-- One migration at a time, until the connection ends, also after a rollback.
SELECT pg_advisory_lock(%(key)s)

-- name: is_installed
-- Whether the schema holds tables of ours: a schema_version alone may be another program's.
SELECT count(*) = 2 AS is_installed
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
  AND (c.relname, a.attname) IN (('schema_version', 'version_num'), ('lane', 'held_units'))

-- name: forget_path
-- The search path that the role has by itself.
SELECT set_config('search_path', (SELECT reset_val FROM pg_settings WHERE name = 'search_path'), false)

-- name: visible
-- The schema in which an unqualified backfill_log is found, if any, and whether another program has a table of that name.
SELECT (SELECT n.nspname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = to_regclass('backfill_log')) AS found,
       EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
               WHERE c.relname = 'backfill_log' AND n.nspname <> %(schema)s) AS taken
