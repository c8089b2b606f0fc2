-- What a migration finds before it changes anything.

-- name: facts
-- The database, the role and what the role may do. `schema` need not exist.
SELECT current_database()::text AS database, current_user::text AS role, current_setting('server_encoding') AS encoding,
       current_setting('server_version_num')::integer AS version, current_setting('server_version') AS version_text,
       pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
       pg_has_role(d.datdba, 'USAGE') AS owns_database,
       has_database_privilege(d.oid, 'CREATE') AS may_create_schema,
       n.oid IS NOT NULL AS has_schema,
       coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE'), false) AS may_use_schema,
       t.nspname::text AS trigram_schema, coalesce(has_schema_privilege(t.oid, 'USAGE'), false) AS may_use_trigrams,
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') AS has_trigram_files,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR has_database_privilege(d.oid, 'CREATE') AND EXISTS (
           SELECT FROM pg_available_extension_versions WHERE name = 'pg_trgm' AND trusted) AS may_create_trigrams,
       EXISTS (SELECT FROM pg_db_role_setting, unnest(setconfig) AS setting
               WHERE setdatabase = d.oid AND setrole = 0 AND setting LIKE 'search_path=%%') AS has_search_path,
       %(schema)s = 'public' AS is_public
FROM pg_database AS d
LEFT JOIN pg_namespace AS n ON n.nspname = %(schema)s
LEFT JOIN pg_extension AS e ON e.extname = 'pg_trgm'
LEFT JOIN pg_namespace AS t ON t.oid = e.extnamespace
WHERE d.datname = current_database()

-- name: relations
-- Everything with rows or a definition in the database; the objects of extensions do not count.
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')

-- name: names
-- The names that are taken in the schema: of tables, views, sequences, indexes, types and functions.
SELECT relname::text AS name FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
UNION SELECT typname::text FROM pg_type WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
UNION SELECT proname::text FROM pg_proc AS p
WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')

-- name: owners
-- Roles that own some of these tables, and whose rights ours does not have.
SELECT DISTINCT pg_get_userbyid(relowner)::text AS owner,
       format('GRANT %%I TO %%I;', pg_get_userbyid(relowner), current_user) AS grant FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND relkind = 'r'
  AND relname = ANY(%(names)s::text[]) AND NOT pg_has_role(relowner, 'USAGE')

-- name: wordings
-- Statements by their names, for this database and role.
SELECT format('CREATE SCHEMA %%I;', wanted.schema) AS create_schema,
       format('CREATE SCHEMA %%I AUTHORIZATION %%I;', wanted.schema, current_user) AS give_schema,
       format('GRANT USAGE, CREATE ON SCHEMA %%I TO %%I;', wanted.schema, current_user) AS grant_schema,
       'CREATE EXTENSION pg_trgm;' AS create_trigrams,
       (SELECT format('GRANT USAGE ON SCHEMA %%I TO %%I;', n.nspname, current_user) FROM pg_extension AS e
        JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm') AS grant_trigrams,
       format('CREATE DATABASE alexandria OWNER %%I ENCODING %%L LOCALE ''C.UTF-8'' TEMPLATE template0;',
              current_user, %(encoding)s::text) AS create_database,
       format('ALTER ROLE %%I IN DATABASE %%I SET default_transaction_read_only = off;',
              current_user, current_database()) AS allow_writing,
       format('ALTER DATABASE %%I SET search_path = %%I, public;', current_database(), wanted.schema) AS set_search_path,
       format('SET LOCAL search_path = %%I, public;', wanted.schema) AS set_local_path,
       format('CREATE ROLE %%I LOGIN IN ROLE %%I;', wanted.schema || '_psql', current_user) AS create_role,
       format('ALTER ROLE %%I IN DATABASE %%I SET search_path = %%I, public;',
              wanted.schema || '_psql', current_database(), wanted.schema) AS set_role_path
FROM (SELECT %(schema)s::text AS schema) AS wanted
