-- What the role of a process may do with the tables.

-- name: missing
-- Whether the role may use the schema, and whether it may read and write every table in it and use every sequence, and what grants it.
SELECT has_schema_privilege(n.oid, 'USAGE') AS may_use,
       format('GRANT USAGE ON SCHEMA %%I TO %%I;', n.nspname, current_user) AS use,
       format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %%I TO %%I;', n.nspname, current_user) AS write,
       format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %%I TO %%I;', n.nspname, current_user) AS count,
       coalesce(bool_and(has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                         AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
                FILTER (WHERE c.relkind = 'r'), true) AS may_write,
       coalesce(bool_and(has_sequence_privilege(c.oid, 'USAGE')) FILTER (WHERE c.relkind = 'S'), true) AS may_count
FROM pg_namespace AS n LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = ANY(%(names)s::text[])
WHERE n.nspname = %(schema)s
GROUP BY n.oid
