-- Statements around the steps of a migration.

-- name: lock
-- One migration at a time, until the connection ends, also after a rollback.
SELECT pg_advisory_lock(%(key)s)

-- name: installed
-- Tables of ours in the schema, if they are there (a schema_version alone may be another program's): whose they are,
-- whether our role may read the version, and the tables of the schema of which it sees only some rows.
SELECT current_user::text AS role, pg_get_userbyid(version.relowner)::text AS owner,
       format('GRANT %%I TO %%I;', pg_get_userbyid(version.relowner), current_user) AS grant,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(version.oid, 'SELECT') AS may_read,
       ARRAY(SELECT c.relname::text FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind = 'r' AND c.relrowsecurity
             AND row_security_active(c.oid) ORDER BY 1) AS secured
FROM pg_namespace AS n
JOIN pg_class AS version ON version.relnamespace = n.oid AND version.relname = 'schema_version'
JOIN pg_attribute AS number ON number.attrelid = version.oid AND number.attname = 'version_num'
JOIN pg_class AS lane ON lane.relnamespace = n.oid AND lane.relname = 'lane'
JOIN pg_attribute AS held ON held.attrelid = lane.oid AND held.attname = 'held_units'
WHERE n.nspname = %(schema)s

-- name: forget_path
-- The search path that the role has by itself.
SELECT set_config('search_path', (SELECT reset_val FROM pg_settings WHERE name = 'search_path'), false)

-- name: other_installations
-- Schemas with tables of ours besides this one.
SELECT n.nspname::text AS schema FROM pg_namespace AS n
WHERE n.nspname <> %(schema)s AND 2 = (
    SELECT count(*) FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = n.oid AND (c.relname, a.attname) IN (('schema_version', 'version_num'), ('lane', 'held_units')))
ORDER BY 1

-- name: visible
-- The schema in which an unqualified backfill_log is found, if any, and the table of that name that another program has.
SELECT (SELECT n.nspname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = to_regclass('backfill_log')) AS found,
       (SELECT min(format('%%I.%%I', n.nspname, c.relname)) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relname = 'backfill_log' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> %(schema)s) AS taken

-- name: event_triggers
-- What switches off the event triggers of this database that are run by changes of a schema.
SELECT format('ALTER EVENT TRIGGER %%I DISABLE;', evtname) AS statement FROM pg_event_trigger
WHERE evtenabled <> 'D' AND evtevent <> 'login' ORDER BY evtname
